"""What acts on a MODEL, as plain values for a job's identity: other settings of a node are another video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import FunctionType, MethodType

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

DEPTH = 6  # of objects in objects


def acting(patcher: ModelPatcher) -> dict[str, object]:
    """Empty if no node left anything."""
    parts = {"options": patcher.model_options, "wrappers": patcher.wrappers, "callbacks": patcher.callbacks}
    return {name: described(part) for name, part in parts.items() if _holds_something(part)}


def _holds_something(value: object) -> bool:
    """{"transformer_options": {}} does not."""
    return any(map(_holds_something, value.values())) if isinstance(value, Mapping) else value not in (None, [])


def described(value: object, depth: int = DEPTH) -> object:
    """Numbers, text, tensors and containers of these. Functions by their names and by the values that they hold on to,
    objects by their classes and attributes: the same on every run."""
    if value is None or isinstance(value, bool | int | float | str | Tensor):
        return value
    if isinstance(value, torch.dtype | torch.device):
        return str(value)
    name = getattr(value, "__qualname__", type(value).__qualname__)
    if depth == 0 or isinstance(value, type | nn.Module | ModelPatcher):
        return name
    if isinstance(value, Mapping):
        return {_key(key): described(entry, depth - 1) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [described(entry, depth - 1) for entry in value]
    return [name, described(_held(value), depth - 1)]


def _key(key: object) -> str:
    return key if isinstance(key, str) else f"{type(key).__qualname__} {key}"


def _held(value: object) -> object:
    """The values that the behavior of a function or an object depends on."""
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, MethodType):
        return [value.__self__]
    if isinstance(value, FunctionType):
        return [dict(_closure(value)), value.__defaults__, value.__kwdefaults__]
    return getattr(value, "__dict__", None)


def _closure(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a variable that was never assigned
            yield name, cell.cell_contents
