"""An actor and what it does become frames: the parts are painted from the back to the front."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from .actor import Actor
from .background import paint_background
from .beard import paint_beard
from .canvas import Canvas
from .clothes import body_place, paint_chin_shadow, paint_clothes, paint_neck
from .ears import paint_ears
from .eyes import paint_brows, paint_eyes
from .glasses import paint_glasses
from .hair import COVERS_EARS, paint_hair, paint_hair_behind
from .head_pose import HeadPose
from .mouth import paint_mouth
from .nose import paint_nose
from .skull import paint_cheeks, paint_skull
from .tracks import Tracks

CHUNK_PIXELS = 1 << 17  # painted at once on a CPU: what fits its cache
CARD_CHUNK_PIXELS = 1 << 22  # on a card: enough work for each of many small kernels


@torch.no_grad()
def draw(actor: Actor, tracks: Tracks, size_px: int) -> Tensor:
    """(f h w 3) float32, RGB in 0..1, on the device of the tracks; antialiased at any size."""
    chunk_pixels = CHUNK_PIXELS if tracks.device.type == "cpu" else CARD_CHUNK_PIXELS
    at_once = max(1, chunk_pixels // size_px**2)
    chunks = [_draw(actor, tracks[start : start + at_once], size_px) for start in range(0, tracks.frames, at_once)]
    return torch.cat(chunks)


def _draw(actor: Actor, tracks: Tracks, size_px: int) -> Tensor:
    canvas = Canvas(tracks.frames, size_px, tracks.device)
    pose = HeadPose.of(tracks, actor.framing)
    body = body_place(actor.framing, tracks)
    skull = actor.skull
    paint_background(canvas, actor.background)
    paint_hair_behind(canvas, actor.hair, skull, pose)
    paint_neck(canvas, actor.clothes, skull, pose, body)
    paint_clothes(canvas, actor.clothes, body)
    paint_chin_shadow(canvas, actor.clothes, skull, pose)
    if actor.hair.style not in COVERS_EARS:
        paint_ears(canvas, actor.ears, skull, pose)
    paint_skull(canvas, skull, pose)
    paint_cheeks(canvas, skull, pose)
    paint_nose(canvas, actor.nose, skull, pose)
    if actor.beard is not None:
        paint_beard(canvas, actor.beard, actor.mouth, skull, pose, tracks)
    paint_mouth(canvas, actor.mouth, skull, pose, tracks)
    paint_eyes(canvas, actor.eyes, skull, pose, tracks)
    paint_brows(canvas, actor.eyes, pose, tracks)
    paint_hair(canvas, actor.hair, skull, pose)
    if actor.glasses is not None:
        paint_glasses(canvas, actor.glasses, actor.eyes, skull, pose)
    return rearrange(canvas.pixels.clamp_(0, 1), "f c h w -> f h w c").contiguous()
