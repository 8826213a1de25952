"""Out of memory in the host: once the video goes on with the same frames, twice it stops and keeps its job.

Probes raise the host's own exception in the very call that is meant.
"""

import shutil

import av
import numpy as np
import pytest
from PIL import Image

STEPS, CLIP_FRAMES = 2, 16
TWICE = "ran out of memory even with everything else moved off it (Allocation on device). Choose a smaller"


def jobs(host):
    return host.base / "output" / "hallo2_jobs"


def frames(host, run, node):
    assert run.status == "success", run.message
    with av.open(str(host.saved_files(run, node)[0])) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture
def animate(host, demo_graph):
    """of_run: makes it another graph for the host, which keeps results."""

    def run(of_run, network="vae", call=0, times=1):
        short = {"network": network, "call": call, "times": times, "of_run": of_run}
        demo_graph["short"] = {"class_type": "ProbeShortInModel", "inputs": {"model": ["2", 0], **short}}
        demo_graph["6"]["inputs"]["face_expand"] = 1.4  # a portrait of its own
        for node in ("7", "9"):
            demo_graph[node]["inputs"]["model"] = ["short", 0]
        demo_graph["9"]["inputs"]["steps"] = STEPS
        return host.run(demo_graph)

    return run


@pytest.fixture(scope="module")
def made_before():
    return {}


@pytest.fixture
def undisturbed(host, animate, made_before):
    """The frames of a run with memory enough, once for each host; its job is then forgotten."""
    shutil.rmtree(jobs(host), ignore_errors=True)
    if host.url not in made_before:
        made_before[host.url] = frames(host, animate("memory enough"), "10")
        shutil.rmtree(jobs(host))
    return made_before[host.url]


@pytest.mark.parametrize(("network", "call"), [("denoising_unet", STEPS), ("vae", 2), ("vae", CLIP_FRAMES + 1)])
def test_once_in_a_step_or_the_vae_the_clip_is_made_again(host, animate, undisturbed, network, call):
    started = len(host.log())
    run = animate(f"once in {network} {call}", network, call)
    assert np.array_equal(frames(host, run, "10"), undisturbed)
    assert host.log()[started:].count("Out of memory (Allocation on device): trying again") == 1


@pytest.mark.parametrize(("network", "call"), [("denoising_unet", STEPS + 1), ("vae", CLIP_FRAMES + 1)])
def test_twice_it_stops_and_the_same_graph_goes_on(host, animate, undisturbed, network, call):
    stopped = animate(f"twice in {network} {call}", network, call, times=2)
    assert stopped.status == "error" and TWICE in stopped.message and "fp16" in stopped.message
    assert len(list(jobs(host).glob("*/clips-*.ts"))) == 1
    again = animate(f"after two in {network}")
    assert np.array_equal(frames(host, again, "10"), undisturbed)
    assert min(value for _at, value, _maximum in again.progress_of("9")) == STEPS + 2  # the first clip is not made anew


@pytest.fixture(scope="module")
def clip(tmp_path_factory, pack):
    """Forty frames: three windows."""
    path = tmp_path_factory.mktemp("clip") / "video.mp4"
    picture = Image.open(pack / "tests" / "media" / "two_faces.png").convert("RGB").resize((96, 64))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(40):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return path


def test_in_the_restorer_once_it_goes_on_and_twice_it_stops_and_keeps_the_job(host, shipped_graph, clip):
    host.add_input(clip)

    def upscale(of_run, call=0, times=1):
        graph = shipped_graph("upscale_video")
        short = {"network": "restorer", "call": call, "times": times, "of_run": of_run}
        graph["short"] = {
            "class_type": "ProbeShortInUpscaler", "inputs": {"upscaler": graph["4"]["inputs"]["upscaler"], **short}
        }  # fmt: skip
        graph["4"]["inputs"]["upscaler"] = ["short", 0]
        graph["1"]["inputs"]["file"] = clip.name
        return host.run(graph)

    shutil.rmtree(jobs(host), ignore_errors=True)
    undisturbed = frames(host, upscale("memory enough"), "5")
    shutil.rmtree(jobs(host))
    started = len(host.log())
    assert np.array_equal(frames(host, upscale("once", 2), "5"), undisturbed)
    assert host.log()[started:].count("Out of memory (Allocation on device): trying again") == 1
    shutil.rmtree(jobs(host))
    stopped = upscale("twice", 3, times=2)
    assert stopped.status == "error" and TWICE in stopped.message and "window" in stopped.message
    assert len(list(jobs(host).glob("*/clips-*.ts"))) == 1
    assert np.array_equal(frames(host, upscale("later"), "5"), undisturbed)
