"""How clips continue each other: length, motion frames, patch-drop and noise (paper §4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ..errors import SettingsError

MOST_NOISE_TIME = 50  # training drew the noise step of motion frames below this one


@dataclass(frozen=True)
class ClipConfig:
    """How a video is divided into clips, each denoised as a whole."""

    frames: int = 16
    motion_frames: int = 2

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise SettingsError(f"The number of frames of a clip is {self.frames}; choose 1 or more (released: 16).")
        if not 1 <= self.motion_frames <= self.frames:
            raise SettingsError(
                f"The number of motion frames is {self.motion_frames}; choose 1 to {self.frames} (the release uses 2)."
            )


@dataclass(frozen=True)
class PatchDropConfig:
    """Patch-drop and Gaussian noise of the motion frames (paper §4.1)."""

    rate: float = 0.25
    patch_px: int = 1
    keep_face: bool = True
    noise_sigma: float = 0.0  # on pixels in -1..1; the release adds none at inference
    seed: int = 42
    noise_time: int | None = None  # instead of a sigma: a step of the training schedule
    noise_as_trained: bool = False  # a random step below MOST_NOISE_TIME per clip, as training drew one per sample
    adaptive: bool = False  # the rate rises as the motion frames drift from the portrait (paper §5.4)

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate <= 1.0:
            raise SettingsError(f"The drop rate is {self.rate}; choose 0 (keep all) to 1 (drop all but the face).")
        if self.patch_px < 1:
            raise SettingsError(f"The patch size is {self.patch_px} px; choose 1 (the release) or more.")
        if not 0.0 <= self.noise_sigma < 1.0:
            raise SettingsError(f"The noise sigma is {self.noise_sigma}; choose 0 (the release) to less than 1.")
        if self.noise_time is not None and not 0 <= self.noise_time <= MOST_NOISE_TIME:
            raise SettingsError(
                f"The noise time is {self.noise_time}; choose 0 to {MOST_NOISE_TIME} (training used lower ones)."
            )
        if (self.noise_sigma > 0) + (self.noise_time is not None) + self.noise_as_trained > 1:
            raise SettingsError("The noise is set in more than one way; choose one: a sigma, a time, or as trained.")


@dataclass(frozen=True)
class MotionSettings:
    """The motion frames: their number, what is dropped, and what precedes the first clip."""

    clip: ClipConfig = field(default_factory=ClipConfig)
    patch_drop: PatchDropConfig = field(default_factory=PatchDropConfig)
    start_frames: Tensor | None = None  # (f h w 3), 0..1: the video continues from these; None: from the still portrait
    colour_match: bool = False  # first match their colors to the portrait's
