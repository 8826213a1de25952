"""The graphs that make videos larger, run through the host's API."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

FRAMES, WIDTH, HEIGHT = 20, 96, 64


@pytest.fixture(scope="module")
def clip(tmp_path_factory, pack):
    """Not a second of two faces, with sound."""
    path = tmp_path_factory.mktemp("clip") / "video.mp4"
    picture = Image.open(pack / "tests" / "media" / "two_faces.png").convert("RGB").resize((WIDTH, HEIGHT))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=22050, layout="mono")
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
        tone = np.sin(np.arange(22050 * FRAMES // 25, dtype=np.float32) / 9)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 22050, 0, Fraction(1, 22050)
        for part in av.AudioResampler("fltp", "mono", 22050, frame_size=1024).resample(frame):
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    return path


@pytest.fixture
def upscale_graph(host, shipped_graph, clip):
    host.add_input(clip)
    return shipped_graph("upscale_video")


def sound_packets(path):
    with av.open(str(path)) as video:
        return [bytes(packet) for packet in video.demux(audio=0)]


def test_a_video_from_the_input_folder_is_made_larger_with_its_very_sound(host, upscale_graph, clip, film):
    run = host.run(upscale_graph)
    assert run.status == "success", run.message
    (saved,) = host.saved_files(run, "5")
    made = film(saved)
    assert made.frames.shape == (FRAMES, 2 * HEIGHT, 2 * WIDTH, 3) and made.fps == 25
    assert sound_packets(saved) == sound_packets(clip)
    progress = [(value, maximum) for _at, value, maximum in run.progress_of("4")]
    assert progress[-1] == (FRAMES, FRAMES) and progress == sorted(progress)
    assert not host.network_attempts()


def test_a_stopped_graph_run_again_goes_on(host, upscale_graph, film):
    upscale_graph["4"]["inputs"]["fidelity"] = 0.25  # a job of its own

    def after_the_first_clip(message):
        return message["type"] == "progress" and message["data"]["value"] == 18

    assert host.run(upscale_graph, interrupt_when=after_the_first_clip).status == "interrupted"
    run = host.run(upscale_graph)
    assert run.status == "success", run.message
    # Cancel may come when all frames are made, and only the joining is left.
    assert all(value >= 17 for _at, value, _maximum in run.progress_of("4"))
    assert len(film(host.saved_files(run, "5")[0]).frames) == FRAMES


def test_a_trimmed_video_is_read_as_trimmed(host, upscale_graph, film):
    if "Video Slice" not in host.nodes():
        pytest.skip("this host has no node that trims videos")
    upscale_graph["6"] = {
        "class_type": "Video Slice",
        "inputs": {"video": ["1", 0], "start_time": 0.2, "duration": 0.4, "strict_duration": True},
    }
    upscale_graph["4"]["inputs"]["video"] = ["6", 0]
    run = host.run(upscale_graph)
    assert run.status == "success", run.message
    made = film(host.saved_files(run, "5")[0])
    assert made.frames.shape == (10, 2 * HEIGHT, 2 * WIDTH, 3)
    assert abs(made.sound_seconds - 0.4) < 1024 / 22050
    upscale_graph["6"]["inputs"]["start_time"] = -0.2  # from the end
    upscale_graph["6"]["inputs"]["duration"] = 0.0
    run = host.run(upscale_graph)
    assert run.status == "success", run.message
    assert len(film(host.saved_files(run, "5")[0]).frames) == 5
    upscale_graph["7"] = {"class_type": "Hallo2InspectVideo", "inputs": {"video": ["6", 0], "clip_frames": 2}}
    upscale_graph["8"] = {"class_type": "PreviewAny", "inputs": {"source": ["7", 1]}}
    assert "5 frames, 3 clips" in host.run(upscale_graph).outputs["8"]["text"][0]


def test_a_cropped_video_is_read_as_cropped(host, upscale_graph, film):
    whole = film(host.saved_files(host.run(upscale_graph), "5")[0])
    upscale_graph["6"] = {"class_type": "ProbeCroppedVideo", "inputs": {"video": ["1", 0]}}
    upscale_graph["4"]["inputs"]["video"] = ["6", 0]
    run = host.run(upscale_graph)
    assert run.status == "success", run.message
    made = film(host.saved_files(run, "5")[0])
    assert made.frames.shape == (FRAMES, 2 * HEIGHT, WIDTH, 3)
    corner = np.s_[:, :8, :8]
    assert np.abs(made.frames[corner].astype(int) - whole.frames[corner].astype(int)).mean() < 12


def test_all_but_the_faces_can_be_drawn_by_the_hosts_own_upscale_model(host, upscale_graph, film):
    plain = film(host.saved_files(host.run(upscale_graph), "5")[0])
    upscale_graph["6"] = {"class_type": "ProbeUpscaleModel", "inputs": {}}
    upscale_graph["4"]["inputs"]["upscale_model"] = ["6", 0]
    run = host.run(upscale_graph)
    assert run.status == "success", run.message
    made = film(host.saved_files(run, "5")[0])
    assert made.frames.shape == plain.frames.shape
    corner = np.s_[:, :8, :8]
    assert np.abs(made.frames[corner].astype(int) - (255 - plain.frames[corner].astype(int))).mean() < 12


def test_settings_that_do_not_fit_are_said_before_the_start(host, upscale_graph):
    upscale_graph["4"]["inputs"]["overlap"] = 9
    assert "overlap is 9 frames" in host.run(upscale_graph).message
    upscale_graph["4"]["inputs"] |= {"overlap": 4, "target": "long side", "long_side": 4096, "codec": "h264"}
    assert "beyond level 5.2" in host.run(upscale_graph).message


def test_animated_then_upscaled(host, shipped_graph, pack, film):
    examples = pack / "hallo2_core" / "examples"
    host.add_input(examples / "portrait.png")
    host.add_input(examples / "voice.wav", "speech.wav")
    graph = shipped_graph("animate_and_upscale")
    graph["trim"] = {"class_type": "TrimAudioDuration",
                     "inputs": {"audio": ["11", 0], "start_index": 0, "duration": 0.5}}  # fmt: skip
    graph["5"]["inputs"]["audio"] = ["trim", 0]
    graph["9"]["inputs"]["steps"] = 1
    run = host.run(graph)
    assert run.status == "success", run.message
    (saved,) = host.saved_files(run, "10")
    made = film(saved)
    assert made.frames.shape == (13, 256, 256, 3) and abs(made.sound_seconds - 0.5) < 0.06
    assert not host.network_attempts()
