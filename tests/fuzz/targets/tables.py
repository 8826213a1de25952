"""Tables and configurations: the farm's jobs, data sets, training runs, and the notes beside training data."""

from __future__ import annotations

import shutil
from pathlib import Path

from hallo2_core.cli.farm import checked
from hallo2_core.farm.orders import read_orders
from hallo2_core.training.config_file import read_config, settings_from
from hallo2_core.training.data.dataset_config import Dataset, read_datasets
from hallo2_core.training.data.prepare_videos import Prepared
from hallo2_core.training.data.shard_series import finished_report
from hallo2_core.training.data.source_videos import SourceVideo, source_videos
from hallo2_core.training.data.summary import summary_lines
from hallo2_core.training.data_settings import check_alike, found_settings
from hallo2_core.training.distil_stage import DistilStageSettings
from hallo2_core.training.joint_stage import JointStageSettings
from hallo2_core.training.settings import TrainSettings

from .target import Target
from .work import JSON

FILE = Path(__file__).as_posix().encode()  # for inputs that name one that exists
TOML = (
    b"[general]\n",
    b"[[datasets]]\n",
    b"resolution = ",
    b"target_frames = ",
    b"cache_directory = ",
    b"video_directory = ",
    b"num_repeats = ",
    b'"a"\n',
    b"512\n",
    b"[512, 512]\n",
    b"1e999\n",
    b"nan\n",
    b"9" * 400,
    b"1979-05-27\n",
    b"{}\n",
    b"[" * 8,
    b'"\\u0000"\n',
    b"\xe4",
    b"true\n",
    b"'''",
)


def farm_jsonl(data: bytes, folder: Path) -> object:
    return _orders(folder / "jobs.jsonl", data)


def farm_csv(data: bytes, folder: Path) -> object:
    return _orders(folder / "jobs.csv", data)


def _orders(path: Path, data: bytes) -> object:
    path.write_bytes(data)
    return [checked(order) for order in read_orders(path)]


def datasets(data: bytes, folder: Path) -> object:
    path = folder / "data.toml"
    path.write_bytes(data)
    return read_datasets(path)


def training(data: bytes, folder: Path) -> object:
    path = folder / "run.toml"
    path.write_bytes(data)
    config = read_config(path)
    own = {name: config.pop(name, {}) for name in ("joint", "distil")}
    tables = [table if isinstance(table, dict) else {} for table in own.values()]
    kinds = (JointStageSettings, DistilStageSettings)
    stages = [settings_from(kind, table, "table") for kind, table in zip(kinds, tables, strict=True)]
    return stages, settings_from(TrainSettings, config, path.name)


def listed_videos(data: bytes, folder: Path) -> object:
    path = folder / "videos.jsonl"
    path.write_bytes(data)
    return [video.stamp() for video in source_videos(Dataset("cache", video_jsonl_file=str(path)))]


def notes(data: bytes, folder: Path) -> object:
    """What is noted in two folders of training data."""
    folders = folder / "one", folder / "other"
    for one in folders:
        shutil.rmtree(one, ignore_errors=True)
        one.mkdir()
        (one / "prepared.json").write_bytes(data)
    check_alike(folders, ["resolution", "fps"])
    return found_settings(folders[0])


def reports(data: bytes, folder: Path) -> object:
    """On a prepared video, in the cache."""
    source = SourceVideo("a", "a.mp4", folder / "none.mp4", folder / "none.mp4", "")
    (folder / "a.json").write_bytes(data.replace(b"STAMP", source.stamp().encode()))
    report = finished_report(folder, source)
    dataset = Dataset(str(folder), video_directory="videos")
    return report and list(summary_lines([Prepared(dataset, [source], [report])]))


TABLES = (
    Target(
        "farm_jsonl",
        farm_jsonl,
        lambda: (
            b'{"portrait": "FILE", "audio": "FILE", "out": "a.mp4", "steps": 4, "upscale": {"scale": 2}}\n'.replace(
                b"FILE", FILE
            ),
        ),
        (
            *JSON,
            b"\n",
            b'"out"',
            b'"upscale"',
            b'"portrait"',
            b'"size=64x64"',
            b'"job"',
            b"\xe2\x80\xa8",
            b'"s3://a/b"',
            b'"seed"',
        ),
    ),
    Target(
        "farm_csv",
        farm_csv,
        lambda: (
            b"portrait,audio,out,upscale.scale\nFILE,FILE,a.mp4,2\n".replace(b"FILE", FILE),
            b"portrait,audio,out,upscale,upscale.scale\nFILE,FILE,a.mp4,true,2\n".replace(b"FILE", FILE),
        ),
        (
            b",",
            b"\n",
            b'"',
            b'""',
            b"\x00",
            b"out",
            b"upscale",
            b"upscale.",
            b"true",
            b"false",
            b"a.mp4",
            b"portrait",
            b"\r",
            b";",
        ),
    ),
    Target(
        "datasets",
        datasets,
        lambda: (b'[general]\nresolution = 512\n[[datasets]]\ncache_directory = "c"\nvideo_directory = "v"\n',),
        TOML,
    ),
    Target(
        "training",
        training,
        lambda: (
            b'output_dir = "o"\nlearning_rate = 1e-4\n[joint]\nclips = "c"\nvalidation_clips = "v"\nvae = "w"\n'
            b'[distil]\nclips = "c"\nvalidation_clips = "v"\nvae = "w"\nsteps = 4\n'
            b'model = {weights = "n", lora_rank = 4}\n'
            b"[distil.teacher]\nsteps = 40\n",
        ),
        (
            *TOML,
            b"[joint]\n",
            b"[distil.teacher]\n",
            b"steps = ",
            b"lora_rank = ",
            b"[joint.video]\n",
            b"learning_rate = ",
            b"max_train_steps = ",
            b"output_dir = ",
        ),
    ),
    Target(
        "listed_videos",
        listed_videos,
        lambda: (b'{"video_path": "a.mp4", "caption": "b"}\n',),
        (*JSON, b"\n", b'"video_path"', b'"audio_path"', b'"\\u0000"'),
    ),
    Target(
        "notes",
        notes,
        lambda: (b'{"format": 1, "source": "a", "resolution": 64, "fps": "25"}',),
        (*JSON, b'"resolution"', b'"fps"'),
    ),
    Target(
        "reports",
        reports,
        lambda: (
            b'{"name": "a", "stamp": "STAMP", "clips": 1, "frames": 2,'
            b' "skipped": [{"reason": "no face", "end_seconds": 1}]}',
        ),
        (*JSON, b'"skipped"', b'"reason"', b'"start_seconds"', b'"end_seconds"', b'"frames"', b"STAMP"),
    ),
)
