from dataclasses import replace

import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime
from tiny import UNET, denoising_inputs, normal, shared_models
from torch import nn

from hallo2_core.animation.acceleration import EXACT, Acceleration
from hallo2_core.animation.denoise_clip import denoise_clip, predict
from hallo2_core.animation.dpm_solver import dpm_step
from hallo2_core.animation.guidance import Guidance, guided_prediction
from hallo2_core.animation.noise_schedule import ddim_step, timesteps
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import TextControlConfig
from hallo2_core.models.attention_recorder import AttentionRecorder
from hallo2_core.models.layers import Build
from hallo2_core.models.text_control import TextControl

NOISE = normal(1, 4, 4, 8, 8)


@pytest.fixture(scope="module")
def conditions():
    unet, given = shared_models().denoising_unet, denoising_inputs()
    portrait = unet.portrait_conditions(given.banks, given.face_tokens, given.face_map, given.masks)
    return unet.clip_conditions(portrait, given.motion_banks, given.audio_tokens, given.weights, given.rows)


def steps_of(unet, conditions, steps, guidance, runtime=None, recorder=None, acceleration=EXACT):
    """The latents after every step; the last ones are what the loop returns."""
    made = []
    last = denoise_clip(
        unet, NOISE, conditions, steps, guidance, runtime or RecordingRuntime(),
        lambda done, latents: made.append((done, latents)), recorder, acceleration,
    )  # fmt: skip
    assert [done for done, _latents in made] == list(range(1, steps + 1)) and made[-1][1] is last
    return [latents for _done, latents in made]


def test_the_loop_is_the_network_guidance_and_ddim_in_turn(conditions):
    unet, latents = shared_models().denoising_unet, NOISE
    got = steps_of(unet, conditions, 3, Guidance(3.5, 2))
    assert len(got) == 3
    with torch.inference_mode():
        for timestep, stepped in zip(timesteps(3), got, strict=True):
            unconditional, conditional = unet(torch.cat([latents, latents]), timestep, conditions).chunk(2)
            latents = ddim_step(latents, unconditional + 3.5 * (conditional - unconditional), timestep, 3)
            torch.testing.assert_close(stepped, latents)


def test_cancel_is_heard_before_every_step(conditions):
    runtime = RecordingRuntime(cancel_after=2)
    taken = []

    def after_step(done, _latents):
        taken.append(done)
        runtime.progress(done, 5)

    with pytest.raises(PressedCancelError):
        denoise_clip(shared_models().denoising_unet, NOISE, conditions, 5, Guidance(3.5, 2), runtime, after_step)
    assert taken == [1, 2]


class Watched(nn.Module):
    """The network, and how many rows each of its passes had."""

    def __init__(self):
        super().__init__()
        self.unet, self.rows = shared_models().denoising_unet, []

    def forward(self, latents, *others):
        self.rows.append(len(latents))
        return self.unet(latents, *others)

    def with_deep_features(self, latents, *others):
        self.rows.append(len(latents))
        return self.unet.with_deep_features(latents, *others)

    def from_deep_features(self, latents, timestep, conditions, deep):
        self.rows.append(f"{len(latents)} shallow")
        return self.unet.from_deep_features(latents, timestep, conditions, deep)


@torch.inference_mode()
def test_the_multistep_solver_carries_the_clean_estimate_from_step_to_step(conditions):
    unet, latents, clean = shared_models().denoising_unet, NOISE, None
    got = steps_of(unet, conditions, 4, Guidance(3.5, 2), acceleration=Acceleration("dpm++2m"))
    for step, (timestep, stepped) in enumerate(zip(timesteps(4), got, strict=True)):
        prediction = predict(unet, latents, timestep, conditions, Guidance(3.5, 2))
        latents, clean = dpm_step(latents, prediction, step, 4, clean)
        torch.testing.assert_close(stepped, latents)
    exact = steps_of(unet, conditions, 4, Guidance(3.5, 2))
    torch.testing.assert_close(got[1], exact[1], atol=1e-4, rtol=1e-4)  # DDIM, until there are two finite steps
    assert (got[2] - exact[2]).abs().max() > 1e-3


