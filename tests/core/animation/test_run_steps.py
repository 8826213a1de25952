"""What may act around the steps of a clip: it is called where it says, and its results are used."""

import pytest
import torch
from stand_ins import RecordingRuntime
from tiny import denoising_inputs, normal, shared_models

from hallo2_core.animation.denoise_clip import denoise_clip
from hallo2_core.animation.guidance import Guidance
from hallo2_core.animation.noise_schedule import timesteps
from hallo2_core.models.running import RunStepsDirectly

NOISE, STEPS = normal(1, 4, 4, 8, 8), 3
UNET = shared_models().denoising_unet


@pytest.fixture(scope="module")
def conditions():
    given = denoising_inputs()
    portrait = UNET.portrait_conditions(given.banks, given.face_tokens, given.face_map, given.masks)
    return UNET.clip_conditions(portrait, given.motion_banks, given.audio_tokens, given.weights, given.rows)


class Around(RunStepsDirectly):
    """Adds to what it runs, and keeps what it was asked."""

    def __init__(self, **added):
        self.added, self.asked = added, []

    def clip(self, denoise, noise, timesteps):
        self.asked.append(("clip", tuple(noise.shape), list(timesteps)))
        return denoise(noise) + self.added.get("clip", 0)

    def step(self, predict, latents, timestep):
        self.asked.append(("step", tuple(latents.shape), timestep))
        return predict(latents) + self.added.get("step", 0)

    def unet(self, unet, latents, timestep, conditions):
        self.asked.append(("unet", tuple(latents.shape), timestep))
        return unet(latents, timestep, conditions) + self.added.get("unet", 0)


def latents_of(conditions, **run):
    return denoise_clip(
        UNET, NOISE, conditions, STEPS, Guidance(3.5, 2), RecordingRuntime(), lambda *_done: None, **run
    )


def test_each_is_asked_in_its_place(conditions):
    around = Around()
    latents_of(conditions, run=around)
    one, both = (4, 4, 8, 8), (8, 4, 8, 8)
    steps = [asked for at in timesteps(STEPS) for asked in (("step", one, at), ("unet", both, at))]
    assert around.asked == [("clip", one, timesteps(STEPS)), *steps]


def test_what_changes_nothing_gives_the_same_bits(conditions):
    assert torch.equal(latents_of(conditions, run=Around()), latents_of(conditions))


@pytest.mark.parametrize("place", ["clip", "step", "unet"])
def test_what_it_returns_is_used(conditions, place):
    assert not torch.allclose(latents_of(conditions, run=Around(**{place: 0.1})), latents_of(conditions))
