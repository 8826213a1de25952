"""Errors a user can act on. Every message says what was found, what was expected and what to do next."""

from __future__ import annotations

import sys


class Hallo2Error(Exception):
    """Bad input or a missing part: shown to the user as is, without a traceback."""


class CheckpointError(Hallo2Error):
    """A weights file is missing, damaged, or not the expected one."""


class DownloadError(Hallo2Error):
    """A file could not be downloaded. What arrived is kept if it can be continued."""


class PortraitError(Hallo2Error):
    """The picture or its masks cannot be animated."""


class AudioError(Hallo2Error):
    """The audio cannot be read or encoded."""


class VideoError(Hallo2Error):
    """A video cannot be read or written."""


class JobError(Hallo2Error):
    """A job's folder cannot be used: another run holds it, or reading or writing fails."""


class JobHeldError(JobError):
    """Another run is making this video at the moment."""


class SettingsError(Hallo2Error):
    """A setting is outside the range that the networks or the release allow."""


class MemoryShortageError(Hallo2Error):
    """The device ran out of memory even with smaller pieces. The job is kept."""


class PrecisionError(Hallo2Error):
    """A network's numbers left the range of the dtype it computes in. The job is kept."""


class TimelineError(Hallo2Error):
    """A timeline's text cannot be parsed, or does not fit the video. The message has the line and column, if known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message if line is None else f"Timeline, line {line}, column {column}: {message}")
        self.line, self.column = line, column


class MissingDependencyError(Hallo2Error):
    """An optional package is missing; the message names the extra to install."""

    @classmethod
    def of_extra(
        cls, need: str, package: str, extra: str, error: ImportError, otherwise: str = ""
    ) -> MissingDependencyError:
        """need: the subject of the sentence.  extra: of this package, which lists `package`.  otherwise: what to do
        without it, as an infinitive phrase."""
        return cls(
            f"{need} needs the package {package}, which cannot be imported here ({error}). "
            f"Run: {pip_install(package)} (the extra '{extra}' has it)" + (f", or {otherwise}." if otherwise else ".")
        )


def pip_install(*packages: str) -> str:
    """The command that installs into the Python that runs here. A bare pip may belong to another, above all beside
    ComfyUI's portable build. Some shells expand brackets."""
    quoted = (f'"{package}"' if "[" in package else package for package in packages)
    return f'"{sys.executable}" -m pip install {" ".join(quoted)}'


class Cancelled(Exception):  # noqa: N818 - not an error: the user pressed cancel
    """Raised by a runtime when the user cancels. The host has its own exception; both pass through unchanged."""
