"""Checkpoints of a training run: folders `checkpoint-N`, written atomically; the oldest are removed.

Trained weights and their averages are safetensors; the optimizer states are a torch file, read with weights_only.
Frozen weights are not saved: they come from the stage's files again, and a fingerprint notices if those have changed.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import CheckpointError
from ..models.fingerprint import tensors_fingerprint
from ..storage.advice import advice_for
from ..storage.durable import rename
from .ema import MovingAverage

NETWORK, AVERAGE, OPTIMIZERS = "network.safetensors", "ema.safetensors", "optimizers.pt"
UNFINISHED = ".unfinished"  # ending of a folder that is being written
FROZEN = "frozen"  # key of the fingerprint in the metadata
FOLDER_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Trained:
    """All state that training changes."""

    network: nn.Module
    average: MovingAverage | None
    optimizers: tuple[torch.optim.Optimizer, ...]


def save_checkpoint(trained: Trained, step: int, folder: Path, limit: int) -> Path:
    """Write `folder`/checkpoint-`step` and keep the newest `limit`. After a kill or an error the previous one remains.
    Errors: CheckpointError if the disk is full or refuses."""
    target = folder / f"checkpoint-{step}"
    _remove_unfinished(folder)
    try:
        _write(trained, target)
    except (OSError, SafetensorError) as error:
        _remove_unfinished(folder)
        reason, advice = str(error), "Make room there, or choose another output_dir."
        if isinstance(error, OSError):
            reason, advice = error.strerror or reason, advice_for(error)
        raise CheckpointError(
            f"{target} cannot be written: {reason}. {advice} The checkpoints before it are kept; run again to resume."
        ) from error
    for older in saved_checkpoints(folder)[:-limit]:
        shutil.rmtree(older)
    return target


def _remove_unfinished(folder: Path) -> None:
    """What killed runs left: a checkpoint can have gigabytes."""
    for unfinished in folder.glob(f"checkpoint-*{UNFINISHED}"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _write(trained: Trained, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}{UNFINISHED}")
    unfinished.mkdir(parents=True)
    frozen = frozen_weights(trained.network)
    kept = {key: x.contiguous() for key, x in trained.network.state_dict().items() if key not in frozen}
    save_file(kept, unfinished / NETWORK, {FROZEN: tensors_fingerprint(frozen)})
    if trained.average is not None:
        save_file(trained.average.state_dict(), unfinished / AVERAGE)
    torch.save([optimizer.state_dict() for optimizer in trained.optimizers], unfinished / OPTIMIZERS)
    for file in unfinished.iterdir():
        with file.open("rb+") as written:
            os.fsync(written.fileno())
    shutil.rmtree(target, ignore_errors=True)
    rename(unfinished, target)


def frozen_weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter for name, parameter in network.named_parameters() if not parameter.requires_grad}


def saved_checkpoints(folder: Path) -> list[Path]:
    """Oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if FOLDER_NAME.fullmatch(path.name)]
    return sorted(found, key=step_of)


def step_of(checkpoint: Path) -> int:
    match = FOLDER_NAME.fullmatch(checkpoint.name)
    if match is None:
        raise CheckpointError(f"{checkpoint} is not named checkpoint-N; choose a folder written by training.")
    return int(match[1])


def chosen_checkpoint(resume_from_checkpoint: str, folder: Path) -> Path | None:
    """ "latest": the newest in `folder`, if any; "no": none; else that folder. Errors: CheckpointError."""
    if resume_from_checkpoint == "no":
        return None
    if resume_from_checkpoint == "latest":
        return next(reversed(saved_checkpoints(folder)), None)
    checkpoint = Path(resume_from_checkpoint)
    if not (checkpoint / NETWORK).is_file():
        raise CheckpointError(
            f"resume_from_checkpoint is '{resume_from_checkpoint}', which has no {NETWORK}. Choose 'latest', 'no', or "
            f"a folder checkpoint-N of the same stage."
        )
    return checkpoint


def restore_checkpoint(trained: Trained, checkpoint: Path) -> int:
    """Returns the step to resume at."""
    step = step_of(checkpoint)
    frozen = frozen_weights(trained.network)
    try:
        missing, unknown = trained.network.load_state_dict(load_file(checkpoint / NETWORK), strict=False)
    except RuntimeError as error:  # of another shape
        raise _other_stage(checkpoint, " ".join(str(error).split())[:200]) from error
    if lacking := sorted(unknown + [key for key in missing if key not in frozen]):
        raise _other_stage(checkpoint, f"{len(lacking)} weights are missing or unknown, such as {lacking[0]}")
    with safe_open(checkpoint / NETWORK, framework="pt") as file:
        before = (file.metadata() or {}).get(FROZEN)
    if before not in (None, tensors_fingerprint(frozen)):
        raise CheckpointError(
            f"{checkpoint} was trained with other frozen weights. Name the same weights files and precision as before, "
            f"or choose another output_dir."
        )
    if trained.average is not None and (checkpoint / AVERAGE).is_file():
        trained.average.load_state_dict(load_file(checkpoint / AVERAGE))
    if trained.optimizers:
        states = torch.load(checkpoint / OPTIMIZERS, weights_only=True)
        for optimizer, state in zip(trained.optimizers, states, strict=True):
            own_settings = optimizer.state_dict()["param_groups"]  # the learning rates of this run, not of the last one
            optimizer.load_state_dict({"state": state["state"], "param_groups": own_settings})
    return step


def _other_stage(checkpoint: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint} does not fit this stage ({reason}). Choose another output_dir, or resume_from_checkpoint 'no' "
        f"to start over."
    )
