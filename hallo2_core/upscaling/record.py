"""What an upscaled video's file says about how it was made."""

from __future__ import annotations

from dataclasses import asdict

from ..jobs.key import JobKey
from ..jobs.record import record_of
from ..video.metadata import PARTLY_GENERATED, FileMetadata, file_metadata, read_record
from .background import resample
from .job_key import Upscale


def upscale_metadata(upscale: Upscale, key: JobKey) -> FileMetadata:
    """With the source's own record. A generated source stays one; in others, what networks draw is generated."""
    settings = {
        "upscale": asdict(upscale.settings),
        "faces": upscale.faces is not None,
        "background": upscale.background_name,
        "file": asdict(upscale.video_settings),
    }
    source = read_record(upscale.source)
    is_drawn = upscale.faces is not None or upscale.background is not resample
    source_type = (source or {}).get("digital_source_type", PARTLY_GENERATED if is_drawn else "")
    return file_metadata(upscale.metadata, source_type, record_of(key, settings), source)
