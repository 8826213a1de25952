"""Vocals out of music with an MDX-Net, a network over spectra, such as the release's Kim_Vocal_2.onnx.

The sound is cut into chunks of almost six seconds that overlap by a quarter. Each is transformed, filtered by the
network and transformed back; where two overlap, one fades into the other. Only two chunks are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..checkpoints.onnx_session import open_session
from ..errors import CheckpointError, PrecisionError
from ..runtime import Runtime
from .mixed import Mixed
from .resampled import Resampled, surrounded_by_silence
from .waveform import AudioSource, blocks_of

MDX_RATE_HZ = 44_100
CHANNELS = 2
FFT_SAMPLES, HOP_SAMPLES = 7680, 1024  # of Kim_Vocal_2; the file does not contain them
BINS = 3072  # of 3841: what lies above 17.6 kHz is dropped
SILENT_BINS = 3  # below 17 Hz; not shown to the network, as in the separator that the release uses
OVERLAP = 0.25
MARGIN_SAMPLES = FFT_SAMPLES // 2  # of silence before the sound, so that it does not begin on a chunk's faded edge
HIGHEST_PEAK = 0.9  # louder sounds are scaled down for the network, as there


class VocalNet:
    """The network in an ONNX file, and the transform around it."""

    def __init__(self, session: Any, name: str) -> None:  # noqa: ANN401 - an onnxruntime session
        """name: of the file, for messages. Errors: CheckpointError for a network of another shape."""
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shape = inputs[0].shape
        fits = len(inputs) == len(outputs) == 1 and list(shape[1:3]) == [2 * CHANNELS, BINS] and _is_count(shape[3:])
        if not fits:
            raise CheckpointError(
                f"{name} takes {', '.join(str(one.shape) for one in inputs)}; a network that separates vocals takes "
                f"[batch, {2 * CHANNELS}, {BINS}, frames]. Choose Kim_Vocal_2.onnx, or another MDX-Net for vocals with "
                f"{BINS} bins."
            )
        self._session, self._name = session, name
        self.chunk_samples = HOP_SAMPLES * (shape[3] - 1)

    def __call__(self, sound: Tensor) -> Tensor:
        """(c t) → (c t), a stereo chunk at 44.1 kHz. Errors: PrecisionError."""
        seen = spectrum(sound)
        seen[:, :SILENT_BINS] = 0.0
        (heard,) = self._session.run(None, {self._session.get_inputs()[0].name: seen.unsqueeze(0).numpy()})
        vocals = sound_of(torch.from_numpy(heard)[0], sound.shape[1])
        if not vocals.isfinite().all():
            raise PrecisionError(f"{self._name} returned NaN or infinite values. Choose another file or provider.")
        return vocals


def load_vocal_net(path: Path, provider: str = "cpu") -> VocalNet:
    """Errors: MissingDependencyError, SettingsError, CheckpointError."""
    return VocalNet(open_session(path, provider, "vocals", "connect the sound as it is"), path.name)


def spectrum(sound: Tensor) -> Tensor:
    """(2 t) → (4 bins frames): real and imaginary part of the left channel, then of the right one."""
    transformed = torch.stft(
        sound, FFT_SAMPLES, HOP_SAMPLES, window=torch.hann_window(FFT_SAMPLES), center=True, return_complex=True
    )
    parts = torch.view_as_real(transformed)[:, :BINS]
    return rearrange(parts, "c bins frames part -> (c part) bins frames").contiguous()


def sound_of(parts: Tensor, samples: int) -> Tensor:
    """The inverse of `spectrum` up to 17.6 kHz: (4 bins frames) → (2 t), of this many samples."""
    parts = F.pad(parts, (0, 0, 0, FFT_SAMPLES // 2 + 1 - parts.shape[1]))
    parts = rearrange(parts, "(c part) bins frames -> c bins frames part", part=2)
    return torch.istft(
        torch.view_as_complex(parts.contiguous()),
        FFT_SAMPLES,
        HOP_SAMPLES,
        window=torch.hann_window(FFT_SAMPLES),
        center=True,
        length=samples,
    )


def as_mdx_sound(audio: AudioSource) -> Resampled:
    """Stereo at 44.1 kHz."""
    return Resampled(Mixed(audio, CHANNELS), MDX_RATE_HZ)


def separate_vocals(sound: Resampled, net: VocalNet, runtime: Runtime) -> Iterator[Tensor]:
    """The vocals of `as_mdx_sound`, as long as it, piece after piece: (2 t) each."""
    chunk, step = net.chunk_samples, round(net.chunk_samples * (1 - OVERLAP))
    window, scale = torch.hann_window(chunk, periodic=False), _scale(sound, runtime)
    faded, weights = torch.zeros(CHANNELS, chunk), torch.zeros(chunk)
    starts = range(-MARGIN_SAMPLES, sound.samples, step)
    for index, start in enumerate(starts):
        runtime.check_cancelled()
        faded += window * net(scale * surrounded_by_silence(sound, start, start + chunk))
        weights += window
        first, last = max(-start, 0), min(step, sound.samples - start)
        yield faded[:, first:last] / weights[first:last] / scale
        runtime.progress(index + 1, len(starts))
        faded, weights = _moved_on(faded, step), _moved_on(weights, step)


def vocals_of(audio: AudioSource, net: VocalNet, runtime: Runtime) -> Tensor:
    """All of them in memory: (2 t) float32 at 44.1 kHz."""
    sound = as_mdx_sound(audio)
    vocals, done = torch.empty(CHANNELS, sound.samples), 0
    for piece in separate_vocals(sound, net, runtime):
        vocals[:, done : done + piece.shape[1]] = piece
        done += piece.shape[1]
    return vocals


def _moved_on(samples: Tensor, step: int) -> Tensor:
    """(… t): without the first `step` samples, and as many zeros at the end."""
    return F.pad(samples[..., step:], (0, step))


def _scale(sound: Resampled, runtime: Runtime) -> float:
    """At most 1."""
    peak = 0.0
    for _, block in blocks_of(sound):
        runtime.check_cancelled()
        peak = max(peak, float(block.abs().max()))
    return min(1.0, HIGHEST_PEAK / peak) if peak else 1.0


def _is_count(frames: list[Any]) -> bool:
    return len(frames) == 1 and isinstance(frames[0], int) and frames[0] > 1
