"""Upscaled clips that wait in the folder of their job until the clips before them are in it too."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from torch import Tensor

from ..jobs.folder import AHEAD_PREFIX
from ..jobs.job import CLIPS_PER_SEGMENT, Job
from ..upscaling.clip_writer import CLIP_FRAMES
from .shared_folder import SharedFolder

NAME = re.compile(rf"{AHEAD_PREFIX}(\w+)-(\d+)-(\d+)-([0-9a-f]{{8}})\.ts")


class AheadClips:
    """A name tells what a clip was made from, its number, its frames and its CRC-32: what is damaged, or was made from
    other inputs, is as if it were not there."""

    def __init__(self, folder: SharedFolder, key: str) -> None:
        """key: a hash of everything that determines the clips."""
        self._folder, self._key = folder, key

    def names(self) -> dict[int, str]:
        """By the clips' numbers."""
        found = ((NAME.fullmatch(name), name) for name in self._folder.names())
        return {int(match[2]): name for match, name in found if match is not None and match[1] == self._key}

    def add(self, number: int, clip: bytes, frames: int) -> None:
        name = f"{AHEAD_PREFIX}{self._key}-{number:06d}-{frames}-{zlib.crc32(clip):08x}.ts"
        self._folder.write(name, clip)

    def append_to(self, job: Job) -> int:
        """The clips that follow those in the job, up to the first that is missing. Returns how many."""
        names = self.names()
        first = job.journal.clips
        while (name := names.get(job.journal.clips)) is not None:
            clip, match = self._folder.read(name), NAME.fullmatch(name)
            if clip is None or f"{zlib.crc32(clip):08x}" != match[4]:
                break
            job.append(clip, int(match[3]), {})
        return job.journal.clips - first

    def remove_all(self) -> None:
        """Also clips with other keys."""
        for name in self._folder.names():
            if name.startswith(AHEAD_PREFIX):
                self._folder.remove(name)


class AheadWriter:
    """An `upscaling.clip_writer.ClipStore` for clips from `number` on."""

    def __init__(self, clips: AheadClips, number: int) -> None:
        self._clips, self._number = clips, number

    @property
    def frames_in_segment(self) -> int:
        """Of the job that they will be appended to."""
        return self._number % CLIPS_PER_SEGMENT * CLIP_FRAMES

    def append(self, clip: bytes, frames: int, state: Mapping[str, Tensor]) -> None:
        """state: empty, because no clip needs the one before it."""
        self._clips.add(self._number, clip, frames)
        self._number += 1
