"""The file behind the host's VIDEO."""

from __future__ import annotations

import logging
import os
import tempfile
from typing import Any

import folder_paths

from ...hallo2_core.errors import VideoError
from ...hallo2_core.video.source import VideoFile, VideoSource, trimmed
from ...hallo2_core.video.stored_sizes import stored_sizes

logger = logging.getLogger("hallo2")


def video_source(video: Any) -> VideoSource:  # noqa: ANN401 - only newer hosts have all of what is asked of it
    """The file behind a VIDEO, or the part of it that 'Trim Video' left, to be read frame by frame.

    A VIDEO that is cropped relative to its file is first saved by the host.
    """
    if not hasattr(video, "get_stream_source"):
        raise VideoError(
            f"The VIDEO is of type {type(video).__name__}, which cannot be read. Connect 'Load Video', or another node "
            f"that makes ComfyUI's VIDEO."
        )
    window = getattr(video, "get_active_trim_window", None)
    start_seconds, duration_seconds = window() if window is not None else (0.0, 0.0)
    try:
        file = video.get_stream_source()
    except ValueError:  # the older host's, for a video made of pictures: it can be saved, but has no file
        return _written_by_host(video)
    if _is_cropped(video, file):
        logger.info("The video is cropped; ComfyUI writes it to its temp folder first.")
        return _written_by_host(video)
    return trimmed(file, start_seconds, duration_seconds)


def _is_cropped(video: Any, file: VideoFile) -> bool:  # noqa: ANN401
    """Whether no stream of the file has the size that the host reports, before or after rotation."""
    sizes = stored_sizes(file)
    return bool(sizes) and sorted(video.get_dimensions()) not in map(sorted, sizes)


def _written_by_host(video: Any) -> str:  # noqa: ANN401
    handle, path = tempfile.mkstemp(".mp4", dir=folder_paths.get_temp_directory())
    os.close(handle)
    video.save_to(path)
    return path
