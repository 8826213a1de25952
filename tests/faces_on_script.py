"""Clips with known faces: a scripted face finder, and the shared portrait in known motion."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from hallo2_core.portrait import similarity
from hallo2_core.portrait.face_analysis import Face
from hallo2_core.portrait.picture import load_picture

PORTRAIT = Path(__file__).parent / "media" / "portrait.png"
# Eyes, nose and corners of the mouth of a straight face, in distances between the eyes, from the middle of the eyes.
STRAIGHT = torch.tensor([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.6], [-0.42, 1.05], [0.42, 1.05]])


def face_at(x: float, y: float, eyes_px: float = 20.0, turn_degrees: float = 0.0) -> Face:
    """A face whose eyes have their middle at (x, y)."""
    turn = math.radians(turn_degrees)
    rotation = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    points = STRAIGHT * eyes_px @ rotation.mT + torch.tensor([x, y])
    middle, half = points.mean(dim=0), 1.1 * eyes_px
    return Face(
        box=torch.cat([middle - half, middle + half]), score=0.9, landmarks=torch.zeros(468, 2), five_points=points,
        yaw_degrees=0.0, recognisable=False,
    )  # fmt: skip


class ScriptedFaces:
    """script(frame) → faces; a frame carries its number as the first value of its first pixel, in 1/255."""

    def __init__(self, script) -> None:
        self.script, self.looked_at = script, []

    def find(self, picture: Tensor) -> list[Face]:
        self.looked_at.append(round(float(picture[0, 0, 0]) * 255))
        return self.script(self.looked_at[-1])


def portrait_motion(frame: int, side: int) -> Tensor:
    """(2 3): where the portrait, scaled to side × side, lies in a frame: it sways, nods and comes closer."""
    angle = 0.12 * math.sin(frame / 7)
    scale = 0.9 + 0.06 * math.sin(frame / 11)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = torch.tensor([[cos, -sin], [sin, cos]])
    middle = torch.full((2,), side / 2)
    shift = torch.tensor([0.05 * side * math.sin(frame / 5), 0.03 * side * math.cos(frame / 9)])
    return torch.cat([turn, (middle + shift - turn @ middle).unsqueeze(1)], dim=1)


def moving_portrait(frames: int, side: int = 256, noise: float = 0.0, seed: int = 0):
    """Yield (side side 3) uint8: the shared portrait under `portrait_motion`."""
    generator = torch.Generator().manual_seed(seed)
    portrait = rearrange(load_picture(PORTRAIT), "h w c -> 1 c h w")
    portrait = F.interpolate(portrait, (side, side), mode="bicubic", antialias=True).squeeze(0).clamp(0, 1)
    for frame in range(frames):
        back = similarity.inverse(portrait_motion(frame, side))
        picture = similarity.sample(portrait, back, side, side, beyond="border")
        picture = picture + noise * torch.randn(picture.shape, generator=generator)
        yield rearrange((picture.clamp(0, 1) * 255).round().to(torch.uint8), "c h w -> h w c")
