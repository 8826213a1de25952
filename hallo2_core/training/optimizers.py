"""The optimizers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn
from torch.optim import Optimizer

from ..errors import MissingDependencyError
from .muon import Muon
from .settings import TrainSettings


def optimizers_for(
    parameters: Mapping[str, nn.Parameter],
    is_matrix: Callable[[str, nn.Parameter], bool],
    settings: TrainSettings,
) -> list[Optimizer]:
    """One optimizer for all parameters; with `muon`, Muon for those that `is_matrix` allows and AdamW for the rest.

    Errors: MissingDependencyError that names the extra.
    """
    uses_muon = settings.optimizer == "muon"
    matrices = [p for name, p in parameters.items() if uses_muon and p.ndim >= 2 and is_matrix(name, p)]
    taken = set(map(id, matrices))
    rest = [parameter for parameter in parameters.values() if id(parameter) not in taken]
    element_wise = ELEMENT_WISE[settings.optimizer](rest, settings)
    if not matrices:
        return [element_wise]
    dtype = torch.bfloat16 if settings.mixed_precision == "bf16" else torch.float32
    return [Muon(matrices, settings.muon_learning_rate, weight_decay=settings.weight_decay, dtype=dtype), element_wise]


def _adamw(parameters: Sequence[nn.Parameter], settings: TrainSettings) -> Optimizer:
    betas = (settings.adam_beta1, settings.adam_beta2)
    return torch.optim.AdamW(parameters, settings.learning_rate, betas, weight_decay=settings.weight_decay)


def _adamw_8bit(parameters: Sequence[nn.Parameter], settings: TrainSettings) -> Optimizer:
    """AdamW with both moments in 8 bits: 2 bytes per weight instead of 8."""
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as error:
        raise MissingDependencyError.of_extra(
            "optimizer = 'adamw8bit'", "bitsandbytes", "train-8bit", error,
            "choose optimizer = 'adafactor', which needs even less memory",
        ) from error  # fmt: skip
    betas = (settings.adam_beta1, settings.adam_beta2)
    return AdamW8bit(parameters, settings.learning_rate, betas, weight_decay=settings.weight_decay)


def _adafactor(parameters: Sequence[nn.Parameter], settings: TrainSettings) -> Optimizer:
    """Second moments of a matrix as one row and one column, and no first moment: almost no memory, but for 3×3
    convolutions 2/3 of the weights'. The learning rate is the settings', not relative to the weights."""
    from transformers.optimization import Adafactor

    return Adafactor(
        parameters,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        scale_parameter=False,
        relative_step=False,
    )


ELEMENT_WISE = {"adamw": _adamw, "muon": _adamw, "adamw8bit": _adamw_8bit, "adafactor": _adafactor}
