"""Input pictures: any file or tensor → (h w 3), RGB in 0..1."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import repeat
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..errors import PortraitError
from ..storage.not_media import NOT_MEDIA, what_it_is
from .colour_profile import in_srgb

BEHIND_TRANSPARENCY = 1.0  # white, as in most viewers
LEAST, MOST = -0.5, 1.5  # beyond any overshoot: another range than 0..1
FLOAT_MODE = "F"
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
NO_PICTURES = {
    b"%!ps": "is an EPS drawing. Export it as PNG.",
    b"%pdf": "is a PDF document. Export the page as PNG.",
    b"<svg": "is an SVG drawing. Export it as PNG.",
    b"<?xml": "is an XML file, perhaps an SVG drawing. Export it as PNG.",
    **NOT_MEDIA,
}


def load_picture(path: Path) -> Tensor:
    """(h w 3), sRGB: EXIF orientation and color profile applied, transparency over white, the first frame of an
    animation."""
    if os.path.exists(path) and not path.is_file():  # opening a pipe would wait for a writer
        raise PortraitError(f"{path} cannot be read: it is a folder, a pipe or a device, not a file. Choose a picture.")
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            if upright.mode in SIXTEEN_BIT_MODES:
                return as_picture(torch.from_numpy(np.array(upright).astype(np.float32) / 65535.0))
            if upright.mode == FLOAT_MODE:
                return as_picture(torch.from_numpy(np.array(upright)))
            return as_picture(torch.from_numpy(np.array(in_srgb(upright))))
    except FileNotFoundError as error:
        raise PortraitError(f"There is no picture {path}. Check the path.") from error
    except UnidentifiedImageError as error:
        what = _other_kind(path) or "is not a readable picture. Choose a PNG, JPEG or WebP file."
        raise PortraitError(f"{path.name} {what}") from error
    except Image.DecompressionBombError as error:
        most = 2 * Image.MAX_IMAGE_PIXELS // 10**6
        raise PortraitError(f"{path.name} has more than {most} megapixels. Make it smaller first.") from error
    except (OSError, ValueError, SyntaxError) as error:  # Pillow, for damaged files
        what = _other_kind(path) or f"cannot be read: {error}. The file may be damaged; save it again."
        raise PortraitError(f"{path.name} {what}") from error


def _other_kind(path: Path) -> str:
    """As `what_it_is`, for what is no picture that Pillow reads."""
    if what := what_it_is(path, NO_PICTURES):
        return what
    if not os.path.isfile(path):
        return ""
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS:
        return "is a HEIC picture, as phones take them. Export it as JPEG or PNG."
    return "is a video. Choose a picture, or save one of its frames." if start[4:8] == b"ftyp" else ""


def as_picture(image: Tensor) -> Tensor:
    """(h w 3) float32 on the CPU from one picture: (h w), (h w 1), (h w 3) or (h w 4) with alpha, or a batch of them,
    of which the first is used. Values are uint8, or floats in 0..1; the overshoot of resampling is clamped.
    """
    if not isinstance(image, Tensor):
        raise PortraitError(f"The picture is of type {type(image).__name__}; an IMAGE was expected. Pass a tensor.")
    if image.ndim == 4 and not len(image):
        raise PortraitError("The batch of pictures is empty. Pass one picture.")
    picture = image[0] if image.ndim == 4 else image
    picture = repeat(picture, "h w -> h w 1") if picture.ndim == 2 else picture
    if picture.ndim != 3 or picture.shape[-1] not in (1, 3, 4) or 0 in picture.shape:
        raise PortraitError(
            f"The picture has shape {tuple(image.shape)}; height × width with 1, 3 or 4 channels was expected, alone "
            "or in a batch. Pass a picture."
        )
    picture = picture.detach().cpu()
    picture = picture.float() / 255.0 if picture.dtype == torch.uint8 else picture.float()
    check_values(picture, "picture")
    picture = picture.clamp(0.0, 1.0)
    if picture.shape[-1] == 4:
        alpha = picture[..., 3:]
        return picture[..., :3] * alpha + BEHIND_TRANSPARENCY * (1.0 - alpha)
    return repeat(picture, "h w 1 -> h w c", c=3) if picture.shape[-1] == 1 else picture


def check_values(image: Tensor, what: str) -> None:
    """Refuse values that are not finite, or of another range than 0..1. image: floats. Raises PortraitError."""
    if not image.isfinite().all():
        raise PortraitError(f"The {what} has NaN or infinite values. Create it again.")
    low, high = (float(value) for value in image.aminmax())
    if low < LEAST or high > MOST:
        raise PortraitError(
            f"The {what} has values from {low:g} to {high:g}; 0 to 1 was expected. Divide values of 0 to 255 by "
            f"255, or change -1..1 to 0..1."
        )


def as_mask(mask: Tensor, name: str, height: int, width: int) -> Tensor:
    """(height width) float32 in 0..1 from a mask (h w) or a batch of them; other sizes are resized to the picture's.

    Raises PortraitError for an empty mask, which often comes with a picture without alpha.
    """
    if not isinstance(mask, Tensor):
        raise PortraitError(f"The {name} mask is of type {type(mask).__name__}; a MASK was expected. Pass a tensor.")
    if mask.ndim == 3 and not len(mask):
        raise PortraitError(f"The {name} mask is an empty batch. Pass one mask, or leave it unconnected.")
    first = mask[0] if mask.ndim == 3 else mask
    if first.ndim != 2 or 0 in first.shape:
        raise PortraitError(f"The {name} mask has shape {tuple(mask.shape)}; height × width was expected. Pass a mask.")
    first = first.detach().cpu().float().nan_to_num().clamp(0.0, 1.0)
    if not first.any():
        raise PortraitError(
            f"The {name} mask is empty ({first.shape[1]}x{first.shape[0]}, all zero). Draw it, or leave it "
            "unconnected: the mask of a picture without alpha is empty."
        )
    if first.shape == (height, width):
        return first
    stretched = F.interpolate(first[None, None], (height, width), mode="bilinear", antialias=True)
    return stretched[0, 0]
