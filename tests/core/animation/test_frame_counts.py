"""A video has ceil(seconds × fps) frames, also with an incomplete last clip. The UNets are stand-ins; the speech
encoder, the projections, the face locator and the clip loop are real, and so is the VAE unless stated otherwise.

The cases named after the release have lengths at which it makes too few or too many frames (quirk 20).
"""

from fractions import Fraction
from functools import cache
from math import ceil

import pytest
from seeded_models import SEEDED_WAV2VEC
from stand_ins import PixelCodec, RecordingRuntime, with_stand_in_unets
from tiny import normal, portrait, shared_models

from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.models.latents import VAECodec
from hallo2_core.models.wav2vec import SpeechEncoder

RATE_HZ = 16_000
CLIP, PIECE = 16, 1500  # frames of a clip, and of the 60 s that the release cuts after


@cache
def inputs(codec):
    models = with_stand_in_unets(shared_models())
    reference = build_reference(models, portrait(), codec, RecordingRuntime())
    return AnimationInputs(models, reference, MotionSettings(), SamplerConfig(steps=1, guidance=1.0))


@cache
def vae():
    return VAECodec(shared_models().vae, RecordingRuntime())


@cache
def pixels():
    return PixelCodec()


@cache
def speech_encoder():
    encoder = SpeechEncoder(SEEDED_WAV2VEC)
    fill_with_seeded_weights(encoder.wav2vec, "wav2vec.")
    return encoder


def clips_of(samples, fps, rate=RATE_HZ, codec=None):
    """How many frames each clip has."""
    codec = codec or vae()
    speech = encode_speech(TensorAudio(normal(samples, 1, samples), rate), speech_encoder(), fps)
    runtime, counts = RecordingRuntime(), []
    for clip in animate(inputs(codec), speech, codec, runtime):
        frames = clip.frames.whole()
        assert len(frames) == len(clip.frames) and bool(frames.isfinite().all())
        counts.append(len(frames))
    assert runtime.reports[-1][0] == runtime.reports[-1][1] == 2 * len(counts)
    return counts


def whole_clips_and_the_rest(frames):
    return [CLIP] * (frames // CLIP) + ([frames % CLIP] if frames % CLIP else [])


@pytest.mark.parametrize("fps", [24, 25, 30])
@pytest.mark.parametrize("frames", range(1, CLIP + 1))
def test_every_length_of_the_last_clip(fps, frames):
    """The longest sound that has so many frames."""
    assert clips_of(int(frames * Fraction(RATE_HZ, fps)), fps) == [frames]


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("fps", [24, 25, 30])
def test_every_length_in_every_kind_of_sound(fps, rate):
    """From a little more than a clip to two: the shortest and the longest sound that have so many frames."""
    for frames in range(CLIP + 1, 2 * CLIP + 1):
        samples_a_frame = Fraction(rate, fps)
        for samples in (int((frames - 1) * samples_a_frame) + 1, int(frames * samples_a_frame)):
            assert clips_of(samples, fps, rate, pixels()) == [CLIP, frames - CLIP], (frames, samples)


@pytest.mark.parametrize("fps", [24, 25, 30])
@pytest.mark.parametrize("frames", [17, 31, 32, 33])
def test_around_whole_clips(fps, frames):
    assert clips_of(int(frames * Fraction(RATE_HZ, fps)), fps) == whole_clips_and_the_rest(frames)


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_one_sample_more_than_a_second_is_one_frame_more(fps):
    assert [sum(clips_of(samples, fps)) for samples in (1, RATE_HZ, RATE_HZ + 1)] == [1, fps, fps + 1]


def clips_of_the_release(frames, cut=True):
    """How many it makes (quirk 20): it fills up by what the whole lacks, where the last piece lacks anything. Not cut
    into pieces, a sound is never filled up."""
    last_piece = frames % PIECE or PIECE
    filled = CLIP - frames % CLIP if cut and last_piece % CLIP else 0
    return (frames + filled) // CLIP


def video_of(seconds):
    """Frames and clips of so long a sound at 25 fps."""
    counts = clips_of(int(Fraction(str(seconds)) * RATE_HZ), 25, codec=pixels())
    assert counts == whole_clips_and_the_rest(ceil(Fraction(str(seconds)) * 25))
    return sum(counts), len(counts)


@pytest.mark.parametrize(("seconds", "frames", "lost"), [(61, 1525, 5), (120, 3000, 8)])
def test_the_tail_that_the_release_loses_of_61_and_120_seconds_when_it_does_not_cut(seconds, frames, lost):
    assert frames - clips_of_the_release(frames, cut=False) * CLIP == lost
    assert video_of(seconds) == (frames, -(-frames // CLIP))


def test_the_tail_that_the_release_loses_when_the_last_piece_is_whole_clips_but_the_sound_is_not():
    """A minute and sixteen frames."""
    assert 1516 - clips_of_the_release(1516) * CLIP == 12
    assert video_of(60.64) == (1516, 95)


def test_the_sixteen_needless_frames_of_the_release_when_the_sound_is_whole_clips_but_the_last_piece_is_not():
    """Ninety-four clips: a minute and four frames."""
    assert clips_of_the_release(1504) == 94 + 1
    assert video_of(60.16) == (1504, 94)
