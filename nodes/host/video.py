"""The file behind the host's VIDEO."""

from __future__ import annotations

import logging
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import InputImpl

from ...hallo2_core.errors import VideoError
from ...hallo2_core.video.in_memory import check_in_memory
from ...hallo2_core.video.source import VideoFile, VideoSource, trimmed
from ...hallo2_core.video.stored_sizes import stored_sizes

logger = logging.getLogger("hallo2")

_written: weakref.WeakKeyDictionary[Any, Path] = weakref.WeakKeyDictionary()  # VIDEO → the file that it was saved to


def video_source(video: Any) -> VideoSource:  # noqa: ANN401 - only newer hosts have all of what is asked of it
    """The file behind a VIDEO, or the part of it that 'Trim Video' left, to be read frame by frame.

    A VIDEO that is cropped relative to its file is first saved by the host. Errors: VideoError.
    """
    if not hasattr(video, "get_stream_source"):
        raise VideoError(
            f"The VIDEO is of type {type(video).__name__}, which cannot be read. Connect 'Load Video', or another node "
            f"that makes ComfyUI's VIDEO."
        )
    if isinstance(video, InputImpl.VideoFromComponents):
        components = video.get_components()
        check_in_memory(components.images, components.audio)
    window = getattr(video, "get_active_trim_window", None)
    start_seconds, duration_seconds = window() if window is not None else (0.0, 0.0)
    try:
        file = video.get_stream_source()
    except ValueError:  # the older host's, for a video made of pictures: it can be saved, but has no file
        return _written_by_host(video)
    if not isinstance(file, str | Path) and not hasattr(file, "read"):
        raise VideoError(f"The VIDEO's file is a {type(file).__name__}; a path was expected. Connect 'Load Video'.")
    if _is_cropped(video, file):
        logger.info("The video is cropped; ComfyUI writes it to its temp folder first.")
        return _written_by_host(video)
    return trimmed(file, start_seconds, duration_seconds)


def _is_cropped(video: Any, file: VideoFile) -> bool:  # noqa: ANN401
    """Whether no stream of the file has the size that the host reports, before or after rotation."""
    sizes = stored_sizes(file)
    return bool(sizes) and sorted(video.get_dimensions()) not in map(sorted, sizes)


def _written_by_host(video: Any) -> Path:  # noqa: ANN401
    """Saved once, for as long as the VIDEO exists."""
    path = _written.get(video)
    if path is None or not path.is_file():
        handle, name = tempfile.mkstemp(".mp4", dir=folder_paths.get_temp_directory())
        os.close(handle)
        path = _written[video] = Path(name)
        weakref.finalize(video, path.unlink, missing_ok=True)
        video.save_to(name)
    return path
