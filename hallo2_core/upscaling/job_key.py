"""The name of an upscaling: equal for two runs exactly where they must give the same frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .. import __version__
from ..jobs.fingerprint import fingerprint
from ..models.layers import precision_of
from ..models.upscaler.upscaler import Upscaler
from ..portrait.face_analysis import FaceFinder
from ..runtime import Runtime
from ..video.settings import VideoSettings
from ..video.source import VideoSource
from ..video.source_fingerprint import source_fingerprint
from .background import Background, resample
from .settings import UpscaleSettings


@dataclass(frozen=True)
class Upscale:
    """A whole video to be made from another one. Everything sits ready; nothing of the video is in memory."""

    source: VideoSource
    upscaler: Upscaler
    faces: FaceFinder | None
    settings: UpscaleSettings
    video_settings: VideoSettings
    background: Background = resample
    background_name: str = "resampled"  # other pictures, other name


def upscale_key(upscale: Upscale, runtime: Runtime) -> str:
    """Over the source's bytes, the upscaler's weights, every setting, and the machine's arithmetic."""
    device = runtime.device
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return fingerprint(
        source_fingerprint(upscale.source),
        upscale.upscaler.fingerprint,
        _kind_of(upscale.faces),
        upscale.background_name,
        upscale.settings,
        upscale.video_settings,
        {
            "device": f"{device.type} {card}",
            "dtype": precision_of(upscale.upscaler.restorer),
            "torch": torch.__version__,
            "hallo2": __version__,
        },
    )


def _kind_of(faces: FaceFinder | None) -> list[str]:
    """Face finders come with fixed weights, one set a class."""
    return [type(part).__name__ for part in (faces, getattr(faces, "detector", None)) if part is not None]
