"""Files in shared storage with an address, such as s3://bucket/anna.png, through fsspec."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MissingDependencyError, SettingsError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

ADDRESS = "://"


def is_remote(value: object) -> bool:
    """Whether an option's value is an address rather than a path."""
    return isinstance(value, str) and ADDRESS in value


def opened(address: str) -> tuple[AbstractFileSystem, str]:
    """The file system of an address, and the path in it. Errors: SettingsError for an unknown or unreachable one."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingDependencyError.of_extra(address, "fsspec", "farm", error) from error
    try:
        return fsspec.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise SettingsError(
            f"{address} cannot be opened: {error}. Check the address; s3:// needs the package s3fs (extra 'farm')."
        ) from error


def downloaded(address: str, cache: Path) -> Path:
    """A local copy under the same name in the folder `cache`. A changed file gets a copy of its own: others on this
    machine may still read the old one."""
    storage, path = opened(address)
    storage.invalidate_cache()
    try:
        version = f"{storage.checksum(path):x}"
        # two addresses may end in the same name
        copy = cache / hashlib.sha256(address.encode()).hexdigest()[:16] / version[:16] / path.rpartition("/")[2]
        if not copy.is_file():
            _fetch(storage, path, copy)
    except FileNotFoundError as error:
        raise SettingsError(f"There is no file {address}. Check its address.") from error
    return copy


def _fetch(storage: AbstractFileSystem, path: str, copy: Path) -> None:
    """Complete under its name at once, and never over one that another process has fetched and reads."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(f".{uuid.uuid4().hex}.part")
    try:
        storage.get_file(path, str(part))
        try:
            os.link(part, copy)
        except FileExistsError:
            return
        except OSError:  # no hard links there
            part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
