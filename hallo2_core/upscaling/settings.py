"""How a video is upscaled."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError

LONGEST_SIDE_PX = 4096  # 4K, as in the paper


@dataclass(frozen=True)
class UpscaleSettings:
    """How a video is upscaled: its new size, and what each face goes through."""

    width_px: int
    height_px: int
    fidelity: float = 0.5  # 0 draws the face anew, 1 keeps close to the given one
    window_frames: int = 16
    overlap_frames: int = 4  # of neighbouring windows; faded from one into the other
    missed_frames: int = 8  # a face not found in up to so many frames is interpolated; after more, it has left
    smoothing_frames: float = 2.0  # deviation of the Gaussian over time on each face's place, turn and size; 0 is none
    detect_every_frames: int = 4  # faces are looked for in every so many frames, and in each where one comes or goes

    def __post_init__(self) -> None:
        if not 1 <= self.width_px <= LONGEST_SIDE_PX or not 1 <= self.height_px <= LONGEST_SIDE_PX:
            raise SettingsError(
                f"The result would have {self.width_px}x{self.height_px} px; choose sides of 1 to {LONGEST_SIDE_PX}."
            )
        if not 0.0 <= self.fidelity <= 1.0:
            raise SettingsError(f"The fidelity is {self.fidelity}; choose 0 (draw anew) to 1 (keep close).")
        if self.window_frames < 1:
            raise SettingsError(f"The window has {self.window_frames} frames; choose 1 or more (16 is the release's).")
        if not 0 <= self.overlap_frames <= self.window_frames // 2:
            raise SettingsError(
                f"The overlap is {self.overlap_frames} frames; choose 0 to {self.window_frames // 2}, half the window."
            )
        if self.missed_frames < 0 or self.smoothing_frames < 0 or self.detect_every_frames < 1:
            raise SettingsError(
                f"Missed frames are {self.missed_frames}, smoothing is {self.smoothing_frames}, detection is every "
                f"{self.detect_every_frames} frames; choose 0 or more, 0 or more, and 1 or more."
            )
