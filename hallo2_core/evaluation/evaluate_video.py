"""One video, read once: figures, and a curve per measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..animation.motion_settings import ClipConfig
from ..errors import SettingsError, VideoError
from ..inspection.curve import Curve
from ..inspection.drift import measure_frames
from ..inspection.report import DriftSummary
from ..runtime import Runtime
from ..video.reader import VideoInfo, probe, read_frames
from ..video.source import VideoSource
from .measure import Measure


@dataclass(frozen=True)
class VideoFigures:
    frames: int
    fps: Fraction
    figures: Mapping[str, float]
    curves: Mapping[str, Curve]
    seams: Curve  # the changes at clip borders

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


@torch.inference_mode()
def evaluate_video(
    source: VideoSource,
    reference: VideoSource | None,
    measures: Sequence[Measure],
    with_seams: bool,
    runtime: Runtime,
    clip_frames: int = ClipConfig().frames,
) -> VideoFigures:
    """Read the video once, beside its reference; memory does not grow with its length.

    with_seams: also measure the jump at the borders of clips of `clip_frames`. If one video is shorter, both are
    measured up to its end. Errors: VideoError; SettingsError if sizes or frame rates differ.
    """
    info = probe(source)
    frames = ((frame, None) for frame in read_frames(source))
    if reference is not None:
        check_pair(info, probe(reference))
        frames = zip(read_frames(source), read_frames(reference), strict=False)
    curves: dict[str, Curve] = {}

    def shared() -> Iterator[Tensor]:
        for number, (frame, true) in enumerate(frames):
            for measure in measures:
                for name, value in measure.add(frame, true).items():
                    curves.setdefault(name, Curve()).add(number, value)
            yield frame

    drift = DriftSummary(clip_frames)
    for measured in measure_frames(shared(), None, clip_frames, runtime):
        drift.add(measured)
        runtime.progress(drift.frames, max(info.expected_frames, drift.frames))
    figures = {name: value for measure in measures for name, value in measure.figures().items()}
    if with_seams:
        jump = drift.report().seam_jump
        figures |= {} if jump is None else {"seam_jump": jump}
        curves["change"] = drift.curves["change"]
    return VideoFigures(drift.frames, info.fps or Fraction(25), figures, curves, drift.curves["seams"])


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
