"""One pass over a video's packets before the work starts: what would end it after hours is found in seconds."""

from __future__ import annotations

from collections.abc import Callable

from .one_size import check_one_size
from .sound_rehearsal import check_sound
from .source import VideoSource


def check_source(source: VideoSource, check_cancelled: Callable[[], None], has_sound_copied: bool = True) -> None:
    """Errors: VideoError if the frames change their size, or if the sound, where it is copied, cannot be."""
    check_one_size(source, check_cancelled)
    if has_sound_copied:
        check_sound(source, check_cancelled)
