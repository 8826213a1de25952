"""The storage and compute dtypes of a command's networks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from ..models.layers import Build
    from ..models.precision import PrecisionNeeds

AUTO = "auto"
COMPUTE_DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
DTYPES: Mapping[str, torch.dtype] = {**COMPUTE_DTYPES, "float8_e4m3fn": torch.float8_e4m3fn}


def add_arguments(parser: argparse._ActionsContainer, default: str = AUTO, auto: str = "") -> None:
    """default: of --dtype; any other than 'auto' removes 'auto' from the choices.  auto: what 'auto' chooses."""
    choices = (AUTO, *DTYPES) if default == AUTO else tuple(DTYPES)
    parser.add_argument("--dtype", choices=choices, default=default,
                        help=f"dtype of the weights ({default}{auto and f': {auto}'})")  # fmt: skip
    parser.add_argument("--compute-dtype", choices=(AUTO, *COMPUTE_DTYPES), default=AUTO,
                        help="dtype to compute in (auto: the weights'; for float8 the device's best)")  # fmt: skip


def chosen_build(arguments: argparse.Namespace, device: torch.device, needs: PrecisionNeeds) -> Build:
    """Layers that cast their weights on use, in the dtypes chosen by the options of `add_arguments`.

    'auto' stores float32 on the CPU, where half precision is slow; on other devices the diffusion networks keep the
    weights file's dtype, and the others use `best_dtype`.
    """
    from ..models import casting
    from ..models.layers import Build

    storage = _storage(arguments.dtype, device, needs)
    is_narrow = storage is not None and storage.itemsize == 1
    compute = best_dtype(device, needs) if is_narrow else None
    return Build(casting, dtype=storage, compute_dtype=COMPUTE_DTYPES.get(arguments.compute_dtype, compute))


def best_dtype(device: torch.device, needs: PrecisionNeeds) -> torch.dtype:
    """The first of the network's dtypes that the device computes well in."""
    if device.type != "cuda":
        return torch.float32
    major, _minor = torch.cuda.get_device_capability(device)
    first_generation = {torch.float16: 7, torch.bfloat16: 8, torch.float32: 0}
    return next(dtype for dtype in needs.dtypes if major >= first_generation[dtype])


def _storage(choice: str, device: torch.device, needs: PrecisionNeeds) -> torch.dtype | None:
    if choice != AUTO:
        return DTYPES[choice]
    if device.type == "cpu":
        return torch.float32
    return None if needs.is_diffusion else best_dtype(device, needs)
