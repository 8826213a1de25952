"""One picture of a video, finished or in progress."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import av
from PIL import Image

from ..errors import VideoError
from .clips import opened_clips
from .container import opened

CLIPS_SUFFIX = ".ts"
PICTURE_PX = 256


def first_picture(path: Path, side_px: int) -> Image.Image:
    """The first frame of a video, or of a job's file of clips, centered in a black square. Errors: VideoError."""
    try:
        with opened_clips(path) if path.suffix == CLIPS_SUFFIX else opened(path) as container:
            picture = next(container.decode(video=0)).to_image()
    except (StopIteration, IndexError, av.FFmpegError) as error:
        raise VideoError(f"{path} has no readable picture.") from error
    picture.thumbnail((side_px, side_px))
    square = Image.new("RGB", (side_px, side_px))
    square.paste(picture, ((side_px - picture.width) // 2, (side_px - picture.height) // 2))
    return square


def contact_pictures(paths: Sequence[Path | None], side_px: int = PICTURE_PX) -> list[Image.Image]:
    """One square per entry, black if there is no readable picture yet; a single black one for no entries."""
    pictures = [_picture_or_black(path, side_px) for path in paths]
    return pictures or [Image.new("RGB", (side_px, side_px))]


def _picture_or_black(path: Path | None, side_px: int) -> Image.Image:
    if path is not None:
        with suppress(VideoError):
            return first_picture(path, side_px)
    return Image.new("RGB", (side_px, side_px))
