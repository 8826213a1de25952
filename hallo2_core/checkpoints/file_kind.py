"""The kind of a file by its first bytes, not its name; and the error message if it is not weights."""

from __future__ import annotations

import os
import zipfile
from enum import Enum
from pathlib import Path

from ..errors import CheckpointError
from .safetensors_header import LENGTH, header_bytes, read_header

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
    if not os.path.exists(path):  # `Path.exists` fails for names that no file can have
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
    if header_bytes(start) is not None:
        _check_safetensors_is_whole(path, size)
        return FileKind.SAFETENSORS
    if start.startswith(b"PK\x03\x04"):
        _check_zip_holds_tensors(path, size)
        return FileKind.TORCH_ZIP
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return FileKind.TORCH_PICKLE
    raise _not_weights(path, start, size)


def _check_safetensors_is_whole(path: Path, size: int) -> None:
    try:
        with path.open("rb") as file:
            header = read_header(file)
    except EOFError:
        with path.open("rb") as file:
            expected = LENGTH.size + header_bytes(file.read(512))
        raise _truncated(path, size, expected, at_least=True) from None
    except ValueError as error:
        raise CheckpointError(
            f"{path.name} starts like a safetensors file, but its list of tensors is unreadable ({error}): the file is "
            f"damaged. Download it again to {path.parent}."
        ) from None
    expected = header.size_bytes + header.data_bytes
    if size < expected:
        raise _truncated(path, size, expected)


def _check_zip_holds_tensors(path: Path, size: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:  # a zip's directory is at its end
            entries = archive.infolist()
    except Exception as error:  # damaged data can fail anywhere in the parser
        raise CheckpointError(
            f"{path.name} starts like a PyTorch file, but ends early after {_megabytes(size)} or is damaged: the "
            f"download is incomplete. Download it again to {path.parent}."
        ) from error
    if (unpacked := sum(entry.file_size for entry in entries)) > size:  # PyTorch stores without compression
        raise CheckpointError(
            f"{path.name} ({_megabytes(size)}) would unpack to {_megabytes(unpacked)}, so PyTorch did not write it. "
            f"Choose the .safetensors version of the file."
        )
    names = {entry.filename.rsplit("/", 1)[-1] for entry in entries}
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
