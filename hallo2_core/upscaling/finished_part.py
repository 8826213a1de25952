"""What was finished before a video turned out to be unreadable, as a video of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from ..errors import Hallo2Error, VideoError
from ..jobs.job import Job
from ..storage.free_path import free_path
from ..video.frame_times import FrameTimes
from ..video.join import join_clips_as
from ..video.metadata import FileMetadata
from ..video.source import TrimmedVideo, VideoSource, file_of, start_of
from ..video.target import TargetFile


@contextmanager
def finished_part_published(
    job: Job, sound: VideoSource, times: Sequence[FrameTimes], path: Path, fps: Fraction, metadata: FileMetadata
) -> Iterator[None]:
    """Around the making of clips. If that ends with a VideoError, those finished are joined, with their sound, beside
    `path`, and the message names the file. The job stays as it is.

    times: of each video that is read; the longer one's are used.
    """
    try:
        yield
    except VideoError as error:
        frames, told = job.journal.frames, longer(times)
        if not 0 < frames < len(told.ticks):
            raise
        first = FrameTimes(told.time_base, told.ticks[:frames], told.ticks[frames] - told.ticks[frames - 1])
        start = start_of(sound)
        try:
            with TargetFile(free_path(path.with_stem(f"{path.stem}.first_part")), job.folder) as video:
                part = TrimmedVideo(file_of(sound), start, start + first.end)
                join_clips_as(part, first, job.segments, video, fps, lambda: None, metadata)
                video.settle()
                video.publish()
        except Hallo2Error:
            raise error from None
        raise VideoError(f"{error} The {frames} frames before that are finished: {video.path}.") from error


def longer(times: Sequence[FrameTimes]) -> FrameTimes:
    return max(times, key=lambda told: len(told.ticks))
