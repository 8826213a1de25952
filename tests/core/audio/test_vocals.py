"""The transform around an MDX-Net, with networks made here: the released file may not be shipped."""

import math
import sys

import numpy as np
import pytest
import torch

from hallo2_core.audio import vocals
from hallo2_core.audio.vocals import (
    BINS,
    HOP_SAMPLES,
    MDX_RATE_HZ,
    SILENT_BINS,
    VocalNet,
    as_mdx_sound,
    load_vocal_net,
    separate_vocals,
    sound_of,
    spectrum,
    vocals_of,
)
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import Cancelled, CheckpointError, MissingDependencyError, PrecisionError
from hallo2_core.runtime import LocalRuntime

FRAMES = 17  # of a chunk; 256 in the released file
CHUNK = HOP_SAMPLES * (FRAMES - 1)
STEP = CHUNK * 3 // 4
ALL_BINS = vocals.FFT_SAMPLES // 2 + 1


class Place:
    def __init__(self, shape):
        self.name, self.shape = "spectra", shape


class Net:
    """A session of a network that is a Python function; keeps what it was shown."""

    def __init__(self, function=lambda seen: seen, shape=("batch", 4, BINS, FRAMES)):
        self.function, self.shape, self.seen = function, list(shape), []

    def get_inputs(self):
        return [Place(self.shape)]

    def get_outputs(self):
        return [Place(self.shape)]

    def run(self, _names, given):
        (seen,) = given.values()
        self.seen.append(seen.copy())
        return [self.function(seen)]


def music(samples, channels=2, seed=0, loudness=0.2):
    """Noise between 60 Hz and 16 kHz, which the transform passes as it is."""
    draws = torch.from_numpy(np.random.default_rng(seed).standard_normal((channels, samples + 2 * MDX_RATE_HZ)))
    spectra = torch.fft.rfft(draws)
    hz = torch.fft.rfftfreq(draws.shape[1], 1 / MDX_RATE_HZ)
    spectra[:, (hz < 60) | (hz > 16_000)] = 0
    sound = torch.fft.irfft(spectra, n=draws.shape[1])[:, MDX_RATE_HZ : MDX_RATE_HZ + samples]
    return (loudness * sound / sound.std()).float()


def separated(sound, session, rate_hz=MDX_RATE_HZ):
    return vocals_of(TensorAudio(sound, rate_hz), VocalNet(session, "net.onnx"), LocalRuntime())


