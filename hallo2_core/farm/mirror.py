"""Keeps the jobs in a local folder safe in remote storage, from where another machine resumes them.

Object stores replace files whole and cannot rename. So each copy of a job's journal and tensors goes into a numbered
folder of its own, the journal last, and counts only once the journal is there. Clips are shared by all copies: a
segment only grows, and the journal says how much of it counts.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING

from ..jobs.folder import SEGMENTS
from ..jobs.journal import NAME, Journal, KeptFile, newest_journal, read_journal

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

logger = logging.getLogger("hallo2")

JOBS = "*.hallo2"
COPY = "copy-"
COPY_NAME = re.compile(f"{COPY}[0-9]+")
MIRROR_SECONDS = 30.0  # at most this much work is lost with a machine
CHUNK_BYTES = 1 << 20


class Mirror:
    """A context manager: copies from another thread while it is entered, and once more at its end.

    Errors of the storage are logged while the work goes on; the last copy raises them.
    """

    def __init__(self, folder: Path, storage: AbstractFileSystem, place: str, names: re.Pattern[str]) -> None:
        """folder: the local one. place: its counterpart in the storage. names: what in there belongs to these jobs."""
        self._folder, self._storage, self._place = folder, storage, PurePosixPath(place)
        self._names = names
        self._copied: dict[Path, int] = {}  # sizes of segments and videos
        self._journals: dict[str, tuple[int, Journal]] = {}  # the number of each job's newest copy, and what it holds
        self._turns = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hallo2-mirror", daemon=True)

    def restore(self) -> None:
        """Bring the newest copies into the local folder, which must be empty."""
        for remote in self._listed(self._place):
            if not self._names.fullmatch(remote.name):
                continue
            if remote.match(JOBS):
                self._restore_job(remote)
            else:
                local = self._folder / remote.name
                self._fetch(remote, local)
                self._copied[local] = local.stat().st_size

    def copy(self) -> None:
        """Bring what is new into the storage."""
        with self._turns:
            for job in sorted(self._folder.glob(JOBS)):
                journal = newest_journal(job)
                if journal is None or self.copied(job.name) == journal:
                    continue
                video = journal.published(job)
                if video is not None:
                    self._send(video, self._place / video.name, video.stat().st_size)
                self._copy_job(job, journal)

    def copied(self, job: str) -> Journal | None:
        """The journal of the job's newest copy in the storage. job: the name of its folder."""
        return self._journals.get(job, (0, None))[1]

    def forget(self, job: str) -> None:
        """Remove a job from the storage. It is no longer in the local folder."""
        with self._turns, suppress(FileNotFoundError):
            self._storage.rm(str(self._place / job), recursive=True)

    def __enter__(self) -> Mirror:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.copy()

    def _run(self) -> None:
        while not self._ended.wait(MIRROR_SECONDS):
            try:
                self.copy()
            except OSError as error:
                logger.warning("The job could not be copied to %s (%s); trying again.", self._place, error)

    def _copy_job(self, job: Path, journal: Journal) -> None:
        number, _ = self._journals.get(job.name, (0, None))
        remote = self._place / job.name
        copy = remote / f"{COPY}{number + 1:06d}"
        if journal.state is not None:
            state = (job / journal.state.name).read_bytes() if (job / journal.state.name).is_file() else b""
            if KeptFile(journal.state.name).followed_by(state) != journal.state:
                return  # replaced since the journal was read: the next copy has the newer one
            self._write(copy / journal.state.name, state)
        for segment in journal.segments:
            self._send(job / segment.name, remote / segment.name, segment.size_bytes)
        content = (job / NAME).read_bytes() if read_journal(job / NAME) == journal else None
        if content is None:
            return
        self._write(copy / NAME, content)
        self._journals[job.name] = (number + 1, journal)
        self._remove_what_no_longer_counts(remote, journal)

    def _remove_what_no_longer_counts(self, remote: PurePosixPath, journal: Journal) -> None:
        for old in self._copies(remote)[:-1]:
            self._storage.rm(str(old), recursive=True)
        kept = {segment.name for segment in journal.segments}
        for file in self._listed(remote):
            if file.match(SEGMENTS) and file.name not in kept:
                self._storage.rm(str(file))

    def _restore_job(self, remote: PurePosixPath) -> None:
        """The newest copy with a journal. Without one, the job starts over."""
        for copy in reversed(self._copies(remote)):
            if not self._storage.exists(str(copy / NAME)):
                continue
            job = self._folder / remote.name
            job.mkdir(exist_ok=True)
            self._fetch(copy / NAME, job / NAME)
            journal = read_journal(job / NAME)
            if journal is None:
                (job / NAME).unlink()
                continue
            if journal.state is not None:  # only files that a journal may name are brought here
                self._fetch(copy / journal.state.name, job / journal.state.name)
            for segment in journal.segments:
                self._fetch(remote / segment.name, job / segment.name)
                self._copied[job / segment.name] = segment.size_bytes
            self._journals[remote.name] = (int(copy.name.removeprefix(COPY)), journal)
            return

    def _copies(self, remote: PurePosixPath) -> list[PurePosixPath]:
        return [path for path in self._listed(remote) if COPY_NAME.fullmatch(path.name)]

    def _listed(self, remote: PurePosixPath) -> list[PurePosixPath]:
        self._storage.invalidate_cache()  # another machine may have written there
        with suppress(FileNotFoundError):
            return sorted(PurePosixPath(path) for path in self._storage.ls(str(remote), detail=False))
        return []

    def _send(self, path: Path, remote: PurePosixPath, size_bytes: int) -> None:
        """The first bytes of a file, unless they are there."""
        if self._copied.get(path) == size_bytes:
            return
        with path.open("rb") as file, self._storage.open(str(remote), "wb") as target:
            left = size_bytes
            while left and (content := file.read(min(left, CHUNK_BYTES))):
                target.write(content)
                left -= len(content)
        self._copied[path] = size_bytes

    def _write(self, remote: PurePosixPath, content: bytes) -> None:
        self._storage.pipe_file(str(remote), content)

    def _fetch(self, remote: PurePosixPath, path: Path) -> None:
        self._storage.get_file(str(remote), str(path))
