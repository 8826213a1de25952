"""One video, read once: figures, and a curve per measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from ..errors import SettingsError, VideoError
from ..inspection.curve import Curve
from ..runtime import Runtime
from ..video.reader import VideoInfo, read_frames
from ..video.source import VideoSource
from .measure import Measure


@dataclass(frozen=True)
class VideoFigures:
    frames: int
    fps: Fraction
    figures: Mapping[str, float]
    curves: Mapping[str, Curve]  # by figure; "seams" holds the part of "change" that is at clip borders

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


@torch.inference_mode()
def evaluate_video(
    source: VideoSource, info: VideoInfo, reference: VideoSource | None, measures: Sequence[Measure], runtime: Runtime
) -> VideoFigures:
    """Read the video once, beside its reference; memory does not grow with its length.

    info: of `source`. If one of the two is shorter, both are measured up to its end. Errors: VideoError.
    """
    frames = ((frame, None) for frame in read_frames(source))
    if reference is not None:
        frames = zip(read_frames(source), read_frames(reference), strict=False)
    curves: dict[str, Curve] = {}
    done = 0
    for frame, true in frames:
        runtime.check_cancelled()
        for measure in measures:
            for name, value in measure.add(frame, true).items():
                curves.setdefault(name, Curve()).add(done, value)
        done += 1
        runtime.progress(done, max(info.expected_frames, done))
    figures = {name: value for measure in measures for name, value in measure.figures().items()}
    return VideoFigures(done, info.nominal_fps, figures, curves)


def check_pair(video: VideoInfo, reference: VideoInfo) -> None:
    """Errors: SettingsError, VideoError."""
    sizes = (video.width, video.height), (reference.width, reference.height)
    if sizes[0] != sizes[1]:
        (width, height), (own_width, own_height) = sizes
        raise SettingsError(
            f"The video is {width}x{height} and its reference {own_width}x{own_height}: frames are compared pixel by "
            "pixel. Resize one of them, or choose metrics of whole sets (fid, fvd)."
        )
    if video.fps != reference.fps:
        raise VideoError(
            f"The video has {float(video.fps):g} frames per second and its reference {float(reference.fps):g}; convert "
            "one of them."
        )
