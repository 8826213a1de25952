"""Giving back the memory behind a mapped tensor that has been read and is not needed again."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import lru_cache

from torch import Tensor

MADV_DONTNEED = 4  # Linux: drop the pages; touched again, they come from the file again


def release(tensor: Tensor) -> None:
    """Drop the pages that lie wholly inside `tensor`, which must be a view of a mapped file nobody writes to.

    Elsewhere than on Linux it does nothing: there the system takes such pages back when it needs them.
    """
    madvise = _madvise()
    if madvise is None:
        return
    first = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), MADV_DONTNEED)


@lru_cache(maxsize=1)
def _madvise() -> ctypes._CFuncPtr | None:
    return getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None
