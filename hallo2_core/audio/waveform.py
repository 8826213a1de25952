"""Audio sources: any sample rate, channel count and length, read piece by piece and never modified."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..errors import AudioError

logger = logging.getLogger("hallo2")

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
MOST_CHANNELS = 8  # of AAC
HIGHEST_PEAK = 64.0  # 36 dB above full scale, which no recording reaches
BLOCK_SAMPLES = 1 << 20  # read size when a whole sound is scanned


class AudioSource(Protocol):
    """A finite sound. Reading the same stretch again gives the same samples, in any order of reads."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def samples(self) -> int:
        """Per channel."""

    def read(self, start: int, stop: int) -> Tensor:
        """Samples start to stop, within the sound: (c t) float32 on the CPU, full scale is 1."""

    def fingerprint(self) -> str:
        """A hash of rate and samples: equal for equal sounds, whatever their source."""


class TensorAudio:
    """A sound in memory, in any dtype; converted piece by piece.

    sound: (c t), floating or integer; an integer's full scale is its dtype's. The tensor is kept, not copied.
    Errors: AudioError for anything that is not a sound, and for NaN or infinite samples.
    """

    def __init__(self, sound: Tensor, rate_hz: int) -> None:
        if sound.ndim != 2:
            raise AudioError(f"The sound has shape {tuple(sound.shape)}; expected (channels, samples).")
        check_sound("The sound", rate_hz, *sound.shape)
        if sound.is_complex() or sound.dtype == torch.bool:
            raise AudioError(f"The sound's samples are {sound.dtype}; expected float or integer samples.")
        self._sound = sound.detach()
        self._rate_hz = rate_hz
        for start, block in blocks_of(self):
            check_samples("The sound", block, start, rate_hz)

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    @property
    def channels(self) -> int:
        return self._sound.shape[0]

    @property
    def samples(self) -> int:
        return self._sound.shape[1]

    def read(self, start: int, stop: int) -> Tensor:
        assert 0 <= start <= stop <= self.samples, f"samples {start} to {stop} of {self.samples}"
        return full_scale_one(self._sound[:, start:stop].cpu())

    def fingerprint(self) -> str:
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = SoundDigest(self.rate_hz, self.channels)
        for _, block in blocks_of(self):
            digest.update(block)
        return digest.hexdigest()


class PaddedAudio:
    """A sound with silence after its end, up to `samples` in all."""

    def __init__(self, sound: AudioSource, samples: int) -> None:
        assert samples >= sound.samples, f"{samples} of {sound.samples} samples"
        self._sound = sound
        self._samples = samples

    @property
    def rate_hz(self) -> int:
        return self._sound.rate_hz

    @property
    def channels(self) -> int:
        return self._sound.channels

    @property
    def samples(self) -> int:
        return self._samples

    def read(self, start: int, stop: int) -> Tensor:
        inside = self._sound.read(min(start, self._sound.samples), min(stop, self._sound.samples))
        return F.pad(inside, (0, stop - start - inside.shape[1]))

    def fingerprint(self) -> str:
        return f"{self._sound.fingerprint()}, silent up to sample {self.samples}"


def audio_from_comfy(audio: Mapping[str, Any] | None) -> TensorAudio:
    """What an AUDIO wire carries: {"waveform": (b c t), "sample_rate": Hz}.

    Hosts and other packs are not strict about it, so (c t) and (t), integer samples and a rate of 44100.0 are accepted
    too. The first sound of a batch is used, with a warning. Errors: AudioError that says what to connect.
    """
    if audio is None:
        raise AudioError("There is no sound: the video it was taken from is silent. Connect 'Load Audio' instead.")
    if not isinstance(audio, Mapping) or not isinstance(audio.get("waveform"), Tensor) or "sample_rate" not in audio:
        found = f"the keys {sorted(map(str, audio))}" if isinstance(audio, Mapping) else f"a {type(audio).__name__}"
        raise AudioError(f"The AUDIO holds {found}; expected a 'waveform' tensor and a 'sample_rate'.")
    waveform = audio["waveform"]
    if waveform.ndim == 3:
        if waveform.shape[0] > 1:
            logger.warning("The AUDIO holds %d sounds; a video takes one: the first is used.", waveform.shape[0])
        elif not waveform.is_floating_point() and waveform.shape[1] == 1:
            # v0.3.64 passes on a decoder's 16-bit buffer, interleaved. Mono audio looks the same.
            logger.warning(
                "The AUDIO holds whole numbers in one channel. Old versions of ComfyUI return a video's stereo sound "
                "like this, left and right interleaved: if it plays at half speed, save it as a file and use 'Load "
                "Audio'."
            )
        waveform = waveform[:1].flatten(0, 1)
    elif waveform.ndim == 1:
        waveform = waveform.unsqueeze(0)
    return TensorAudio(waveform, _whole_rate(audio["sample_rate"]))


