"""The shipped graphs, run through the host's API."""

import math
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

API_GRAPHS = sorted((Path(__file__).parents[2] / "workflows" / "api").glob("*.json"))
HAVE_TESTS_OF_THEIR_OWN = {
    "first_run_demo",
    "animate_with_prompts",
    "upscale_video",
    "animate_and_upscale",
    "two_speakers",
    "speech_from_noisy_recording",
    "farm",
}
LOADERS = ("Hallo2LoadModel", "Hallo2LoadSpeechEncoder", "Hallo2LoadUpscaler", "Hallo2LoadFaceAnalysis")


def with_the_demo(graph):
    """The demo models, half a second and one step. The demo has a VAE of its own; the self-test is tested elsewhere."""
    left_out = {key for key, node in graph.items() if node["class_type"] in ("VAELoader", "Hallo2Selftest")}
    small = {key: node for key, node in graph.items() if key not in left_out}
    for node in small.values():
        inputs = node["inputs"]
        linked = [name for name, value in inputs.items() if isinstance(value, list) and value[0] in left_out]
        for name in linked:
            del inputs[name]
        if node["class_type"] in LOADERS:
            inputs[next(iter(inputs))] = "demo"
        elif node["class_type"] == "Hallo2PreparePortrait":
            inputs |= {"width": 128, "height": 128}
        elif "steps" in inputs:
            inputs["steps"] = 1
    for key, node in list(small.items()):
        if node["class_type"] == "Hallo2EncodeSpeech":
            trim = {"audio": node["inputs"]["audio"], "start_index": 0, "duration": 0.5}
            small[f"trim {key}"] = {"class_type": "TrimAudioDuration", "inputs": trim}
            node["inputs"]["audio"] = [f"trim {key}", 0]
    return small


@pytest.mark.parametrize("name", sorted({path.stem for path in API_GRAPHS} - HAVE_TESTS_OF_THEIR_OWN))
def test_the_shipped_graph_runs_on_the_demo(host, shipped_graph, users_files, name):
    graph = with_the_demo(shipped_graph(name))
    run = host.run(graph)
    assert run.status == "success", run.message
    shown = {key for key, node in graph.items() if node["class_type"] in ("SaveVideo", "PreviewImage")}
    assert shown <= set(run.outputs) and all(host.saved_files(run, key)[0].stat().st_size for key in shown)
    assert run.outputs and not host.network_attempts()


def saved_film(host, run, film):
    """The video that the graph saved."""
    assert run.status == "success", run.message
    (saved,) = host.saved_files(run, "10")
    return film(saved)


def test_the_demo_graph_runs_offline_to_a_video_with_its_sound(host, demo_run, film):
    made = saved_film(host, demo_run, film)
    assert made.frames.shape == (25, 128, 128, 3) and made.fps == 25
    assert abs(made.sound_seconds - 1.0) < 0.05 and made.sound_rate_hz == 22050
    assert not host.network_attempts()


def test_progress_runs_over_the_whole_video_with_previews(demo_run):
    progress = [(value, maximum) for _at, value, maximum in demo_run.progress_of("9")]
    assert progress == sorted(progress)
    assert progress[-1] == (4, 4)  # two clips, each of one step and its decoding
    assert any(message["type"] == "binary" for _at, message in demo_run.events)


def test_what_the_portrait_lacks_is_said_at_the_node(demo_run):
    (said,) = demo_run.outputs["6"]["text"]
    assert "identity embedding" in said


@pytest.mark.slow
def test_the_whole_demo_graph_runs_on_a_new_empty_host(empty_host, shipped_graph, pack, film):
    made = saved_film(empty_host, empty_host.run(shipped_graph("first_run_demo"), timeout_s=1200), film)
    with wave.open(str(pack / "hallo2_core" / "examples" / "voice.wav")) as voice:
        seconds = voice.getnframes() / voice.getframerate()
    assert made.frames.shape == (math.ceil(seconds * 25), 512, 512, 3) and abs(made.sound_seconds - seconds) < 0.05
    assert not empty_host.network_attempts()


def test_half_loaded_networks_give_the_same_frames(host, demo_graph, demo_run, film):
    whole = saved_film(host, demo_run, film)
    demo_graph["half"] = {"class_type": "ProbeHalfLoaded", "inputs": {"model": ["2", 0]}}
    demo_graph["6"]["inputs"]["face_expand"] = 1.25  # as in `demo_run`
    for node in ("7", "9"):
        demo_graph[node]["inputs"]["model"] = ["half", 0]
    shutil.rmtree(host.base / "output" / "hallo2_jobs")  # or the finished video would come back at once
    before = host.log().count("loaded partially")
    half = saved_film(host, host.run(demo_graph), film)
    assert host.log().count("loaded partially") > before
    assert np.array_equal(whole.frames, half.frames)


def test_cancel_ends_within_two_steps_and_leaves_nothing_behind(host, demo_graph):
    demo_graph["9"]["inputs"]["steps"] = 60

    def at_the_third_step(message):
        return message["type"] == "progress" and message["data"]["value"] == 3

    before = sorted((host.base / "output").rglob("*"))
    run = host.run(demo_graph, interrupt_when=at_the_third_step)
    assert run.status == "interrupted"
    (pressed,) = [at for at, message in run.events if message["type"] == "cancel_pressed"]
    assert len([at for at, _value, _maximum in run.progress_of("9") if at > pressed]) <= 2
    assert sorted((host.base / "output").rglob("*")) == before
