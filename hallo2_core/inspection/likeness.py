"""Similarity of two pictures: structure, sharpness, color, identity. Pictures are (h w 3), RGB in 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..payloads import Portrait
from ..portrait.face_analysis import FaceFinder

LEVELS = 255.0
LUMA = (0.299, 0.587, 0.114)
FACE_SIDE_PX = 128  # faces are compared at this size, so that grain and upscaling matter little
SSIM_WINDOW_PX = 7
SSIM_STEADY = (0.01**2, 0.03**2)  # the constants of the definition, for values in 0..1
FLAT_STEP = 0.5 / LEVELS  # half a level, added to every step: the sharpness of a flat picture would be zero


@dataclass(frozen=True)
class Original:
    """The reference: the portrait at the size of the video, or the video's first frame."""

    face: tuple[slice, slice]  # rows and columns of the face's box
    face_luma: Tensor  # (1 1 s s)
    colours: Tensor  # (3), the channels' means
    step: float

    @classmethod
    def of(cls, picture: Tensor, face: tuple[slice, slice]) -> Original:
        return cls(face, _face_luma(picture, face), picture.mean(dim=(0, 1)), _step(picture))

    @classmethod
    def of_portrait(cls, portrait: Portrait, height: int, width: int) -> Original:
        pixels, region = portrait.pixels.float().cpu(), portrait.face_region[:1].float().cpu()
        if (portrait.height, portrait.width) != (height, width):
            pixels = F.interpolate(pixels[None], (height, width), mode="bicubic", antialias=True)[0].clamp(-1.0, 1.0)
            region = F.interpolate(region[None], (height, width), mode="nearest-exact")[0]
        rows, columns = (region[0].amax(dim=axis).nonzero().flatten() for axis in (1, 0))
        face = tuple(slice(int(found[0]), int(found[-1]) + 1) for found in (rows, columns))
        return cls.of(rearrange(pixels, "c h w -> h w c") / 2 + 0.5, face)

    def similarity(self, picture: Tensor) -> float:
        """Structural similarity of the face box, at most 1. It varies with speech; with drift, it declines."""
        return ssim(_face_luma(picture, self.face), self.face_luma)

    def sharpness(self, picture: Tensor) -> float:
        """Mean step between neighboring pixels, relative to the original."""
        return (_step(picture) + FLAT_STEP) / (self.step + FLAT_STEP)

    def colour_drift(self, picture: Tensor) -> float:
        """Distance between the mean colors, in levels of 0..255 (root mean square over the channels)."""
        return float((picture.mean(dim=(0, 1)) - self.colours).square().mean().sqrt()) * LEVELS


def face_embedding(faces: FaceFinder, picture: Tensor) -> Tensor | None:
    """(512), of the largest face; None if there is none that the recognizer's own detector found."""
    found = faces.find(picture)
    embedding = faces.identity(picture, found[0]) if found else None
    return embedding if embedding is not None and bool(embedding.any()) else None


def luma(picture: Tensor) -> Tensor:
    """(1 1 h w), 0..1."""
    return rearrange((picture * picture.new_tensor(LUMA)).sum(dim=-1), "h w -> 1 1 h w")


def ssim(one: Tensor, other: Tensor) -> float:
    """one, other: (1 1 h w), 0..1. The structural similarity index (Wang et al. 2004) over square windows."""

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, SSIM_WINDOW_PX, stride=1)

    one, other = one.double(), other.double()
    steady_mean, steady_variance = SSIM_STEADY
    mean_one, mean_other = mean(one), mean(other)
    variances = mean(one * one) - mean_one**2 + mean(other * other) - mean_other**2
    covariance = mean(one * other) - mean_one * mean_other
    brightness = (2 * mean_one * mean_other + steady_mean) / (mean_one**2 + mean_other**2 + steady_mean)
    structure = (2 * covariance + steady_variance) / (variances + steady_variance)
    return float((brightness * structure).mean())


def _face_luma(picture: Tensor, face: tuple[slice, slice]) -> Tensor:
    return F.interpolate(luma(picture[face]), (FACE_SIDE_PX, FACE_SIDE_PX), mode="bilinear", antialias=True)


def _step(picture: Tensor) -> float:
    across, down = picture.diff(dim=1).abs(), picture.diff(dim=0).abs()
    steps = max(across.numel() + down.numel(), 1)  # a single pixel has none
    return float((across.sum() + down.sum()) / steps)
