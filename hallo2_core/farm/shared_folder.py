"""A folder that several machines see: at a path, or at an address such as s3://bucket/videos."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..storage.durable import replace_file
from .remote import is_remote, opened


class SharedFolder(Protocol):
    """Files are there whole or not at all."""

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes | None:
        """None if there is no such file."""

    def write(self, name: str, content: bytes) -> None: ...

    def remove(self, name: str) -> None: ...

    def fetch(self, name: str, folder: Path) -> Path:
        """A local copy in `folder`, or the file itself if it is local. Errors: FileNotFoundError."""


def shared_folder(place: str) -> SharedFolder:
    """place: a path, or an address."""
    return AddressedFolder(place) if is_remote(place) else LocalFolder(Path(place))


class LocalFolder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir()) if self.path.is_dir() else []

    def read(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return (self.path / name).read_bytes()
        return None

    def write(self, name: str, content: bytes) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        replace_file(self.path / name, content)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def fetch(self, name: str, folder: Path) -> Path:
        return self.path / name


class AddressedFolder:
    def __init__(self, address: str) -> None:
        self._storage, self._path = opened(address)

    def names(self) -> list[str]:
        self._storage.invalidate_cache()  # another machine may have written there
        with suppress(FileNotFoundError):
            return sorted(path.rpartition("/")[2] for path in self._storage.ls(self._path, detail=False))
        return []

    def read(self, name: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return self._storage.cat_file(f"{self._path}/{name}")
        return None

    def write(self, name: str, content: bytes) -> None:
        self._storage.pipe_file(f"{self._path}/{name}", content)

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._storage.rm_file(f"{self._path}/{name}")

    def fetch(self, name: str, folder: Path) -> Path:
        path = folder / name
        self._storage.get_file(f"{self._path}/{name}", str(path))
        return path
