"""One download from the first request to the finished file: resumed, repeated, checked, renamed."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..checkpoints.installed import file_problem
from ..errors import DownloadError, JobError
from ..jobs.lock import JobLock
from ..runtime import Runtime
from ..storage.durable import rename
from ..storage.file_hash import sha256_of
from ..storage.free_path import free_path
from .plan import Download, check_free
from .transfer import TIMEOUT_SECONDS, Interrupted, Offer, request

SIZE_TOLERANCE = 0.1  # of a file whose size is known only about
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Patience:
    """attempts: that bring nothing new, one after another, before giving up. The wait doubles with each."""

    attempts: int = 6
    first_wait_seconds: float = 1
    timeout_seconds: float = TIMEOUT_SECONDS


@dataclass(frozen=True)
class Fetched:
    """A finished download. checked: how its hash was verified."""

    path: Path
    size_bytes: int
    sha256: str
    checked: str

    def __str__(self) -> str:
        return f"{self.path}: {self.size_bytes / 1e9:.2f} GB, SHA-256 {self.sha256} ({self.checked})"


def fetch(download: Download, endpoint: str, runtime: Runtime, patience: Patience | None = None) -> Fetched:
    """Download one file. What arrived stays on disk after a cancel or an error, and is continued by the next call.

    Errors: DownloadError; whatever `runtime.check_cancelled` raises.
    """
    try:
        with JobLock(download.work_folder):
            fetched = _Fetch(download, endpoint, runtime, patience or Patience()).run()
    except JobError:
        raise DownloadError(f"{download.known.name} is being downloaded by another run. Wait for it to end.") from None
    except OSError as error:
        raise _disk_error(download, error) from error
    with suppress(OSError):  # another run has just begun to use it
        download.work_folder.rmdir()
    return fetched


class _Fetch:
    """The state of one download: what the server said, and the attempts so far."""

    def __init__(self, download: Download, endpoint: str, runtime: Runtime, patience: Patience) -> None:
        self._known, self._part, self._download = download.known, download.part, download
        self._url = download.known.url(endpoint)
        self._runtime, self._patience = runtime, patience
        self._sha256 = ""  # as the server states it
        self._was_continued = False

    def run(self) -> Fetched:
        size = self._receive_all()
        digest = self._hash()
        expected = self._known.sha256 or self._sha256
        if expected and digest != expected and self._was_continued:
            self._runtime.notify(f"{self._known.name}: what an earlier run left does not fit. Starting over.")
            self._part.unlink()
            size = self._receive_all()
            digest = self._hash()
        if expected and digest != expected:
            raise self._rejected(
                f"its SHA-256 is {digest}, but should be {expected}: it was damaged on the way, or it is another "
                f"version"
            )
        if problem := file_problem(self._known, self._part):
            raise self._rejected(problem)
        self._publish()
        return Fetched(self._download.path, size, digest, self._how_checked())

    def _receive_all(self) -> int:
        """Request the rest of the file until nothing is missing. Returns its size."""
        most, failures = self._arrived(), 0
        self._was_continued = most > 0
        while True:
            reason = "the connection was cut"
            try:
                total = self._receive()
                if total is None or self._arrived() == total:
                    return self._arrived()
            except Interrupted as interruption:
                reason = str(interruption)
            arrived = self._arrived()
            failures = 0 if arrived > most else failures + 1
            most = max(most, arrived)
            if failures >= self._patience.attempts:
                raise DownloadError(
                    f"{self._known.name} could not be downloaded from {self._url}: {reason}. {arrived:,} bytes are "
                    f"kept. Check the connection and run it again to continue, or use another endpoint."
                )
            self._wait(self._patience.first_wait_seconds * 2**failures if failures else 0)

    def _receive(self) -> int | None:
        """One request. Returns the size of the whole file, None if the server did not say."""
        start = self._arrived()
        with request(self._url, start, self._patience.timeout_seconds) as answer:
            offer = answer.offer
            self._check(offer)
            self._sha256 = offer.sha256 or self._sha256
            if offer.start != start:  # the server sends the whole file, or has less than arrived
                self._part.unlink()
                if offer.start:
                    raise Interrupted("the server's file is shorter than what was kept")
            total = offer.total_bytes or self._known.size_bytes
            check_free(self._part.parent, total - offer.start)
            with self._part.open("ab") as file:
                for block in answer.blocks:
                    file.write(block)
                    self._runtime.progress(file.tell(), max(total, file.tell()))
                    self._runtime.check_cancelled()
        return offer.total_bytes

    def _check(self, offer: Offer) -> None:
        """Refuse what cannot be the file, before anything is written."""
        name, about = self._known.name, self._known.size_bytes
        if offer.media_type == "text/html":
            raise DownloadError(
                f"{self._url} is a web page, not {name}. A login or a proxy may have answered: open the address in a "
                f"browser, or use another endpoint."
            )
        if offer.total_bytes is not None and abs(offer.total_bytes - about) > SIZE_TOLERANCE * about:
            raise DownloadError(
                f"{self._url} has {offer.total_bytes:,} bytes, but {name} has about {about:,}: it is another file, or "
                f"an error message. Use another endpoint."
            )

    def _hash(self) -> str:
        self._runtime.notify(f"{self._known.name}: checking")
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        return sha256_of(self._part, self._runtime.check_cancelled)

    def _how_checked(self) -> str:
        if self._known.sha256:
            return "as known"
        return "as the server states" if self._sha256 else "not verified: no hash is known"

    def _publish(self) -> None:
        damaged = self._download.replaces
        if damaged is not None and damaged.exists():
            kept = free_path(damaged.with_name(f"{damaged.name}.damaged"))
            rename(damaged, kept)
            self._runtime.notify(f"The damaged file is now {kept}. Delete it if you do not need it.")
        rename(self._part, self._download.path)

    def _rejected(self, problem: str) -> DownloadError:
        """What arrived is useless, so it is not kept."""
        self._part.unlink()
        return DownloadError(
            f"The download from {self._url} cannot be used: {problem}. It was deleted. Run it again, or use another "
            f"endpoint."
        )

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._runtime.check_cancelled()
            time.sleep(min(left, 0.2))

    def _arrived(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0


def _disk_error(download: Download, error: OSError) -> DownloadError:
    place = download.path.parent
    if error.errno in NO_SPACE:
        return DownloadError(
            f"The disk of {place} is full. What arrived of {download.known.name} is kept: make room and run it again "
            f"to continue, or delete {download.work_folder}."
        )
    return DownloadError(
        f"{download.known.name} cannot be written to {place}: {error.strerror or error}. Check that the folder may be "
        f"written to, and run it again."
    )


def download_all(
    downloads: tuple[Download, ...],
    endpoint: str,
    runtime: Runtime,
    finished: Callable[[Fetched], None] = lambda fetched: None,
    patience: Patience | None = None,
) -> list[Fetched]:
    """One after another. finished: called after each."""
    done = []
    for number, download in enumerate(downloads, start=1):
        runtime.check_cancelled()
        known = download.known
        runtime.notify(f"{number} of {len(downloads)}: {known.name}, {known.size_bytes / 1e9:.2f} GB, from {endpoint}")
        done.append(fetch(download, endpoint, runtime, patience))
        finished(done[-1])
    return done
