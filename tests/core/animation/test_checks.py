from dataclasses import replace

import pytest
import tiny
from stand_ins import RecordingRuntime

from hallo2_core.animation.animate import Performance
from hallo2_core.animation.checks import check_performance
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.config import DEMO_WAV2VEC, ClipConfig, SamplerConfig
from hallo2_core.errors import CheckpointError, SettingsError
from hallo2_core.models.latents import VAECodec
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.payloads import MotionSettings


@pytest.fixture(scope="module")
def speech():
    return speech_by(DEMO_WAV2VEC)


def speech_by(config):
    return encode_speech(TensorAudio(tiny.normal(1, 1, 1000), 16_000), SpeechEncoder(config), 25)


@pytest.fixture(scope="module")
def performance():
    models, runtime = tiny.shared_models(), RecordingRuntime()
    reference = build_reference(models, tiny.portrait(), VAECodec(models.vae, runtime), runtime)
    return Performance(models, reference, MotionSettings(), SamplerConfig())


def test_parts_that_fit_pass(performance, speech):
    check_performance(performance, speech)


def test_a_speech_encoder_for_another_model_is_refused(performance):
    with pytest.raises(CheckpointError, match="3 layers of width 32, but .* for 4 layers of width 32. Load the demo"):
        check_performance(performance, speech_by(replace(DEMO_WAV2VEC, layers=3)))


def test_a_reference_by_another_model_is_refused(performance, speech):
    config = replace(tiny.CONFIG, unet=replace(tiny.UNET, block_widths=(64, 64, 64, 64)))
    other = replace(performance, models=replace(performance.models, config=config))
    with pytest.raises(CheckpointError, match="model of width 32, .* width 64. Connect the same Hallo2 model to both"):
        check_performance(other, speech)


def test_a_reference_of_another_size_is_refused(performance, speech):
    other = replace(performance, reference=replace(performance.reference, portrait=tiny.portrait(64, 128)))
    with pytest.raises(SettingsError, match="made at 64x64, but its portrait is 128x64. Make the reference again"):
        check_performance(other, speech)


def test_a_size_that_cannot_be_halved_is_refused(performance, speech):
    other = replace(performance, reference=replace(performance.reference, portrait=tiny.portrait(72, 64)))
    with pytest.raises(SettingsError, match="size is 64x72; .* multiples of 64"):
        check_performance(other, speech)


def test_more_frames_than_the_motion_modules_have_positions_for_are_refused(performance, speech):
    other = replace(performance, motion=MotionSettings(ClipConfig(frames=24, motion_frames=9)))
    with pytest.raises(SettingsError, match="24 frames with 9 motion frames needs 33 positions, .* have 32. Use fewer"):
        check_performance(other, speech)
