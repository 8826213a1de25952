"""What a decoder can be expected to show, found out before hours of work rather than after."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from ..errors import SettingsError

MACROBLOCK_PX = 16
# H.264 level 5.2, the highest that players and cards have (ITU-T H.264, table A-1): up to 4096x2304.
MOST_MACROBLOCKS = 36_864
MOST_MACROBLOCKS_PER_SECOND = 2_073_600
# The highest levels there are of H.265 and AV1, 6.2 and 6.3 (ITU-T H.265, table A.8; AV1, annex A.3): the same numbers.
MOST_PIXELS = 35_651_584
MOST_PIXELS_PER_SECOND = 4_278_190_080
# Level 5 of both, where most phones, televisions and older cards stop.
USUAL_PIXELS = 8_912_896


def fits_h264(width: int, height: int, fps: Fraction) -> bool:
    macroblocks = ceil(width / MACROBLOCK_PX) * ceil(height / MACROBLOCK_PX)
    return macroblocks <= MOST_MACROBLOCKS and macroblocks * fps <= MOST_MACROBLOCKS_PER_SECOND


def playable_codec(width: int, height: int, fps: Fraction) -> str:
    """The one that plays everywhere, as long as it holds such pictures."""
    return "h264" if fits_h264(width, height, fps) else "h265"


def check_level(codec: str, width: int, height: int, fps: Fraction) -> None:
    """Refuse what the encoder would write and hardly anything could show. Raises SettingsError."""
    if codec == "h264" and not fits_h264(width, height, fps):
        raise SettingsError(
            f"{width}x{height} at {float(fps):g} frames a second is beyond level 5.2 of H.264 (4096x2304 px at 56), "
            f"which is all that players have. Choose the codec h265 or av1, or a smaller size."
        )
    pixels = width * height
    if pixels > MOST_PIXELS or pixels * fps > MOST_PIXELS_PER_SECOND:
        raise SettingsError(
            f"{width}x{height} at {float(fps):g} frames a second is beyond the highest level of {codec}, which has "
            f"{MOST_PIXELS_PER_SECOND // pixels} frames of that size a second. Choose a smaller size."
        )


def level_note(codec: str, width: int, height: int) -> str:
    """What to know of a size that is allowed; empty where there is nothing to say."""
    if codec == "h264" or width * height <= USUAL_PIXELS:
        return ""
    return (
        f"{width}x{height} needs level 6 of {codec}: computers play it; many phones and televisions stop at 4096x2176."
    )
