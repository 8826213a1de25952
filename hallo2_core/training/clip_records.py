"""One performance as joint training reads it: frames, latents, masks and speech features.

Latents and features are computed once, so VAE and speech encoder stay frozen afterwards.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from ..config import LATENT_SCALE, PIXELS_PER_LATENT
from ..models.vae import AutoencoderKL
from ..portrait.region_masks import (
    FACE_EXPAND,
    LEVELS,
    LIP_EXPAND,
    expanded_box,
    filled_box,
    mask_pyramid,
    soft_masks,
)
from .cartoons import FPS, Direction, Truth

FRAMES, LATENTS, FEATURES, MASKS, FACE_BOX, MOUTH_TRUTH = "frames", "latents", "features", "masks", "face_box", "truth"
EXPRESSION, MOOD = "expression", "mood"
SEED = "seed"  # of the actor
AT_ONCE = 16


@torch.no_grad()
def clip_record(
    frames: Tensor, truth: Truth, direction: Direction, features: Tensor, vae: AutoencoderKL
) -> dict[str, Tensor]:
    """frames: (f h w 3), 0..1.  features: (f layers d).

    Returns "frames" (f 3 h w) uint8, "latents" (f 4 h/8 w/8) and "features" in float16, "masks" (f 3 l) uint8, pose,
    face and lip with the tokens of all levels in a row, "face_box" (f 4), left, top, right, bottom, "truth" (f 2),
    the mouth's opening and width, "expression" (f 5), the weights of EXPRESSIONS that the face shows, and "mood" (f)
    uint8, the index of the expression that is asked for.
    """
    pixels = rearrange(frames, "f h w c -> f c h w")
    encoded = torch.cat([vae.encode(some * 2.0 - 1.0) for some in pixels.split(AT_ONCE)])
    size_px = frames.shape[1]
    boxes, masks = zip(*(_regions(truth, frame, size_px) for frame in range(len(frames))), strict=True)
    return {
        FRAMES: (pixels * 255.0).round().byte(),
        LATENTS: (encoded * LATENT_SCALE).half(),
        FEATURES: features.half(),
        MASKS: torch.stack(masks),
        FACE_BOX: torch.tensor(boxes, dtype=torch.int32),
        MOUTH_TRUTH: torch.stack([truth.mouth_opening, truth.mouth_width], dim=1),
        EXPRESSION: direction.weights(len(frames), FPS),
        MOOD: direction.asked(len(frames), FPS),
    }


def _regions(truth: Truth, frame: int, size_px: int) -> tuple[list[int], Tensor]:
    """As for a portrait with a detected face (`portrait/prepare.py`), with the true boxes."""
    face, lips = (
        expanded_box(rearrange(boxes[frame], "(corner xy) -> corner xy", xy=2), expand, size_px, size_px)
        for boxes, expand in ((truth.face_box, FACE_EXPAND), (truth.lip_box, LIP_EXPAND))
    )
    soft = soft_masks(filled_box(face, size_px, size_px), filled_box(lips, size_px, size_px))
    pyramid = mask_pyramid(soft, size_px, size_px)
    row = torch.stack([torch.cat(region) for region in (pyramid.pose, pyramid.face, pyramid.lip)])
    return [face.left, face.top, face.right, face.bottom], (row * 255.0).round().byte()


def mask_levels(row: Tensor, size_px: int) -> tuple[Tensor, ...]:
    """row: (3 l) uint8, as stored by `clip_record`.  Returns per level (3 l), 0..1."""
    sides = [size_px // (PIXELS_PER_LATENT << level) for level in range(LEVELS)]
    return tuple((row.float() / 255.0).split([side * side for side in sides], dim=1))


def face_region_of(box: Tensor, size_px: int) -> Tensor:
    """box: (4).  Returns (3 h w), 1 inside."""
    left, top, right, bottom = box.tolist()
    region = torch.zeros(3, size_px, size_px)
    region[:, top:bottom, left:right] = 1.0
    return region


def speech_windows(features: Tensor, first: int, frames: int, reach: int) -> Tensor:
    """features: (F layers d).  Returns (f window layers d): as `SpeechWindows.clip`, with the ends repeated."""
    centers = torch.arange(first, first + frames).unsqueeze(1)
    return features[(centers + torch.arange(-reach, reach + 1)).clamp(0, len(features) - 1)]
