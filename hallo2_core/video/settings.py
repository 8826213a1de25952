"""How a video is encoded: codec, bit depth, quality."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError

# SVT-AV1 numbers its presets. There is none above 10, and below 4 a frame of 4096x4096 takes half a minute.
AV1_PRESETS = {
    "ultrafast": 10, "superfast": 10, "veryfast": 10, "faster": 9, "fast": 9,
    "medium": 8, "slow": 6, "slower": 5, "veryslow": 4,
}  # fmt: skip
CODECS = {"h264": "libx264", "h265": "libx265", "av1": "libsvtav1"}
PIXEL_FORMATS = {8: "yuv420p", 10: "yuv420p10le"}
PRESETS = tuple(AV1_PRESETS)  # x264's and x265's names
QUALITIES = "0 lossless, 1-14 visually lossless, 15-20 high, 21-26 good, 27-51 small"


@dataclass(frozen=True)
class VideoSettings:
    """codec: "h264" plays everywhere, "h265" is smaller, "av1" smaller still. quality: x264's CRF, lower is better
    (QUALITIES); for the others, a similar one. preset: speed against file size."""

    codec: str = "h264"
    bit_depth: int = 8
    quality: int = 14
    preset: str = "medium"

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise SettingsError(f"The codec is '{self.codec}'; choose one of {', '.join(CODECS)}.")
        if self.bit_depth not in PIXEL_FORMATS:
            raise SettingsError(f"The bit depth is {self.bit_depth}; choose 8, which plays everywhere, or 10.")
        if not 0 <= self.quality <= 51:
            raise SettingsError(f"The quality is {self.quality}; choose 0 to 51 ({QUALITIES}).")
        if self.preset not in PRESETS:
            raise SettingsError(f"The preset is '{self.preset}'; choose one of {', '.join(PRESETS)}.")
