"""The list of tensors at the beginning of a safetensors file."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from ..storage.json_text import parse_json

LENGTH = struct.Struct("<Q")  # before the JSON text: its number of bytes
LONGEST_HEADER = 100_000_000  # bytes; the format's limit
METADATA_KEY = "__metadata__"


@dataclass(frozen=True)
class TensorEntry:
    """begin, end: in bytes, after the header."""

    dtype: str  # safetensors' name
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def place(self) -> tuple[int, int]:
        return self.begin, self.end


@dataclass(frozen=True)
class Header:
    size_bytes: int  # with its length field: where the tensors begin
    tensors: Mapping[str, TensorEntry]  # in the order of their bytes
    metadata: Mapping[str, str]

    @property
    def data_bytes(self) -> int:
        return max((entry.end for entry in self.tensors.values()), default=0)


def header_bytes(start: bytes) -> int | None:
    """The length of the JSON text by a file's first bytes; None if they are no safetensors file's."""
    if len(start) <= LENGTH.size or start[LENGTH.size : LENGTH.size + 1] != b"{":
        return None
    (length,) = LENGTH.unpack_from(start)
    return length if 2 <= length <= LONGEST_HEADER else None


def read_header(file: BinaryIO) -> Header:
    """file: at its beginning, and a safetensors file by `header_bytes`. Errors: ValueError unless the tensors follow
    one another without gaps, as the format has it; EOFError if the file ends in the list."""
    (length,) = LENGTH.unpack(file.read(LENGTH.size))
    text = file.read(length)
    if len(text) < length:
        raise EOFError
    entries = parse_json(text)
    metadata = entries.pop(METADATA_KEY, None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata is not text")
    tensors = dict(sorted(((key, _entry(key, raw)) for key, raw in entries.items()), key=lambda item: item[1].place))
    position = 0
    for key, entry in tensors.items():
        if entry.begin != position:
            raise ValueError(f"'{key}' begins at byte {entry.begin} instead of {position}")
        position = entry.end
    return Header(LENGTH.size + length, tensors, metadata)


def _entry(key: str, raw: object) -> TensorEntry:
    if not isinstance(raw, dict) or not isinstance(raw.get("dtype"), str):
        raise ValueError(f"'{key}' has no dtype")
    shape, offsets = raw.get("shape"), raw.get("data_offsets")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"'{key}' has no shape or no place")
    return TensorEntry(raw["dtype"], tuple(shape), *offsets)


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(type(one) is int and 0 <= one < 1 << 63 for one in value)
