"""One clip as joint training reads it, drawn or filmed: frames, latents, masks and speech features.

Latents and features are computed once, so VAE and speech encoder stay frozen afterwards.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from ..config import LATENT_SCALE, PIXELS_PER_LATENT, ImageProjectionConfig
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
from .records import FRAMES, LATENTS, RecordShards

FEATURES, MASKS, FACE_BOX, MOUTH_TRUTH = "features", "masks", "face_box", "truth"
EXPRESSION, MOOD = "expression", "mood"
SEED = "seed"  # of the actor
IDENTITY = "identity"  # (512), of filmed faces; zeros without a network for it
CAPTION = "caption"  # UTF-8 bytes
AT_ONCE = 16


@torch.no_grad()
def clip_record(
    frames: Tensor, truth: Truth, direction: Direction, features: Tensor, vae: AutoencoderKL
) -> dict[str, Tensor]:
    """frames: (f h w 3), 0..1, on the VAE's device.  features: (f layers d).

    Returns, on the CPU, "frames" (f 3 h w) uint8, "latents" (f 4 h/8 w/8) and "features" in float16, "masks" (f 3 l)
    uint8, pose, face and lip with the tokens of all levels in a row, "face_box" (f 4), left, top, right, bottom,
    "truth" (f 2), the mouth's opening and width, "expression" (f 5), the weights of EXPRESSIONS that the face shows,
    and "mood" (f) uint8, the index of the expression that is asked for.
    """
    pixels = rearrange(frames, "f h w c -> f c h w")
    encoded = torch.cat([vae.encode(some * 2.0 - 1.0).cpu() for some in pixels.split(AT_ONCE)])
    size_px = frames.shape[1]
    outlines = zip(_corners(truth.face_box), _corners(truth.lip_box), strict=True)
    boxes, masks = zip(*(regions(face, lips, size_px) for face, lips in outlines), strict=True)
    return {
        FRAMES: (pixels * 255.0).round().byte().cpu(),
        LATENTS: (encoded * LATENT_SCALE).half(),
        FEATURES: features.half(),
        MASKS: torch.stack(masks),
        FACE_BOX: torch.tensor(boxes, dtype=torch.int32),
        MOUTH_TRUTH: torch.stack([truth.mouth_opening, truth.mouth_width], dim=1),
        EXPRESSION: direction.weights(len(frames), FPS),
        MOOD: direction.asked(len(frames), FPS),
    }


def regions(face: Tensor, lips: Tensor, size_px: int) -> tuple[list[int], Tensor]:
    """face, lips: (n 2) points on their outlines, x, y in pixels.  Returns the face box and the masks (3 l) uint8, as
    for a portrait with a detected face (`portrait/prepare.py`)."""
    face_box = expanded_box(face, FACE_EXPAND, size_px, size_px)
    lip_box = expanded_box(lips, LIP_EXPAND, size_px, size_px)
    soft = soft_masks(filled_box(face_box, size_px, size_px), filled_box(lip_box, size_px, size_px))
    pyramid = mask_pyramid(soft, size_px, size_px)
    row = torch.stack([torch.cat(region) for region in (pyramid.pose, pyramid.face, pyramid.lip)])
    return [face_box.left, face_box.top, face_box.right, face_box.bottom], (row * 255.0).round().byte()


def _corners(boxes: Tensor) -> Tensor:
    """(f 4) → (f 2 2)."""
    return rearrange(boxes, "f (corner xy) -> f corner xy", xy=2)


def caption_tensor(text: str) -> Tensor:
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8) if text else torch.zeros(0, dtype=torch.uint8)


def caption_text(caption: Tensor) -> str:
    return caption.numpy().tobytes().decode()


def mask_levels(row: Tensor, size_px: int) -> tuple[Tensor, ...]:
    """row: (3 l) uint8, as stored by `clip_record`.  Returns per level (3 l), 0..1."""
    sides = [size_px // (PIXELS_PER_LATENT << level) for level in range(LEVELS)]
    return tuple((row.float() / 255.0).split([side * side for side in sides], dim=1))


def identity_of(records: RecordShards, number: int) -> Tensor:
    """(d), the embedding of the face; zeros for drawn faces, and for those of which none was made."""
    if records.has(number, IDENTITY):
        return records.read(number, IDENTITY).float()
    return torch.zeros(ImageProjectionConfig().embedding_width)


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
