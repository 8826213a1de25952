"""The kind of a file by its first bytes, not its name; and the error message if it is not weights."""

from __future__ import annotations

import json
import struct
import zipfile
from enum import Enum
from pathlib import Path

from ..errors import CheckpointError

LENGTH_FIELD = 8  # a safetensors file starts with the length of its JSON header, little-endian
LONGEST_HEADER = 100_000_000  # bytes; the format's limit

# Other contents found under weights files' names. Compared with the first bytes, lower-cased and stripped.
NOT_WEIGHTS = (
    (
        b"version https://git-lfs",
        "a git-lfs pointer: git downloaded the file's address, not the file",
        "Run 'git lfs pull' there, or download the file itself",
    ),
    (b"<", "a web page: the download failed, or the site required a login", "Download it again"),
    (b'{"', "JSON text, perhaps a server's error message", "Download it again"),
    (b"gguf", "a GGUF file, a format of language-model runtimes", "Choose the .safetensors or .pth version"),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and choose the weights file inside"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it and choose the weights file inside"),
)


class FileKind(Enum):
    SAFETENSORS = "safetensors"
    TORCH_ZIP = "torch zip"
    TORCH_PICKLE = "torch pickle"  # what torch.save wrote before version 1.6


def file_kind(path: Path) -> FileKind:
    """The kind by the file's bytes, not its name. Errors: CheckpointError unless it is a complete weights file."""
    if not path.exists():
        raise CheckpointError(f"There is no file {path.name} in {path.parent}. Put it there, or choose another file.")
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder, not a weights file. Choose a file in it.")
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file, but a pipe or a device. Choose a weights file.")
    size = path.stat().st_size
    if size == 0:
        raise CheckpointError(
            f"{path.name} is empty (0 bytes): the download failed. Download it again to {path.parent}."
        )
    with path.open("rb") as file:
        start = file.read(512)
    if _could_be_safetensors(start):
        _check_safetensors_is_whole(path, size)
        return FileKind.SAFETENSORS
    if start.startswith(b"PK\x03\x04"):
        _check_zip_holds_tensors(path, size)
        return FileKind.TORCH_ZIP
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return FileKind.TORCH_PICKLE
    raise _not_weights(path, start, size)


def _could_be_safetensors(start: bytes) -> bool:
    if len(start) <= LENGTH_FIELD or start[LENGTH_FIELD : LENGTH_FIELD + 1] != b"{":
        return False
    (header_length,) = struct.unpack("<Q", start[:LENGTH_FIELD])
    return 2 <= header_length <= LONGEST_HEADER


def _check_safetensors_is_whole(path: Path, size: int) -> None:
    with path.open("rb") as file:
        (header_length,) = struct.unpack("<Q", file.read(LENGTH_FIELD))
        header = file.read(header_length)
    if len(header) < header_length:
        raise _truncated(path, size, LENGTH_FIELD + header_length, at_least=True)
    try:
        entries = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise CheckpointError(
            f"{path.name} starts like a safetensors file, but its list of tensors is unreadable: the file is damaged. "
            f"Download it again to {path.parent}."
        ) from None
    expected = LENGTH_FIELD + header_length + max(ends, default=0)
    if size < expected:
        raise _truncated(path, size, expected)


def _check_zip_holds_tensors(path: Path, size: int) -> None:
    if not zipfile.is_zipfile(path):  # a zip's directory is at its end
        raise CheckpointError(
            f"{path.name} starts like a PyTorch file, but ends early after {_megabytes(size)}: the download "
            f"is incomplete. Download it again to {path.parent}."
        )
    with zipfile.ZipFile(path) as archive:
        names = {name.rsplit("/", 1)[-1] for name in archive.namelist()}
    if "constants.pkl" in names:
        raise CheckpointError(
            f"{path.name} is a TorchScript program, not a file of weights. Choose the .safetensors or .pth weights."
        )
    if "data.pkl" not in names:
        raise CheckpointError(
            f"{path.name} is a zip archive without PyTorch tensors. Unpack it and choose the weights file inside."
        )


def _truncated(path: Path, size: int, expected: int, at_least: bool = False) -> CheckpointError:
    more = "at least " if at_least else ""
    return CheckpointError(
        f"{path.name} is cut off: it has {_megabytes(size)} of {more}{_megabytes(expected)}, so the download is "
        f"incomplete. Download it again to {path.parent}."
    )


def _not_weights(path: Path, start: bytes, size: int) -> CheckpointError:
    begins = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for first_bytes, what, remedy in NOT_WEIGHTS:
        if begins.startswith(first_bytes):
            return CheckpointError(f"{path.name} ({_megabytes(size)}) is {what}. {remedy} to {path.parent}.")
    if not any(start):
        return CheckpointError(
            f"{path.name} ({_megabytes(size)}) starts with zeros only: the download reserved the space but did not "
            f"fill it. Download it again to {path.parent}."
        )
    return CheckpointError(
        f"{path.name} ({_megabytes(size)}) is neither a safetensors file nor a PyTorch file: it starts with "
        f"{start[:8].hex(' ')}. Choose a .safetensors, .pth, .pt or .bin file of weights."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"
