"""Patch-drop and Gaussian noise of the motion frames (paper §4.1): they should carry motion, but not appearance."""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor

from ..payloads import Portrait
from .adaptive_drop import adapted_drop
from .colour_match import match_colours
from .motion_frames import first_motion_frames, frames_to_pixels
from .motion_noise import add_noise
from .motion_settings import MotionSettings, PatchDropConfig
from .randomness import ClipDraws, SeededDraws
from .sampler_config import SamplerConfig

DROPPED = 0.0  # mid-gray for pixels in -1..1
PREVIEW_SIDE_PX = 512


def shown_motion_frames(pixels: Tensor, portrait: Portrait, motion: MotionSettings, draws: ClipDraws) -> Tensor:
    """The motion frames as ReferenceNet's input, (m 3 h w), -1..1, after all the user's settings."""
    if motion.colour_match:
        pixels = match_colours(pixels, portrait)
    config = adapted_drop(motion.patch_drop, pixels, portrait)
    return corrupt_motion_frames(pixels, portrait.face_region, config, draws)


def corrupt_motion_frames(pixels: Tensor, face_region: Tensor, config: PatchDropConfig, draws: ClipDraws) -> Tensor:
    """Noise, then the drop.

    pixels: (m 3 h w), -1..1.  face_region: (3 h w), not dropped where it is nonzero (if the config keeps faces).
    The order is that of training; the release adds no noise at inference.
    """
    height, width = pixels.shape[-2:]
    rows, columns = -(-height // config.patch_px), -(-width // config.patch_px)
    kept = kept_pixels(draws.drop_uniforms(rows, columns), face_region, config)
    pixels = add_noise(pixels, config, draws)
    return torch.where(kept.to(pixels.device), pixels, pixels.new_tensor(DROPPED))


def kept_pixels(uniforms: Tensor, face_region: Tensor, config: PatchDropConfig) -> Tensor:
    """uniforms: one draw per patch, (rows columns).  Returns a mask (3 h w), the same for all motion frames.

    As in the original: kept where the draw is greater than the rate, or where the face region is not exactly zero, so
    its soft edges count as face (quirk 19).
    """
    height, width = face_region.shape[-2:]
    draws = repeat(uniforms, "r c -> (r p) (c q)", p=config.patch_px, q=config.patch_px)[:height, :width]
    kept = (draws > config.rate).expand(face_region.shape) if config.rate else torch.ones_like(face_region).bool()
    return kept | (face_region.cpu() != 0) if config.keep_face else kept


def preview_motion_frames(motion: MotionSettings, portrait: Portrait | None = None) -> Tensor:
    """The network's motion-frame input for the first clip: (m h w 3), 0..1.

    Without a portrait: the last start frames, or white images, with no face region and no drift. Values that noise
    moves outside 0..1 are clamped.
    """
    draws = SeededDraws(SamplerConfig(), motion.patch_drop, clip=0)
    if portrait is not None:
        shown = shown_motion_frames(first_motion_frames(portrait, motion).cpu(), portrait, motion, draws)
    else:
        count = motion.clip.motion_frames
        white = torch.ones(count, PREVIEW_SIDE_PX, PREVIEW_SIDE_PX, 3)
        pixels = frames_to_pixels((white if motion.start_frames is None else motion.start_frames)[-count:]).cpu()
        shown = corrupt_motion_frames(pixels, torch.zeros_like(pixels[0]), motion.patch_drop, draws)
    return rearrange(shown / 2 + 0.5, "m c h w -> m h w c").clamp(0.0, 1.0)
