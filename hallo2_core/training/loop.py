"""The training loop: the same for every stage.

Hugging Face accelerate handles devices, precision and processes. The data of a step depends only on its number, so a
resumed run has the same losses, and two processes make the same steps as one.
"""

from __future__ import annotations

import json
import logging
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, MissingDependencyError, SettingsError
from .draws import samples_of
from .ema import MovingAverage, trained_parameters
from .muon import Muon
from .resume import Trained, chosen_checkpoint, restore_checkpoint, save_checkpoint
from .settings import TrainSettings, lr_factor

if TYPE_CHECKING:
    from accelerate import Accelerator

logger = logging.getLogger("hallo2")
LOG_FILE = "log.jsonl"


class Stage(Protocol):
    """A network to train, with its data and objective."""

    name: str
    network: nn.Module  # batch → figures; "loss" is minimized, the mean over the batch's samples

    def batch(self, numbers: Sequence[int]) -> Any:  # noqa: ANN401 - each stage's own, for its own network
        """The samples of these numbers, on the CPU, as a tensor or a dataclass with `to(device)`."""

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether Muon may train this parameter."""

    def validate(self) -> Mapping[str, float]:
        """Figures of the current network on held-back data."""


def train(stage: Stage, settings: TrainSettings) -> int:
    """Train until `max_train_steps`, or until Ctrl+C or SIGTERM. Returns the step reached.

    Writes checkpoints and `log.jsonl` into `output_dir`. Errors: Hallo2Error before the first step.
    """
    accelerator = _accelerator(settings)
    share = _share_of_a_pass(settings, accelerator.num_processes)
    stage.network.to(accelerator.device)
    network = accelerator.prepare(stage.network)
    trained = Trained(
        stage.network,
        MovingAverage(stage.network, settings.ema_decay) if settings.ema_decay else None,
        tuple(accelerator.prepare(optimizer) for optimizer in optimizers_for(stage, settings)),
    )
    checkpoint = chosen_checkpoint(settings.resume_from_checkpoint, settings.folder)
    step = 0 if checkpoint is None else restore_checkpoint(trained, checkpoint)
    log = RunLog(settings.folder / LOG_FILE if accelerator.is_main_process else None, step)
    logger.info("%s: step %d of %d", stage.name, step, settings.max_train_steps)
    saved = step
    with asked_to_stop() as is_asked:
        while step < settings.max_train_steps and not _agreed(is_asked(), accelerator):
            figures = _take_step(stage, network, trained, accelerator, settings, step, share)
            step += 1
            log.add(accelerator.reduce(figures, "mean"))
            if step % settings.logging_steps == 0:
                log.write(step)
            is_last = step == settings.max_train_steps
            if accelerator.is_main_process and (step % settings.checkpointing_steps == 0 or is_last):
                save_checkpoint(trained, step, settings.folder, settings.checkpoints_total_limit)
                saved = step
            if accelerator.is_main_process and (step % settings.validation_steps == 0 or is_last):
                log.write_validation(step, validated(stage, trained))
    if accelerator.is_main_process and saved != step:
        save_checkpoint(trained, step, settings.folder, settings.checkpoints_total_limit)
    accelerator.wait_for_everyone()
    return step


def averaged_weights(stage: Stage, settings: TrainSettings) -> int:
    """Load the newest checkpoint's averages into the network. Returns its step. Errors: CheckpointError."""
    checkpoint = chosen_checkpoint("latest", settings.folder)
    if checkpoint is None:
        raise CheckpointError(f"{settings.folder} holds no checkpoint yet. Train first.")
    average = MovingAverage(stage.network, settings.ema_decay)
    step = restore_checkpoint(Trained(stage.network, average, ()), checkpoint)
    average.copy_to_network()
    return step


