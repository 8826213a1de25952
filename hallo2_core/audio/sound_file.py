"""A sound in a file (WAV, MP3, FLAC, M4A, a video, …), decoded while it is read, never held in memory as a whole."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from ..errors import AudioError
from .sound_decoding import decoded_blocks
from .sound_faults import SoundFaults
from .waveform import SoundDigest, check_samples, check_sound

KEPT_SECONDS = 2.0  # decoded audio that a reader keeps, so that overlapping reads need not start over
OPEN_READERS = 3  # the encoder reads ahead, the writer behind, and checks read once


class FileAudio:
    """The first audio stream of a file, counted in decoded samples.

    Opening it decodes it once, to get its exact length and to find damage before any other work. Reading forward costs
    O(n) in all, even for a few readers at different positions; seeking back starts from the beginning.
    is_strict: refuse packets that cannot be decoded; else they are silent, as in players, and the log says so.
    Errors: AudioError that names the file and what to do.
    """

    def __init__(self, path: Path | str, is_strict: bool = False) -> None:
        self.path = Path(path)
        if not os.path.isfile(self.path):
            raise AudioError(f"There is no sound file {self.path}. Check the path.")
        self._stamp = self._stamp_now()
        self._lock = threading.Lock()
        self._readers: list[_Reader] = []  # least recently used first
        self._rate_hz = self._channels = self._samples = 0
        digest: SoundDigest | None = None
        faults = SoundFaults(self.path.name)
        for rate_hz, block in decoded_blocks(self.path, faults):
            if digest is None:
                self._rate_hz, self._channels = rate_hz, block.shape[0]
                digest = SoundDigest(rate_hz, block.shape[0])
            check_samples(self.path.name, block, self._samples, rate_hz)
            digest.update(block)
            self._samples += block.shape[1]
        if is_strict or digest is None:
            faults.check()
        if digest is None:
            raise AudioError(f"{self.path.name} has an audio stream without a single sample. Choose another file.")
        faults.tell()
        check_sound(self.path.name, self._rate_hz, self._channels, self._samples)
        self._fingerprint = digest.hexdigest()

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    @property
    def channels(self) -> int:
        return self._channels

    @property
    def samples(self) -> int:
        return self._samples

    def fingerprint(self) -> str:
        return self._fingerprint

    def read(self, start: int, stop: int) -> Tensor:
        """Samples start to stop, within the sound: (c t) float32."""
        assert 0 <= start <= stop <= self.samples, f"samples {start} to {stop} of {self.samples}"
        if start == stop:
            return torch.zeros(self.channels, 0)
        with self._lock:
            return self._reader_for(start).read(start, stop)

    def _reader_for(self, start: int) -> _Reader:
        """The open reader closest before `start`, or a new one that replaces the least recently used."""
        if self._stamp_now() != self._stamp:
            raise AudioError(f"{self.path.name} was changed while it was being read. Start again with the new file.")
        behind = [reader for reader in self._readers if reader.first_kept <= start]
        if behind:
            reader = max(behind, key=lambda reader: reader.first_kept)
            self._readers.remove(reader)
        else:
            self._readers = self._readers[-(OPEN_READERS - 1) :]
            reader = _Reader(self.path, round(KEPT_SECONDS * self.rate_hz))
        self._readers.append(reader)
        return reader

    def _stamp_now(self) -> tuple[int, int]:
        state = self.path.stat()
        return state.st_size, state.st_mtime_ns


class _Reader:
    """A position in the file: the last decoded blocks, and the decoder that continues after them."""

    def __init__(self, path: Path, kept_samples: int) -> None:
        self._path = path
        self._decoder = decoded_blocks(path)
        self._kept_samples = kept_samples
        self._kept: deque[Tensor] = deque()  # (c t) each, one after the other
        self.first_kept = 0
        self._decoded = 0

    def read(self, start: int, stop: int) -> Tensor:
        """(c t). start: no earlier than `first_kept`."""
        stretch: list[Tensor] = []
        position = self.first_kept
        for block in chain(tuple(self._kept), self._new_blocks()):
            if position + block.shape[1] > start:
                stretch.append(block[:, max(start - position, 0) : stop - position])
            position += block.shape[1]
            if position >= stop:
                return torch.cat(stretch, dim=1)
        raise AudioError(f"{self._path.name} ended early when it was read again. Start again with the whole file.")

    def _new_blocks(self) -> Iterator[Tensor]:
        for _, block in self._decoder:
            self._kept.append(block)
            self._decoded += block.shape[1]
            while self.first_kept + self._kept[0].shape[1] <= self._decoded - self._kept_samples:
                self.first_kept += self._kept.popleft().shape[1]
            yield block
