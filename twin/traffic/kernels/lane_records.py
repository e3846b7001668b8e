"""Records of a lane kept in order: space at both ends, a record put in or taken out."""

from __future__ import annotations

from twin.traffic.kernels.carfollowing import ZERO
from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.layout import Net, Records, State

FRONT_FREE = 6
"""Free records that a lane has at its tail when a tick begins, beside one for every eight that it
holds: more than join it in one tick where nobody must leave a lane (see `lane_space`)."""


@inlined
def free_needed(count: int, there: int, left: bool) -> int:
    """Return how many records are to be free at the tail of a lane that holds `count`.

    `there` are on its link; `left` says whether many of them may change lanes at once.
    """
    free = FRONT_FREE + (count >> 3)
    return max(free, FRONT_FREE + there - count) if left else free


@inlined
def lanes_left(k: int, net: Net, st: State) -> bool:
    """Return whether many may leave a lane of link `k` at once: it is closed, barred or blocked."""
    left = net.link[k].first_open != 0 or net.link[k].bus_lanes != 0
    a = int(net.link[k].lane0)
    for x in range(a, a + int(net.link[k].lanes)):
        left |= st.lane[x].block >= ZERO
    return bool(left)


@inlined
def is_tight(lane: Records, at: int, free: int) -> bool:
    """Return whether fewer than `free` records are free at the tail of a lane."""
    return bool(lane[at].start - lane[at].low < free)


@inner
def make_room(lane: Records, at: int, free: int, R: Records) -> bool:
    """Shift a lane to its head end; return whether `free` records are free at its tail then."""
    start = lane[at].start
    end = lane[at].end
    shift = lane[at].low + lane[at].cap - end
    if shift > 0:
        for m in range(end - 1, start - 1, -1):
            R[m + shift] = R[m]
        lane[at].start = start + shift
        lane[at].end = end + shift
    return not is_tight(lane, at, free)


@inner
def open_at(lane: Records, at: int, j: int, R: Records) -> int:
    """Shift the records behind `j` of a lane one down; return the index that became free."""
    start = lane[at].start
    for m in range(start, j):
        R[m - 1] = R[m]
    lane[at].start = start - 1
    return j - 1


@outer
def close_at(lane: Records, at: int, i: int, R: Records) -> None:
    """Take record `i` out of a lane, shifting those behind it one up."""
    start = lane[at].start
    for m in range(i, start, -1):
        R[m] = R[m - 1]
    lane[at].start = start + 1


@inner
def has_room(lane: Records, at: int) -> bool:
    """Return whether a lane can take one more record at its tail."""
    return bool(lane[at].start > lane[at].low)
