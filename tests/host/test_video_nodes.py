"""Nodes that process a finished video, in the real host."""

import numpy as np
import pytest
from PIL import Image


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


def test_a_video_is_evaluated_against_itself(host, demo_graph):
    demo_graph["11"] = {
        "class_type": "Hallo2EvaluateVideo",
        "inputs": {"video": ["9", 0], "clip_frames": 16, "reference": ["9", 0]},
    }
    demo_graph["12"] = {"class_type": "PreviewImage", "inputs": {"images": ["11", 0]}}
    run = host.run(demo_graph)
    assert run.status == "success", run.message
    assert len(run.outputs["12"]["images"]) == 1
    (said,) = run.outputs["11"]["text"]
    header, row = (line.split() for line in said.splitlines()[:2])
    found = dict(zip(header, row, strict=True))
    assert found["video"] == "video" and (found["psnr"], found["ssim"]) == ("100", "1")
    assert float(found["flicker"]) > 0 and float(found["seam_jump"]) > 0


def test_the_motion_frames_preview_knows_the_portrait(host, demo_graph, refused):
    motion = demo_graph["8"]["inputs"]
    motion |= {"preset": "paper", "noise": "time", "noise_time": 10, "portrait": ["6", 0]}
    motion |= {"adaptive_drop": True, "colour_match": True}
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


def test_a_face_in_a_wide_picture_is_animated_and_put_back(host, demo_graph, pack, film):
    picture = pack / "tests" / "media" / "portrait_wide.png"
    host.add_input(picture)
    demo_graph["15"] = {"class_type": "LoadImage", "inputs": {"image": picture.name}}
    demo_graph["6"]["inputs"] |= {"image": ["15", 0], "width": 128, "height": 192, "crop": "face"}
    demo_graph["16"] = {
        "class_type": "Hallo2PasteBack",
        "inputs": {"video": ["9", 0], "portrait": ["6", 0], "feather": 0.1, "codec": "h264", "quality": 0},
    }
    demo_graph["10"]["inputs"]["video"] = ["16", 0]
    run = host.run(demo_graph)
    assert run.status == "success", run.message
    made = film(host.saved_files(run, "10")[0])
    original = np.asarray(Image.open(picture).convert("RGB"), np.float32)
    assert made.frames.shape == (25, 288, 512, 3) and abs(made.sound_seconds - 1.0) < 0.05
    moved = np.abs(made.frames.astype(np.float32) - made.frames[0]).max(axis=(0, 3)) > 0
    columns, rows = moved.any(axis=0).nonzero()[0], moved.any(axis=1).nonzero()[0]
    around = np.ones((288, 512), bool)
    around[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = False
    assert 0.3 < around.mean() < 0.99
    assert np.abs(made.frames[0][around] - original[around]).mean() < 3  # another reader's colours, halved
