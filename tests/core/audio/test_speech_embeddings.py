import math
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
import torch
from bench.speech_pieces import UNCUT, cutting_error, embeddings, small_encoder, speech
from seeded_models import SEEDED_WAV2VEC, seeded_speech_encoder

from hallo2_core.audio import speech_embeddings
from hallo2_core.audio.speech_embeddings import SpeechWindows, count_frames, encode_speech
from hallo2_core.audio.speech_pieces import OURS, RELEASED, SpeechPieces
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import AudioError, Cancelled, PrecisionError, SettingsError
from hallo2_core.runtime import LocalRuntime

SHORT = SpeechPieces(1.5, 0.4, "whole")
WAYS = (SHORT, SpeechPieces(1.5, 0.0, "piece"), OURS, RELEASED)


@pytest.fixture(scope="module")
def encoder():
    return seeded_speech_encoder()


def noise(seconds, rate=16000, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    samples = max(round(seconds * rate), 1)
    loudness = 0.05 + 0.2 * torch.rand(1, samples // 4000 + 1, generator=generator).repeat_interleave(4000, dim=1)
    return TensorAudio(torch.randn(channels, samples, generator=generator) * loudness[:, :samples], rate)


def windows_of(audio, encoder, fps=25, pieces=SHORT, clip_frames=16):
    return SpeechWindows(encode_speech(audio, encoder, fps, pieces), clip_frames, LocalRuntime())


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_frame_counts_for_every_length_mod_16(encoder, fps):
    """Frames of a sound that ends on a frame, just before and just after it."""
    for frames in range(1, 34):
        for samples in (math.floor(frames * 44100 / fps), math.floor((frames - 1) * 44100 / fps) + 1):
            speech = encode_speech(TensorAudio(torch.zeros(1, samples), 44100), encoder, fps)
            assert speech.frames == math.ceil(Fraction(samples, 44100) * fps) == frames
            assert SpeechWindows(speech, 16, LocalRuntime()).frames == math.ceil(frames / 16) * 16


def test_frame_counts_are_exact_where_floats_are_not():
    hour = 3600 * 44100
    assert count_frames(hour, 44100, Fraction(25)) == 90_000
    assert count_frames(hour + 1, 44100, Fraction(25)) == 90_001
    assert count_frames(441 * 3, 44100, Fraction(100, 3)) == 1
    assert count_frames(1, 192_000, Fraction(1)) == 1


@pytest.mark.parametrize(
    "given, exact",
    [
        (25, Fraction(25)),
        (25.0, Fraction(25)),
        (29.97, Fraction(2997, 100)),
        (30000 / 1001, Fraction(30000, 1001)),
        (23.976, Fraction(2997, 125)),
        (Fraction(24000, 1001), Fraction(24000, 1001)),
    ],
)
def test_frame_rates_are_what_they_look_like(encoder, given, exact):
    assert encode_speech(noise(0.1), encoder, given).fps == exact


@pytest.mark.parametrize("fps", [0, -25, 0.5, 1000, math.nan, math.inf])
def test_impossible_frame_rates_are_refused(encoder, fps):
    with pytest.raises(SettingsError, match="frame rate is .* choose 1 to 240"):
        encode_speech(noise(0.1), encoder, fps)


def test_a_voice_in_a_longer_sound_is_heard_alone_and_followed_by_silence(encoder):
    """The sound sets length and soundtrack, the voice what the encoder hears."""
    voice, sound = noise(2.0, 16000, seed=1), noise(5.0, 44100, channels=2, seed=2)
    speech = encode_speech(voice, encoder, 25, SHORT, sound=sound)
    assert speech.audio is sound and speech.frames == 125 and speech.seconds == 5.0
    padded = TensorAudio(torch.cat([voice.read(0, 32000), torch.zeros(1, 48000)], dim=1), 16000)
    heard, alone = SpeechWindows(speech, 16, LocalRuntime()), windows_of(padded, encoder)
    assert torch.equal(heard.clip(0, heard.frames), alone.clip(0, alone.frames))
    assert speech.voice.fingerprint() != voice.fingerprint()


def test_a_voice_among_others_is_heard_as_it_is_heard_alone(encoder):
    """Not louder because it is silent most of the time."""
    voice = noise(3.0)
    sound = TensorAudio(torch.cat([voice.read(0, voice.samples), torch.zeros(1, 57 * 16000)], dim=1), 16000)
    alone = windows_of(voice, encoder, pieces=OURS).clip(0, 64)[:, 2, 0]

    def difference(speech):
        heard = SpeechWindows(speech, 16, LocalRuntime()).clip(0, 64)[:, 2, 0]
        return float((heard - alone).norm())

    assert difference(encode_speech(voice, encoder, 25, sound=sound)) < 0.9 * difference(
        encode_speech(sound, encoder, 25)
    )


def test_a_listener_without_a_word_has_finite_features(encoder):
    silent = TensorAudio(torch.zeros(1, 3 * 16000), 16000)
    speech = encode_speech(silent, encoder, 25, sound=noise(3.0))
    assert SpeechWindows(speech, 16, LocalRuntime()).clip(0, 80).isfinite().all()


def test_without_a_sound_of_its_own_the_video_carries_the_voice(encoder):
    voice = noise(2.0)
    speech = encode_speech(voice, encoder, 25)
    assert speech.audio is speech.voice is voice


def test_a_voice_may_be_longer_than_its_sound_by_a_frame_but_no_more(encoder):
    sound = noise(2.0, 44100)
    assert encode_speech(noise(2.04), encoder, 25, sound=sound).frames == 50
    with pytest.raises(AudioError, match=r"voice takes 2\.05 s, but the sound of the video only 2\.00 s"):
        encode_speech(noise(2.05), encoder, 25, sound=sound)


@pytest.mark.parametrize("fps", [24, 25, 30, 29.97])
@pytest.mark.parametrize("way", WAYS)
def test_clips_in_any_order_or_after_a_restart_equal_all_at_once_bit_for_bit(encoder, way, fps):
    audio = noise(6.3, 22050, channels=2)
    at_once = windows_of(audio, encoder, fps, way)
    whole = at_once.clip(0, at_once.frames)
    assert whole.shape == (at_once.frames, 5, SEEDED_WAV2VEC.layers, SEEDED_WAV2VEC.width)
    starts = list(range(0, at_once.frames, 16))
    Random(0).shuffle(starts)
    asked = windows_of(audio, encoder, fps, way)
    for start in starts:
        assert torch.equal(asked.clip(start, 16), whole[start : start + 16])
    restarted = windows_of(audio, encoder, fps, way)
    assert torch.equal(restarted.clip(starts[0], 16), whole[starts[0] : starts[0] + 16])


def test_windows_are_five_neighbours_with_the_ends_repeated(encoder):
    windows = windows_of(noise(4.0), encoder)
    clip = windows.clip(0, windows.frames)
    for row, shift in enumerate(range(-2, 3)):
        index = (torch.arange(windows.frames) + shift).clamp(0, windows.frames - 1)
        assert torch.equal(clip[:, row], clip[index, 2])


def test_few_pieces_are_kept_and_the_encoder_runs_once_for_each(encoder, monkeypatch):
    encoded = []
    encode = SpeechWindows._encode
    monkeypatch.setattr(SpeechWindows, "_encode", lambda self, piece: encoded.append(piece) or encode(self, piece))
    windows = windows_of(noise(12.0), encoder)
    for start in range(0, windows.frames, 16):
        windows.clip(start, 16)
        assert len(windows._encoded) <= speech_embeddings.KEPT_PIECES
    assert len(encoded) == len(windows._pieces) > 5


def test_a_sound_of_one_piece_is_the_releases_where_it_ends_on_a_frame(encoder):
    audio = noise(5.12)  # 128 frames, eight clips
    ours, released = (windows_of(audio, encoder, 25, way) for way in (OURS, RELEASED))
    assert torch.allclose(ours.clip(0, 128), released.clip(0, 128), atol=1e-5)


def test_silence_follows_the_sound_after_normalisation(encoder):
    """As in the original: zeros are appended to the normalized sound, whatever its mean."""
    wave = torch.randn(1, 16000, generator=torch.Generator().manual_seed(0)) * 0.1
    plain = windows_of(TensorAudio(wave, 16000), encoder)
    shifted = windows_of(TensorAudio(wave + 0.3, 16000), encoder)
    assert plain.frames == 32
    assert torch.allclose(plain.clip(0, 32), shifted.clip(0, 32), atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("fps", [24, 25, 60, 240])
def test_one_sample_is_enough(encoder, rate, fps):
    windows = windows_of(TensorAudio(torch.full((1, 1), 0.5), rate), encoder, fps, OURS, clip_frames=1)
    assert windows.frames == 1
    assert windows.clip(0, 1).isfinite().all()


@pytest.mark.parametrize("way", WAYS)
def test_silence_is_finite(encoder, way):
    windows = windows_of(TensorAudio(torch.zeros(2, 16000 * 4), 16000), encoder, 25, way)
    assert windows.clip(0, windows.frames).isfinite().all()


@pytest.mark.parametrize("rate, channels", [(8000, 1), (48000, 2), (44100, 6)])
def test_any_rate_and_channels_say_the_same(encoder, rate, channels):
    """A tone below 4 kHz sampled at another rate gives the same features."""

    def tone(rate, channels):
        t = torch.arange(rate * 2, dtype=torch.float64) / rate
        wave = (t * 2 * math.pi * (300 + 200 * t)).sin() * (0.3 + 0.2 * (9 * t).sin())
        return TensorAudio(wave.float().repeat(channels, 1), rate)

    expected = windows_of(tone(16000, 1), encoder).clip(0, 48)
    found = windows_of(tone(rate, channels), encoder).clip(0, 48)
    assert (found - expected).norm() < 0.02 * expected.norm()


def test_an_hour_reads_only_what_a_clip_needs(encoder):
    class Hour:
        rate_hz, channels, samples = 16000, 1, 3600 * 16000

        def __init__(self):
            self.asked = 0

        def read(self, start, stop):
            self.asked += stop - start
            return noise((stop - start) / 16000, seed=start).read(0, stop - start)

    hour = Hour()
    speech = encode_speech(hour, encoder, 25, SpeechPieces(10.0, 1.0, "piece"))
    assert speech.frames == 90_000 and hour.asked == 0
    windows = SpeechWindows(speech, 16, LocalRuntime())
    windows.clip(45_008, 16)
    assert hour.asked < 60 * 16000


def test_the_runtime_is_asked_before_each_piece(encoder):
    class Watching(LocalRuntime):
        def __init__(self):
            super().__init__()
            self.calls = []

        def ready(self, *modules):
            self.calls.append(modules)

        def check_cancelled(self):
            if len(self.calls) == 2:
                raise Cancelled

    runtime = Watching()
    windows = SpeechWindows(encode_speech(noise(6.0), encoder, 25, SHORT), 16, runtime)
    windows.clip(0, 16)
    windows.clip(48, 16)
    assert runtime.calls == [(encoder,), (encoder,)]
    with pytest.raises(Cancelled):
        windows.clip(96, 16)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_other_dtypes_come_back_as_float32_and_near(encoder, dtype):
    expected = windows_of(noise(4.0), encoder).clip(0, 96)
    found = windows_of(noise(4.0), seeded_speech_encoder().to(dtype)).clip(0, 96)
    assert found.dtype == torch.float32
    assert (found - expected).norm() < (0.01 if dtype == torch.float16 else 0.08) * expected.norm()


def test_works_under_inference_mode_and_after_it(encoder):
    windows = windows_of(noise(4.0), encoder)
    with torch.inference_mode():
        inside = windows.clip(0, 16)
    assert torch.equal(windows.clip(0, 16), inside)
    assert torch.equal(windows.clip(48, 16), windows_of(noise(4.0), encoder).clip(48, 16))


def test_apart_from_attention_our_cuts_leave_no_trace():
    """Context and the whole sound's statistics give every frame what the uncut sound gives it."""
    audio, encoder = speech(1.2, seconds_per_gain=9), small_encoder(salt=0, has_attention=False)
    uncut = embeddings(audio, encoder, UNCUT)
    cuts = [embeddings(audio, encoder, replace(way, piece_seconds=15.0)) for way in (OURS, RELEASED)]
    ours, released = (cutting_error(uncut, cut, 15.0) for cut in cuts)
    assert ours.border_max < 1e-4
    assert released.border_max > 0.3 and released.border_mean > 0.1
    whole = (cuts[0] - uncut).norm(dim=1) / uncut.norm(dim=1)
    assert whole.max() < 1e-4


def test_our_cuts_are_no_worse_than_the_releases():
    """At the borders far better; in mid-piece too, though these weights attend to all of a sound alike."""
    audio, encoder = speech(3.2, seconds_per_gain=8), small_encoder(salt=0)
    uncut = embeddings(audio, encoder, UNCUT)
    ours, released = (cutting_error(uncut, embeddings(audio, encoder, way)) for way in (OURS, RELEASED))
    assert ours.border_mean < 0.4 * released.border_mean and ours.border_max < 0.4 * released.border_max
    assert ours.mid_mean < released.mid_mean and ours.mid_max < released.mid_max


def test_damaged_weights_are_blamed_on_the_encoder():
    damaged = seeded_speech_encoder()
    next(damaged.parameters()).data.view(-1)[0] = float("nan")
    with pytest.raises(PrecisionError, match="speech encoder returned infinities or NaNs"):
        windows_of(noise(0.5), damaged).clip(0, 4)
