"""A .pth file as safetensors, written tensor by tensor, so that memory stays small whatever the file's size."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from ..errors import CheckpointError
from .detect import file_content
from .mmap import release
from .read import Weights, read_tensors

# The names safetensors has for torch's dtypes.
DTYPE_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
ALIGNMENT = 8  # the header is filled up with blanks, so that the numbers begin at a multiple of this


def convert_to_safetensors(source: Path, target: Path) -> None:
    """Write `target`, under its name only when it is whole; an existing file is never overwritten.

    Wrappers around the weights (`params_ema`, `state_dict`) are taken off. Raises a CheckpointError where the source is
    no weights file, the target's name is wrong or taken, or the disk refuses.
    """
    if target.suffix != ".safetensors":
        raise CheckpointError(f"{target.name} must end in .safetensors, since that is what is written.")
    if target.exists():
        raise CheckpointError(f"{target} exists already and is not overwritten. Choose another name.")
    weights = read_tensors(source)
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            _write(weights, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise CheckpointError(f"{target} cannot be written: {error.strerror or error}. Make room there.") from error
    finally:
        part.unlink(missing_ok=True)


def _write(weights: Weights, file: BinaryIO) -> None:
    metadata = {"format": "pt", "converted_from": weights.path.name, "content": file_content(weights.shapes).name}
    header: dict[str, object] = {"__metadata__": metadata}
    position = 0
    for key, tensor in weights.items():
        end = position + tensor.numel() * tensor.element_size()
        header[key] = {
            "dtype": _dtype_name(key, tensor), "shape": list(tensor.shape), "data_offsets": [position, end],
        }  # fmt: skip
        position = end
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % ALIGNMENT)
    file.write(struct.pack("<Q", len(encoded)) + encoded)
    for tensor in weights.values():
        file.write(tensor.contiguous().flatten().view(torch.uint8).numpy())
        if weights.is_mapped:
            release(tensor)


def _dtype_name(key: str, tensor: Tensor) -> str:
    if tensor.dtype not in DTYPE_NAMES:
        raise CheckpointError(f"The tensor '{key}' is of {tensor.dtype}, which safetensors cannot hold.")
    return DTYPE_NAMES[tensor.dtype]