def save_onnx(path, factor=1.0, shape=("batch", 4, BINS, FRAMES)):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Mul", ["spectra", "factor"], ["vocals"])],
        "net",
        [helper.make_tensor_value_info("spectra", onnx.TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("vocals", onnx.TensorProto.FLOAT, list(shape))],
        [onnx.numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture
def all_bins(monkeypatch):
    """Nothing is dropped at either end of the spectrum."""
    monkeypatch.setattr(vocals, "BINS", ALL_BINS)
    monkeypatch.setattr(vocals, "SILENT_BINS", 0)


def test_the_transform_there_and_back_is_exact(all_bins):
    noise = torch.randn(2, CHUNK, generator=torch.Generator().manual_seed(0))
    assert float((sound_of(spectrum(noise), CHUNK) - noise).abs().max()) < 1e-5


@pytest.mark.parametrize("samples", [1, 2, 1000, STEP - 3840, STEP - 3839, CHUNK, 2 * STEP + 17, 5 * CHUNK])
def test_a_network_that_changes_nothing_gives_the_sound_back_exactly(all_bins, samples):
    """To the rounding of float32, wherever chunks begin and end."""
    noise = 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(0))
    heard = separated(noise, Net(shape=("batch", 4, ALL_BINS, FRAMES)))
    assert heard.shape == noise.shape
    assert float((heard - noise).abs().max()) < 1e-5


def test_what_a_voice_consists_of_is_not_lost_with_the_bins_that_networks_lack():
    sound = music(5 * CHUNK)
    inside = slice(MDX_RATE_HZ // 10, -MDX_RATE_HZ // 10)
    lost = (separated(sound, Net()) - sound)[:, inside]
    assert float(lost.square().mean().sqrt()) < 1e-3 * float(sound.square().mean().sqrt())  # 60 dB below


def test_spectra_have_a_part_of_a_channel_per_plane():
    seen = spectrum(torch.stack([music(CHUNK)[0], torch.zeros(CHUNK)]))
    assert seen.shape == (4, BINS, FRAMES)
    assert seen[0].any() and seen[1].any() and not seen[2:].any()
    hz = 20 * MDX_RATE_HZ / vocals.FFT_SAMPLES  # the middle of bin 20
    time = torch.arange(CHUNK) / MDX_RATE_HZ
    cosine = spectrum(torch.cos(2 * math.pi * hz * time).repeat(2, 1))[:, :, FRAMES // 2]
    assert int(cosine.square().sum(dim=0).argmax()) == 20


def test_chunks_are_cross_faded_where_networks_disagree():
    """Each chunk is louder than the one before; between them there is no jump."""
    calls = []

    def louder(seen):
        calls.append(None)
        return seen * len(calls)

    constant = torch.sin(2 * math.pi * 441 * torch.arange(6 * CHUNK) / MDX_RATE_HZ).repeat(2, 1) * 0.1
    heard = separated(constant, Net(louder))
    peaks = heard[0].unfold(0, 100, 100).amax(dim=1) / 0.1
    assert float(peaks.diff().abs().max()) < 0.1 and float(peaks[-1]) > 6


def test_the_network_sees_no_rumble_and_no_peak_above_its_limit():
    loud, net = music(CHUNK, loudness=0.9), Net()
    heard = separated(loud, net)
    assert float(loud.abs().max()) > 1
    quiet = Net()
    separated(loud * 0.9 / float(loud.abs().max()), quiet)
    np.testing.assert_allclose(net.seen[0], quiet.seen[0], atol=1e-3)
    assert not net.seen[0][:, :, :SILENT_BINS].any()
    assert float(heard.abs().max()) > 1  # back at the level it came with


def test_channels_stay_apart():
    sound = torch.stack([music(CHUNK)[0], torch.zeros(CHUNK)])
    heard = separated(sound, Net(lambda seen: seen[:, [2, 3, 0, 1]]))
    assert float(heard[0].abs().max()) < 1e-6 and float(heard[1].abs().max()) > 0.1


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_any_rate_and_channels_become_stereo_at_44_khz(rate, channels):
    sound = TensorAudio(0.1 * torch.rand(channels, rate), rate)
    assert as_mdx_sound(sound).samples == MDX_RATE_HZ
    assert vocals_of(sound, VocalNet(Net(), "net.onnx"), LocalRuntime()).shape == (2, MDX_RATE_HZ)


def test_memory_does_not_grow_with_the_sound():
    """No piece, no read and no chunk is longer than a few seconds."""
    longest = []

    class Watched(TensorAudio):
        def read(self, start, stop):
            longest.append(stop - start)
            return super().read(start, stop)

    audio = Watched(torch.zeros(2, 48_000).expand(2, -1).repeat(1, 60), 48_000)
    longest.clear()  # of the check for NaNs
    pieces = [piece.shape[1] for piece in separate_vocals(as_mdx_sound(audio), VocalNet(Net(), "n"), LocalRuntime())]
    assert sum(pieces) == 60 * MDX_RATE_HZ and max(pieces) == STEP
    assert max(longest) <= 11 * 48_000


def test_cancel_stops_between_two_chunks():
    class Pressed(LocalRuntime):
        def check_cancelled(self):
            if len(net.seen) == 2:
                raise Cancelled

    net = Net()
    with pytest.raises(Cancelled):
        vocals_of(TensorAudio(music(20 * CHUNK), MDX_RATE_HZ), VocalNet(net, "net.onnx"), Pressed())
    assert len(net.seen) == 2


def test_an_onnx_file_is_run(tmp_path):
    sound = music(CHUNK)
    net = load_vocal_net(save_onnx(tmp_path / "half.onnx", 0.5))
    assert net.chunk_samples == CHUNK
    heard = vocals_of(TensorAudio(sound, MDX_RATE_HZ), net, LocalRuntime())
    twice = separated(sound, Net(lambda seen: seen / 2))
    assert float((heard - twice).abs().max()) < 1e-6 and 0.4 < float(heard.std() / sound.std()) < 0.6


@pytest.mark.parametrize("shape", [("b", 4, 2048, 256), ("b", 2, BINS, 256), ("b", 4, BINS, "frames"), ("b", 64)])
def test_networks_of_another_shape_are_refused(shape):
    with pytest.raises(CheckpointError, match=r"odd\.onnx takes .*Choose Kim_Vocal_2\.onnx"):
        VocalNet(Net(shape=shape), "odd.onnx")


def test_nan_is_refused():
    with pytest.raises(PrecisionError, match=r"net\.onnx returned NaN"):
        separated(music(CHUNK), Net(lambda seen: seen * np.nan))


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"Kim_Vocal_2\.onnx needs .* onnxruntime.*extra 'vocals'"):
        load_vocal_net(tmp_path / "Kim_Vocal_2.onnx")


def test_a_missing_file_is_named(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(CheckpointError, match=r"There is no Kim_Vocal_2\.onnx in"):
        load_vocal_net(tmp_path / "Kim_Vocal_2.onnx")
