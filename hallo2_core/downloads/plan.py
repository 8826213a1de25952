"""What to download and where to: shown to the user, with sizes and licenses, before anything happens."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checkpoints.catalogue import EVERYTHING, KnownFile, Purpose
from ..checkpoints.installed import FileReport, ModelFolders, check_models
from ..errors import DownloadError, SettingsError
from ..storage.folders import existing_part

GIGABYTE = 10**9
RESERVE_BYTES = 200_000_000  # stays free: a full disk harms the whole machine


@dataclass(frozen=True)
class Download:
    """One file, and the path that it gets. replaces: a damaged file there, which is kept under another name."""

    known: KnownFile
    path: Path
    replaces: Path | None = None

    @property
    def work_folder(self) -> Path:
        """Beside the file, so that finishing it is a rename."""
        return self.path.with_name(f"{self.path.name}.download")

    @property
    def part(self) -> Path:
        """What arrived so far. Its name has the revision, so that two versions never mix."""
        return self.work_folder / f"{self.known.revision[:12]}.part"

    @property
    def missing_bytes(self) -> int:
        arrived = self.part.stat().st_size if self.part.exists() else 0
        return max(0, self.known.size_bytes - arrived)


@dataclass(frozen=True)
class Plan:
    present: tuple[FileReport, ...]  # nothing to do
    downloads: tuple[Download, ...]

    def lines(self, endpoint: str) -> list[str]:
        """For the user: files, sizes, places and licenses."""
        lines = [str(report) for report in self.present]
        for download in self.downloads:
            known = download.known
            lines += [
                f"{known.name}  {_gigabytes(known.size_bytes)}, {known.what}; goes to {download.path.parent}",
                f"    from {known.url(endpoint)}",
                f"    license: {known.license}",
            ]
            if download.replaces is not None:
                lines.append(f"    replaces {download.replaces}, which is damaged and will be kept under another name")
        size = sum(download.missing_bytes for download in self.downloads)
        count = "1 file" if len(self.downloads) == 1 else f"{len(self.downloads)} files"
        left = f"{count}, {_gigabytes(size)} to download" if self.downloads else "Nothing is left to download."
        return [*lines, left]

    def check_space(self) -> None:
        """Raises DownloadError if a disk lacks the space. Files on the same disk share it."""
        needed, folders = defaultdict(int), {}
        for download in self.downloads:
            place = existing_part(download.path.parent)
            disk = place.stat().st_dev
            needed[disk] += download.missing_bytes
            folders.setdefault(disk, place)
        for disk, size in needed.items():
            check_free(folders[disk], size)


def chosen_purposes(names: Sequence[str]) -> set[Purpose]:
    """names: values of `Purpose`, or EVERYTHING; none choose animation. Raises SettingsError for others."""
    choices = {purpose.value: {purpose} for purpose in Purpose} | {EVERYTHING: set(Purpose)}
    for name in names:
        if name not in choices:
            raise SettingsError(f"'{name}' is not something to download. Choose among {', '.join(choices)}.")
    return set().union(*(choices[name] for name in names)) or {Purpose.ANIMATION}


def plan_downloads(purposes: Collection[Purpose], folders: ModelFolders) -> Plan:
    """Every known file for these purposes that is not installed whole."""
    reports = [report for report in check_models(folders) if report.known.purpose in purposes]
    return Plan(
        tuple(report for report in reports if report.is_usable),
        tuple(_download(report, folders) for report in reports if not report.is_usable),
    )


def check_free(folder: Path, needed_bytes: int) -> None:
    """Raises DownloadError if the disk lacks the space, with a reserve."""
    free = shutil.disk_usage(folder).free
    if needed_bytes and free < needed_bytes + RESERVE_BYTES:
        raise DownloadError(
            f"The disk of {folder} has {_gigabytes(free)} free, but the download needs "
            f"{_gigabytes(needed_bytes + RESERVE_BYTES)}. Make room, or put the models folder on another disk."
        )


def _download(report: FileReport, folders: ModelFolders) -> Download:
    known, damaged = report.known, report.path
    path = folders.target(known) / known.name
    if damaged is not None and damaged.name == known.name:
        path = damaged
    return Download(known, path, path if path == damaged else None)


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / GIGABYTE:.2f} GB"
