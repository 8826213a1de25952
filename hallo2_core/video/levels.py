"""Which videos decoders support, checked before hours of work rather than after."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from ..errors import SettingsError

MACROBLOCK_PX = 16
# H.264 level 5.2, the highest that players and GPUs support (ITU-T H.264, table A-1): up to 4096x2304.
MOST_MACROBLOCKS = 36_864
MOST_MACROBLOCKS_PER_SECOND = 2_073_600
# The highest levels of H.265 and AV1, 6.2 and 6.3 (ITU-T H.265, table A.8; AV1, annex A.3), have the same limits.
MOST_PIXELS = 35_651_584
MOST_PIXELS_PER_SECOND = 4_278_190_080
# Level 5 of both, the limit of most phones, televisions and older GPUs.
USUAL_PIXELS = 8_912_896


def fits_h264(width: int, height: int, fps: Fraction) -> bool:
    macroblocks = ceil(width / MACROBLOCK_PX) * ceil(height / MACROBLOCK_PX)
    return macroblocks <= MOST_MACROBLOCKS and macroblocks * fps <= MOST_MACROBLOCKS_PER_SECOND


def playable_codec(width: int, height: int, fps: Fraction) -> str:
    """H.264, which plays everywhere, if it supports this size and rate."""
    return "h264" if fits_h264(width, height, fps) else "h265"


def check_level(codec: str, width: int, height: int, fps: Fraction) -> None:
    """Refuse what the encoder would write but hardly any player supports. Raises SettingsError."""
    if codec == "h264" and not fits_h264(width, height, fps):
        raise SettingsError(
            f"{width}x{height} at {float(fps):g} frames a second is beyond level 5.2 of H.264 (4096x2304 px at 56), "
            f"the highest that players support. Choose the codec h265 or av1, or a smaller size."
        )
    pixels = width * height
    if pixels > MOST_PIXELS or pixels * fps > MOST_PIXELS_PER_SECOND:
        raise SettingsError(
            f"{width}x{height} at {float(fps):g} frames a second is beyond the highest level of {codec}, which allows "
            f"{MOST_PIXELS_PER_SECOND // pixels} frames of that size a second. Choose a smaller size."
        )


def level_note(codec: str, width: int, height: int) -> str:
    """A note on an allowed size; empty if there is none."""
    if codec == "h264" or width * height <= USUAL_PIXELS:
        return ""
    return (
        f"{width}x{height} needs level 6 of {codec}: computers play it; many phones and televisions stop at 4096x2176."
    )
