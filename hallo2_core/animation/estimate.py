"""An estimate of a video before it starts: frames, clips and disk space."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from einops import rearrange, repeat
from torch import Tensor

from ..errors import JobError
from ..storage.advice import advice_for
from ..storage.folders import existing_part
from ..video.clips import encode_clip
from ..video.sound import BITS_PER_SECOND

if TYPE_CHECKING:
    from ..audio.waveform import AudioSource
    from ..jobs.job import Job
    from ..video.settings import VideoSettings

# Size of a still clip relative to the encoded portrait: networks render skin and hair smoother than photographs.
SMOOTHNESS = 0.5
MEGABYTE = 1e6


@dataclass(frozen=True)
class Estimate:
    """A clip's size is between two bounds: all frames equal, and all frames new. Most are near the lower."""

    frames: int
    clips: int
    least_clip_bytes: int
    most_clip_bytes: int
    sound_bytes: int

    def __str__(self) -> str:
        least, most = (
            (self.clips * size + self.sound_bytes) / MEGABYTE for size in (self.least_clip_bytes, self.most_clip_bytes)
        )
        size = f"{least:.0f} to {most:.0f}" if most >= 10 else f"{least:.1f} to {most:.1f}"
        return f"{self.frames} frames in {self.clips} clips; the file will have {size} MB"


def estimate_video(
    picture: Tensor, frames: int, clip_frames: int, fps: Fraction, settings: VideoSettings, audio: AudioSource
) -> Estimate:
    """Measured by encoding the portrait. picture: (3 h w), -1..1."""
    still = rearrange(picture, "c h w -> 1 h w c") / 2 + 0.5
    clip = encode_clip(repeat(still, "1 h w c -> f h w c", f=clip_frames), 0, fps, settings)
    one = encode_clip(still, 0, fps, settings)
    seconds = audio.samples / audio.rate_hz
    return Estimate(
        frames=frames,
        clips=-(-frames // clip_frames),
        least_clip_bytes=round(len(clip) * SMOOTHNESS),
        most_clip_bytes=len(one) * clip_frames,
        sound_bytes=ceil(seconds * audio.channels * BITS_PER_SECOND / 8),
    )


def check_room(estimate: Estimate, job: Job, video: Path) -> None:
    """Refuse a video that will not fit. Raises JobError with the available and the required space.

    Beside the clips there is a growing video of them, and in its place at the end the file, possibly on another disk.
    """
    kept = sum(segment.size_bytes for segment in job.journal.segments)
    coming = (estimate.clips - job.journal.clips) * estimate.least_clip_bytes
    folders = job.folder, existing_part(video.parent)
    try:
        disks = [_disk(folder) for folder in folders]
        free_bytes = [shutil.disk_usage(folder).free for folder in folders]
    except OSError as error:
        raise JobError(f"The disk of {job.folder} does not answer: {error.strerror}. {advice_for(error)}") from error
    needed = {disks[1]: kept + coming} | {disks[0]: coming + kept + coming}
    for folder, disk, free in zip(folders, disks, free_bytes, strict=True):
        wanted = needed[disk]
        if free < wanted:
            raise JobError(
                f"{folder} has {free / MEGABYTE:.0f} MB free, but this video still needs at least "
                f"{wanted / MEGABYTE:.0f} MB: {estimate.clips} clips, and then the file joined from them. Free space "
                f"there, or choose another folder, a lower quality or shorter audio."
            )


def _disk(folder: Path) -> int:
    return folder.stat().st_dev
