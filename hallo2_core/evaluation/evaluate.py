"""Videos, and the real ones to compare them with → every figure that was requested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..animation.motion_settings import ClipConfig
from ..errors import SettingsError, VideoError
from ..inspection.seams import check_clip_frames
from ..runtime import Runtime
from ..video.one_size import check_one_size
from ..video.reader import VideoInfo, probe
from ..video.source import VideoSource
from .catalogue import METRICS, chosen_metrics
from .evaluate_video import check_pair, evaluate_video
from .measures import Measures, NetworkFiles, light_measure
from .networks.syncnet import FPS
from .report import Evaluation


@dataclass(frozen=True)
class EvaluationSettings:
    """metrics: names from the catalogue; empty measures all that are possible."""

    metrics: Sequence[str] = ()
    clip_frames: int = ClipConfig().frames
    window_seconds: float = 10.0  # of FID over time; 0 for none
    files: NetworkFiles = field(default_factory=NetworkFiles)

    def __post_init__(self) -> None:
        check_clip_frames(self.clip_frames)
        if self.window_seconds < 0:
            raise SettingsError(f"The window has {self.window_seconds:g} s; choose 0 (no curve) or more.")


def evaluate(
    videos: Sequence[Path], references: Sequence[Path], settings: EvaluationSettings, runtime: Runtime
) -> Evaluation:
    """Each video is read once. As many references as videos are pairs, in the same order; any other number is a set.

    Everything is checked before the first video is read. Errors: SettingsError, VideoError, CheckpointError,
    MissingDependencyError.
    """
    pairs = len(references) == len(videos)
    metrics = chosen_metrics(settings.metrics, pairs, bool(references), settings.files.given)
    names = distinct_names(videos)
    is_paired = any(METRICS[name].paired for name in metrics)
    infos = [probe(path) for path in videos]
    for path in (*videos, *references):
        check_one_size(path, runtime.check_cancelled)
    beside: Sequence[Path | None] = references if is_paired else [None] * len(videos)
    for name, info, reference in zip(names, infos, beside, strict=True):
        if reference is not None:
            check_pair(info, probe(reference))
        if "sync" in metrics:
            check_has_sync(name, info)
    measures = Measures(metrics, settings.files, settings.clip_frames, settings.window_seconds, runtime)
    measures.take_real(references, runtime)
    measured = {}
    for name, path, info, reference in zip(names, videos, infos, beside, strict=True):
        runtime.notify(f"{name} ({len(measured) + 1} of {len(videos)})")
        measured[name] = evaluate_video(path, info, reference, measures.of_video(path, info), runtime)
    return Evaluation(measured, measures.together())


def evaluate_light(
    source: VideoSource, reference: VideoSource | None, runtime: Runtime, clip_frames: int = ClipConfig().frames
) -> Evaluation:
    """What needs no network, of one video; with a reference also PSNR and SSIM. Errors: as `evaluate`."""
    info, has_reference = probe(source), reference is not None
    if has_reference:
        check_pair(info, probe(reference))
    metrics = chosen_metrics((), has_reference, has_reference, ())
    measures = [light_measure(name, clip_frames) for name in metrics]
    return Evaluation({"video": evaluate_video(source, info, reference, measures, runtime)}, {})


def check_has_sync(name: str, info: VideoInfo) -> None:
    """Errors: VideoError if SyncNet cannot judge this video."""
    if not info.has_audio:
        raise VideoError(f"{name} has no sound, so lip sync cannot be measured. Leave 'sync' out of --metrics.")
    if info.fps != FPS:
        raise VideoError(
            f"{name} has {float(info.fps):g} frames per second; SyncNet was trained on {FPS}. Convert the video, or "
            "leave 'sync' out of --metrics."
        )


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """The files' names, with their folders if two are equal. Errors: SettingsError for the same video twice."""
    short = [path.name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SettingsError(f"The video {twice} is given twice. Give each video once.")
    return names
