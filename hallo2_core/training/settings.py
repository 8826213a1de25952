"""Settings of a training run, named as in the training commands of diffusers and SimpleTuner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError

OPTIMIZERS = ("adamw", "adamw8bit", "adafactor", "muon")
SCHEDULES = ("constant", "linear", "cosine")
PRECISIONS = ("no", "bf16", "fp16")
TRACKERS = ("none", "tensorboard")


@dataclass(frozen=True)
class TrainSettings:
    """The same for every stage. A step is one update of the weights."""

    output_dir: str
    seed: int = 0
    max_train_steps: int = 1000
    train_batch_size: int = 16  # samples per step, over all processes and accumulated passes
    gradient_accumulation_steps: int = 1  # passes in which a process computes its share of the batch
    dataloader_num_workers: int = 0  # processes that make batches ahead of the steps; 0: made between them
    mixed_precision: str = "no"
    optimizer: str = "adamw"
    learning_rate: float = 1e-4  # of all parameters that Muon does not train
    muon_learning_rate: float = 0.02  # of matrices, where the optimizer is muon
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    lr_scheduler: str = "constant"
    lr_warmup_steps: int = 0
    lr_decay_steps: int = 0  # the last steps, in which linear and cosine decay to zero; 0: all after the warm-up
    ema_decay: float = 0.999
    resume_from_checkpoint: str = "latest"  # or a checkpoint's folder, or "no" to start over
    checkpointing_steps: int = 500
    checkpoints_total_limit: int = 2
    validation_steps: int = 500
    sample_video_steps: int = 0  # a video is sampled every so many steps, by stages that can; 0: never
    logging_steps: int = 20
    report_to: str = "none"  # besides log.jsonl

    def __post_init__(self) -> None:
        for name, choices in (
            ("optimizer", OPTIMIZERS), ("lr_scheduler", SCHEDULES), ("mixed_precision", PRECISIONS),
            ("report_to", TRACKERS),
        ):  # fmt: skip
            if getattr(self, name) not in choices:
                raise SettingsError(f"{name} is '{getattr(self, name)}'; choose one of {', '.join(choices)}.")
        for name in (
            "max_train_steps", "train_batch_size", "gradient_accumulation_steps", "checkpointing_steps",
            "checkpoints_total_limit", "validation_steps", "logging_steps",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; choose 1 or more.")
        for name in (
            "learning_rate", "muon_learning_rate", "weight_decay", "max_grad_norm", "lr_warmup_steps", "lr_decay_steps",
            "sample_video_steps", "dataloader_num_workers",
        ):  # fmt: skip
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"{name} is {getattr(self, name)}; choose 0 or more.")
        for name in ("adam_beta1", "adam_beta2", "ema_decay"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise SettingsError(f"{name} is {getattr(self, name)}; choose 0 to less than 1.")
        if self.train_batch_size % self.gradient_accumulation_steps:
            raise SettingsError(
                f"train_batch_size is {self.train_batch_size} and gradient_accumulation_steps is "
                f"{self.gradient_accumulation_steps}; choose a batch that the passes divide evenly."
            )

    @property
    def folder(self) -> Path:
        return Path(self.output_dir)


def lr_factor(step: int, settings: TrainSettings) -> float:
    """Factor of the learning rates at `step`: a function of the step alone, so nothing has to be saved."""
    if step < settings.lr_warmup_steps:
        return (step + 1) / settings.lr_warmup_steps
    if settings.lr_scheduler == "constant":
        return 1.0
    decay = settings.lr_decay_steps or settings.max_train_steps - settings.lr_warmup_steps
    left = min(max((settings.max_train_steps - step) / max(decay, 1), 0.0), 1.0)
    return left if settings.lr_scheduler == "linear" else 0.5 - 0.5 * math.cos(math.pi * left)
