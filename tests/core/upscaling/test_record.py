from fractions import Fraction

import pytest
import torch
from faces_on_script import ScriptedFaces
from seeded_models import seeded_upscaler
from small_render import a_render, make

from hallo2_core.inspection.record_text import record_text
from hallo2_core.jobs.job import Job
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render import upscale_video
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.metadata import PARTLY_GENERATED, read_record
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A video of another program."""
    with VideoWriter(tmp_path_factory.mktemp("video") / "filmed.mp4", 48, 32, Fraction(25)) as video:
        video.write(torch.rand(3, 32, 48, 3))
    return video.path


def record_after(source, folder, faces=None):
    upscale = Upscale(source, seeded_upscaler(), faces, UpscaleSettings(96, 64), VideoSettings(preset="ultrafast"))
    job = Job(folder / "job", upscale_key(upscale, LocalRuntime()))
    return read_record(upscale_video(upscale, job, folder / "large.mp4", LocalRuntime()).path)


def test_an_animated_video_keeps_its_record_and_its_mark(tmp_path):
    animated = make(a_render(seed=7), tmp_path).path
    record = record_after(animated, tmp_path)
    assert record["source"] == read_record(animated)
    assert record["digital_source_type"] == record["source"]["digital_source_type"]
    assert record["settings"]["upscale"]["width_px"] == 96 and "video" in record["fingerprints"]
    text = record_text(record)
    assert text.index("width_px 96") < text.index("From a video:") < text.index("seed 7")


def test_of_a_filmed_one_only_restored_faces_are_generated(filmed, tmp_path):
    (tmp_path / "faces").mkdir()
    assert "digital_source_type" not in record_after(filmed, tmp_path)
    restored = record_after(filmed, tmp_path / "faces", ScriptedFaces(lambda _frame: []))
    assert restored["digital_source_type"] == PARTLY_GENERATED and "source" not in restored
