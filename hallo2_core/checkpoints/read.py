"""Weights files as mappings from key to tensor. Nothing in them is ever run; their bytes stay on disk until used."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import CheckpointError
from .file_kind import FileKind, file_kind
from .mmap import release
from .read_whole import read_safetensors_whole

logger = logging.getLogger("hallo2")

# Dictionaries that trainers wrap around the weights. The first that is there is opened: of net_g's two sets, the
# averaged one.
WRAPPERS = ("model_state_dict", "state_dict", "params_ema", "params", "model")
# What torch's DistributedDataParallel puts before every key.
PARALLEL_PREFIX = "module."


@dataclass(frozen=True, eq=False)
class Weights(Mapping[str, Tensor]):
    """The tensors of one file. Those of a mapped file take memory page by page, when they are used."""

    path: Path
    tensors: Mapping[str, Tensor]
    is_mapped: bool
    metadata: Mapping[str, str] = field(default_factory=dict)  # safetensors only

    def __getitem__(self, key: str) -> Tensor:
        return self.tensors[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    @property
    def dtype(self) -> torch.dtype:
        """The floating dtype that most of the file's numbers have."""
        numbers: Counter[torch.dtype] = Counter()
        for tensor in self.tensors.values():
            if tensor.is_floating_point():
                numbers[tensor.dtype] += tensor.numel()
        if not numbers:
            raise CheckpointError(f"{self.path.name} holds no floating-point tensor, so it is not a file of weights.")
        return numbers.most_common(1)[0][0]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {key: tuple(tensor.shape) for key, tensor in self.tensors.items()}

    def under(self, prefix: str) -> Weights:
        """Only the keys that begin with `prefix`, without it. May be empty."""
        below = {key.removeprefix(prefix): x for key, x in self.tensors.items() if key.startswith(prefix)}
        return Weights(self.path, below, self.is_mapped, self.metadata)

    def take(self, key: str, dtype: torch.dtype) -> Tensor:
        """One tensor in `dtype` (whole numbers keep theirs). Where it has to be converted, the memory that held the
        file's own bytes is given back, so that a whole file is converted without ever holding it twice."""
        own = self.tensors[key]
        if not own.is_floating_point() or own.dtype == dtype:
            return own
        converted = own.to(dtype)
        if self.is_mapped:
            release(own)
        return converted


def read_tensors(path: Path | str, prefix: str = "", use_mmap: bool = True) -> Weights:
    """Open a safetensors file or a PyTorch pickle, whatever it is called, wrappers taken off.

    prefix: only the keys that begin with it, without it. use_mmap: False reads the file whole, as PyTorch files from
    before version 1.6 and those called .safetensors always are. Errors: a CheckpointError that says what the file seems
    to be and what to do.
    """
    path = Path(path)
    kind = file_kind(path)
    if kind is FileKind.SAFETENSORS:
        weights = _read_safetensors(path, use_mmap)
    else:
        # Under this name torch.load takes a path, which mapping needs, for a safetensors file.
        can_be_mapped = kind is FileKind.TORCH_ZIP and path.suffix != ".safetensors"
        if use_mmap and not can_be_mapped:
            logger.info("%s cannot be memory-mapped and is read whole; 'hallo2 convert' makes it lazy.", path.name)
        weights = _read_torch(path, is_mapped=use_mmap and can_be_mapped)
    if not prefix:
        return weights
    below = weights.under(prefix)
    if not below:
        raise CheckpointError(
            f"{path.name} has no '{prefix}' weights; its keys look like '{next(iter(weights))}'. Choose another file."
        )
    return below


def _read_safetensors(path: Path, use_mmap: bool) -> Weights:
    try:
        tensors, metadata = _mapped_safetensors(path) if use_mmap else read_safetensors_whole(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path.name} is a damaged safetensors file ({error}). Download it again to {path.parent}."
        ) from error
    if not tensors:
        raise CheckpointError(f"{path.name} is a safetensors file without a single tensor. Choose another file.")
    return Weights(path, tensors, is_mapped=use_mmap, metadata=metadata)


def _mapped_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        return tensors, file.metadata() or {}


def _read_torch(path: Path, is_mapped: bool) -> Weights:
    try:
        with path.open("rb") as file:
            content = torch.load(path if is_mapped else file, map_location="cpu", weights_only=True, mmap=is_mapped)
    except Exception as error:  # damaged bytes can fail anywhere in the parser
        raise _unreadable(path, error) from error
    return Weights(path, _named_tensors(path, content), is_mapped)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    refused = re.search(r"[Uu]nsupported (?:global|class)[^\w]*(?:GLOBAL )?([\w.]+)", str(error))
    if refused:
        return CheckpointError(
            f"{path.name} holds Python objects besides tensors ({refused[1]}). Loading those can run code, so they are "
            f"refused. Choose a .safetensors version of the file, or one that holds weights only."
        )
    return CheckpointError(
        f"{path.name} begins like a PyTorch file but cannot be read ({type(error).__name__}): it is damaged or cut "
        f"off. Download it again to {path.parent}."
    )


def _named_tensors(path: Path, content: Any) -> dict[str, Tensor]:  # noqa: ANN401 - a pickle holds anything
    """Take off the wrappers of WRAPPERS, then PARALLEL_PREFIX; drop what is not a tensor (step counts and such)."""
    while isinstance(content, Mapping):
        inner = next((content[name] for name in WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path.name} holds a {type(content).__name__}, not tensors with names. Choose a file of weights."
        )
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if not tensors:
        found = ", ".join(map(str, list(content)[:5])) or "nothing"
        raise CheckpointError(f"{path.name} holds no tensors (found: {found}). Choose a file of weights.")
    if all(key.startswith(PARALLEL_PREFIX) for key in tensors):
        tensors = {key.removeprefix(PARALLEL_PREFIX): tensor for key, tensor in tensors.items()}
    return tensors
