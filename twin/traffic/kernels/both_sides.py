"""Drives of emergency units, which may set out and arrive on either side of a street.

A unit that stands has two places on a two-way street, one on each of its links, and so has a goal;
of the pairs of a start and a goal the one counts from which the drive is shortest. A unit on the
move has the side on which it drives. `across` says which link is a street's other side, -1 where
there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.anchored import ROUNDING_S, Anchored, on_anchors, search
from twin.traffic.kernels.jit import inner, njit, outer
from twin.traffic.kernels.link_rows import COST, LABEL, Rows, wipe
from twin.traffic.kernels.nearest import fastest_way, reach
from twin.traffic.kernels.routing import INF

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

HERE_M = 15.0
"""A goal at most so far behind counts as reached: the crew walks instead of circling the block."""
OVER_S = (0.01, 0.02)
"""So much longer a drive counts that begins, or ends, on the other side of the street: of two that
are equally long every search then finds the same one."""


@outer
def on_side(link: int, pos: float, side: int, length: F32) -> float:
    """Return metres along `side`, which is `link` or the link across from it, of a place."""
    if side == link:
        return pos
    return max(float(length[side]) * (1.0 - pos / float(length[link])), 0.0)


@njit
def _both(link: I32, pos: F64, kept: U8, across: I32, length: F32) -> tuple[I32, F64, I32]:
    """Return links and metres of places on every side they have, and the place's number.

    A place that is (C,) `kept` has its own side alone.
    """
    n = len(link)
    side, at, number = np.empty(2 * n, np.int32), np.empty(2 * n), np.empty(2 * n, np.int32)
    side[:n], at[:n], number[:n] = link, pos, np.arange(n)
    m = n
    for i in range(n):
        other = across[link[i]]
        if other >= 0 and kept[i] == 0:
            side[m], at[m], number[m] = other, on_side(link[i], pos[i], other, length), i
            m += 1
    return side[:m], at[:m], number[:m]


@njit
def _starts(
    rows: Rows, link: I32, pos: F64, moving: U8, across: I32, length: F32
) -> tuple[I32, F64, I32]:
    """Return what `_both` does of units; nobody sets out on a closed side that is not their own."""
    kept = moving.copy()
    for i in range(len(link)):
        other = across[link[i]]
        if other >= 0 and rows.real[rows.row_of[other], COST] == INF:
            kept[i] = 1
    return _both(link, pos, kept, across, length)


@njit
def _start(
    rows: Rows, link: int, pos: float, moving: bool, across: I32, length: F32
) -> tuple[I32, F64]:
    """Return links and metres where one unit may set out."""
    kept = np.full(1, 1 if moving else 0, np.uint8)
    side, at, _ = _starts(rows, np.array([link], np.int32), np.array([pos]), kept, across, length)
    return side, at


@njit
def _goal(link: int, pos: float, across: I32, length: F32) -> tuple[I32, F64]:
    """Return links and metres where a drive to one place may end."""
    kept = np.zeros(1, np.uint8)
    side, at, _ = _both(np.array([link], np.int32), np.array([pos]), kept, across, length)
    return side, at


@inner
def _straight(side: int, at: float, goal: int, goal_at: float, times: F32, length: F32) -> float:
    """Return the seconds of a drive to a goal ahead on the same link; infinite if it is not."""
    if side != goal or goal_at < at - HERE_M:
        return np.inf
    return max(goal_at - at, 0.0) * float(times[side] / length[side])


@njit
def _seconds_on(side: I32, metres: F64, over_s: float, times: F32, length: F32) -> F32:
    """Return seconds of metres on the first link, and on the others, with `over_s` more."""
    out = np.empty(len(side), np.float32)
    for i in range(len(side)):
        out[i] = times[side[i]] / length[side[i]] * np.float32(max(metres[i], 0.0))
        if i > 0:
            out[i] += np.float32(over_s)
    return out


@njit
def _leaving(
    rows: Rows, link: int, pos: float, moving: bool, times: F32, length: F32, across: I32
) -> tuple[I32, F64, F32]:
    """Return links and metres where one unit may set out, and seconds to the ends of the links."""
    side, at = _start(rows, link, pos, moving, across, length)
    return side, at, _seconds_on(side, length[side] - at, OVER_S[0], times, length)


@njit
def _arriving(link: int, pos: float, times: F32, length: F32, across: I32) -> tuple[I32, F64, F32]:
    """Return links and metres where a drive may end, and seconds from the starts of the links."""
    side, at = _goal(link, pos, across, length)
    return side, at, _seconds_on(side, at, OVER_S[1], times, length)


@njit
def _straight_on(
    start: I32, start_at: F64, goal: I32, goal_at: F64, times: F32, length: F32
) -> tuple[float, int]:
    """Return the least seconds of a drive along its own link, and its side: inf, -1 if none."""
    least, best = np.inf, -1
    for s in range(len(start)):
        for g in range(len(goal)):
            here = _straight(start[s], start_at[s], goal[g], goal_at[g], times, length)
            here += OVER_S[0] * s + OVER_S[1] * g
            if here < least:
                least, best = here, s
    return least, best


@inner
def _leave_first(out: F64, beside: F64) -> None:
    """Make all infinite but those of the least sum: of the others one side may be missing."""
    least = np.inf
    for i in range(len(out)):
        least = min(least, out[i] + beside[i])
    for i in range(len(out)):
        if out[i] + beside[i] > least:
            out[i] = np.inf


@njit
def etas_to(
    rows: Rows,
    times: F32,
    length: F32,
    across: I32,
    link: I32,
    pos: F64,
    moving: U8,
    end_link: int,
    end_pos: float,
    beside: F64,
    first: bool,
    within_s: float,
    known: Anchored,
) -> tuple[F64, I32, int]:
    """Return (C,) seconds from units to a goal, the way of the first, and which that is.

    It is -1 where there is none.

    Parameters
    ----------
    rows
        The streets.
    times, length, across
        (L,) seconds and metres of every link, and its street's other side.
    link, pos, moving
        (C,) where units are, and whether they are on the move.
    end_link, end_pos
        The goal.
    beside
        (C,) what is added to each drive for the sum.
    first
        Whether all drives are infinite but those of the least sum.
    within_s
        Longer drives are infinite.
    known
        What is known of anchors, if anything.
    """
    n = len(link)
    side, at, unit = _starts(rows, link, pos, moving, across, length)
    goal, goal_at, onward = _arriving(end_link, end_pos, times, length, across)
    m = len(side)
    out = np.full(n, np.inf)
    rest, extra, label = np.empty(m), np.empty(m), np.full(m, np.inf)
    least, straight = np.inf, -1
    for c in range(m):
        i = unit[c]
        over = OVER_S[0] * (c >= n)
        for g in range(len(goal)):
            here = _straight(side[c], at[c], goal[g], goal_at[g], times, length)
            here += over + OVER_S[1] * g
            out[i] = min(out[i], here)
            if here + beside[i] < least:
                least, straight = here + beside[i], c
        pace = float(times[side[c]] / length[side[c]])
        rest[c] = max(float(length[side[c]]) - at[c], 0.0) * pace + over
        extra[c] = rest[c] + beside[i]
    limit = np.inf if first else within_s
    way, best = reach(rows, goal, onward, side, extra, least, limit, True, first, known, label)
    for c in range(m):
        out[unit[c]] = min(out[unit[c]], rest[c] + label[c])
    if best < 0 <= straight:
        way, best = side[straight : straight + 1].copy(), straight
    if first:
        _leave_first(out, beside)
    for i in range(n):
        # Of a longer drive the search may know the slower side only.
        if out[i] > within_s:
            out[i] = np.inf
    return out, way, unit[best] if best >= 0 else -1


@njit
def times_from(
    rows: Rows,
    times: F32,
    length: F32,
    across: I32,
    start_link: int,
    start_pos: float,
    moving: bool,
    link: I32,
    pos: F64,
    beside: F64,
    first: bool,
    known: Anchored,
) -> tuple[F64, I32, int]:
    """Return (C,) seconds from a unit to goals, the way to the first, and which that is.

    It is -1 where there is none. Otherwise as `etas_to`.
    """
    n = len(link)
    start, start_at, leave = _leaving(rows, start_link, start_pos, moving, times, length, across)
    side, at, goal = _both(link, pos, np.zeros(n, np.uint8), across, length)
    m = len(side)
    out = np.full(n, np.inf)
    onward, extra, label = np.empty(m), np.empty(m), np.full(m, np.inf)
    least, straight = np.inf, -1
    for c in range(m):
        i = goal[c]
        over = OVER_S[1] * (c >= n)
        for s in range(len(start)):
            here = _straight(start[s], start_at[s], side[c], at[c], times, length)
            here += over + OVER_S[0] * s
            out[i] = min(out[i], here)
            if here + beside[i] < least:
                least, straight = here + beside[i], c
        onward[c] = at[c] * float(times[side[c]] / length[side[c]]) + over
        extra[c] = onward[c] + beside[i]
    way, best = reach(rows, start, leave, side, extra, least, np.inf, False, first, known, label)
    for c in range(m):
        out[goal[c]] = min(out[goal[c]], label[c] + onward[c])
    if best < 0 <= straight:
        way, best = side[straight : straight + 1].copy(), straight
    if first:
        _leave_first(out, beside)
    return out, way, goal[best] if best >= 0 else -1


@njit
def times_to_anchors(
    rows: Rows,
    times: F32,
    length: F32,
    across: I32,
    link: I32,
    pos: F64,
    moving: U8,
    end_link: I32,
    end_pos: F64,
    known: Anchored,
) -> F64:
    """Return (C, D) seconds from units to goals that are anchors, as `times_from` finds them."""
    units, goals = len(link), len(end_link)
    out = np.empty((units, goals))
    for i in range(units):
        start, start_at, leave = _leaving(
            rows, link[i], pos[i], moving[i] != 0, times, length, across
        )
        for j in range(goals):
            goal, at, onward = _arriving(end_link[j], end_pos[j], times, length, across)
            out[i, j], _ = _straight_on(start, start_at, goal, at, times, length)
            # One search for both sides ends when the other can be no nearer.
            written, _ = search(
                rows, start, leave, goal, known.anchor_of[goal], on_anchors(len(goal)), onward,
                False, known.bounds, np.float32(0.0), np.inf,
            )  # fmt: skip
            for g in range(len(goal)):
                rest = at[g] * float(times[goal[g]] / length[goal[g]]) + OVER_S[1] * g
                found = float(rows.real[rows.row_of[goal[g]], LABEL])
                out[i, j] = min(out[i, j], found + rest)
            wipe(rows, written)
    return out


@njit
def least_to_anchors(
    rows: Rows,
    times: F32,
    length: F32,
    across: I32,
    link: I32,
    pos: F64,
    moving: U8,
    end_link: I32,
    end_pos: F64,
    known: Anchored,
) -> F64:
    """Return (C, D) seconds that `times_to_anchors` never undercuts, without a search."""
    units, goals = len(link), len(end_link)
    out = np.empty((units, goals))
    for i in range(units):
        start, start_at, leave = _leaving(
            rows, link[i], pos[i], moving[i] != 0, times, length, across
        )
        for j in range(goals):
            goal, at, onward = _arriving(end_link[j], end_pos[j], times, length, across)
            out[i, j], _ = _straight_on(start, start_at, goal, at, times, length)
            for s in range(len(start)):
                root = rows.row_of[start[s]]
                own = float(known.seconds[start[s]])
                for g in range(len(goal)):
                    away = max(float(known.bounds[root, known.anchor_of[goal[g]]]) - own, 0.0)
                    around = max(away + leave[s] + onward[g] - ROUNDING_S, 0.0)
                    out[i, j] = min(out[i, j], around)
    return out


@njit
def way_between_sides(
    rows: Rows,
    times: F32,
    length: F32,
    across: I32,
    max_speed: np.float32,
    start_link: int,
    start_pos: float,
    moving: bool,
    end_link: int,
    end_pos: float,
    known: Anchored,
) -> I32:
    """Return the links of a unit's fastest way to a goal; empty if there is none."""
    start, start_at, leave = _leaving(rows, start_link, start_pos, moving, times, length, across)
    goal, goal_at, onward = _arriving(end_link, end_pos, times, length, across)
    least, straight = _straight_on(start, start_at, goal, goal_at, times, length)
    way = fastest_way(rows, max_speed, start, leave, goal, onward, least, known)
    return way if len(way) or straight < 0 else start[straight : straight + 1].copy()
