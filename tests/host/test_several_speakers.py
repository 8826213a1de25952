"""Two faces in one picture, each with its own voice, in the real host."""

import numpy as np
import pytest
from PIL import Image

TRIM = {"class_type": "TrimAudioDuration", "inputs": {"audio": ["5", 3], "start_index": 1.7, "duration": 1.0}}


@pytest.fixture
def two_speakers(shipped_graph):
    """The shipped graph, cut to the second around the first change of speaker, and to one step."""
    graph = shipped_graph("two_speakers")
    graph["trim"] = TRIM
    graph["6"]["inputs"] |= {"audio": ["trim", 0], "timeline": "0-0.5 left; 0.5- right"}
    for encode, sample in (("10", "13"), ("20", "23")):
        graph[encode]["inputs"]["sound"] = ["trim", 0]
        graph[sample]["inputs"]["steps"] = 1
    return graph


def test_both_faces_are_animated_in_one_picture_under_the_whole_sound(host, two_speakers, pack, film):
    run = host.run(two_speakers)
    assert run.status == "success", run.message
    made = film(host.saved_files(run, "30")[0])
    assert made.frames.shape == (25, 256, 512, 3) and abs(made.sound_seconds - 1.0) < 0.07
    assert run.outputs["6"]["text"] == ["left: 0.50 s\nright: 0.50 s"]
    moved = np.abs(made.frames.astype(np.float32) - made.frames[0]).max(axis=(0, 3)) > 0
    left, right = moved[:, :256], moved[:, 256:]
    assert left.mean() > 0.3 and right.mean() > 0.3
    original = np.asarray(Image.open(pack / "hallo2_core" / "examples" / "two_faces.png").convert("RGB"), np.float32)
    still = ~moved
    still[8:-8, 8:-8] = False  # the rim, which lies outside both crops
    assert still.any() and np.abs(made.frames[0][still] - original[still]).mean() < 3


def test_a_name_that_is_no_speaker_is_refused_before_the_run(host, two_speakers, refused):
    two_speakers["6"]["inputs"]["timeline"] = "0-0.5 left; 0.5- Right"
    with pytest.raises(refused) as refusal:
        host.run(two_speakers)
    assert "'Right' speaks in the timeline, but the speakers are left, right" in refusal.value.details("6")
