"""OpenCV's resize, Gaussian blur and normalize for 8-bit gray pictures, bit-exact and without OpenCV.

The release makes its masks with them, and their rounding affects the networks' input. All pictures here are numpy
arrays (h w) of uint8. Checked against OpenCV 4.11 (the golden masks) and 5.0 (the tests).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

RESIZE_WEIGHT_BITS = 11
BLUR_WEIGHT_BITS = 8


def resize_bytes(picture: Bytes, height: int, width: int) -> Bytes:
    """Bilinear without antialiasing, as `cv2.resize(…, INTER_LINEAR)`. OpenCV halves with a 2×2 mean."""
    if picture.shape == (2 * height, 2 * width):
        pairs = picture[::2].astype(np.int64) + picture[1::2]
        return ((pairs[:, ::2] + pairs[:, 1::2] + 2) >> 2).astype(np.uint8)
    left, right, left_weight, right_weight = _neighbours(picture.shape[1], width, stop_at_edges=True)
    above, below, above_weight, below_weight = _neighbours(picture.shape[0], height, stop_at_edges=False)
    pixels = picture.astype(np.int64)
    rows = (pixels[:, left] * left_weight + pixels[:, right] * right_weight) >> 4
    rows = (rows[above] * above_weight[:, None] >> 16) + (rows[below] * below_weight[:, None] >> 16)
    return ((rows + 2) >> 2).astype(np.uint8)


def blur_bytes(picture: Bytes, kernel: int) -> Bytes:
    """As `cv2.GaussianBlur(picture, (kernel, kernel), 0)`: kernel odd, sigma derived from it, edges mirrored."""
    weights = blur_weights(kernel)
    height, width = picture.shape
    pixels = np.pad(picture.astype(np.int64), kernel // 2, mode="reflect")
    rows = sum(weight * pixels[:, i : i + width] for i, weight in enumerate(weights))
    total = sum(weight * rows[i : i + height] for i, weight in enumerate(weights))
    half = 1 << (2 * BLUR_WEIGHT_BITS - 1)
    return ((total + half) >> 2 * BLUR_WEIGHT_BITS).astype(np.uint8)


def blur_weights(kernel: int) -> list[int]:
    """Gaussian weights as integers that sum to 256: each rounding error is carried to the next weight inwards."""
    sigma = ((kernel - 1) * 0.5 - 1) * 0.3 + 0.8
    exact = [math.exp(-((i - kernel // 2) ** 2) / (2 * sigma * sigma)) for i in range(kernel)]
    one = 1 << BLUR_WEIGHT_BITS
    left: list[int] = []
    carried = 0.0
    for value in exact[: kernel // 2]:
        wanted = value / sum(exact) * one + carried
        left.append(round(wanted))
        carried = wanted - left[-1]
    return [*left, one - 2 * sum(left), *reversed(left)]


def normalise_bytes(picture: Bytes) -> Bytes:
    """Stretch to 0..255, as `cv2.normalize(picture, None, 0, 255, NORM_MINMAX)`; a constant picture becomes zeros."""
    low, high = int(picture.min()), int(picture.max())
    scale = 255.0 * (1.0 / (high - low) if high > low else 0.0)
    # OpenCV uses float32 with a single rounding for multiply and add; in float64 the product is exact.
    stretched = picture * np.float64(np.float32(scale)) + np.float64(np.float32(-low * scale))
    return np.rint(stretched.astype(np.float32)).clip(0, 255).astype(np.uint8)


def _neighbours(
    source: int, target: int, stop_at_edges: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each of `target` pixels: the two neighboring source pixels, and their weights out of 2048.

    Beyond the outermost source pixels both neighbors are the edge. There OpenCV gives all weight to the first
    (`stop_at_edges`, along a row) or still splits it, and so rounds twice (down a column).
    """
    position = ((np.arange(target) + 0.5) * (source / target) - 0.5).astype(np.float32)
    first = np.floor(position).astype(np.int64)
    share = position - first.astype(np.float32)
    if stop_at_edges:
        share[(first < 0) | (first >= source - 1)] = 0
    one = np.float32(1 << RESIZE_WEIGHT_BITS)
    second_weight = np.rint(share * one).astype(np.int64)
    first_weight = np.rint((np.float32(1) - share) * one).astype(np.int64)
    return first.clip(0, source - 1), (first + 1).clip(0, source - 1), first_weight, second_weight
