"""The options of each encoder: the same frames give the same bytes on every run."""

from __future__ import annotations

from fractions import Fraction

from .settings import AV1_PRESETS, VideoSettings

OPTIONS = 2  # the number of their versions; to be incremented when they change, or a resumed video would mix two
KEY_FRAME_SECONDS = 2
# Fixed on every machine: an encoder's bytes depend on its number of threads.
THREADS = 4
FRAMES_IN_FLIGHT = 2  # H.265
# SVT-AV1's own scale: speed and memory, not bytes. At 2, version 4.1 hangs or loses a picture about once
# in 5,000 short videos on a busy machine ("no frame in undisplayed queue"); at 1, not once in 20,000.
AV1_PARALLELISM = 1
WORST_QUALITY, WORST_AV1_QUALITY = 51, 63


def encoder_options(settings: VideoSettings, short_side: int, fps: Fraction) -> dict[str, str]:
    own = {"h264": _h264, "h265": _h265, "av1": _av1}[settings.codec](settings, short_side)
    return {"preset": settings.preset, "g": str(max(1, round(KEY_FRAME_SECONDS * fps))), "flags": "+cgop"} | own


def av1_quality(quality: int) -> int:
    """x264's scale, 1 to 51, mapped to SVT-AV1's, 1 to 63."""
    return max(1, round(quality * WORST_AV1_QUALITY / WORST_QUALITY))


def _h264(settings: VideoSettings, short_side: int) -> dict[str, str]:
    # x264's SIMD macroblock tree reads uninitialized memory for most widths, so the same frames gave different bytes
    # on every run. This option replaces only that function by its C version.
    reproducible = {"x264-params": "cpu-independent=1"}
    return reproducible | ({"crf": str(settings.quality)} if settings.quality else {"qp": "0"})


def _h265(settings: VideoSettings, short_side: int) -> dict[str, str]:
    params = ["log-level=error", "open-gop=0", f"pools={THREADS}", f"frame-threads={FRAMES_IN_FLIGHT}"]
    params.append(f"crf={settings.quality}" if settings.quality else "lossless=1")
    # A picture one coding block wide or high gave different bytes on every run, so small ones get smaller blocks.
    params.append(f"ctu={64 if short_side > 64 else 32 if short_side > 32 else 16}")
    return {"x265-params": ":".join(params)}


def _av1(settings: VideoSettings, short_side: int) -> dict[str, str]:
    # Groups of four pictures take little memory. Low delay takes less, but there SVT-AV1 4.1 waits for each packet, and
    # on a busy machine sometimes forever: one process in two within a minute of short videos, with a parallelism of 1.
    params = [f"lp={AV1_PARALLELISM}", "pred-struct=2", "hierarchical-levels=2"]
    params.append(f"crf={av1_quality(settings.quality)}" if settings.quality else "lossless=1")
    # Without err_detect, an SVT-AV1 too old for lossless would only warn and encode with loss.
    return {"preset": str(AV1_PRESETS[settings.preset]), "svtav1-params": ":".join(params), "err_detect": "explode"}