def test_outside_of_the_interval_only_the_conditional_half_is_computed_and_followed(conditions):
    unet, acceleration = Watched(), Acceleration(guided_from=0.25, guided_until=0.75)
    got = steps_of(unet, conditions, 4, Guidance(3.5, 2), acceleration=acceleration)
    assert unet.rows == [4, 8, 8, 4]
    with torch.inference_mode():
        _, conditional = unet.unet(torch.cat([NOISE, NOISE]), timesteps(4)[0], conditions).chunk(2)
        expected = ddim_step(NOISE, conditional, timesteps(4)[0], 4)
    torch.testing.assert_close(got[0], expected, atol=1e-4, rtol=1e-4)


def test_the_unconditional_half_is_computed_in_every_nth_guided_step(conditions):
    unet, acceleration = Watched(), Acceleration(guided_until=0.8, unconditional_every=3)
    got = steps_of(unet, conditions, 5, Guidance(3.5, 2), acceleration=acceleration)
    assert unet.rows == [8, 4, 4, 8, 4]
    first, second = timesteps(5)[:2]
    with torch.inference_mode():
        unconditional, conditional = unet.unet(torch.cat([NOISE, NOISE]), first, conditions).chunk(2)
        now = unet.unet(torch.cat([got[0], got[0]]), second, conditions).chunk(2)[1]
        expected = ddim_step(got[0], now + 2.5 * (conditional - unconditional), second, 5)
    torch.testing.assert_close(got[1], expected, atol=1e-4, rtol=1e-4)


