"""Seams: the change from frame to frame, and how much larger it is where clips meet."""

from __future__ import annotations

from torch import Tensor

from ..errors import SettingsError


def check_clip_frames(clip_frames: int) -> None:
    """Errors: SettingsError if no clip has this length."""
    if clip_frames < 1:
        raise SettingsError(f"A clip has {clip_frames} frames; choose 1 or more (Hallo2's clips have 16).")


def is_seam(frame: int, clip_frames: int) -> bool:
    """Whether this is the first frame of a clip, except the first of the video."""
    return frame > 0 and frame % clip_frames == 0


def change_between(before: Tensor, frame: Tensor) -> float:
    """before, frame: (h w 3) uint8. The mean absolute difference, in levels of 0..255."""
    return float((frame.short() - before.short()).abs().float().mean())


class SeamJump:
    """The mean change at clip borders divided by the mean change inside clips."""

    def __init__(self) -> None:
        self._at_seams, self._seams = 0.0, 0
        self._inside, self._steps = 0.0, 0

    def add(self, change: float, at_seam: bool) -> None:
        if at_seam:
            self._at_seams, self._seams = self._at_seams + change, self._seams + 1
        else:
            self._inside, self._steps = self._inside + change, self._steps + 1

    @property
    def value(self) -> float | None:
        """None without a seam, or without any change inside clips."""
        if not self._seams or not self._inside:
            return None
        return self._at_seams / self._seams / (self._inside / self._steps)
