"""The key of an upscale job: the request, and the arithmetic that computes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..arithmetic import UPSCALING_ARITHMETIC
from ..jobs.fingerprint import fingerprint
from ..jobs.key import JobKey
from ..models.layers import attention_of, precision_of
from ..models.upscaler.upscaler import Upscaler
from ..portrait.face_analysis import FaceFinder
from ..runtime import Runtime
from ..video.encode import encoder_version
from ..video.metadata import MetadataChoice
from ..video.reader import probe
from ..video.settings import VideoSettings
from ..video.source import VideoSource
from ..video.source_fingerprint import source_fingerprint
from .background import Background, resample
from .settings import UpscaleSettings


@dataclass(frozen=True)
class Upscale:
    """A whole upscale: source, models and settings. No frame is in memory yet."""

    source: VideoSource
    upscaler: Upscaler
    faces: FaceFinder | None
    settings: UpscaleSettings
    video_settings: VideoSettings
    background: Background = resample
    background_name: str = "resampled"  # different results need different names
    metadata: MetadataChoice = field(default_factory=MetadataChoice)


def upscale_key(upscale: Upscale, runtime: Runtime) -> JobKey:
    """Over the source's bytes, the upscaler's weights and every setting. Settings for faces count only with a face
    detector."""
    info, settings = probe(upscale.source), upscale.settings
    request = {"video": fingerprint(source_fingerprint(upscale.source)), **result_request(upscale)}
    what = f"upscaled to {settings.width_px}x{settings.height_px}, {float(info.fps):g} frames a second"
    return JobKey(request, upscale_arithmetic(upscale, runtime), what, info.expected_frames)


def result_request(upscale: Upscale) -> dict[str, str]:
    """The request but for the source."""
    settings = upscale.settings
    has_faces = upscale.faces is not None
    parts = {
        "size": [settings.width_px, settings.height_px],
        "faces": [_kind_of(upscale.faces), upscale.upscaler.fingerprint, settings] if has_faces else [],
        "background": upscale.background_name,
        "file": upscale.video_settings,
        **upscale.metadata.request,
    }
    return {name: fingerprint(part) for name, part in parts.items()}


def upscale_arithmetic(upscale: Upscale, runtime: Runtime) -> dict[str, str]:
    restorer = upscale.upscaler.restorer
    return {
        "ARITHMETIC": str(UPSCALING_ARITHMETIC),
        "dtype": precision_of(restorer),
        "attention": attention_of(restorer),
        "encoder": encoder_version(),
        **runtime.arithmetic(),
    }


def _kind_of(faces: FaceFinder | None) -> list[str]:
    """Each face detector class has one fixed set of weights."""
    return [type(part).__name__ for part in (faces, getattr(faces, "detector", None)) if part is not None]
