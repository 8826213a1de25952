import json
from dataclasses import replace

from small_render import a_render, make

from hallo2_core.inspection.record_text import record_text
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights
from hallo2_core.video.metadata import MetadataChoice, read_record


def test_the_video_names_its_settings_seeds_and_fingerprints(tmp_path):
    render = a_render(seed=7)
    inputs = replace(render.inputs, weights=parse_weights("lip 1.2 @ 0-2", Transition()))
    record = read_record(make(replace(render, inputs=inputs), tmp_path).path)
    settings = record["settings"]
    assert settings["sampler"]["seed"] == 7 and settings["sampler"]["steps"] == 1 and settings["fps"] == "25"
    assert settings["clip"] == {"frames": 4, "motion_frames": 2} and settings["patch_drop"]["seed"] == 42
    assert settings["weights"] == "lip 1.2 @ 0-2" and settings["file"]["codec"] == "h264"
    assert record["fingerprints"] == {"work": "key"}  # of this job's key
    assert record["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    text = record_text(json.loads(json.dumps(record)))
    assert "seed 7" in text and "lip 1.2 @ 0-2" in text and "work: key" in text


def test_it_can_be_left_out(tmp_path):
    render = replace(a_render(), metadata=MetadataChoice("none"))
    assert read_record(make(render, tmp_path).path) is None
    assert record_text(None) == "The file does not say how it was made."
