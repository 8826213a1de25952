"""Which of the known weights files are installed, damaged, or of another kind. Weights are opened, not loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ..errors import CheckpointError
from ..storage.file_hash import sha256_of
from .catalogue import CATALOGUE, MEGABYTE, KnownFile
from .detect import file_content
from .read import read_tensors
from .zeros import zeros_problem

ONNX_START = b"\x08"  # the tag of the format's first field, the version


class ModelFolders(Protocol):
    """Where weights are. `nodes/host/files.py` implements it for the host's folders."""

    def find(self, known: KnownFile) -> Path | None:
        """The file under any of its names."""

    def target(self, known: KnownFile) -> Path:
        """The folder that a download goes to; it need not exist."""


@dataclass(frozen=True)
class ComfyLayout:
    """One folder with the layout of ComfyUI's models folder, including subfolders of its folders."""

    models: Path

    @classmethod
    def at(cls, models: Path) -> ComfyLayout:
        """Raises CheckpointError if there is no such folder."""
        if not models.is_dir():
            raise CheckpointError(
                f"There is no folder {models}. Pass ComfyUI's models folder with --models, or create the folder."
            )
        return cls(models)

    def find(self, known: KnownFile) -> Path | None:
        folder = self.models / known.folder
        places = (path for name in known.names for path in (folder / name, *sorted(folder.glob(f"*/**/{name}"))))
        return next((path for path in places if path.exists()), None)

    def target(self, known: KnownFile) -> Path:
        return self.models / known.folder


@dataclass(frozen=True)
class FileReport:
    """The result of the check for one known file."""

    known: KnownFile
    path: Path | None  # None: not found under any of its names
    problem: str = ""
    sha256: str = ""  # empty: not computed

    @property
    def is_usable(self) -> bool:
        return self.path is not None and not self.problem

    def __str__(self) -> str:
        """One line; two if it is missing."""
        known = self.known
        if self.path is None:
            need = "needed" if known.needed else f"optional, for {known.purpose.value}"
            return (
                f"missing   {known.folder}/{known.name}  ({known.what}, {need}, {known.size_bytes // MEGABYTE} MB)\n"
                f"          from {known.source}; license: {known.license}"
            )
        if self.problem:
            return f"damaged   {self.path}  {self.problem}"
        digest = f"  sha256 {self.sha256}" if self.sha256 else ""
        return f"found     {self.path}  ({known.what}, {self.path.stat().st_size // MEGABYTE} MB){digest}"


def check_models(folders: ModelFolders) -> Iterator[FileReport]:
    """Check every known file."""
    for known in CATALOGUE:
        path = folders.find(known)
        yield FileReport(known, path, "" if path is None else file_problem(known, path))


def with_hash(report: FileReport) -> FileReport:
    """The report on a usable file with its hash, which is compared if it is known under this name. Reads the file."""
    if report.path is None or report.problem:
        return report
    known, digest = report.known, sha256_of(report.path)
    problem = ""
    if known.sha256 and report.path.name == known.name and digest != known.sha256:
        problem = f"its SHA-256 is {digest}, but should be {known.sha256}: download it again"
    return replace(report, sha256=digest, problem=problem)


def file_problem(known: KnownFile, path: Path) -> str:
    """Why the file at `path` cannot be used as `known`; empty if nothing speaks against it."""
    if not known.contents:
        return _onnx_problem(path)
    try:
        content = file_content(read_tensors(path).shapes)
    except CheckpointError as error:
        return str(error)
    if content not in known.contents:
        return f"it seems to be {content.value}: download {known.source}"
    return zeros_problem(path)


def _onnx_problem(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(len(ONNX_START))
    if not start:
        return "it is empty: download it again"
    return "" if start == ONNX_START else "it is not an ONNX file: download it again"
