"""Cancel in every stage: it takes effect within two denoising steps, finished work is kept, and the same graph queued
again continues there, with the frames of an uninterrupted run.

Probes cancel from inside the host, to hit the intended stage exactly.
"""

import re
import shutil
from dataclasses import dataclass

import av
import numpy as np
import pytest
from PIL import Image

STEPS, CLIPS, CLIP_FRAMES = 2, 2, 16
REPORTS_A_CLIP = STEPS + 1
WINDOWS = {"window": 8, "overlap": 2}  # of the upscaler


@dataclass(frozen=True)
class Stage:
    """In the so-manyth call of a network, or of the sound, cancel is pressed."""

    network: str
    call: int
    kept: int  # clips that are finished by then, or just after


STAGES = {
    "speech": Stage("encoder", 1, 0),
    "reference": Stage("reference_net", 1, 0),
    "denoising": Stage("denoising_unet", STEPS + 1, 1),  # while the first clip is encoded and written
    "decoding": Stage("vae", CLIP_FRAMES + 4, 1),
    "joining": Stage("audio", 4, 2),  # read once for its name, if at all, then twice by the growing video
}


def pressed_in(graph, stage, of_run):
    """The graph with cancel pressed there. of_run: makes it another graph for the host, which keeps results."""
    graph["press"] = {"class_type": "ProbePressInModel", "inputs": {"model": ["2", 0], **stage, "of_run": of_run}}
    graph["press too"] = {"class_type": "ProbePressInSpeech", "inputs": {"speech": ["5", 0], **stage, "of_run": of_run}}
    graph["6"]["inputs"]["face_expand"] = 1.3  # a portrait of its own: what the host keeps it does not say again
    for node in ("7", "9"):
        graph[node]["inputs"]["model"] = ["press", 0]
    graph["9"]["inputs"] |= {"speech": ["press too", 0], "steps": STEPS}
    return graph


@pytest.fixture
def graph(demo_graph):
    return lambda of_run, network="vae", call=0: pressed_in(demo_graph, {"network": network, "call": call}, of_run)


def jobs(host):
    return host.base / "output" / "hallo2_jobs"


@pytest.fixture(scope="module")
def made_before():
    return {}


@pytest.fixture
def undisturbed(host, graph, film, made_before):
    """The frames of a run that nobody stops, once for each host; its job is then forgotten."""
    shutil.rmtree(jobs(host), ignore_errors=True)
    if host.url not in made_before:
        run = host.run(graph("undisturbed"))
        assert run.status == "success", run.message
        made_before[host.url] = film(host.saved_files(run, "10")[0]).frames
        shutil.rmtree(jobs(host))
    return made_before[host.url]


@pytest.mark.parametrize("name", STAGES)
def test_cancelled_in_every_stage_it_goes_on_there(host, graph, film, undisturbed, name):
    stage = STAGES[name]
    stopped = host.run(graph(f"{name} stopped", stage.network, stage.call))
    assert stopped.status == "interrupted", stopped.message
    reports = [value for _at, value, _maximum in stopped.progress_of("9")]
    assert max(reports, default=0) <= stage.kept * REPORTS_A_CLIP + 2
    assert len(list(jobs(host).glob("*/clips-*.ts"))) == (stage.kept > 0)
    watchable = list(jobs(host).glob("*/*.mp4"))
    assert [path.name for path in watchable] == ["growing.mp4"] * (stage.kept == 1)
    told = [message["data"] for _at, message in stopped.events if message["type"] == "hallo2_growing_video"]
    assert len(told) == stage.kept
    for growing in watchable:
        assert np.array_equal(film(growing).frames, undisturbed[:CLIP_FRAMES])
        subfolder = f"hallo2_jobs/{growing.parent.name}"
        assert told == [{"node": "9", "file": {"filename": "growing.mp4", "subfolder": subfolder, "type": "output"}}]

    again = host.run(graph(f"{name} again"))
    assert again.status == "success", again.message
    reports = [value for _at, value, _maximum in again.progress_of("9")]
    assert min(reports, default=CLIPS * REPORTS_A_CLIP + 1) == stage.kept * REPORTS_A_CLIP + 1
    assert np.array_equal(film(host.saved_files(again, "10")[0]).frames, undisturbed)


@pytest.fixture(scope="module")
def clip(tmp_path_factory, pack):
    """Twenty-two frames of a face: with `WINDOWS` four windows, which begin every six frames."""
    path = tmp_path_factory.mktemp("clip") / "video.mp4"
    picture = Image.open(pack / "tests" / "media" / "two_faces.png").convert("RGB").resize((96, 64))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(22):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return path


def test_cancelled_while_it_is_upscaled_it_goes_on_there(host, shipped_graph, clip):
    """Cancelled in the fourth window: 18 frames are finished by then, of which the first 16 are a clip."""
    host.add_input(clip)

    def graph(of_run, call=0):
        graph = shipped_graph("upscale_video")
        upscaler = graph["4"]["inputs"]["upscaler"]
        stage = {"network": "restorer", "call": call, "of_run": of_run}
        graph["press"] = {"class_type": "ProbePressInUpscaler", "inputs": {"upscaler": upscaler, **stage}}
        graph["4"]["inputs"] |= {"upscaler": ["press", 0], **WINDOWS}
        return graph

    shutil.rmtree(jobs(host), ignore_errors=True)
    undisturbed = film_without_sound(host, host.run(graph("upscaled")))
    shutil.rmtree(jobs(host))
    stopped = host.run(graph("upscaling stopped", call=4))
    assert stopped.status == "interrupted", stopped.message
    assert len(list(jobs(host).glob("*/clips-*.ts"))) == 1
    again = host.run(graph("upscaling again"))
    assert np.array_equal(film_without_sound(host, again), undisturbed)
    assert min(value for _at, value, _maximum in again.progress_of("4")) == CLIP_FRAMES + 1


def film_without_sound(host, run):
    assert run.status == "success", run.message
    with av.open(str(host.saved_files(run, "5")[0])) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_what_there_is_to_make_stands_in_the_log_and_how_long_it_takes_after_some_steps(host, graph):
    shutil.rmtree(jobs(host), ignore_errors=True)
    started = len(host.log())
    run = host.run(graph("told"))
    assert run.status == "success", run.message
    said = host.log()[started:]
    assert "25 frames in 2 clips; the file will have" in said and "GiB of memory at once" in said
    assert re.search(r"Clip \d of 2, about \d+ s to go\. 25 frames in 2 clips; the file ", said)
