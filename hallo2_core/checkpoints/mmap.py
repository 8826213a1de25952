"""Releasing the memory of a mapped tensor that has been read and is no longer needed."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import lru_cache

from torch import Tensor

MADV_DONTNEED = 4  # Linux: drop the pages; they are read from the file again on access


def release(tensor: Tensor) -> None:
    """Drop the pages that lie fully inside `tensor`, which must be a view of a mapped file that is not written to.

    Does nothing outside Linux: there the system reclaims such pages when it needs them.
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
