"""A job: a folder that holds the finished part of a video, so that the same work can resume where it stopped."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

import safetensors.torch
from torch import Tensor

from ..storage.durable import replace_file, sync_folder
from ..storage.folders import check_writable
from .disk_errors import disk_errors
from .folder import CHECK, GROWING, remove_links, remove_unfinished, segment_name, state_name, tidy
from .journal import Journal, KeptFile, seen_from, write_journal
from .key import JobKey
from .lock import JobLock
from .recovery import trusted_journal

CLIPS_PER_SEGMENT = 60


class UnpublishedFile(Protocol):
    """A complete file that has no name yet, such as `video.target.TargetFile`."""

    path: Path

    def settle(self) -> int:
        """Sync the bytes and choose the final name. Returns the size in bytes."""

    def publish(self) -> None:
        """Give the file its name, atomically."""


class Job:
    """A context manager. Entering locks the folder and removes what is not in the journal.

    Write order, for durability: the clip's bytes, synced; the tensors the next clip starts from, synced; then the
    journal, atomically. A kill at any moment loses at most the clip being written.
    """

    def __init__(self, folder: Path, key: JobKey, note: str = "") -> None:
        """key: a folder holds one job only, with this key. note: a sentence for the user about this job."""
        self.folder = folder
        self.note = note
        self.journal = Journal(key)
        self._lock = JobLock(folder)
        self._writing = threading.Lock()

    def __enter__(self) -> Job:
        with disk_errors(self.folder):
            self._lock.acquire()
        try:
            with disk_errors(self.folder):
                remove_links(self.folder)
                self.journal = tidy(self.folder, trusted_journal(self.folder, self.journal.key))
                if self.journal.published(self.folder) is None:
                    check_writable(self.folder, CHECK)
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._writing:  # an interrupt may have left another thread behind, in the middle of a clip
            if not self.journal.clips and self.journal.video is None:
                with suppress(OSError):  # what is left now is removed by the next run
                    remove_unfinished(self.folder)  # stopped before the first clip was finished
            self._leave()

    @property
    def finished(self) -> Path | None:
        """The published video, if it is still there."""
        with disk_errors(self.folder):
            return self.journal.published(self.folder)

    @property
    def segments(self) -> dict[Path, int]:
        """The files of finished clips, in order, and the number of frames in each."""
        return {self.folder / segment.name: segment.frames for segment in self.journal.segments}

    @property
    def growing(self) -> Path:
        """Where a video of the finished clips may lie while others are made."""
        return self.folder / GROWING

    @property
    def frames_in_segment(self) -> int:
        """The number of frames before the next clip in its segment."""
        return self._open_segment().frames

    def state(self) -> dict[str, Tensor]:
        """The tensors saved with the last finished clip; empty before the first."""
        kept = self.journal.state
        if kept is None:
            return {}
        with disk_errors(self.folder):  # read, not mapped: a network that fails would end the process
            return safetensors.torch.load((self.folder / kept.name).read_bytes())

    def append(self, clip: bytes, frames: int, state: Mapping[str, Tensor]) -> None:
        """Store one clip. Returns once it is durable. Raises JobError after the job's end."""
        segment = self._open_segment()
        tensors = safetensors.torch.save({name: tensor.contiguous() for name, tensor in state.items()})
        kept = KeptFile(state_name(self.journal.clips)).followed_by(tensors)
        with self._writing, disk_errors(self.folder):
            self._lock.check()
            self._write_clip(segment, clip)
            replace_file(self.folder / kept.name, tensors)
            self._write_journal(self.journal.after_clip(segment.followed_by(clip, frames), kept))

    def publish(self, video: UnpublishedFile) -> None:
        """Give the complete video its name and remove its parts.

        The journal records the name first: after a kill in between, the next run recognizes the file.
        """
        with disk_errors(self.folder):
            self._lock.check()
        size_bytes = video.settle()
        with disk_errors(self.folder):
            self._write_journal(replace(self.journal, video=seen_from(self.folder, video.path), video_bytes=size_bytes))
        video.publish()
        with disk_errors(self.folder):
            self.journal = tidy(self.folder, self.journal)

    def _leave(self) -> None:
        self._lock.release()
        with suppress(OSError):  # not empty
            self.folder.rmdir()

    def _open_segment(self) -> KeptFile:
        if self.journal.clips % CLIPS_PER_SEGMENT:
            return self.journal.segments[-1]
        return KeptFile(segment_name(len(self.journal.segments)))

    def _write_clip(self, segment: KeptFile, clip: bytes) -> None:
        path = self.folder / segment.name
        with path.open("r+b" if segment.size_bytes else "w+b") as file:
            file.seek(segment.size_bytes)
            file.write(clip)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        if not segment.size_bytes:
            sync_folder(self.folder)

    def _write_journal(self, journal: Journal) -> None:
        write_journal(self.folder, journal)
        self.journal = journal