def optimizers_for(stage: Stage, settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """Adam alone, or Muon for the stage's matrices and Adam for the rest."""
    parameters = trained_parameters(stage.network)
    uses_muon = settings.optimizer == "muon"
    matrices = [p for name, p in parameters.items() if uses_muon and p.ndim >= 2 and stage.is_matrix(name, p)]
    taken = set(map(id, matrices))
    rest = [parameter for parameter in parameters.values() if id(parameter) not in taken]
    adam = torch.optim.AdamW(
        rest, settings.learning_rate, (settings.adam_beta1, settings.adam_beta2), weight_decay=settings.weight_decay
    )
    if not matrices:
        return [adam]
    dtype = torch.bfloat16 if settings.mixed_precision == "bf16" else torch.float32
    muon = Muon(matrices, settings.muon_learning_rate, weight_decay=settings.weight_decay, dtype=dtype)
    return [muon, adam]


def validated(stage: Stage, trained: Trained) -> Mapping[str, float]:
    """The figures of the averaged weights."""
    stage.network.eval()
    try:
        with torch.no_grad(), trained.average.in_place() if trained.average else nullcontext():
            return stage.validate()
    finally:
        stage.network.train()


def _take_step(
    stage: Stage,
    network: nn.Module,
    trained: Trained,
    accelerator: Accelerator,
    settings: TrainSettings,
    step: int,
    share: int,
) -> dict[str, Tensor]:
    passes = settings.gradient_accumulation_steps
    parts = passes * accelerator.num_processes
    total: dict[str, Tensor] = {}
    for number in range(passes):
        part = accelerator.process_index * passes + number
        numbers = samples_of(step, settings.train_batch_size, part, parts)
        assert len(numbers) == share
        is_last = number == passes - 1
        with nullcontext() if is_last else accelerator.no_sync(network):
            figures = network(stage.batch(numbers).to(accelerator.device))
            accelerator.backward(figures["loss"] / passes)
        for key, value in figures.items():
            total[key] = total.get(key, 0.0) + value.detach() / passes
    if settings.max_grad_norm:
        total["grad_norm"] = accelerator.clip_grad_norm_(network.parameters(), settings.max_grad_norm)
    factor = lr_factor(step, settings)
    for optimizer in trained.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
        optimizer.step()
        optimizer.zero_grad()
    if trained.average is not None:
        trained.average.update()
    return total


def _agreed(asked: bool, accelerator: Accelerator) -> bool:
    """Whether any process received a stop signal: all stop after the same step, so none waits for the others."""
    if accelerator.num_processes == 1:
        return asked
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), "sum") > 0)


def _accelerator(settings: TrainSettings) -> Accelerator:
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingDependencyError(
            f"Training needs the package accelerate, which cannot be imported here ({error}). Run: "
            f"pip install 'comfyui-hallo2[train]'"
        ) from error
    return Accelerator(mixed_precision=settings.mixed_precision)


def _share_of_a_pass(settings: TrainSettings, processes: int) -> int:
    parts = processes * settings.gradient_accumulation_steps
    if settings.train_batch_size % parts:
        raise SettingsError(
            f"train_batch_size is {settings.train_batch_size}; {processes} processes with "
            f"{settings.gradient_accumulation_steps} passes each do not divide it evenly. Choose a multiple of {parts}."
        )
    return settings.train_batch_size // parts


class RunLog:
    """Figures as JSON lines, one object per `logging_steps` steps and one per validation."""

    def __init__(self, path: Path | None, step: int) -> None:
        """path: None in processes that do not write."""
        self._path = path
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._processor_seconds = time.process_time()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write({"step": step, "event": "start"})

    def add(self, figures: Mapping[str, Tensor]) -> None:
        for key, value in figures.items():
            self._sums[key] = self._sums.get(key, 0.0) + float(value)
        self._steps += 1

    def write(self, step: int) -> None:
        """The means since the last call, and the CPU seconds per step."""
        now = time.process_time()
        means = {key: round(total / self._steps, 6) for key, total in self._sums.items()}
        means["processor_seconds"] = round((now - self._processor_seconds) / self._steps, 4)
        self._write({"step": step, **means})
        self._sums, self._steps, self._processor_seconds = {}, 0, now

    def write_validation(self, step: int, figures: Mapping[str, float]) -> None:
        self._write({"step": step, **{f"validation/{key}": round(value, 6) for key, value in figures.items()}})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        stamped = {**line, "time": round(time.time(), 1)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(stamped) + "\n")
        logger.info("%s", " ".join(f"{key} {value}" for key, value in line.items()))


@contextmanager
def asked_to_stop() -> Iterator[Any]:
    """Yields a function that returns whether Ctrl+C or SIGTERM came; the current step is finished first."""
    asked: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda received, _frame: asked.append(received)) for number in signals}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
