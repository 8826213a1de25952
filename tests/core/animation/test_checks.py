from dataclasses import replace

import pytest
import tiny
import torch
from seeded_models import SEEDED_WAV2VEC, seeded_text_adapter
from stand_ins import RecordingRuntime

from hallo2_core.animation.acceleration import Acceleration
from hallo2_core.animation.checks import advice, check_inputs
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.checkpoints.text_control import zero_text_adapter
from hallo2_core.config import UsualSettings
from hallo2_core.errors import CheckpointError, SettingsError, TimelineError
from hallo2_core.models.hallo2_models import FewSteps
from hallo2_core.models.latents import VAECodec
from hallo2_core.models.running import RunStepsDirectly
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.timeline.prompts import TextPrompts, parse_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights


@pytest.fixture(scope="module")
def speech():
    return speech_by(SEEDED_WAV2VEC)


def speech_by(config):
    return encode_speech(TensorAudio(tiny.normal(1, 1, 1000), 16_000), SpeechEncoder(config), 25)


@pytest.fixture(scope="module")
def inputs():
    models, runtime = tiny.shared_models(), RecordingRuntime()
    reference = build_reference(models, tiny.portrait(), VAECodec(models.vae, runtime), runtime)
    return AnimationInputs(models, reference, MotionSettings(), SamplerConfig())


def test_parts_that_fit_pass(inputs, speech):
    check_inputs(inputs, speech)


def test_a_speech_encoder_for_another_model_is_refused(inputs):
    with pytest.raises(CheckpointError, match="3 layers of width 32, but .* for 4 layers of width 32. Load the demo"):
        check_inputs(inputs, speech_by(replace(SEEDED_WAV2VEC, layers=3)))


def test_a_reference_by_another_model_is_refused(inputs, speech):
    config = replace(tiny.CONFIG, unet=replace(tiny.UNET, block_widths=(64, 64, 64, 64)))
    other = replace(inputs, models=replace(inputs.models, config=config))
    with pytest.raises(CheckpointError, match="model of width 32, .* width 64. Connect the same Hallo2 model to both"):
        check_inputs(other, speech)


def test_a_reference_of_another_size_is_refused(inputs, speech):
    other = replace(inputs, reference=replace(inputs.reference, portrait=tiny.portrait(64, 128)))
    with pytest.raises(SettingsError, match="made at 64x64, but its portrait is 128x64. Make the reference again"):
        check_inputs(other, speech)


def test_a_size_that_cannot_be_halved_is_refused(inputs, speech):
    other = replace(inputs, reference=replace(inputs.reference, portrait=tiny.portrait(72, 64)))
    with pytest.raises(SettingsError, match="size is 64x72; .* multiples of 64"):
        check_inputs(other, speech)


def test_more_frames_than_the_motion_modules_have_positions_for_are_refused(inputs, speech):
    other = replace(inputs, motion=MotionSettings(ClipConfig(frames=24, motion_frames=9)))
    with pytest.raises(SettingsError, match="24 frames with 9 motion frames needs 33 positions, .* have 32. Use fewer"):
        check_inputs(other, speech)


def prompted(inputs, adapter, text="0- smiling", width=768):
    embeddings = torch.ones(len(parse_prompts(text)), width)
    prompts = TextPrompts(parse_prompts(text), Transition(), embeddings, "an encoder")
    return replace(inputs, models=replace(inputs.models, text_adapter=adapter), text=prompts)


def test_prompts_that_can_act_pass(inputs, speech):
    check_inputs(prompted(inputs, seeded_text_adapter(tiny.UNET)), speech)


def test_a_zero_adapter_reads_no_prompt_so_any_text_encoder_will_do(inputs, speech):
    check_inputs(prompted(inputs, zero_text_adapter(tiny.UNET), width=64), speech)


def test_an_empty_timeline_passes_whatever_encoded_it(inputs, speech):
    check_inputs(prompted(inputs, seeded_text_adapter(tiny.UNET), text="", width=64), speech)


def test_prompts_without_an_adapter_are_refused_and_not_ignored(inputs, speech):
    with pytest.raises(SettingsError, match="no text-control adapter, .*one has to be trained.*disconnect the prompts"):
        check_inputs(prompted(inputs, None), speech)


def test_prompts_of_another_text_encoder_are_refused(inputs, speech):
    with pytest.raises(CheckpointError, match="encoded to 1024 values each, .* expects 768.* CLIP ViT-L/14"):
        check_inputs(prompted(inputs, seeded_text_adapter(tiny.UNET), width=1024), speech)


def test_timelines_that_overlap_at_the_videos_rate_are_refused(inputs, speech):
    with pytest.raises(TimelineError):
        check_inputs(prompted(inputs, seeded_text_adapter(tiny.UNET), text="0-50f smiling; 1- serious"), speech)
    mixed = replace(inputs, weights=parse_weights("lip 1 @ 0-50f, 2 @ 1-", Transition()))
    with pytest.raises(TimelineError):
        check_inputs(mixed, speech)


def test_reused_features_and_nodes_around_the_network_are_refused_together(inputs, speech):
    reusing = replace(inputs, sampler=SamplerConfig(acceleration=Acceleration(deep_every=2)))
    check_inputs(reusing, speech)
    others = replace(inputs.models, run_steps=RunStepsDirectly())
    check_inputs(replace(inputs, models=others), speech)
    with pytest.raises(SettingsError, match="deep_every is 2 .* Set deep_every to 1"):
        check_inputs(replace(reusing, models=others), speech)


@pytest.mark.parametrize(
    ("sampler", "advises"),
    [
        (SamplerConfig(4, 1.0), False),
        (SamplerConfig(8, 1.0, acceleration=Acceleration(step_share=0.5)), False),
        (SamplerConfig(40, 1.0), True),
        (SamplerConfig(4, 3.5), True),
    ],
)
def test_a_few_step_lora_advises_its_steps_and_guidance(inputs, sampler, advises):
    few = replace(inputs, models=replace(inputs.models, few_steps=FewSteps(4)), sampler=sampler)
    assert ("trained for 4 steps at cfg 1," in advice(few)) == advises
    assert not advice(replace(inputs, sampler=sampler))


def test_a_size_and_steps_far_above_what_a_model_needs_are_named(inputs):
    """As in a graph built by hand: the nodes begin with what the released model needs."""
    assert advice(inputs) == ""
    demo = replace(inputs, models=replace(inputs.models, usual=UsualSettings(side_px=16, steps=10, guidance=1.5)))
    assert "trained at 16x16, but the portrait is 64x64" in advice(demo) and "only 10 steps, at cfg 1.5" in advice(demo)
    usual = UsualSettings(side_px=32, steps=20)
    assert advice(replace(inputs, models=replace(inputs.models, usual=usual))) == ""  # twice is not far
