import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime
from tiny import denoising_inputs, normal, shared_models

from hallo2_core.animation.denoise_clip import denoising_steps
from hallo2_core.animation.noise_schedule import ddim_step, timesteps

NOISE = normal(1, 4, 4, 8, 8)


@pytest.fixture(scope="module")
def conditions():
    unet, given = shared_models().denoising_unet, denoising_inputs()
    portrait = unet.portrait_conditions(given.banks, given.face_tokens, given.face_map, given.masks)
    return unet.clip_conditions(portrait, given.motion_banks, given.audio_tokens, given.weights, given.rows)


def test_the_loop_is_the_network_guidance_and_ddim_in_turn(conditions):
    unet, latents = shared_models().denoising_unet, NOISE
    got = list(denoising_steps(unet, NOISE, conditions, 3, 3.5, RecordingRuntime()))
    assert len(got) == 3
    with torch.inference_mode():
        for timestep, stepped in zip(timesteps(3), got, strict=True):
            unconditional, conditional = unet(torch.cat([latents, latents]), timestep, conditions).chunk(2)
            latents = ddim_step(latents, unconditional + 3.5 * (conditional - unconditional), timestep, 3)
            torch.testing.assert_close(stepped, latents)


def test_cancel_is_heard_before_every_step(conditions):
    runtime = RecordingRuntime(cancel_after=2)
    taken = 0
    with pytest.raises(PressedCancelError):
        for _latents in denoising_steps(shared_models().denoising_unet, NOISE, conditions, 5, 3.5, runtime):
            taken += 1
            runtime.progress(taken, 5)
    assert taken == 2
