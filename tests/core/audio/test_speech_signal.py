import sys

import numpy as np
import pytest
import soxr
import torch

from hallo2_core.audio import resampled
from hallo2_core.audio.speech_signal import SpeechSignal
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import MissingDependencyError, SettingsError

RATES = (8000, 11025, 16000, 22050, 44100, 44101, 48000, 96000, 192000)


def noise(rate, seconds, channels=1, seed=0):
    draws = np.random.default_rng(seed).standard_normal((channels, round(rate * seconds)), np.float32)
    return TensorAudio(torch.from_numpy(0.1 * draws), rate)


def sine(hz, rate, seconds=2.0):
    turns = hz * np.arange(round(rate * seconds)) / rate
    return TensorAudio(torch.from_numpy(0.5 * np.sin(2 * np.pi * turns)).unsqueeze(0), rate)


def level_db(signal, of=0.5):
    middle = signal[4000:-4000]
    return 20 * np.log10(float(middle.square().mean().sqrt()) * 2**0.5 / of + 1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_any_stretch_is_the_same_bit_for_bit_in_any_order(rate):
    audio = noise(rate, 23.37, seed=rate)
    whole = SpeechSignal(audio).read(0, -(-audio.samples * 16000 // rate))
    asked = SpeechSignal(audio)
    for start, stop in ((350_000, 373_000), (159_999, 160_001), (5, 6), (100_000, 330_000), (0, 20), (7, 7)):
        assert torch.equal(asked.read(start, stop), whole[start:stop])
    assert asked.read(373_000, asked.samples).shape == (asked.samples - 373_000,)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 44101, 48000])
def test_blocks_together_equal_the_sound_resampled_at_once(rate, monkeypatch):
    audio = noise(rate, 20.5)
    blocks = SpeechSignal(audio)
    monkeypatch.setattr(resampled, "KEPT_BLOCKS", 1)
    in_blocks = blocks.read(0, blocks.samples)
    monkeypatch.setattr(resampled, "BLOCK_SECONDS", 60)
    at_once = SpeechSignal(audio)
    assert torch.equal(at_once.read(0, at_once.samples), in_blocks)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("resampler", ["pyav", "soxr"])
def test_a_sine_stays_itself_in_place(rate, resampler):
    """The noise beside it is 100 dB below, so nothing is shifted by a part of a sample either."""
    signal = SpeechSignal(sine(1000, rate), resampler)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(signal.samples) / 16000)
    error = signal.read(0, signal.samples).numpy() - expected
    assert 20 * np.log10(np.abs(error[2000:-2000]).std() / 0.35) < -100


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 48000, 96000, 192000])
def test_agrees_with_soxr_where_speech_is(rate):
    """soxr is what the release's librosa resamples with. Above 7 kHz the two filters roll off differently."""
    audio = noise(rate, 3.0)
    ours = SpeechSignal(audio).read(0, 48_000).numpy()
    theirs = soxr.resample(audio.read(0, audio.samples)[0].numpy(), rate, 16000, quality="HQ")
    spectrum, difference = (np.abs(np.fft.rfft(x[2000:-2000] * np.hanning(44_000))) for x in (theirs, ours - theirs))
    hz = np.fft.rfftfreq(44_000, 1 / 16000)
    for highest_hz, limit_db in ((4000, -80), (7000, -50)):
        heard = (hz > 50) & (hz < highest_hz)
        assert 20 * np.log10(difference[heard].max() / spectrum[heard].mean()) < limit_db


@pytest.mark.parametrize("hz, lowest", [(100, -0.01), (6000, -0.01), (7200, -0.1)])
def test_speech_passes_at_its_level(hz, lowest):
    signal = SpeechSignal(sine(hz, 44100))
    assert lowest < level_db(signal.read(0, signal.samples)) < 0.01


@pytest.mark.parametrize("hz, highest", [(8400, -60), (9000, -90), (12000, -100), (20000, -100)])
def test_what_16_khz_cannot_hold_is_not_folded_back(hz, highest):
    signal = SpeechSignal(sine(hz, 44100))
    assert level_db(signal.read(0, signal.samples)) < highest


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(channels):
    audio = noise(16000, 1.0, channels)
    assert torch.equal(SpeechSignal(audio).read(0, 16000), audio.read(0, 16000).mean(dim=0))


def test_opposite_channels_cancel():
    wave = torch.rand(1, 44100)
    signal = SpeechSignal(TensorAudio(torch.cat([wave, -wave]), 44100))
    assert signal.read(0, 16000).abs().max() == 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("samples", [1, 2, 3, 400])
def test_the_shortest_sounds_have_a_signal(rate, samples):
    signal = SpeechSignal(TensorAudio(torch.full((1, samples), 0.5), rate))
    assert signal.samples == -(-samples * 16000 // rate) >= 1
    heard = signal.read(0, signal.samples)
    assert heard.shape == (signal.samples,) and heard.isfinite().all()


def test_few_blocks_are_kept():
    audio = noise(8000, 200)
    signal = SpeechSignal(audio)
    signal.read(0, signal.samples)
    assert len(signal._mono._blocks) == resampled.KEPT_BLOCKS


def test_an_unknown_resampler_is_refused():
    with pytest.raises(SettingsError, match="'sinc'; choose one of pyav, soxr"):
        SpeechSignal(noise(8000, 1), "sinc")


def test_soxr_is_optional_and_its_absence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(MissingDependencyError, match="pip install soxr .*extra 'audio'"):
        SpeechSignal(noise(44100, 1), "soxr").read(0, 100)
    assert SpeechSignal(noise(44100, 1)).read(0, 100).shape == (100,)
