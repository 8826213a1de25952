"""Attention maps of a clip, in the real host."""

import numpy as np
import pytest
from PIL import Image

SHARED = ("model", "reference", "speech", "motion", "steps", "cfg", "seed", "pose_weight", "face_weight", "lip_weight")


@pytest.fixture
def maps_graph(demo_graph):
    """The sampler of the demo graph replaced: the second of two clips, of which the video has nine frames."""
    sampler = demo_graph.pop("9")["inputs"]
    del demo_graph["10"]
    demo_graph["6"]["inputs"] |= {"width": 128, "height": 192}
    demo_graph["17"] = {
        "class_type": "Hallo2AttentionMaps",
        "inputs": {name: sampler[name] for name in SHARED} | {"clip": 1, "denoising_phase": "all", "scale": "all"},
    }
    for node, output in (("18", 0), ("19", 1)):
        demo_graph[node] = {"class_type": "PreviewImage", "inputs": {"images": ["17", output]}}
    return demo_graph


@pytest.mark.parametrize("cfg", [1.0, 3.5], ids=["guidance off", "guided"])
def test_a_clip_has_an_overview_and_a_picture_of_each_frame(host, maps_graph, cfg):
    maps_graph["17"]["inputs"] |= {"cfg": cfg, "weights": ["20", 0]}
    timeline = {"timeline": "lip 1.2 @ 0-0.5", "transition_seconds": 0.2, "blend": "linear"}
    maps_graph["20"] = {"class_type": "Hallo2WeightTimeline", "inputs": timeline}
    run = host.run(maps_graph)
    assert run.status == "success", run.message
    (overview,), frames = ([Image.open(path) for path in host.saved_files(run, node)] for node in ("18", "19"))
    assert overview.width == 1320 and overview.height > 1320
    assert len(frames) == 9 and len({frame.size for frame in frames}) == 1
    assert not np.array_equal(np.asarray(frames[0]), np.asarray(frames[1]))
    assert run.progress_of("17")[-1][1:] == (4, 4)  # two clips, each of one step and its decoding


def test_cancel_is_heard(host, maps_graph):
    maps_graph["17"]["inputs"]["steps"] = 60

    def at_the_third_step(message):
        return message["type"] == "progress" and message["data"]["value"] == 3

    run = host.run(maps_graph, interrupt_when=at_the_third_step)
    assert run.status == "interrupted"
    (pressed,) = [at for at, message in run.events if message["type"] == "cancel_pressed"]
    assert len([at for at, _value, _maximum in run.progress_of("17") if at > pressed]) <= 2


def test_a_clip_that_the_video_has_not_is_refused(host, maps_graph):
    maps_graph["17"]["inputs"]["clip"] = 2
    run = host.run(maps_graph)
    assert run.status == "error" and "the video has 2, counted from 0; choose 0 to 1" in run.message
