import numpy as np
import pytest
import torch

from hallo2_core.audio import sound_statistics
from hallo2_core.audio.sound_statistics import Loudness
from hallo2_core.audio.speech_signal import SpeechSignal
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import Cancelled


def signal(samples, offset=0.0, seed=0):
    draws = np.random.default_rng(seed).standard_normal((1, samples), np.float32)
    loudness = torch.linspace(0.02, 0.3, samples)
    return SpeechSignal(TensorAudio(torch.from_numpy(draws) * loudness + offset, 16000))


def statistics(of):
    return of.statistics(10, 5, lambda: None)


def test_normalising_is_the_feature_extractors():
    """transformers' zero_mean_unit_var_norm, written out: population variance, 1e-7 under the root."""
    sound = signal(5000, offset=0.1).read(0, 5000)
    x = sound.numpy()
    expected = (x - np.mean(x)) / np.sqrt(np.var(x) + 1e-7)
    assert np.abs(Loudness.of(sound).normalize(sound).numpy() - expected).max() < 1e-5


def test_silence_and_one_sample_stay_finite():
    for sound in (torch.zeros(100), torch.full((100,), 0.5), torch.ones(1)):
        assert torch.equal(Loudness.of(sound).normalize(sound), torch.zeros(len(sound)))


@pytest.mark.parametrize("samples", [400, 401, 404, 159_999, 160_000, 160_006, 330_003])
@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_one_pass_over_blocks_gives_what_the_whole_gives(samples, offset, monkeypatch):
    monkeypatch.setattr(sound_statistics, "WINDOWS_AT_ONCE", 7000)
    whole = signal(samples, offset)
    found, expected = statistics(whole).loudness, Loudness.of(whole.read(0, samples))
    assert found.mean == pytest.approx(expected.mean, abs=1e-12)
    assert found.variance == pytest.approx(expected.variance, rel=1e-9)


@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_channels_are_those_of_the_convolution(offset):
    whole = signal(170_003, offset)
    weight = torch.randn(8, 1, 10, generator=torch.Generator().manual_seed(0))
    found = statistics(whole).channels(weight, silence=0)
    normalized = statistics(whole).loudness.normalize(whole.read(0, 170_003))
    made = torch.nn.functional.conv1d(normalized[None, None].double(), weight.double(), stride=5)[0]
    assert torch.allclose(found.mean, made.mean(dim=1), atol=1e-7)
    assert torch.allclose(found.variance, made.var(dim=1, correction=0), rtol=1e-6)


def test_channels_count_the_silence_after_the_sound():
    whole = signal(50_000)
    weight = torch.randn(4, 1, 10, generator=torch.Generator().manual_seed(0))
    found = statistics(whole).channels(weight, silence=20_000)
    normalized = torch.nn.functional.pad(statistics(whole).loudness.normalize(whole.read(0, 50_000)), (0, 20_000))
    made = torch.nn.functional.conv1d(normalized[None, None].double(), weight.double(), stride=5)[0]
    assert torch.allclose(found.variance, made.var(dim=1, correction=0), rtol=1e-3)
    assert not torch.allclose(found.variance, statistics(whole).channels(weight, 0).variance, rtol=0.1)


def test_silence_of_half_a_second_and_more_need_not_count():
    """A voice has the statistics that it has alone, however long the others speak."""
    alone, weight = signal(48_000), torch.randn(4, 1, 10, generator=torch.Generator().manual_seed(0))
    parts = [
        torch.zeros(1, 24_000),
        alone.read(0, 16_000)[None],
        torch.zeros(1, 80_000),
        alone.read(16_000, 48_000)[None],
    ]
    among_others = SpeechSignal(TensorAudio(torch.cat(parts, dim=1), 16000))
    expected, found = statistics(alone), among_others.statistics(10, 5, lambda: None, sounding_only=True)
    assert found.loudness.variance == pytest.approx(expected.loudness.variance, rel=1e-9)
    assert torch.allclose(found.channels(weight, 0).variance, expected.channels(weight, 0).variance, rtol=1e-2)
    assert statistics(among_others).loudness.variance < 0.5 * expected.loudness.variance


def test_pauses_count_as_parts_of_the_voice():
    voice = signal(48_000).read(0, 48_000)
    voice[20_000:24_000] = 0
    paused = SpeechSignal(TensorAudio(voice[None], 16000))
    found = paused.statistics(10, 5, lambda: None, sounding_only=True)
    assert found.loudness.variance == pytest.approx(statistics(paused).loudness.variance, rel=1e-9)


def test_a_voice_that_never_sounds_has_statistics():
    silent = SpeechSignal(TensorAudio(torch.zeros(1, 48_000), 16000))
    found = silent.statistics(10, 5, lambda: None, sounding_only=True)
    assert found.loudness == Loudness(0.0, 0.0)
    assert not found.channels(torch.ones(4, 1, 10), 0).variance.any()


def test_the_whole_is_walked_through_once_and_can_be_cancelled():
    calls = []
    whole = signal(200_000)
    whole.statistics(10, 5, lambda: calls.append(1))
    whole.statistics(10, 5, lambda: calls.append(1))
    assert len(calls) == 2

    def cancel():
        raise Cancelled

    with pytest.raises(Cancelled):
        signal(200_000).statistics(10, 5, cancel)
