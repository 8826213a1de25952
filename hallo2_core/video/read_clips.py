"""Reads the frames of finished clips while another process appends more."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from torch import Tensor

from ..errors import VideoError
from .clips import opened_clips
from .rgb import rgb_of


def read_clips(path: Path, size_bytes: int, frames: int, start: int = 0) -> Iterator[Tensor]:
    """Yield the frames of a file of clips from `start` on, (h w 3) uint8, as `reader.read_frames` reads them from the
    finished video.

    size_bytes, frames: what counts of the file; anything beyond is being written. Errors: VideoError if it is damaged.
    """
    found = 0
    with path.open("rb") as file, opened_clips(Beginning(file, size_bytes)) as container:
        container.streams.video[0].thread_type = "FRAME"
        try:
            for frame in container.decode(video=0):
                if found >= start:
                    yield rgb_of(frame, pixel_aspect=Fraction(1))
                found += 1
        except av.FFmpegError as error:
            raise VideoError(f"{path} is damaged after {found} frames ({error.strerror}). Start over.") from error
    if found != frames:
        raise VideoError(f"{path} is damaged: it holds {found} of its {frames} frames. Start over.")


class Beginning(io.RawIOBase):
    """The first `size_bytes` of an open file, as a file."""

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self._file, self._size_bytes = file, size_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        content = self._file.read(min(len(buffer), max(self._size_bytes - self._file.tell(), 0)))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            return self._file.seek(self._size_bytes + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