def test_deep_features_are_those_of_the_last_step_that_computed_them(conditions):
    unet, acceleration = Watched(), Acceleration(guided_until=0.5, deep_every=2)
    got = steps_of(unet, conditions, 4, Guidance(3.5, 2), acceleration=acceleration)
    assert unet.rows == [8, "8 shallow", 4, "4 shallow"]
    first, second = timesteps(4)[:2]
    with torch.inference_mode():
        _, deep = unet.unet.with_deep_features(torch.cat([NOISE, NOISE]), first, conditions)
        halves = unet.unet.from_deep_features(torch.cat([got[0], got[0]]), second, conditions, deep)
        expected = ddim_step(got[0], guided_prediction(halves, Guidance(3.5, 2)), second, 4)
    torch.testing.assert_close(got[1], expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_each_pass_of_a_step_has_deep_features_of_its_own(conditions):
    unet, text = Watched(), prompted(conditions)
    guidance, acceleration = Guidance(3.5, 2, text_scale=2.0), Acceleration(deep_every=2)
    got = steps_of(unet, text, 2, guidance, acceleration=acceleration)
    assert unet.rows == [8, 4, "8 shallow", "4 shallow"]
    (first, second), alone = timesteps(2), text.conditional_only()
    _, deep = unet.unet.with_deep_features(NOISE, first, alone)
    _, plain_deep = unet.unet.with_deep_features(torch.cat([NOISE, NOISE]), first, conditions)
    with_text = unet.unet.from_deep_features(got[0], second, alone, deep)
    plain = unet.unet.from_deep_features(torch.cat([got[0], got[0]]), second, conditions, plain_deep)
    expected = ddim_step(got[0], guided_prediction(plain, guidance, with_text), second, 2)
    torch.testing.assert_close(got[1], expected, atol=1e-4, rtol=1e-4)


def test_nothing_of_one_clip_comes_to_the_next(conditions):
    unet, acceleration = shared_models().denoising_unet, Acceleration("dpm++2m", unconditional_every=2, deep_every=2)
    one, other = (steps_of(unet, conditions, 3, Guidance(3.5, 2), acceleration=acceleration) for _ in range(2))
    assert torch.equal(one[-1], other[-1])


@torch.inference_mode()
def test_prompts_weighed_apart_act_outside_of_the_interval_too(conditions):
    unet, text = shared_models().denoising_unet, prompted(conditions)
    alone = conditions.conditional_only()
    plain, with_text = unet(NOISE, 999, alone), unet(NOISE, 999, text.conditional_only())
    guidance, acceleration = Guidance(3.5, 2, text_scale=2.0), Acceleration(guided_until=0.0)
    (got,) = steps_of(unet, text, 1, guidance, acceleration=acceleration)
    torch.testing.assert_close(got, ddim_step(NOISE, plain + 2.0 * (with_text - plain), 999, 1), atol=1e-4, rtol=1e-4)


def prompted(conditions):
    control = TextControl(replace(TextControlConfig.fitting(UNET), text_width=12), Build())
    fill_with_seeded_weights(control, "text_control.")
    return conditions.with_text(control(normal(5, 4, 12), torch.ones(4)))


@torch.inference_mode()
def test_prompts_weighed_apart_are_carried_further_in_the_conditional_half(conditions):
    unet, text = shared_models().denoising_unet, prompted(conditions)
    both = torch.cat([NOISE, NOISE])
    unconditional, plain = unet(both, 500, conditions).chunk(2)
    with_text = unet(both, 500, text).chunk(2)[1]
    got = predict(unet, NOISE, 500, text, Guidance(3.5, 2, text_scale=2.0))
    led = plain + 2.0 * (with_text - plain)
    torch.testing.assert_close(got, unconditional + 3.5 * (led - unconditional), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_without_a_prompt_in_the_clip_there_is_nothing_to_weigh_and_no_second_pass(conditions):
    unet = shared_models().denoising_unet
    plain = predict(unet, NOISE, 500, conditions, Guidance(3.5, 2))
    assert torch.equal(predict(unet, NOISE, 500, conditions, Guidance(3.5, 2, text_scale=4.0)), plain)


@torch.inference_mode()
def test_prompts_weighed_apart_work_without_guidance_too():
    unet, given = shared_models().denoising_unet, denoising_inputs()
    portrait = unet.portrait_conditions(
        given.banks.rows(slice(1, None)), given.face_tokens[1:], given.face_map, given.masks
    )
    rows, motion = [0] * 4, given.motion_banks.rows(slice(2, None))
    alone = unet.clip_conditions(portrait, motion, given.audio_tokens, given.weights, rows)
    plain, with_text = unet(NOISE, 500, alone), unet(NOISE, 500, prompted(alone))
    got = predict(unet, NOISE, 500, prompted(alone), Guidance(1.0, 1, text_scale=0.5))
    torch.testing.assert_close(got, plain + 0.5 * (with_text - plain))


def seen(recorder):
    return torch.cat([record.portrait.flatten() for record in recorder.spatial().values()])


@torch.inference_mode()
def test_a_watch_sees_the_steps_it_names_and_changes_no_bit(conditions):
    unet, guidance = shared_models().denoising_unet, Guidance(3.5, 2)
    recorder, there = AttentionRecorder(0, range(1, 2)), AttentionRecorder(0, ())
    plain = steps_of(unet, conditions, 3, guidance)
    watched = steps_of(unet, conditions, 3, guidance, recorder=recorder)
    assert all(torch.equal(one, other) for one, other in zip(plain, watched, strict=True))
    unet(torch.cat([plain[0], plain[0]]), timesteps(3)[1], conditions.recorded_by(there))
    assert torch.equal(seen(recorder), seen(there))


@torch.inference_mode()
def test_of_prompts_weighed_apart_a_watch_sees_the_pass_under_them(conditions):
    unet, text = shared_models().denoising_unet, prompted(conditions)
    apart, together, without = (AttentionRecorder(0, ()) for _ in range(3))
    predict(unet, NOISE, 500, text.recorded_by(apart), Guidance(3.5, 2, text_scale=2.0))
    predict(unet, NOISE, 500, text.recorded_by(together), Guidance(3.5, 2))
    predict(unet, NOISE, 500, conditions.recorded_by(without), Guidance(3.5, 2))
    torch.testing.assert_close(seen(apart), seen(together), atol=1e-5, rtol=1e-4)
    assert (seen(apart) - seen(without)).abs().max() > 1e-4
