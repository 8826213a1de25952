"""What a decoder can be expected to show, found out before hours of work rather than after."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from ..errors import SettingsError

MACROBLOCK_PX = 16
# H.264 level 5.2, the highest that players and cards have (ITU-T H.264, table A-1): up to 4096x2304.
MOST_MACROBLOCKS = 36_864
MOST_MACROBLOCKS_PER_SECOND = 2_073_600


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
            f"which is all that players have. Choose the codec h265, or a smaller size."
        )
