"""The upscaler, as returned by its loader."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import UpscalerConfig
from .video_restorer import VideoRestorer


@dataclass(frozen=True)
class Upscaler:
    """The network of `net_g.pth`."""

    restorer: VideoRestorer
    fingerprint: str = ""

    @property
    def config(self) -> UpscalerConfig:
        return self.restorer.config
