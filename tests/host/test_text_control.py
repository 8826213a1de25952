"""Prompts and weights over time, in the real host: the shipped graph, the adapter's loader, the refusals."""

import numpy as np
import pytest

LOAD, PROMPTS, WEIGHTS, SAMPLE = "12", "13", "15", "9"


@pytest.fixture
def short_graph(host, shipped_graph, pack):
    """The shipped graph, cut to a second of sound and one step: clips of frames 0-15 and 16-24."""
    examples = pack / "hallo2_core" / "examples"
    host.add_input(examples / "portrait.png")
    host.add_input(examples / "voice.wav", "speech.wav")
    graph = shipped_graph("animate_with_prompts")
    graph["trim"] = {"class_type": "TrimAudioDuration", "inputs": {"audio": ["11", 0], "start_index": 0, "duration": 1}}
    graph["5"]["inputs"]["audio"] = ["trim", 0]
    graph[SAMPLE]["inputs"]["steps"] = 1
    graph[PROMPTS]["inputs"] |= {"timeline": "0-0.5 smiling; 0.5- serious, slow nod", "transition_seconds": 0.2}
    graph[WEIGHTS]["inputs"] |= {"timeline": "lip 1.2 @ 0-0.5, 0.8 @ 0.5-", "transition_seconds": 0.2}
    return graph


def frames_of(host, graph, film):
    run = host.run(graph)
    assert run.status == "success", run.message
    return film(host.saved_files(run, "10")[0]).frames


def test_the_shipped_graph_runs_offline_to_a_video_with_its_sound(host, short_graph, film):
    run = host.run(short_graph)
    assert run.status == "success", run.message
    made = film(host.saved_files(run, "10")[0])
    assert made.frames.shape == (25, 128, 128, 3) and made.fps == 25
    assert abs(made.sound_seconds - 1.0) < 0.05 and made.sound_rate_hz == 22050
    assert run.outputs[PROMPTS]["text"][0].startswith("0-0.5 smiling; 0.5- serious, slow nod")
    assert not host.network_attempts()


def test_prompts_act_from_their_clip_on_through_an_adapter_that_is_not_zero(host, short_graph, film):
    """Lossless, and without the weights, to compare frame by frame."""
    short_graph[SAMPLE]["inputs"]["quality"] = 0
    del short_graph[SAMPLE]["inputs"]["weights"]
    short_graph[PROMPTS]["inputs"] |= {"timeline": "20f- smiling", "transition_seconds": 0.0}
    acted = frames_of(host, short_graph, film)
    short_graph[LOAD]["inputs"]["file"] = "zero"
    zero = frames_of(host, short_graph, film)
    del short_graph[SAMPLE]["inputs"]["text"]
    without = frames_of(host, short_graph, film)
    assert np.array_equal(zero, without)
    assert np.array_equal(acted[:16], without[:16]) and not np.array_equal(acted[16:], without[16:])


def test_prompts_without_an_adapter_are_refused_with_what_to_do(host, short_graph):
    short_graph[SAMPLE]["inputs"]["model"] = ["2", 0]
    run = host.run(short_graph)
    assert run.status == "error"
    for part in ("no text-control adapter", "has to be trained", "'Load Text Control'", "disconnect the prompts"):
        assert part in run.message


def test_spans_in_frames_and_in_seconds_that_overlap_are_refused_before_the_work(host, short_graph):
    short_graph[WEIGHTS]["inputs"]["timeline"] = "lip 1.2 @ 0-50f, 0.8 @ 1-"
    run = host.run(short_graph)
    assert run.status == "error" and "'1-' begins before 0-50f has ended" in run.message
    assert not run.progress_of(SAMPLE)


def test_an_adapter_that_is_not_there_is_named_with_its_folder(host, refused, short_graph):
    short_graph[LOAD]["inputs"]["file"] = "text_control/smile.safetensors"
    with pytest.raises(refused) as caught:
        host.run(short_graph)
    said = caught.value.details(LOAD)
    assert "text_control/smile.safetensors" in said and "models/hallo2/text_control" in said


def test_adapters_are_listed_for_their_loader_and_for_no_other(host):
    folder = host.base / "models" / "hallo2" / "text_control"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "listed.safetensors").touch()
    try:
        nodes = host.nodes()
        listed = {name: str(nodes[name]["input"]["required"]["file"]) for name in
                  ("Hallo2LoadTextControl", "Hallo2LoadModel", "Hallo2LoadUpscaler")}  # fmt: skip
    finally:
        (folder / "listed.safetensors").unlink()
    assert "text_control/listed.safetensors" in listed.pop("Hallo2LoadTextControl")
    assert not any("listed" in choices for choices in listed.values())
