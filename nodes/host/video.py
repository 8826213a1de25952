"""The file behind the host's VIDEO."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import folder_paths

from ...hallo2_core.video.source import VideoSource, trimmed


def video_source(video: Any) -> VideoSource:  # noqa: ANN401 - only newer hosts have all of what is asked of it
    """The file behind a VIDEO, or the part of it that 'Trim Video' left, to be read frame by frame."""
    window = getattr(video, "get_active_trim_window", None)
    start_seconds, duration_seconds = window() if window is not None else (0.0, 0.0)
    try:
        return trimmed(video.get_stream_source(), start_seconds, duration_seconds)
    except ValueError:  # the older host's, of a video made of pictures: it can save one, but not show it as a file
        handle, path = tempfile.mkstemp(".mp4", dir=folder_paths.get_temp_directory())
        os.close(handle)
        video.save_to(path)
        return path
