"""Safetensors read without memory-mapping, for disks where mapping is slow or fails."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import torch
from torch import Tensor

from .file_kind import LENGTH_FIELD

METADATA_KEY = "__metadata__"
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
        (length,) = struct.unpack("<Q", file.read(LENGTH_FIELD))
        entries = json.loads(file.read(length))
        metadata = entries.pop(METADATA_KEY, {})
        tensors = {}
        for key, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
            if entry["dtype"] not in DTYPES:
                raise ValueError(f"'{key}' has the unknown dtype {entry['dtype']}")
            begin, end = entry["data_offsets"]
            tensor = torch.empty(entry["shape"], dtype=DTYPES[entry["dtype"]])
            if end - begin != tensor.nbytes:
                raise ValueError(f"'{key}' has {end - begin} bytes instead of {tensor.nbytes}")
            file.seek(LENGTH_FIELD + length + begin)
            read = file.readinto(memoryview(tensor.flatten().view(torch.uint8).numpy()))
            if read != tensor.nbytes:
                raise ValueError(f"the file ends inside '{key}'")
            tensors[key] = tensor
    return tensors, metadata
