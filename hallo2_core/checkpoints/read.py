"""Weights files as mappings from key to tensor. No code in them is ever executed; data stays on disk until used."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import CheckpointError
from .file_kind import FileKind, file_kind
from .mmap import release
from .read_whole import read_safetensors_whole

logger = logging.getLogger("hallo2")
Made = TypeVar("Made")

# Dictionaries that trainers wrap around the weights. The first one present is opened: of net_g's two sets, the
# averaged one.
WRAPPERS = ("model_state_dict", "state_dict", "params_ema", "params", "model", "net_recon")
# The prefix that torch's DistributedDataParallel adds to every key.
PARALLEL_PREFIX = "module."
# What torch.compile inserts into the keys of every module that it wraps.
COMPILED_PART = "_orig_mod."


@dataclass(frozen=True, eq=False)
class Weights(Mapping[str, Tensor]):
    """The tensors of one file. Those of a mapped file are paged in on use."""

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
        """The most common floating-point dtype, by number of values."""
        numbers: Counter[torch.dtype] = Counter()
        for tensor in self.tensors.values():
            if tensor.is_floating_point():
                numbers[tensor.dtype] += tensor.numel()
        if not numbers:
            raise CheckpointError(f"{self.path.name} has no floating-point tensors, so it is not a weights file.")
        return numbers.most_common(1)[0][0]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {key: tuple(tensor.shape) for key, tensor in self.tensors.items()}

    def under(self, prefix: str) -> Weights:
        """Only the keys that start with `prefix`, with it removed. May be empty."""
        below = {key.removeprefix(prefix): x for key, x in self.tensors.items() if key.startswith(prefix)}
        return Weights(self.path, below, self.is_mapped, self.metadata)

    def take(self, key: str, dtype: torch.dtype) -> Tensor:
        """One tensor in `dtype` (integer tensors keep theirs). After a conversion, the mapped memory of the original is
        released, so that converting a whole file never holds it twice."""
        own = self.tensors[key]
        if not own.is_floating_point() or own.dtype == dtype:
            return own
        converted = own.to(dtype)
        if self.is_mapped:
            release(own)
        return converted


def read_tensors(path: Path | str, prefix: str = "", use_mmap: bool = True) -> Weights:
    """Open a safetensors file or a PyTorch pickle, whatever its name, and remove wrappers.

    prefix: only the keys that start with it, with it removed. use_mmap: False reads the whole file, which is always
    done for PyTorch files from before version 1.6 and those named .safetensors. Errors: CheckpointError with the
    detected kind of file and what to do.
    """
    path = Path(path).absolute()  # messages name the folder
    kind = file_kind(path)
    if kind is FileKind.SAFETENSORS:
        weights = _read_safetensors(path, use_mmap)
    else:
        # With this suffix, torch.load treats a path, which mapping needs, as a safetensors file.
        can_be_mapped = kind is FileKind.TORCH_ZIP and path.suffix != ".safetensors"
        if use_mmap and not can_be_mapped:
            logger.info(
                "%s cannot be memory-mapped and is read as a whole; convert it with 'hallo2 convert' to avoid this.",
                path.name,
            )
        weights = _read_torch(path, is_mapped=use_mmap and can_be_mapped)
    if not prefix:
        return weights
    below = weights.under(prefix)
    if not below:
        raise CheckpointError(
            f"{path.name} has no '{prefix}' weights; its keys look like '{next(iter(weights))}'. Choose another file."
        )
    return below


def check_shapes(weights: Weights, expected: Mapping[str, tuple[int, ...]], verdict: str, advice: str) -> None:
    """Errors: CheckpointError unless the file has exactly the expected tensors.

    verdict: what the file's name is followed by, such as "is not a UNet".  advice: what to do, as a sentence.
    """
    found = weights.shapes
    wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if wrong:
        raise CheckpointError(
            f"{weights.path.name} {verdict}: {len(wrong)} tensors are missing, unknown or of another shape (such as "
            f"{wrong[0]}). {advice}"
        )


def check_numbers(weights: Weights) -> None:
    """For small files, since it reads all of one. Errors: CheckpointError for infinities and NaNs."""
    bad = next((key for key, tensor in weights.items() if not torch.isfinite(tensor.float()).all()), None)
    if bad is not None:
        raise CheckpointError(
            f"{weights.path.name} is damaged: {bad} has infinities or NaNs. Export or download it again."
        )


def of_these_sizes(make: Callable[[], Made], name: str) -> Made:
    """make: builds a network with the dimensions that the file of this name seems to have. Errors: CheckpointError if
    there is none."""
    try:
        return make()
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        reason = str(error).split("\n", 1)[0]
        raise CheckpointError(
            f"{name} has tensors whose sizes do not fit together ({reason}): it is damaged or incomplete. Download it "
            f"again."
        ) from error


def _read_safetensors(path: Path, use_mmap: bool) -> Weights:
    try:
        tensors, metadata = _mapped_safetensors(path) if use_mmap else read_safetensors_whole(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path.name} is a damaged safetensors file ({error}). Download it again to {path.parent}."
        ) from error
    if not tensors:
        raise CheckpointError(f"{path.name} is a safetensors file without tensors. Choose another file.")
    return Weights(path, _as_defined(tensors), is_mapped=use_mmap, metadata=metadata)


def _mapped_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        return tensors, file.metadata() or {}


def _read_torch(path: Path, is_mapped: bool) -> Weights:
    try:
        with path.open("rb") as file:
            content = torch.load(path if is_mapped else file, map_location="cpu", weights_only=True, mmap=is_mapped)
    except Exception as error:  # damaged data can fail anywhere in the parser
        raise _unreadable(path, error) from error
    return Weights(path, _named_tensors(path, content), is_mapped)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    refused = re.search(r"unsupported (?:global|class)\W*(?:GLOBAL )?([\w.]+)", str(error), re.IGNORECASE)
    if refused:
        return CheckpointError(
            f"{path.name} contains Python objects besides tensors ({refused[1]}). Loading them can run code, so it is "
            f"refused. Choose a .safetensors version of the file, or one with weights only."
        )
    return CheckpointError(
        f"{path.name} starts like a PyTorch file but cannot be read ({type(error).__name__}): it is damaged or cut "
        f"off. Download it again to {path.parent}."
    )


def _named_tensors(path: Path, content: Any) -> dict[str, Tensor]:  # noqa: ANN401 - a pickle can contain anything
    """Remove WRAPPERS and what `_as_defined` removes; drop everything that is not a tensor, such as step counts."""
    while isinstance(content, Mapping):
        inner = next((content[name] for name in WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path.name} contains a {type(content).__name__}, not named tensors. Choose a weights file."
        )
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if not tensors:
        found = ", ".join(map(str, list(content)[:5])) or "nothing"
        raise CheckpointError(f"{path.name} contains no tensors (found: {found}). Choose a weights file.")
    return _as_defined(tensors)


def _as_defined(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With the keys that the networks' classes define, however the model was wrapped when it was saved."""
    tensors = {key.replace(COMPILED_PART, ""): tensor for key, tensor in tensors.items()}
    if all(key.startswith(PARALLEL_PREFIX) for key in tensors):
        tensors = {key.removeprefix(PARALLEL_PREFIX): tensor for key, tensor in tensors.items()}
    return tensors
