"""A video has ceil(seconds × fps) frames, whatever that leaves for its last clip. The UNets are stand-ins; the speech
encoder, the projections, the face locator, the VAE and the clip loop are real."""

from fractions import Fraction
from functools import cache

import pytest
from stand_ins import RecordingRuntime, with_stand_in_unets
from tiny import normal, portrait, shared_models

from hallo2_core.animation.animate import Performance, animate
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import DEMO_WAV2VEC, SamplerConfig
from hallo2_core.models.latents import VAECodec
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.payloads import MotionSettings

RATE_HZ = 16_000


@cache
def performance():
    models = with_stand_in_unets(shared_models())
    codec = VAECodec(models.vae, RecordingRuntime())
    reference = build_reference(models, portrait(), codec, RecordingRuntime())
    return Performance(models, reference, MotionSettings(), SamplerConfig(steps=1, guidance=1.0)), codec


@cache
def speech_encoder():
    encoder = SpeechEncoder(DEMO_WAV2VEC)
    fill_with_seeded_weights(encoder.wav2vec, "wav2vec.")
    return encoder


def clips_of(samples, fps):
    audio = TensorAudio(normal(samples, 1, samples), RATE_HZ)
    runtime = RecordingRuntime()
    speech = encode_speech(audio, speech_encoder(), fps)
    clips = [clip.frames.whole() for clip in animate(performance()[0], speech, performance()[1], runtime)]
    assert runtime.reports[-1][0] == runtime.reports[-1][1] == 2 * len(clips)
    return clips


@pytest.mark.parametrize("fps", [24, 25, 30])
@pytest.mark.parametrize("frames", range(1, 17))
def test_every_length_of_the_last_clip(fps, frames):
    """The longest sound that has so many frames."""
    clips = clips_of(int(frames * Fraction(RATE_HZ, fps)), fps)
    assert [len(clip) for clip in clips] == [frames]
    assert all(bool(clip.isfinite().all()) for clip in clips)


@pytest.mark.parametrize("fps", [24, 25, 30])
@pytest.mark.parametrize("frames", [17, 31, 32, 33])
def test_around_whole_clips(fps, frames):
    clips = clips_of(int(frames * Fraction(RATE_HZ, fps)), fps)
    assert [len(clip) for clip in clips] == [16] * (frames // 16) + ([frames % 16] if frames % 16 else [])


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_one_sample_more_than_a_second_is_one_frame_more(fps):
    assert [sum(map(len, clips_of(samples, fps))) for samples in (1, RATE_HZ, RATE_HZ + 1)] == [1, fps, fps + 1]
