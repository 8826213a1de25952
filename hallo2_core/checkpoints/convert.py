"""Convert a .pth file to safetensors, tensor by tensor, so that memory use does not grow with the file."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from ..errors import CheckpointError
from ..storage.durable import replacing
from .detect import file_content
from .lora import fitting_lora
from .mmap import release
from .read import Weights, read_tensors

# safetensors' names of torch dtypes.
DTYPE_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
ALIGNMENT = 8  # the header is padded with blanks, so that the data starts at a multiple of this


def convert_to_safetensors(source: Path, target: Path, lora: Path | None = None, lora_strength: float = 1.0) -> None:
    """Write `target`, renamed into place when complete; an existing file is never overwritten. lora: a LoRA for the
    source, whose updates are multiplied by `lora_strength` and added.

    Wrappers around the weights (`params_ema`, `state_dict`) are removed. Raises CheckpointError if the source is not a
    weights file, the LoRA does not fit it, the target's name is wrong or taken, or the write fails.
    """
    if target.suffix != ".safetensors":
        raise CheckpointError(f"{target.name} must end in .safetensors, the format that is written.")
    if target.exists():
        raise CheckpointError(f"{target} already exists and is not overwritten. Choose another name.")
    weights = read_tensors(source)
    updates = {} if lora is None else fitting_lora(lora, weights.shapes)

    def written(key: str) -> Tensor:
        update = updates.get(key.removesuffix(".weight"))
        return weights[key] if update is None else update.added_to(weights[key], lora_strength)

    try:
        with replacing(target) as part, part.open("wb") as file:
            _write(weights, written, file)
    except OSError as error:
        raise CheckpointError(
            f"{target} cannot be written: {error.strerror or error}. Check free space and permissions."
        ) from error


def _write(weights: Weights, written: Callable[[str], Tensor], file: BinaryIO) -> None:
    """written: the tensor of a key, as it goes into the file; of the same shape and dtype."""
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
    for key, tensor in weights.items():
        file.write(written(key).contiguous().flatten().view(torch.uint8).numpy())
        if weights.is_mapped:
            release(tensor)


def _dtype_name(key: str, tensor: Tensor) -> str:
    if tensor.dtype not in DTYPE_NAMES:
        raise CheckpointError(
            f"The tensor '{key}' has dtype {tensor.dtype}, which safetensors does not support. Save it as float32 "
            f"first."
        )
    return DTYPE_NAMES[tensor.dtype]
