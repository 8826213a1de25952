"""Errors of the disk that holds a job, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import JobError
from ..storage.advice import advice_for

RESUMES = "Then run again with the same inputs: it resumes at the next clip."


@contextmanager
def disk_errors(folder: Path, hint: str = RESUMES) -> Iterator[None]:
    """Turns an OSError into a JobError. folder: the job's. hint: what to do after the advice for this error."""
    try:
        yield
    except OSError as error:
        raise JobError(
            f"The job in {folder} cannot be read or written: {error.strerror or error}. Finished clips are kept. "
            f"{advice_for(error)} {hint}".rstrip()
        ) from error
