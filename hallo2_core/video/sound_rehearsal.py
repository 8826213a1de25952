"""Copies a video's sound to nowhere: what would fail when hours of work are finished fails before they begin."""

from __future__ import annotations

from collections.abc import Callable

import av

from ..errors import VideoError
from .container import name_of, opened, origin_of
from .copied_sound import CopiedSound, sound_rates
from .source import VideoSource, length_of


class Nowhere:
    """A file for libavformat that keeps nothing."""

    def __init__(self) -> None:
        self._at = self._end = 0

    def write(self, content: bytes) -> int:
        self._at += len(content)
        self._end = max(self._end, self._at)
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._end)[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def check_sound(source: VideoSource, check_cancelled: Callable[[], None]) -> None:
    """Logs what is not copied as it is. Errors: VideoError for sound that can be neither copied nor re-encoded."""
    with opened(source) as container:
        if not sound_rates(container):
            return
        try:
            with av.open(Nowhere(), "w", format="mp4") as nowhere:
                sound = CopiedSound(nowhere, container, origin_of(source, container), length_of(source), tells=True)
                while sound.write_next():
                    check_cancelled()
        except (av.FFmpegError, ValueError) as error:
            reason = error.strerror if isinstance(error, av.FFmpegError) else str(error)
            raise VideoError(
                f"The sound of {name_of(source)} can be neither copied nor re-encoded: {reason}. Convert it first: "
                f"ffmpeg -i VIDEO -c:v copy -c:a aac -ac 2 VIDEO.mkv"
            ) from error
