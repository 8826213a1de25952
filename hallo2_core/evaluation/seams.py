"""Seams: how much more a video changes at the borders of its clips than inside them, as in an inspection."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..inspection.seams import SeamJump, change_between, check_clip_frames, is_seam


class Seams:
    """The seam jump; curves of the change from frame to frame, and of that at clip borders. Holds one frame."""

    def __init__(self, clip_frames: int) -> None:
        """Errors: SettingsError unless a clip has a frame."""
        check_clip_frames(clip_frames)
        self._clip_frames = clip_frames
        self._jump = SeamJump()
        self._before: Tensor | None = None
        self._number = 0

    def add(self, frame: Tensor, reference: Tensor | None = None) -> Mapping[str, float]:
        """frame: (h w 3) uint8. Returns nothing for the first frame; needs no reference."""
        number, self._number = self._number, self._number + 1
        before, self._before = self._before, frame
        if before is None:
            return {}
        change, at_seam = change_between(before, frame), is_seam(number, self._clip_frames)
        self._jump.add(change, at_seam)
        return {"change": change} | ({"seams": change} if at_seam else {})

    def figures(self) -> Mapping[str, float]:
        jump = self._jump.value
        return {} if jump is None else {"seam_jump": jump}
