"""Loads a network from a user's file of tensors, strictly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from ...checkpoints.read import read_tensors
from ...errors import CheckpointError

COUNTER = "num_batches_tracked"  # of batch norms: absent from older files, and without effect here
Network = TypeVar("Network", bound=nn.Module)


def loaded(make: Callable[[], Network], path: Path, what: str, unused: Sequence[str] = ()) -> Network:
    """what: the expected file, for the error.  unused: prefixes of keys that a file may hold beside the network's.

    Returns the network in float32 on the CPU. Errors: CheckpointError.
    """
    weights = read_tensors(path)
    with torch.device("meta"):
        network = make()
    found = {key: shape for key, shape in weights.shapes.items() if not key.endswith(COUNTER)}
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items() if not key.endswith(COUNTER)}
    extra = {key for key in found if key not in wanted and not key.startswith(tuple(unused))}
    wrong = sorted(extra | {key for key in wanted if found.get(key) != wanted[key]})
    if wrong:
        raise CheckpointError(
            f"{path.name} is not {what}: {len(wrong)} tensors are missing, unknown or of another shape (such as "
            f"{wrong[0]}). docs/evaluation.md names the file and its source."
        )
    network.to_empty(device="cpu")
    tensors = {key: weights.take(key, torch.float32).clone() for key in wanted}
    network.load_state_dict(tensors, strict=False, assign=True)
    return network.eval().requires_grad_(False)
