"""Bus lanes: who may drive in them, and where others may.

Buses and emergency units may. Others enter one only within `TURN_IN_M` of the end of a link to make
a turn that is made from it (a right turn from the kerb), or to pass an obstacle; who finds himself
in one otherwise leaves it. Where every open lane is a bus lane, all drive there.
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.carfollowing import ZERO
from twin.traffic.kernels.jit import inlined, inner
from twin.traffic.kernels.layout import BUS_LANES, Net

TURN_IN_M = np.float32(60.0)
"""Metres before the end of a link from which a bus lane may be used to turn (assumption: about the
length of the broken blue line before junctions in Seoul)."""


@inlined
def barred_lanes(net: Net, k: int, kind: int) -> int:
    """Return the bits of the lanes of link `k` that vehicles of a kind keep out of."""
    mask = int(net.link[k].bus_lanes)
    if mask == 0 or net.kinds[kind, BUS_LANES] > ZERO:
        return 0
    return barred_to_others(net, k, mask)


@inner
def barred_to_others(net: Net, k: int, mask: int) -> int:
    """Return `mask`, or 0 when no other lane of link `k` is open."""
    first_open = int(net.link[k].first_open)
    for lane in range(first_open, int(net.link[k].lanes)):
        if not (mask >> lane) & 1:
            return mask
    return 0


@inner
def without_barred(lo: int, hi: int, mask: int) -> tuple[int, int]:
    """Return lanes `lo` to `hi` without barred ones at either end; as they are when all are."""
    low = lo
    high = hi
    while low <= high and (mask >> low) & 1:
        low += 1
    while high >= low and (mask >> high) & 1:
        high -= 1
    if low > high:
        return lo, hi
    return low, high


@inner
def entered_lanes(lo: int, hi: int, lanes: int, mask: int) -> tuple[int, int]:
    """Return lanes to enter a link in: those of `lo` to `hi`, or any others, that are not barred.

    Who turns from a bus lane later comes in beside it.
    """
    low, high = without_barred(lo, min(hi, lanes - 1), mask)
    if (mask >> low) & 1:
        low, high = without_barred(0, lanes - 1, mask)
    return low, high


@inner
def way_out(mask: int, own: int, way: int, lo: int, hi: int, n: int, to_end: np.float32) -> int:
    """Return where a driver goes who keeps out of the lanes of `mask`: -1 right, 0 stays, 1 left.

    Parameters
    ----------
    own, way
        Its lane, of `n`, and where it would go if there were no bus lanes.
    lo, hi
        Lanes of its next turn.
    to_end
        Metres to the end of the link.
    """
    near = to_end < TURN_IN_M
    if (mask >> own) & 1:
        if way != 0 or (near and lo <= own <= hi):
            return way
        for y in range(own + 1, n):
            if not (mask >> y) & 1:
                return 1
        return -1
    if way != 0 and not near and (mask >> (own + way)) & 1:
        return 0
    return way