def _whole_rate(rate: object) -> int:
    try:
        whole = int(rate)  # type: ignore[call-overload]
        is_whole = whole == float(rate)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        is_whole = False
    if not is_whole:
        raise AudioError(f"The sample rate is {rate!r}; expected a whole number of Hz, such as 44100.")
    return whole


def check_sound(what: str, rate_hz: int, channels: int, samples: int) -> None:
    """what: the sound's name, to start the message with."""
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(
            f"{what} has a sample rate of {rate_hz} Hz; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz. Convert it "
            f"to 44100 Hz, for example."
        )
    if channels > MOST_CHANNELS:
        turned = " Its axes may be exchanged: (channels, samples) was expected." if channels > samples else ""
        raise AudioError(
            f"{what} has {channels} channels of {samples} samples; a video's sound holds up to {MOST_CHANNELS}."
            f"{turned} Mix it down to stereo."
        )
    if not channels or not samples:
        raise AudioError(
            f"{what} is empty ({channels} channels of {samples} samples). Choose a sound of at least one sample."
        )


def check_samples(what: str, block: Tensor, first_sample: int, rate_hz: int) -> None:
    """Refuse samples that are not finite, or have another full scale than 1. block: (c t), which begins at
    `first_sample` of its sound."""
    if torch.isfinite(block).all():
        if (peak := float(block.abs().max())) > HIGHEST_PEAK:
            raise AudioError(
                f"{what} has samples up to {peak:g}; full scale is 1. They seem to be whole numbers that were turned "
                f"into floats: divide 16-bit ones by 32768."
            )
        return
    bad = first_sample + int((~torch.isfinite(block)).any(dim=0).nonzero()[0])
    raise AudioError(
        f"{what} has samples that are not numbers (NaN or infinite), the first at {bad / rate_hz:.2f} s. The source "
        f"is faulty there: create it again, or cut that part out."
    )


def full_scale_one(sound: Tensor) -> Tensor:
    """Any dtype of samples → float32, where the dtype's full scale becomes 1 (unsigned ones are centered first)."""
    if sound.is_floating_point():
        return sound.to(torch.float32)
    dtype = torch.iinfo(sound.dtype)
    half = (dtype.max - dtype.min + 1) // 2
    exact = torch.float32 if dtype.bits <= 16 else torch.float64
    return ((sound.to(exact) - (dtype.min + half)) / half).to(torch.float32)


def blocks_of(audio: AudioSource) -> Iterator[tuple[int, Tensor]]:
    """Iterate over a sound: (first sample, (c t)) for each block."""
    for start in range(0, audio.samples, BLOCK_SAMPLES):
        yield start, audio.read(start, min(start + BLOCK_SAMPLES, audio.samples))


class SoundDigest:
    """SHA-256 over rate, channels and float32 samples, independent of how the sound is cut into blocks."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._hash = hashlib.sha256(f"{rate_hz} Hz, {channels} channels".encode())

    def update(self, block: Tensor) -> None:
        """block: (c t) float32, the next stretch."""
        self._hash.update(rearrange(block, "c t -> (t c)").numpy().astype("<f4", copy=False).data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
