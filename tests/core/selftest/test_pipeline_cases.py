from dataclasses import replace

import pytest
import torch

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
    shared, clip = golden("longvideo_inputs", InOneStep), golden("longvideo_clip1")
    stage = Stage(shared, settings, drop_rate=0.25)
    windows = shared.tensors["audio_windows"][0, : stage.inputs.motion.clip.frames]
    (made,) = stage.clips(windows, [GoldenDraws(clip.tensors["random_mask"], clip.tensors["initial_latents"])])
    return stage, made


def test_the_steps_and_motion_frames_of_a_clip_are_kept():
    stage, made = the_first_clip()
    clip = stage.inputs.motion.clip
    assert made.steps.shape[:4] == (1, 1, 4, clip.frames) and len(made.frames) == clip.frames
    assert len(made.motion) == clip.motion_frames


def test_a_zero_adapter_changes_no_bit():
    (_stage, plain), (stage, prompted) = the_first_clip(), the_first_clip(replace(SETTINGS, zero_adapter=True))
    assert stage.inputs.text is not None
    assert torch.equal(prompted.steps, plain.steps)


def test_golden_draws_have_no_noise_to_give():
    with pytest.raises(AssertionError, match="no noise"):
        GoldenDraws(torch.zeros(1), torch.zeros(1)).motion_noise(torch.Size((1,)))
