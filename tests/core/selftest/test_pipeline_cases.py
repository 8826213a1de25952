from dataclasses import replace

import pytest
import torch

from hallo2_core.animation.motion_frames import first_motion_frames
from hallo2_core.selftest.case import GOLDENS, Case, Settings
from hallo2_core.selftest.pipeline_cases import GoldenDraws, Stage


class InOneStep(Case):
    """A golden case that is over sooner, with another result."""

    @property
    def metadata(self):
        return Case(self.name, self.path).metadata | {"steps": 1}


def golden(name, kind=Case):
    return kind(name, GOLDENS / f"{name}.safetensors")


SETTINGS = Settings(torch.device("cpu"))


def the_first_clip(settings=SETTINGS):
    """Where it is made, and what of."""
    shared, clip = golden("longvideo_inputs", InOneStep), golden("longvideo_clip1")
    stage = Stage(shared, settings, drop_rate=0.25, clips=1)
    return stage, (
        0,
        first_motion_frames(stage.portrait, stage.motion),
        shared.tensors["audio_windows"][0, : stage.motion.clip.frames],
        GoldenDraws(clip.tensors["random_mask"], clip.tensors["initial_latents"]),
    )


@torch.inference_mode()
def test_what_the_golden_cases_run_is_what_makes_a_video():
    """Their loop looks inside a clip, step by step; the clip made in one call has the same frames."""
    stage, given = the_first_clip()
    assert torch.equal(stage.clip(*given).frames, stage.loop.clip(*given).whole())


@torch.inference_mode()
def test_a_zero_adapter_changes_no_bit():
    (stage, given), (prompted, _given) = the_first_clip(), the_first_clip(replace(SETTINGS, zero_adapter=True))
    assert prompted.loop.inputs.text is not None
    assert torch.equal(prompted.clip(*given).steps, stage.clip(*given).steps)


def test_golden_draws_have_no_noise_to_give():
    with pytest.raises(AssertionError, match="no noise"):
        GoldenDraws(torch.zeros(1), torch.zeros(1)).motion_noise(torch.Size((1,)))
