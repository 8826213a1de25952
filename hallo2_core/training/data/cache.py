"""A cache directory: the settings that its clips are made with, what was skipped, and videos that are gone."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from ...storage.durable import replace_file
from ..data_settings import data_settings
from ..records import SHARD_ENDING
from .dataset_config import Dataset
from .prepared_video import FPS, Encoders
from .shard_series import REPORT_ENDING, VideoReport, shards_of
from .source_videos import KEY, SourceVideo

SKIPPED_FILE = "skipped.jsonl"

logger = logging.getLogger("hallo2")


def cache_settings(dataset: Dataset, encoders: Encoders, face_models: str) -> dict[str, object]:
    return data_settings(dataset.source, dataset.resolution, FPS, encoders.vae.vae, encoders.speech) | {
        "target_frames": dataset.target_frames,
        "faces": "released" if face_models else "built-in",
    }


def remove_others(folder: Path, videos: Sequence[SourceVideo]) -> None:
    """Remove the clips of videos that are no longer in the data set; files that are not ours stay."""
    keys = {path.name.rsplit(".", 2)[0] for path in folder.glob(f"*.*{SHARD_ENDING}")}
    keys |= {path.stem for path in folder.glob(f"*{REPORT_ENDING}")}
    gone = {key for key in keys if KEY.fullmatch(key)} - {video.key for video in videos}
    for key in sorted(gone):
        for path in (*shards_of(folder, key), folder / f"{key}{REPORT_ENDING}"):
            path.unlink(missing_ok=True)
    if gone:
        logger.warning("%s: removed the clips of %d videos that are no longer in the data set.", folder, len(gone))


def write_skipped(folder: Path, reports: Sequence[VideoReport]) -> None:
    lines = []
    for report in reports:
        for skipped in report.skipped:
            entry = {
                "video_path": report.name,
                "reason": skipped.reason,
                "detail": skipped.detail,
                "start_seconds": round(skipped.start_seconds, 3),
                "end_seconds": None if skipped.end_seconds is None else round(skipped.end_seconds, 3),
            }
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    replace_file(folder / SKIPPED_FILE, "".join(lines).encode())
