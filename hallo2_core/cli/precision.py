"""The dtypes of a command's networks: what their weights are stored in, and what they compute in."""

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
    """default: of --dtype, without 'auto' where it is another.  auto: what 'auto' chooses."""
    choices = (AUTO, *DTYPES) if default == AUTO else tuple(DTYPES)
    parser.add_argument("--dtype", choices=choices, default=default,
                        help=f"of the weights ({default}{auto and f': {auto}'})")  # fmt: skip
    parser.add_argument("--compute-dtype", choices=(AUTO, *COMPUTE_DTYPES), default=AUTO,
                        help="of the arithmetic (auto: the weights'; the device's best for float8)")  # fmt: skip


def chosen_build(arguments: argparse.Namespace, device: torch.device, needs: PrecisionNeeds) -> Build:
    """Layers that cast their weights as they use them, in the dtypes that `add_arguments` asked for.

    'auto' stores in float32 on the CPU, where halves are slow; on other devices in the weights file's own dtype, or in
    the network's best where that need not be a good one.
    """
    from ..models import casting
    from ..models.layers import Build

    storage = _storage(arguments.dtype, device, needs)
    is_narrow = storage is not None and storage.itemsize == 1
    compute = best_dtype(device, needs) if is_narrow else None
    return Build(casting, dtype=storage, compute_dtype=COMPUTE_DTYPES.get(arguments.compute_dtype, compute))


def best_dtype(device: torch.device, needs: PrecisionNeeds) -> torch.dtype:
    """The first dtype that the network computes well in and the device too."""
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
