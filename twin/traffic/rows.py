"""Compressed rows: routes of many trips in one array, with pointers to where each begins."""

from __future__ import annotations

import numpy as np

from twin.network.graph import I32, I64
from twin.traffic.kernels.route_bulk import scatter_rows


def rows_of(ptr: I32, links: I32, rows: I64) -> tuple[I32, I32]:
    """Return some rows of a compressed pair, in the order asked for."""
    length = ptr[1:][rows] - ptr[:-1][rows]
    out = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(length, out=out[1:])
    at = np.arange(out[-1]) + np.repeat(ptr[:-1][rows] - out[:-1], length)
    return out, links[at]


def replaced(ptr: I32, links: I32, rows: I64, new_ptr: I32, new_links: I32) -> tuple[I32, I32]:
    """Return compressed rows with some of them replaced."""
    length = np.diff(ptr)
    length[rows] = np.diff(new_ptr)
    out_ptr = np.zeros(len(ptr), np.int32)
    np.cumsum(length, out=out_ptr[1:])
    out = np.empty(int(out_ptr[-1]), np.int32)
    kept = np.ones(len(length), np.bool_)
    kept[rows] = False
    stay = np.flatnonzero(kept).astype(np.int32)
    scatter_rows(*rows_of(ptr, links, np.flatnonzero(kept)), stay, out_ptr, out)
    scatter_rows(new_ptr, new_links, rows.astype(np.int32), out_ptr, out)
    return out_ptr, out


def rows_with(numbers: I64, wanted: I64) -> I64:
    """Return the row of each wanted number among `numbers`, which are distinct; -1: not there."""
    if not len(numbers):
        return np.full(len(wanted), -1)
    order = np.argsort(numbers, kind="stable")
    at = np.minimum(np.searchsorted(numbers[order], wanted), len(numbers) - 1)
    row: I64 = order[at]
    return np.where(numbers[row] == wanted, row, -1)
