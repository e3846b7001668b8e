"""Arrays in large pages of memory: to find the page of a record takes as long as to fetch it."""

from __future__ import annotations

import math
import mmap
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.layout import LINE

HUGE_PAGE = 1 << 21
"""Bytes of a large page of memory."""


def zeros(count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array that begins with a cache line, or most records would lie in two.

    A large one asks for large pages, in memory of its own: what was in use before keeps small ones.
    """
    size = count * dtype.itemsize
    if size < HUGE_PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        memory = np.zeros(size + LINE, np.uint8)
        first = -memory.ctypes.data % LINE
    else:
        area = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # a kernel without large pages
            area.madvise(mmap.MADV_HUGEPAGE)
        memory = np.frombuffer(area, np.uint8)
        first = -memory.ctypes.data % HUGE_PAGE
    return memory[first : first + size].view(dtype)


def side_by_side(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Return copies of contiguous arrays that share large pages where each is too small for one."""
    sizes = [math.ceil(array.nbytes / LINE) * LINE for array in arrays]
    memory = zeros(sum(sizes), np.dtype(np.uint8))
    copies = []
    first = 0
    for array, size in zip(arrays, sizes, strict=True):
        copy = memory[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[:] = array
        copies.append(copy)
        first += size
    return copies
