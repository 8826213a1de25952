"""What to do when a file or folder cannot be read or written, by the system's error code."""

from __future__ import annotations

import errno

FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
GONE = {
    errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EHOSTUNREACH,
}  # fmt: skip
IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.ELOOP}
TOO_MANY = {errno.EMFILE, errno.ENFILE}


class UnchangeableFilesError(OSError):
    """Files can be created in a folder, but not be changed later."""


def advice_for(error: OSError) -> str:
    """A sentence, for the end of a message about reading or writing a file or folder."""
    if isinstance(error, UnchangeableFilesError):
        return "Choose a local folder, or mount this one with a write cache (rclone: --vfs-cache-mode writes)."
    if error.errno in FULL:
        return "Make room there."
    if error.errno in REFUSED:
        return "Allow reading and writing there, or choose another folder."
    if error.errno in GONE:
        return "Check that the folder is still there and its disk or network works."
    if error.errno in IN_THE_WAY:
        return "A part of the path is a file, or a link that leads nowhere: choose another folder."
    if error.errno in TOO_MANY:
        return "Close other programs, or restart this one."
    if error.errno == errno.EINTR:
        return "Try again."
    if error.errno == errno.EFBIG:  # FAT32 holds files of up to 4 GiB
        return "Make room there, or choose a disk that holds larger files."
    if error.errno == errno.ENAMETOOLONG:
        return "Choose a shorter name."
    return "Choose another folder."
