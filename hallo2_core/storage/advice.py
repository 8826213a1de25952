"""What to do about a failed write, by the system's error code."""

from __future__ import annotations

import errno

FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.EIO}


class UnchangeableFilesError(OSError):
    """Files can be created in a folder, but not be changed later."""


def advice_for(error: OSError) -> str:
    """A sentence, for the end of a message about writing a file or folder."""
    if isinstance(error, UnchangeableFilesError):
        return "Choose a local folder, or mount this one with a write cache (rclone: --vfs-cache-mode writes)."
    if error.errno in FULL:
        return "Make room there."
    if error.errno in REFUSED:
        return "Allow writing there, or choose another folder."
    if error.errno in GONE:
        return "Check that the folder is still there and its disk works."
    if error.errno == errno.EFBIG:  # FAT32 holds files of up to 4 GiB
        return "Make room there, or choose a disk that holds larger files."
    if error.errno == errno.ENAMETOOLONG:
        return "Choose a shorter name."
    return "Choose another folder."
