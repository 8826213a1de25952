"""Turns a user's request into a plan (size, windows, file format), checked against the source."""

from __future__ import annotations

from dataclasses import dataclass

from ..video.levels import playable_codec
from ..video.reader import VideoInfo, probe
from ..video.settings import VideoSettings
from ..video.source import VideoSource
from .render import check_result
from .settings import UpscaleSettings
from .target_size import target_size

AUTO = "auto"


@dataclass(frozen=True)
class UpscaleRequest:
    """scale or long_side, not both. codec: "auto" takes h264, or h265 if the size or frame rate exceeds h264's."""

    scale: float | None
    long_side: int | None
    fidelity: float
    window_frames: int
    overlap_frames: int
    codec: str
    bit_depth: int
    quality: int


@dataclass(frozen=True)
class Plan:
    source: VideoInfo
    settings: UpscaleSettings
    video_settings: VideoSettings


def plan_upscale(source: VideoSource, request: UpscaleRequest) -> Plan:
    """Raises a Hallo2Error if the source is no video, or if no file or player supports the result."""
    return plan_for(probe(source), request)


def plan_for(info: VideoInfo, request: UpscaleRequest) -> Plan:
    """As `plan_upscale`, for a video that may not be finished yet."""
    width, height = target_size(info.width, info.height, request.scale, request.long_side)
    settings = UpscaleSettings(width, height, request.fidelity, request.window_frames, request.overlap_frames)
    codec = playable_codec(width, height, info.nominal_fps) if request.codec == AUTO else request.codec
    video_settings = VideoSettings(codec, request.bit_depth, request.quality)
    check_result(info, settings, video_settings)
    return Plan(info, settings, video_settings)
