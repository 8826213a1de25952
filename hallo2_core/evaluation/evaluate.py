"""Videos, and the real ones to compare them with → every figure that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..animation.motion_settings import ClipConfig
from ..errors import SettingsError
from ..runtime import Runtime
from ..video.reader import probe
from .catalogue import METRICS, chosen_metrics
from .evaluate_video import check_pair, evaluate_video, light_measures
from .report import Evaluation


@dataclass(frozen=True)
class EvaluationSettings:
    """metrics: names from the catalogue; empty measures all that are possible."""

    metrics: Sequence[str] = ()
    clip_frames: int = ClipConfig().frames
    networks: Mapping[str, Path] = ()


def evaluate(
    videos: Sequence[Path], references: Sequence[Path], settings: EvaluationSettings, runtime: Runtime
) -> Evaluation:
    """Each video is read once. As many references as videos are pairs, in the same order; any other number is a set.

    Everything is checked before the first video is read. Errors: SettingsError, VideoError, CheckpointError.
    """
    pairs = len(references) == len(videos)
    metrics = chosen_metrics(settings.metrics, pairs, bool(references), tuple(settings.networks))
    names = distinct_names(videos)
    is_paired = any(METRICS[name].paired for name in metrics)
    for number, path in enumerate(videos):
        info = probe(path)
        if is_paired:
            check_pair(info, probe(references[number]))
    measured = {}
    for number, (name, path) in enumerate(zip(names, videos, strict=True)):
        reference = references[number] if is_paired else None
        runtime.notify(f"{name} ({number + 1} of {len(videos)})")
        measured[name] = evaluate_video(
            path, reference, light_measures(metrics), "seam_jump" in metrics, runtime, settings.clip_frames
        )
    return Evaluation(measured, {})


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """The files' names, with their folders if two are equal. Errors: SettingsError for the same video twice."""
    short = [path.name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SettingsError(f"The video {twice} is named twice. Name each video once.")
    return names
