"""A job: a folder that holds the finished part of a video, and lets the same work go on where it stopped."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import safetensors.torch
from torch import Tensor

from ..errors import JobError
from .durable import replace_file, sync_folder
from .journal import NAME, PREVIOUS, Journal, Segment, read_journals, write_journal
from .lock import LOCK, JobLock

logger = logging.getLogger("hallo2")

CLIPS_PER_SEGMENT = 60
SEGMENTS, STATES, PARTS = "segment-*", "state-*", "*.part"


class Job:
    """A context manager. Entering locks the folder and takes away what no journal vouches for.

    The order that makes it last: the clip's bytes, synced; the tensors the next clip starts from, synced; then the
    journal, in one step. A kill at any moment loses the clip in flight at most.
    """

    def __init__(self, folder: Path, key: str) -> None:
        """key: the work's name, from `fingerprint`; a folder holds one work only."""
        self.folder = folder
        self._key = key

    def __enter__(self) -> Job:
        with self._reported():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = JobLock(self.folder)
            self._lock.acquire()
        try:
            with self._reported():
                self.journal = self._trusted_journal()
                self._remove_unvouched()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()
        if not self.journal.clips:
            remove_job(self.folder)  # it was stopped before anything was finished
        elif self.journal.published is not None:
            self._lock.remove()

    @property
    def finished(self) -> Path | None:
        """The published file, if the job is done and the file is still what it was."""
        name = self.journal.published
        return None if name is None else Path(os.path.normpath(self.folder / name))

    @property
    def segments(self) -> list[Path]:
        return [self.folder / segment.name for segment in self.journal.segments]

    def state(self) -> dict[str, Tensor]:
        """The tensors given with the last finished clip; empty before the first."""
        name = self.journal.state
        return {} if name is None else safetensors.torch.load_file(self.folder / name)

    def append(self, clip: bytes, frames: int, state: Mapping[str, Tensor]) -> None:
        """Make one clip last. Returns when it does."""
        with self._reported():
            segment = self._with_clip_appended(clip, frames)
            name = f"state-{self.journal.clips + 1:06d}.safetensors"
            content = {key: tensor.contiguous() for key, tensor in state.items()}
            replace_file(self.folder / name, safetensors.torch.save(content))
            spent = self._state_two_clips_ago()
            self._write(self.journal.after_clip(segment, name))
            spent.unlink(missing_ok=True)

    def publish(self, whole: Path) -> None:
        """`whole`: the finished file. The parts it was made of go."""
        with self._reported():
            self._write(
                replace(
                    self.journal,
                    segments=(),
                    state=None,
                    published=os.path.relpath(whole, self.folder),
                    published_bytes=whole.stat().st_size,
                )
            )
            (self.folder / PREVIOUS).unlink(missing_ok=True)
            for pattern in (SEGMENTS, STATES):
                for path in self.folder.glob(pattern):
                    path.unlink()

    def _with_clip_appended(self, clip: bytes, frames: int) -> Segment:
        if self.journal.clips % CLIPS_PER_SEGMENT:
            segment = self.journal.segments[-1]
        else:
            segment = Segment(f"segment-{len(self.journal.segments):04d}.ts", 0, 0)
        path = self.folder / segment.name
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(segment.size_bytes)
            file.write(clip)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        if not segment.size_bytes:
            sync_folder(self.folder)
        return Segment(segment.name, segment.size_bytes + len(clip), segment.frames + frames)

    def _state_two_clips_ago(self) -> Path:
        """The journal of one clip ago, and so its state, is kept."""
        return self.folder / f"state-{self.journal.clips - 1:06d}.safetensors"

    def _trusted_journal(self) -> Journal:
        """The newest journal whose files are all there. Where there is none the job starts anew, and says so."""
        journals = read_journals(self.folder)
        self._refuse_other_work(journals)
        for journal in journals:
            missing = self._missing(journal)
            if missing is None:
                if journal != journals[0] or not (self.folder / NAME).exists():
                    logger.warning("The last clip of %s is made again: its journal was damaged.", self.folder)
                return journal
            logger.warning("%s is gone or was changed.", missing)
        if journals or (self.folder / NAME).exists():
            logger.warning("%s cannot be resumed; the job starts anew.", self.folder)
            self._keep_orphans()
        return Journal(self._key)

    def _refuse_other_work(self, journals: list[Journal]) -> None:
        if any(journal.key != self._key for journal in journals):
            raise JobError(
                f"{self.folder} holds another video, {journals[0].frames} frames of it: made from other inputs, with "
                f"other settings, or on another device. Go on with that one by giving exactly what it was given, or "
                f"start afresh under another name."
            )

    def _missing(self, journal: Journal) -> Path | None:
        """The first file that is not as the journal says."""
        if journal.published is not None:
            path = self.folder / journal.published
            return None if path.exists() and path.stat().st_size == journal.published_bytes else path
        for segment in journal.segments:
            path = self.folder / segment.name
            if not path.exists() or path.stat().st_size < segment.size_bytes:
                return path
        if journal.state is not None and not (self.folder / journal.state).exists():
            return self.folder / journal.state
        return None

    def _keep_orphans(self) -> None:
        """Clips that no journal vouches for cannot be continued, but they can still be watched."""
        for path in self.folder.glob(SEGMENTS):
            path.replace(path.with_name(f"orphan-{path.name.removeprefix('segment-')}"))

    def _remove_unvouched(self) -> None:
        vouched = {segment.name for segment in self.journal.segments} | {self.journal.state}
        vouched.add(self._state_two_clips_ago().name)
        for pattern in (SEGMENTS, STATES, PARTS):
            for path in self.folder.glob(pattern):
                if path.name not in vouched:
                    path.unlink()
        for segment in self.journal.segments:
            os.truncate(self.folder / segment.name, segment.size_bytes)

    def _write(self, journal: Journal) -> None:
        write_journal(self.folder, journal)
        self.journal = journal

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JobError(
                f"The job in {self.folder} cannot be written: {error.strerror or error}. What is finished is kept. "
                f"Make room there and run the same again: it goes on from the next clip."
            ) from error


def remove_job(folder: Path) -> None:
    """Take away what a job has put into its folder, and the folder if nothing else is in it."""
    for pattern in (SEGMENTS, STATES, PARTS, "orphan-*", NAME, PREVIOUS, LOCK):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
