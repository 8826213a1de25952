"""A data set's TOML file, with the keys of musubi-tuner: defaults in [general], one [[datasets]] per folder of videos.

[general]
resolution = 512
caption_extension = ".txt"

[[datasets]]
video_directory = "videos/interviews"      # or video_jsonl_file
cache_directory = "cache/interviews"
num_repeats = 2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config import check_frame_size
from ...errors import SettingsError
from ..config_file import read_config, settings_from
from ..records import RecordSource

FEWEST_FRAMES, MOST_FRAMES = 25, 1000
GENERAL_KEYS = ("resolution", "target_frames", "caption_extension", "num_repeats")
# Keys of musubi-tuner's files without a meaning here, and why.
OTHERS_KEYS = {
    "batch_size": "the training configuration sets train_batch_size",
    "enable_bucket": "every clip is cropped to the one resolution",
    "bucket_no_upscale": "every clip is cropped to the one resolution",
    "frame_extraction": "videos are cut into clips that follow one another",
    "frame_stride": "videos are cut into clips that follow one another",
    "frame_sample": "videos are cut into clips that follow one another",
    "max_frames": "videos may have any length",
    "source_fps": "frame rates are read from the files",
    "image_directory": "training needs videos with sound",
    "image_jsonl_file": "training needs videos with sound",
}


@dataclass(frozen=True)
class Dataset:
    """A folder of videos, or a JSONL file that lists them, and where its clips are kept.

    With neither of them, cache_directory holds clips made by other means, such as 'hallo2 prepare clips'.
    """

    cache_directory: str
    video_directory: str = ""
    video_jsonl_file: str = ""  # per line: video_path, and optionally caption and audio_path
    caption_extension: str = ".txt"  # of the file beside each video of video_directory
    resolution: int = 512  # side of the square clips, in pixels
    target_frames: int = 100  # of a clip, at 25 frames per second
    num_repeats: int = 1  # how often each clip counts in training

    def __post_init__(self) -> None:
        check_frame_size(self.resolution, self.resolution)
        if self.video_directory and self.video_jsonl_file:
            raise SettingsError("A data set has both video_directory and video_jsonl_file; remove one of them.")
        if not FEWEST_FRAMES <= self.target_frames <= MOST_FRAMES:
            raise SettingsError(
                f"target_frames is {self.target_frames}; choose {FEWEST_FRAMES} to {MOST_FRAMES} (25 are a second)."
            )
        for folder in (self.cache_directory, self.video_directory, self.video_jsonl_file):
            if "\0" in folder:
                raise SettingsError(f"A data set has the path {folder!r}; paths hold no null characters.")
        if self.num_repeats < 1:
            raise SettingsError(f"num_repeats is {self.num_repeats}; choose 1 or more.")

    @property
    def source(self) -> str:
        """The folder or the file of the videos; "" if the clips are made by other means."""
        return self.video_directory or self.video_jsonl_file

    @property
    def cache(self) -> Path:
        return Path(self.cache_directory)


def read_datasets(path: Path) -> tuple[Dataset, ...]:
    """Errors: SettingsError that names the file and the key."""
    config = read_config(path)
    general, tables = config.pop("general", {}), config.pop("datasets", [])
    is_list = isinstance(tables, list) and all(isinstance(table, Mapping) for table in tables)
    if config or not isinstance(general, Mapping) or not is_list or not tables:
        found = ", ".join(config) or "no [[datasets]]"
        raise SettingsError(f"{path.name} has {found}; expected [general] and one [[datasets]] per folder of videos.")
    wrong = [key for key in general if key not in (*GENERAL_KEYS, *OTHERS_KEYS)]
    if wrong:
        raise SettingsError(f"{path.name} [general] has the key '{wrong[0]}'; it may have: {', '.join(GENERAL_KEYS)}.")
    datasets = tuple(
        _dataset({**general, **table}, f"{path.name} [[datasets]] {number}")
        for number, table in enumerate(tables, start=1)
    )
    for dataset in datasets:
        if dataset.video_directory and Path(dataset.video_directory).resolve() == dataset.cache.resolve():
            raise SettingsError(
                f"{path.name}: {dataset.cache_directory} is both a video_directory and its cache_directory. Choose "
                "another folder for the cache."
            )
    caches = [dataset.cache.resolve() for dataset in datasets]
    for cache in caches:
        if caches.count(cache) > 1:
            raise SettingsError(f"{path.name} has the cache_directory {cache} twice. Give each data set its own.")
    return datasets


def record_sources(where: str) -> tuple[RecordSource, ...]:
    """where: a folder of shards, or the TOML file of data sets, whose clips count as often as it says."""
    if not where.endswith(".toml"):
        return (RecordSource(Path(where)),)
    return tuple(RecordSource(dataset.cache, dataset.num_repeats) for dataset in read_datasets(Path(where)))


def _dataset(table: Mapping[str, Any], where: str) -> Dataset:
    for key, reason in OTHERS_KEYS.items():
        if key in table:
            raise SettingsError(f"{where} has the key '{key}', which is not used here: {reason}. Remove it.")
    values = dict(table)
    if isinstance(resolution := values.get("resolution"), list):
        if len(resolution) != 2 or resolution[0] != resolution[1]:
            raise SettingsError(f"{where}: resolution is {resolution}; clips are square, for example [512, 512].")
        values["resolution"] = resolution[0]
    if isinstance(frames := values.get("target_frames"), list):
        if len(frames) != 1:
            raise SettingsError(f"{where}: target_frames is {frames}; choose one length, for example [100].")
        values["target_frames"] = frames[0]
    return settings_from(Dataset, values, where)
