"""From a wide photograph with a small face to a video of all of it; the original is limited to squares."""

from fractions import Fraction
from pathlib import Path

import pytest
import tiny
import torch
from stand_ins import FakeSpeech

from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.jobs.job import Job
from hallo2_core.models.latents import VAECodec
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.paste_back import find_place, paste
from hallo2_core.upscaling.render_pasted import PasteBack, paste_back_video
from hallo2_core.video.reader import read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

PICTURE = load_picture(Path(__file__).parents[2] / "media" / "portrait_wide.png")
LOSSLESS = VideoSettings(quality=0)


@pytest.fixture(scope="module")
def faces():
    return built_in_face_analysis()


@pytest.mark.parametrize(("width", "height"), [(128, 192), (192, 128), (64, 64)])
def test_a_small_face_is_animated_in_any_shape_and_goes_back_into_its_picture(
    faces, width, height, tmp_path, monkeypatch
):
    runtime, models = LocalRuntime(), tiny.shared_models()
    portrait = prepare_portrait(PICTURE, faces, width, height)
    codec = VAECodec(models.vae, runtime)
    reference = build_reference(models, portrait, codec, runtime)
    motion = MotionSettings(ClipConfig(frames=2, motion_frames=1))
    inputs = AnimationInputs(models, reference, motion, SamplerConfig(steps=1))
    frames = torch.cat([clip.frames.whole() for clip in animate(inputs, FakeSpeech(3), codec, runtime)])
    assert frames.shape == (3, height, width, 3)

    with VideoWriter(tmp_path / "crop.mp4", width, height, Fraction(25), LOSSLESS) as crop:
        crop.write(frames)
    work = PasteBack(crop.path, portrait, LOSSLESS, 0.1)
    with VideoWriter(tmp_path / "still.mp4", 512, 288, Fraction(25), LOSSLESS) as still:
        still.write(work.canvas.unsqueeze(0))
    whole = paste_back_video(work, Job(tmp_path / "job", tiny.job_key("key")), tmp_path / "whole.mp4", runtime)

    box = portrait.crop
    outside = torch.ones(288, 512, dtype=torch.bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    assert 0.1 < outside.float().mean() < 0.98
    place, canvas = find_place(portrait, 288, 512, 0.1), work.canvas
    for frame in read_frames(crop.path):  # before the encoder: bit for bit
        pasted = paste(canvas, frame, place)
        assert torch.equal(pasted[outside], (PICTURE * 255).round().byte()[outside])
        assert (pasted != canvas).any()
    # Out of the file: as the picture alone, but where colour, of half the resolution, is spread from inside.
    outside[max(box.top - 8, 0) : box.bottom + 8, max(box.left - 8, 0) : box.right + 8] = False
    (alone,) = read_frames(still.path)
    shown = list(read_frames(whole))
    assert len(shown) == 3 and all(torch.equal(frame[outside], alone[outside]) for frame in shown)
