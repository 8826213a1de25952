"""Motion frames: what the next clip continues from."""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor

from ..errors import SettingsError
from ..payloads import Portrait
from ..portrait.picture import check_values
from .motion_settings import MotionSettings


def first_motion_frames(portrait: Portrait, motion: MotionSettings) -> Tensor:
    """For the first clip: the still portrait, or the user's start frames. (m 3 h w), -1..1."""
    count = motion.clip.motion_frames
    if motion.start_frames is None:
        return repeat(portrait.pixels, "c h w -> m c h w", m=count)
    frames = motion.start_frames
    if not isinstance(frames, Tensor) or frames.ndim != 4 or frames.shape[-1] not in (3, 4):
        found = f"have shape {tuple(frames.shape)}" if isinstance(frames, Tensor) else f"are {type(frames).__name__}"
        raise SettingsError(
            f"The start frames {found}; a batch of images was expected: frames × height × width with 3 or 4 channels."
        )
    if not len(frames):
        raise SettingsError("The start frames are an empty batch; give at least one image, or disconnect them.")
    if frames.shape[1:3] != (portrait.height, portrait.width):
        raise SettingsError(
            f"The start frames are {frames.shape[2]}x{frames.shape[1]} and the portrait {portrait.width}x"
            f"{portrait.height}; resize the start frames to the portrait's size, or disconnect them."
        )
    check_values(frames.float(), "batch of start frames")
    missing = max(count - frames.shape[0], 0)
    frames = torch.cat([frames[:1]] * missing + [frames[-count:]])
    return frames_to_pixels(frames)


def next_motion_frames(frames: Tensor, count: int) -> Tensor:
    """frames: (f h w 3), 0..1, of the previous clip, before rounding to 8 bits.  Returns (m 3 h w), -1..1."""
    return frames_to_pixels(frames[-count:])


def frames_to_pixels(frames: Tensor) -> Tensor:
    """(f h w 3) in 0..1 → (f 3 h w) in -1..1."""
    return rearrange(frames[..., :3].float(), "f h w c -> f c h w") * 2.0 - 1.0
