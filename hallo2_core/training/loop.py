"""The training loop: the same for every stage.

Hugging Face accelerate handles devices, precision and processes. The data of a step depends only on its number, so a
resumed run has the same losses, and two processes make the same steps as one.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, MissingDependencyError, SettingsError
from .batches import batches_of
from .ema import MovingAverage, trained_parameters
from .optimizers import optimizers_for
from .resume import Trained, chosen_checkpoint, restore_checkpoint, save_checkpoint
from .run_log import RunLog
from .settings import TrainSettings, lr_factor

if TYPE_CHECKING:
    from accelerate import Accelerator

logger = logging.getLogger("hallo2")

# The other processes wait while the first one validates, samples videos and writes checkpoints. With torch's default
# of ten minutes on GPUs, they would give up.
LONGEST_VALIDATION = timedelta(hours=3)


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


@runtime_checkable
class Initializes(Protocol):
    """A stage that computes initial weights from its data."""

    def initialize(self) -> None:
        """Called once per run, on the CPU: not when it resumes, since the checkpoint has the weights."""


@runtime_checkable
class SamplesVideo(Protocol):
    """A stage that can show what its network does."""

    def sample_video(self) -> Tensor:
        """(f 3 h w), 0..1, always of the same held-back sample with the same noise."""


def train(stage: Stage, settings: TrainSettings) -> int:
    """Train until `max_train_steps`, or until Ctrl+C or SIGTERM. Returns the step reached.

    Writes checkpoints, `log.jsonl` and sampled videos into `output_dir`. Errors: Hallo2Error before the first step.
    """
    accelerator = _accelerator(settings)
    check_shares(settings, accelerator.num_processes)
    checkpoint = chosen_checkpoint(settings.resume_from_checkpoint, settings.folder)
    if checkpoint is None and isinstance(stage, Initializes):
        stage.initialize()
    stage.network.to(accelerator.device)
    network = accelerator.prepare(stage.network)
    built = optimizers_for(trained_parameters(stage.network), stage.is_matrix, settings)
    trained = Trained(
        stage.network,
        MovingAverage(stage.network, settings.ema_decay) if settings.ema_decay else None,
        tuple(accelerator.prepare(optimizer) for optimizer in built),
    )
    step = 0 if checkpoint is None else restore_checkpoint(trained, checkpoint)
    check_all_begin_with(step, settings, accelerator)
    log = RunLog(settings.folder if accelerator.is_main_process else None, step, settings.report_to)
    logger.info("%s: step %d of %d", stage.name, step, settings.max_train_steps)
    saved = step
    with closing(log), asked_to_stop() as is_asked:
        batches = batches_of(stage.batch, settings, step, accelerator.process_index, accelerator.num_processes)
        while step < settings.max_train_steps and not _agreed(is_asked(), accelerator):
            figures = _take_step(batches, network, trained, accelerator, settings, step)
            step += 1
            log.add(accelerator.reduce(figures, "mean"))
            if step % settings.logging_steps == 0:
                log.write(step)
            is_last = step == settings.max_train_steps
            if accelerator.is_main_process and (step % settings.checkpointing_steps == 0 or is_last):
                save_checkpoint(trained, step, settings.folder, settings.checkpoints_total_limit)
                saved = step
            if accelerator.is_main_process and (step % settings.validation_steps == 0 or is_last):
                with evaluated(stage, trained):
                    log.write_validation(step, stage.validate())
            if accelerator.is_main_process and _samples_video(stage, settings, step):
                with evaluated(stage, trained), accelerator.autocast():
                    log.write_video(step, stage.sample_video())
    if accelerator.is_main_process and saved != step:
        save_checkpoint(trained, step, settings.folder, settings.checkpoints_total_limit)
    accelerator.wait_for_everyone()
    return step


def averaged_weights(stage: Stage, settings: TrainSettings) -> int:
    """Load the newest checkpoint's averages, or its weights where none are kept, into the network. Returns its step.
    Errors: CheckpointError."""
    checkpoint = chosen_checkpoint("latest", settings.folder)
    if checkpoint is None:
        raise CheckpointError(f"{settings.folder} holds no checkpoint yet. Train first.")
    average = MovingAverage(stage.network, settings.ema_decay) if settings.ema_decay else None
    step = restore_checkpoint(Trained(stage.network, average, ()), checkpoint)
    if average is not None:
        average.copy_to_network()
    return step


@contextmanager
def evaluated(stage: Stage, trained: Trained) -> Iterator[None]:
    """The network is in eval mode inside the context, with the averaged weights, if any."""
    averages: AbstractContextManager[None] = trained.average.in_place() if trained.average else nullcontext()
    stage.network.eval()
    try:
        with torch.no_grad(), averages:
            yield
    finally:
        stage.network.train()


def _samples_video(stage: Stage, settings: TrainSettings, step: int) -> bool:
    every = settings.sample_video_steps
    return bool(every) and step % every == 0 and isinstance(stage, SamplesVideo)


def _take_step(
    batches: Iterator[Any],
    network: nn.Module,
    trained: Trained,
    accelerator: Accelerator,
    settings: TrainSettings,
    step: int,
) -> dict[str, Tensor]:
    passes = settings.gradient_accumulation_steps
    total: dict[str, Tensor] = {}
    for number in range(passes):
        is_last = number == passes - 1
        with nullcontext() if is_last else accelerator.no_sync(network):
            figures = network(next(batches).to(accelerator.device))
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


def check_all_begin_with(step: int, settings: TrainSettings, accelerator: Accelerator) -> None:
    """Errors: CheckpointError if the processes do not see the same checkpoints."""
    begun = accelerator.gather(torch.tensor([step], device=accelerator.device)).tolist()
    if len(set(begun)) > 1:
        raise CheckpointError(
            f"The processes found different checkpoints in {settings.folder}: of the steps "
            f"{', '.join(map(str, begun))}. Choose an output_dir on storage that all machines see at the same path."
        )


def _agreed(asked: bool, accelerator: Accelerator) -> bool:
    """Whether any process received a stop signal: all stop after the same step, so none waits for the others."""
    if accelerator.num_processes == 1:
        return asked
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), "sum") > 0)


def _accelerator(settings: TrainSettings) -> Accelerator:
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    except ImportError as error:
        raise MissingDependencyError.of_extra("Training", "accelerate", "train", error) from error
    # A share of a batch in which no clip has a portrait leaves ReferenceNet without gradients.
    parallel = DistributedDataParallelKwargs(find_unused_parameters=True)
    group = InitProcessGroupKwargs(timeout=LONGEST_VALIDATION)
    return Accelerator(mixed_precision=settings.mixed_precision, kwargs_handlers=[parallel, group])


def check_shares(settings: TrainSettings, processes: int) -> None:
    """Errors: SettingsError if the processes and their passes do not divide a batch evenly."""
    parts = processes * settings.gradient_accumulation_steps
    if settings.train_batch_size % parts:
        raise SettingsError(
            f"train_batch_size is {settings.train_batch_size}; {processes} processes with "
            f"{settings.gradient_accumulation_steps} passes each do not divide it evenly. Choose a multiple of {parts}."
        )


@contextmanager
def asked_to_stop() -> Iterator[Any]:
    """Yields a function that returns whether Ctrl+C or SIGTERM came; the current step is finished first.

    Only the main thread can receive signals. Ray Train runs the loop in another one, and ends it with its process.
    """
    asked: list[int] = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    signals = (signal.SIGINT, signal.SIGTERM) if in_main_thread else ()
    before = {number: signal.signal(number, lambda received, _frame: asked.append(received)) for number in signals}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
