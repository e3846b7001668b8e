"""Records of a lane kept in order: space at both ends, a record put in or taken out."""

from __future__ import annotations

from twin.traffic.kernels.jit import inlined, inner, outer
from twin.traffic.kernels.layout import Records

FRONT_FREE = 10
"""Free records that a lane should have at its tail when a tick begins, beside one for every eight
that it holds: more than join it in one, but where many make way for a siren at once. Who finds no
free record joins a tick later."""
LANE_SLACK = 12
"""Free records given to a lane by a fresh layout, beside a quarter of what it holds."""
MOVED_SLACK = 18
"""The same of a lane that is moved because it ran out of space."""


@inlined
def space_for(count: int, slack: int) -> int:
    """Return the records that a lane is given that holds `count`."""
    return count + slack + (count >> 2)


@outer
def space_needed(lane: Records) -> int:
    """Return the records that a fresh layout takes."""
    total = 0
    for i in range(len(lane)):
        total += space_for(int(lane[i].end - lane[i].start), LANE_SLACK)
    return total


@inner
def lay_out(lane: Records, old: Records, new: Records) -> int:
    """Copy every lane from `old` to `new`, each with fresh slack; return the records used."""
    at = 0
    for i in range(len(lane)):
        count = int(lane[i].end - lane[i].start)
        place(lane, i, at, space_for(count, LANE_SLACK), old, new)
        at += lane[i].cap
    return at


@inner
def place(lane: Records, i: int, at: int, cap: int, old: Records, new: Records) -> None:
    """Copy a lane to the end of the `cap` records of `new` that begin with `at`."""
    start = lane[i].start
    count = lane[i].end - start
    first = at + cap - count
    for m in range(count):
        new[first + m] = old[start + m]
    lane[i].low = at
    lane[i].cap = cap
    lane[i].start = first
    lane[i].end = first + count


@inner
def widen(lane: Records, used: int, R: Records) -> tuple[int, bool]:
    """Move lanes that are tight behind the `used` records; return those used, and if all fitted."""
    for i in range(len(lane)):
        if is_tight(lane, i) and not make_room(lane, i, R):
            cap = space_for(int(lane[i].end - lane[i].start), MOVED_SLACK)
            if used + cap > len(R):
                return used, False
            place(lane, i, used, cap, R, R)
            used += cap
    return used, True


@inlined
def is_tight(lane: Records, at: int) -> bool:
    """Return whether too few records are free at the tail of a lane."""
    start = lane[at].start
    return bool(start - lane[at].low < FRONT_FREE + ((lane[at].end - start) >> 3))


@inner
def make_room(lane: Records, at: int, R: Records) -> bool:
    """Shift a lane towards its head end; return whether its tail then has space enough."""
    start = lane[at].start
    end = lane[at].end
    shift = lane[at].low + lane[at].cap - end
    if shift > 0:
        for m in range(end - 1, start - 1, -1):
            R[m + shift] = R[m]
        start += shift
        lane[at].start = start
        lane[at].end = end + shift
    return not is_tight(lane, at)


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
