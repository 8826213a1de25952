"""Decodes the first audio stream of a file, about a second at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import torch
from av.packet import Packet
from einops import rearrange
from torch import Tensor

from ..errors import AudioError
from ..storage.not_media import what_it_is
from .packets import frames_in
from .sound_faults import SoundFaults
from .sound_gaps import SoundGaps, silent_blocks
from .waveform import HIGHEST_PEAK, full_scale_one

LOSSLESS_FLOATS = ("pcm_", "wavpack")  # codecs that give back samples of any size


class SoundFormat(NamedTuple):
    rate_hz: int
    channels: int
    name: str  # FFmpeg's: s16, fltp, …; p for planar

    def __str__(self) -> str:
        return f"{self.channels} channels at {self.rate_hz} Hz ({self.name})"


def decoded_blocks(path: Path, faults: SoundFaults | None = None) -> Iterator[tuple[int, Tensor]]:
    """(rate in Hz, (c t) float32) after another. Where packets are missing or cannot be decoded there is silence, as in
    players. faults: receives them.

    Errors: AudioError where the file is no sound, cannot be read on, or changes its rate or channels on the way.
    """
    samples, gaps = 0, SoundGaps()
    first: SoundFormat | None = None
    gathered: list[np.ndarray] = []  # a decoder's own frames are small, and every step below has overhead
    gathered_samples = 0
    try:
        with av.open(str(path.absolute()), metadata_errors="replace") as container:
            if not container.streams.audio:
                raise AudioError(f"{path.name} has no audio stream. Choose a file with sound.")
            if container.streams.audio[0].codec_context is None:
                raise AudioError(
                    f"{path.name} has sound that PyAV {av.__version__} cannot decode. Convert it to WAV first."
                )
            for frame, content in _decoded(container):
                if content is None:
                    gaps.lost(frame)
                    if faults is not None:
                        faults.add_damage(samples / first.rate_hz if first else 0.0)
                    continue
                found = SoundFormat(frame.sample_rate, len(frame.layout.channels), frame.format.name)
                first = first or found
                if found != first:
                    raise AudioError(
                        f"{path.name} changes from {first} to {found} after {samples / first.rate_hz:.2f} s. Convert "
                        f"it to a WAV file first."
                    )
                missing = gaps.before(frame, samples)
                if gathered and (missing or gathered_samples >= first.rate_hz):
                    yield first.rate_hz, _joined(gathered, first)
                    gathered, gathered_samples = [], 0
                for silence in silent_blocks(missing, first.rate_hz):
                    yield first.rate_hz, torch.zeros(first.channels, silence)
                if missing and faults is not None and not gaps.is_after_damage:
                    faults.add_gap(samples / first.rate_hz, (samples + missing) / first.rate_hz)
                gaps.is_after_damage = False
                gathered.append(content)
                gathered_samples += frame.samples
                samples += missing + frame.samples
            if gathered:
                yield first.rate_hz, _joined(gathered, first)
    except av.FFmpegError as error:
        if what := what_it_is(path):
            raise AudioError(f"{path.name} {what}") from error
        where = f"is damaged after {samples / first.rate_hz:.2f} s" if first else "cannot be read as sound"
        raise AudioError(
            f"{path.name} {where} ({error.strerror or type(error).__name__}). If it plays elsewhere, convert it to a "
            f"WAV file; otherwise download or copy it again."
        ) from error


def _decoded(container: av.container.InputContainer) -> Iterator[tuple[av.AudioFrame | Packet, np.ndarray | None]]:
    """Every frame with its samples; None for what cannot be decoded, or is decoded to noise of any level, as damaged
    packets of lossy codecs can be."""
    may_be_noise = not container.streams.audio[0].codec_context.name.startswith(LOSSLESS_FLOATS)
    for packet in container.demux(audio=0):
        frames = frames_in(packet)
        if frames is None:
            yield packet, None
        for frame in frames or ():
            samples = frame.to_ndarray()
            yield frame, None if may_be_noise and _is_noise(samples) else samples


def _is_noise(samples: np.ndarray) -> bool:
    return samples.dtype.kind == "f" and not np.abs(samples).max(initial=0.0) <= HIGHEST_PEAK  # NaN is noise too


def _joined(frames: list[np.ndarray], sound: SoundFormat) -> Tensor:
    """(c t) float32. frames: (c t) each, or (1 (t c)) from decoders that put the channels of a sample side by side."""
    samples = torch.from_numpy(np.concatenate(frames, axis=1))
    if not sound.name.endswith("p"):
        samples = rearrange(samples, "1 (t c) -> c t", c=sound.channels)
    return full_scale_one(samples)
