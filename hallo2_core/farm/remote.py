"""Files in shared storage with an address, such as s3://bucket/anna.png, through fsspec."""

from __future__ import annotations

import hashlib
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
    """A local copy under the same name. Kept in the folder `cache`, and downloaded again if the remote file changes."""
    opened(address)
    import fsspec

    own = cache / hashlib.sha256(address.encode()).hexdigest()[:16]  # two addresses may end in the same name
    options = {"cache_storage": str(own), "check_files": True, "same_names": True}
    try:
        return Path(fsspec.open_local(f"filecache::{address}", filecache=options))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no file {address}. Check its address.") from error
