"""Pictures as the host's IMAGE and back."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def images(*pictures: Image.Image) -> Tensor:
    """The host's IMAGE of pictures of one size: (b h w 3), 0..1."""
    return torch.stack([torch.from_numpy(np.asarray(picture, np.float32) / 255.0) for picture in pictures])


def to_picture(frame: Tensor) -> Image.Image:
    """frame: (h w 3), 0..1."""
    return Image.fromarray((frame.float().clamp(0, 1) * 255).round().to("cpu", torch.uint8).numpy())
