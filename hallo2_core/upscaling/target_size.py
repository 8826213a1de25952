"""The size of the result."""

from __future__ import annotations

import math

from ..errors import SettingsError
from .settings import LONGEST_SIDE_PX


def target_size(width: int, height: int, scale: float | None = None, long_side: int | None = None) -> tuple[int, int]:
    """(width, height) of the result: `scale` times the source's, or with a long side of `long_side` pixels.

    Both sides are even, as video encoders require: an odd side is increased by one. Errors: SettingsError.
    """
    if (scale is None) == (long_side is None):
        raise SettingsError("Give either a scale or the length of the long side in pixels, not both.")
    if long_side is not None:
        scale = long_side / max(width, height)
    if not 0 < scale < math.inf:
        raise SettingsError(f"The result would be {scale:g} times the video's size; choose more than 0.")
    sides = [max(round(side * scale), 1) for side in (width, height)]
    target_width, target_height = (side + side % 2 for side in sides)
    if max(target_width, target_height) > LONGEST_SIDE_PX:
        largest = LONGEST_SIDE_PX / max(width, height)
        raise SettingsError(
            f"The result would have {target_width}x{target_height} px; the longest side may have {LONGEST_SIDE_PX}. "
            f"Choose a scale of at most {largest:.3g} for this video of {width}x{height} px."
        )
    return target_width, target_height
