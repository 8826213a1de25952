"""Trains a stage on a Ray cluster: Ray Train starts the processes, in which accelerate works as it does elsewhere."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..errors import Hallo2Error, JobError, MissingDependencyError, SettingsError
from ..training.loop import Stage, check_shares, train
from ..training.settings import TrainSettings
from ..training.stages import configured, configured_stage
from .cluster import connected

NOTES = "ray"  # the folder in output_dir where Ray Train keeps its notes about a run


@dataclass(frozen=True)
class Workers:
    """Processes on a cluster.

    address: of a running Ray; "local" starts one on this machine. count: of processes, each with a GPU if the cluster
    has any, and with as many CPU cores as threads. retries: how often all of them start again after one was lost.
    """

    address: str
    count: int
    threads: int = 1
    retries: int = 3


@dataclass(frozen=True)
class Assignment:
    """What every worker does. folder: from where relative paths count."""

    stage: str
    config: Path
    folder: Path
    threads: int
    on_cpu: bool


def train_on_cluster(stage: str, config: Path, workers: Workers) -> int:
    """As `training.loop.train`, in several processes. Returns the step reached.

    After the loss of a worker or its machine, all processes resume from the newest checkpoint in `output_dir`. It has
    to be on storage that every machine sees at the same path, like all files that the configuration names.
    Errors: Hallo2Error before the first step.
    """
    settings, _table = configured(stage, config)
    if workers.count < 1:
        raise SettingsError(f"--workers is {workers.count}; choose 1 or more.")
    check_shares(settings, workers.count)
    if settings.resume_from_checkpoint != "latest":
        raise SettingsError(
            f"resume_from_checkpoint is '{settings.resume_from_checkpoint}'; on a cluster it has to be 'latest', "
            f"because there a run resumes by itself. Choose another output_dir to start over."
        )
    try:
        from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
        from ray.train.torch import TorchTrainer
    except ImportError as error:
        raise MissingDependencyError.of_extra("Training on a cluster", "ray[train]", "train-farm", error) from error
    ray = connected(workers.address, shows_workers=True)
    try:
        has_gpus = bool(ray.cluster_resources().get("GPU"))
        assignment = Assignment(stage, config, Path.cwd(), workers.threads, on_cpu=not has_gpus)
        trainer = TorchTrainer(
            partial(_work, assignment),
            scaling_config=ScalingConfig(
                num_workers=workers.count, use_gpu=has_gpus, resources_per_worker={"CPU": workers.threads}
            ),
            run_config=RunConfig(
                name=NOTES,
                storage_path=str(settings.folder.absolute()),
                failure_config=FailureConfig(max_failures=workers.retries),
            ),
        )
        result = trainer.fit().return_value
    except TrainingFailedError as error:
        reason = str(error).strip().splitlines()[-1]
        raise JobError(
            f"Training stopped after {workers.retries} further attempts ({reason}). Checkpoints are kept; correct the "
            f"cause and run the same command again."
        ) from error
    finally:
        ray.shutdown()
    if isinstance(result, str):
        raise SettingsError(result)
    return result


def _work(assignment: Assignment) -> int | str:
    """In every worker: the step reached, or what is wrong with the input of any of them. Errors would be retried."""
    os.chdir(assignment.folder)
    if assignment.on_cpu:
        os.environ["ACCELERATE_USE_CPU"] = "true"
    torch.set_num_threads(assignment.threads)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("hallo2").setLevel(logging.INFO if torch.distributed.get_rank() == 0 else logging.WARNING)
    prepared = _prepared(assignment)
    found: list[str | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, prepared if isinstance(prepared, str) else None)
    if wrong := next(filter(None, found), None):
        return wrong
    return train(*prepared)


def _prepared(assignment: Assignment) -> tuple[Stage, TrainSettings] | str:
    try:
        return configured_stage(assignment.stage, assignment.config)
    except Hallo2Error as error:
        return str(error)
