"""Safetensors read without memory-mapping, for disks where mapping is slow or fails."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from .safetensors_header import read_header

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_safetensors_whole(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors, copied into memory, and the metadata. Raises ValueError or OSError if the file is damaged."""
    with path.open("rb") as file:
        header = read_header(file)
        tensors = {}
        for key, entry in header.tensors.items():
            if entry.dtype not in DTYPES:
                raise ValueError(f"'{key}' has the unknown dtype {entry.dtype}")
            dtype, size = DTYPES[entry.dtype], entry.end - entry.begin
            needed = math.prod(entry.shape) * dtype.itemsize
            if size != needed:  # before memory is taken for it
                raise ValueError(f"'{key}' has {size} bytes instead of {needed}")
            tensor = torch.empty(entry.shape, dtype=dtype)
            file.seek(header.size_bytes + entry.begin)
            read = file.readinto(memoryview(tensor.flatten().view(torch.uint8).numpy()))
            if read != size:
                raise ValueError(f"the file ends inside '{key}'")
            tensors[key] = tensor
    return tensors, dict(header.metadata)
