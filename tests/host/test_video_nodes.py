"""What is done with a finished video, in the real host."""

import pytest


@pytest.fixture
def inspect_graph(demo_graph):
    demo_graph["11"] = {
        "class_type": "Hallo2InspectVideo",
        "inputs": {"video": ["9", 0], "clip_frames": 16, "portrait": ["6", 0]},
    }
    demo_graph["12"] = {"class_type": "PreviewImage", "inputs": {"images": ["11", 0]}}
    demo_graph["13"] = {"class_type": "PreviewAny", "inputs": {"source": ["11", 1]}}
    return demo_graph


def test_inspect_shows_a_plot_and_says_how_it_went(host, inspect_graph):
    run = host.run(inspect_graph)
    assert run.status == "success", run.message
    assert len(run.outputs["12"]["images"]) == 1
    (said,) = run.outputs["11"]["text"]
    assert "25 frames, 2 clips" in said and run.outputs["13"]["text"] == [said]


def test_the_motion_frames_preview_knows_the_portrait(host, demo_graph, refused):
    motion = demo_graph["8"]["inputs"]
    motion |= {"preset": "paper", "noise": "time", "noise_time": 10, "adaptive_drop": True, "portrait": ["6", 0]}
    del demo_graph["9"], demo_graph["10"]
    demo_graph["14"] = {"class_type": "PreviewImage", "inputs": {"images": ["8", 1]}}
    run = host.run(demo_graph)
    assert run.status == "success", run.message
    assert len(run.outputs["14"]["images"]) == 4  # the paper's motion frames
    motion |= {"preset": "custom", "noise": "purple"}
    try:
        assert "purple" in host.run(demo_graph).message
    except refused as answer:
        assert "noise" in answer.details("8")
