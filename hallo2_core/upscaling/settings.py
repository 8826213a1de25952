"""How a video is upscaled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import SettingsError

LONGEST_SIDE_PX = 4096  # 4K, as in the paper


@dataclass(frozen=True)
class UpscaleSettings:
    """How a video is upscaled: its new size, and how faces are restored."""

    width_px: int
    height_px: int
    fidelity: float = 0.5  # 0 redraws the face, 1 stays close to the input
    window_frames: int = 16
    overlap_frames: int = 4  # of neighboring windows; they are cross-faded
    missed_frames: int = 8  # a face missed in up to this many frames is interpolated; after more, it is gone
    smoothing_frames: float = 2.0  # of the temporal Gaussian on each face's position, angle and size; 0 is none
    detect_every_frames: int = 4  # detect in every nth frame, and in each where a face appears or leaves

    def __post_init__(self) -> None:
        if not 1 <= self.width_px <= LONGEST_SIDE_PX or not 1 <= self.height_px <= LONGEST_SIDE_PX:
            raise SettingsError(
                f"The result would have {self.width_px}x{self.height_px} px; choose sides of 1 to {LONGEST_SIDE_PX}."
            )
        if not 0.0 <= self.fidelity <= 1.0:
            raise SettingsError(f"The fidelity is {self.fidelity}; choose 0 (redraw) to 1 (stay close).")
        if self.window_frames < 1:
            raise SettingsError(f"The window has {self.window_frames} frames; choose 1 or more (16 is the release's).")
        if not 0 <= self.overlap_frames <= self.window_frames // 2:
            raise SettingsError(
                f"The overlap is {self.overlap_frames} frames; choose 0 to {self.window_frames // 2}, half the window."
            )
        if self.missed_frames < 0 or not 0 <= self.smoothing_frames < math.inf or self.detect_every_frames < 1:
            raise SettingsError(
                f"Missed frames are {self.missed_frames}, smoothing is {self.smoothing_frames}, detection is every "
                f"{self.detect_every_frames} frames; choose 0 or more, 0 or more, and 1 or more."
            )
