"""A batch moves as a whole: dataclasses of tensors, of tuples of them and of other batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

Self = TypeVar("Self", bound="Batch")


class Batch:
    """Base of the stages' batches, which are dataclasses."""

    def to(self: Self, device: torch.device) -> Self:
        """From pinned memory, without waiting for what the device still does."""
        return _mapped(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self: Self) -> Self:
        """Called by the loader, in a thread of its own."""
        return _mapped(self, Tensor.pin_memory)


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401 - whatever a batch holds
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_mapped(one, change) for one in value)
    if is_dataclass(value):
        return replace(value, **{field.name: _mapped(getattr(value, field.name), change) for field in fields(value)})
    return value
