"""Drives by timetable: when links are entered, where units are, whom a change concerns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.jit import outer

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

PRUNING_SLACK_S = 1.0
"""A way that seems to be slower by less than this may be the faster one."""


@outer
def fill_timetable(
    turn_ptr: I32,
    turn_to: I32,
    turn_cost: F32,
    links: I32,
    length: F32,
    seconds: F32,
    start_m: float,
    end_m: float,
    begin: int,
    hour_end: float,
    at: F64,
) -> int:
    """Fill times at which links are entered, and the end reached, from `at[begin]` on.

    Returns the place in the route that is first entered after the hour, whose times are not those
    of `seconds`: `begin + 1` at least, and the route's length if there is none.

    Parameters
    ----------
    turn_ptr, turn_to, turn_cost
        What turns take; see `routing.RoadGraph`.
    links
        (R,) the route.
    length, seconds
        (L,) metres and seconds of every link.
    start_m, end_m
        Where the drive begins on its first and ends on its last link.
    begin
        Place in the route whose time is known.
    hour_end
        Until when these seconds hold.
    at
        (R + 1,) or more, what is filled.
    """
    last = len(links) - 1
    since = 0.0
    onward = last + 1
    for i in range(begin, last + 1):
        k = links[i]
        whole = float(length[k])
        driven = whole
        if i == 0:
            driven -= start_m
        if i == last:
            driven -= whole - end_m
        turn = 0.0
        if i < last:
            for t in range(turn_ptr[k], turn_ptr[k + 1]):
                if turn_to[t] == links[i + 1]:
                    turn = float(turn_cost[t])
                    break
        since += seconds[k] * (max(driven, 0.0) / whole) + turn
        at[i + 1] = at[begin] + since
        if i > begin and onward > last and at[i] >= hour_end:
            onward = i
    return onward


@outer
def write_drive(
    u: int,
    links: I32,
    begin_m: float,
    stop_m: float,
    siren: bool,
    since: float,
    now: float,
    turn_ptr: I32,
    turn_to: I32,
    turn_cost: F32,
    length: F32,
    seconds: F32,
    hour_end: float,
    count: I32,
    sinces: F64,
    way: I32,
    at: F64,
    start_m: F64,
    end_m: F64,
    sirens: U8,
) -> int:
    """Write the drive of unit `u`, with times as far as those of this hour go.

    Returns what `fill_timetable` does.

    Parameters
    ----------
    links, begin_m, stop_m
        (R,) the route, and metres at which it begins on the first and ends on the last link.
    siren, since, now
        Whether the unit drives under siren, until when it stands, present time.
    turn_ptr, turn_to, turn_cost, length, seconds, hour_end
        As of `fill_timetable`.
    count, sinces, way, at, start_m, end_m, sirens
        Of every unit, as in `places_of` and `concerned`; what is filled.
    """
    n = len(links)
    count[u], sinces[u], sirens[u] = n, since, siren
    start_m[u], end_m[u] = begin_m, stop_m
    for i in range(n):
        way[u, i] = links[i]
    at[u, 0] = now
    return fill_timetable(
        turn_ptr, turn_to, turn_cost, links, length, seconds, begin_m, stop_m, 0, hour_end, at[u]
    )


@outer
def places_of(
    units: I64,
    now: float,
    count: I32,
    since: F64,
    way: I32,
    at: F64,
    start_m: F64,
    end_m: F64,
    length: F32,
    link: I32,
    pos: F64,
    moving: NDArray[np.bool_],
) -> None:
    """Fill (C,) whether units are on the move, and links and metres of those that are.

    The links and metres of the others stay as they are.

    Parameters
    ----------
    units
        (C,) which.
    now
        Present time, seconds.
    count, since, way, at, start_m, end_m
        Of every unit: links of its route (0 for one that stands), until when it stands though it
        has been told to drive, the links, when each is entered and the end reached, metres at which
        it begins on the first and ends on the last.
    length
        (L,) metres of every link.
    link, pos, moving
        (C,) what is filled.
    """
    for i in range(len(units)):
        u = units[i]
        n = count[u]
        moving[i] = n > 0 and now > since[u]
        if not moving[i]:
            continue
        k = n
        while k > 0 and at[u, k] > now:
            k -= 1
        if k == n:
            link[i], pos[i] = way[u, n - 1], end_m[u]
            continue
        begin = start_m[u] if k == 0 else 0.0
        end = end_m[u] if k == n - 1 else float(length[way[u, k]])
        share = (now - at[u, k]) / (at[u, k + 1] - at[u, k])
        link[i], pos[i] = way[u, k], begin + share * (end - begin)


@outer
def concerned(
    now: float,
    count: I32,
    way: I32,
    at: F64,
    siren: U8,
    links: I64,
    fell: bool,
    seconds: F32,
    max_speed: F64,
    corner: F64,
    across: I32,
    out: U8,
) -> None:
    """Fill (U,) whether a change of times of some links concerns a unit: 1 or 0.

    It does if the unit is on one of them or has yet to enter it; if times `fell`, also if a way
    over one of them might be faster than its own.

    Parameters
    ----------
    now, count, way, at
        As in `places_of`.
    siren
        (U,) whether a unit drives under siren.
    links
        (K,) the links.
    seconds, max_speed
        (2, K) and (2,) what the links take now and the bound of speed as the crow flies, without
        siren and with it.
    corner
        (4, L) x and y of the start of every link, and of its end.
    across
        (L,) the other side of every link's street, -1 where there is none: a unit may arrive there.
    """
    for u in range(len(count)):
        out[u] = 0
        n = count[u]
        if n == 0:
            continue
        k = n
        while k > 0 and out[u] == 0:
            k -= 1
            for link in links:
                if way[u, k] == link:
                    out[u] = 1
            if at[u, k] <= now:
                break
        if out[u] == 1 or not fell:
            continue
        here, goal = way[u, k], way[u, n - 1]
        rest = at[u, n] - now + PRUNING_SLACK_S
        for i in range(len(links)):
            link = links[i]
            away = np.hypot(corner[0, link] - corner[2, here], corner[1, link] - corner[3, here])
            on = np.hypot(corner[0, goal] - corner[2, link], corner[1, goal] - corner[3, link])
            if across[goal] >= 0:
                dx, dy = corner[2, goal] - corner[2, link], corner[3, goal] - corner[3, link]
                on = min(on, np.hypot(dx, dy))
            if (away + on) / max_speed[siren[u]] + seconds[siren[u], i] < rest:
                out[u] = 1
