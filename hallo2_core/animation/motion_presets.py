"""Named settings for motion frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import SettingsError
from .motion_settings import ClipConfig, MotionSettings, PatchDropConfig

RELEASE, PAPER = "release", "paper"

# The release drops single pixels of 2 frames and adds no noise. The paper has 4 frames, noise at inference too (§4.4)
# and found the same patch size and rate best (§5.3).
PRESETS: Mapping[str, tuple[ClipConfig, PatchDropConfig]] = {
    RELEASE: (ClipConfig(motion_frames=2), PatchDropConfig(rate=0.25, patch_px=1)),
    PAPER: (ClipConfig(motion_frames=4), PatchDropConfig(rate=0.25, patch_px=1, noise_as_trained=True)),
}


def with_preset(name: str, motion: MotionSettings) -> MotionSettings:
    """The preset's settings, with the seed and the start frames of `motion`. Errors: SettingsError for no preset."""
    if name not in PRESETS:
        raise SettingsError(f"The preset is '{name}'; choose one of {', '.join(PRESETS)}.")
    clip, patch_drop = PRESETS[name]
    return MotionSettings(clip, replace(patch_drop, seed=motion.patch_drop.seed), motion.start_frames)
