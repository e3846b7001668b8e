"""Routes at link times that change in the course of the day, as each driver perceives them.

Times are given by slice and hold at the middle of it; between two middles they go over linearly,
so that who leaves later seldom arrives earlier. A driver's perception of a link is a factor that
depends on the driver and the link alone (`Perception`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels import rng
from twin.traffic.kernels.jit import inner, njit
from twin.traffic.kernels.route_bulk import doubled
from twin.traffic.kernels.routing import (
    F32,
    I32,
    INF,
    RoadGraph,
    Tree,
    entry_of,
    path_from,
    push,
    take_first,
)

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_LOW = np.uint64(0xFFFF)
_S16 = np.uint64(16)
_S32 = np.uint64(32)
_S48 = np.uint64(48)
_SQRT3 = 1.7320508075688772


class Timed(NamedTuple):
    """Link times of a period, S slices by L links.

    Attributes
    ----------
    seconds
        (S, L) at the middle of each slice.
    begin_s, span_s
        Begin of the first slice, and length of each.
    extra
        (L,) seconds that entering a link is worth beside its time (tolls); infinite: closed.
    """

    seconds: F32
    begin_s: float
    span_s: float
    extra: F32


class Perception(NamedTuple):
    """How drivers err: factors of mean 1 and standard deviation `spread`, by `key`.

    The error of a driver on a link is the sum of four uniform numbers, which is nearly normal and
    never exceeds 3.5 standard deviations.
    """

    key: np.uint64
    spread: float


@inner
def seconds_at(timed: Timed, k: int, t: float) -> float:
    """Return the time of link `k` for who enters it at `t`."""
    at = (t - timed.begin_s) / timed.span_s - 0.5
    last = len(timed.seconds) - 1
    if at <= 0.0:
        return float(timed.seconds[0, k])
    if at >= last:
        return float(timed.seconds[last, k])
    i = int(at)
    part = at - i
    return (1.0 - part) * float(timed.seconds[i, k]) + part * float(timed.seconds[i + 1, k])


@inner
def factor_of(perception: Perception, driver: int, k: int) -> float:
    """Return how many times its true time a driver takes link `k` to need."""
    if perception.spread == 0.0:
        return 1.0
    z = rng.mix(rng.mix(perception.key ^ np.uint64(driver)) ^ np.uint64(k))
    total = float(z & _LOW) + float((z >> _S16) & _LOW)
    total += float((z >> _S32) & _LOW) + float(z >> _S48)
    return 1.0 + perception.spread * _SQRT3 * (total / 65_535.0 - 2.0)


@inner
def timed_search(
    graph: RoadGraph,
    timed: Timed,
    perception: Perception,
    x: F32,
    y: F32,
    max_speed: np.float32,
    driver: int,
    origin: int,
    destination: int,
    depart_s: float,
    tree: Tree,
    clock: F32,
) -> bool:
    """Find the way that `driver` takes for the fastest; fills `tree.step`; return whether any.

    As `routing.astar`, with labels in perceived seconds and a clock of true ones beside them, by
    which the times of the links ahead are read.

    Parameters
    ----------
    max_speed
        Which no link exceeds in any slice, as anybody perceives it.
    clock
        (L,) scratch.
    """
    label, step, _, heap = tree
    turn_ptr, turn_to, turn_cost = graph.turn_ptr, graph.turn_to, graph.turn_cost
    label[:] = INF
    step[:] = -1
    pace = np.float32(0.99999) / max_speed
    x_end, y_end = x[destination], y[destination]
    n = 0
    k = origin
    leave = np.float32(0.0)
    now = np.float32(seconds_at(timed, origin, depart_s))
    while True:
        for t in range(turn_ptr[k], turn_ptr[k + 1]):
            j = turn_to[t]
            if timed.extra[j] == INF:
                continue
            d = np.float32(leave + turn_cost[t] + timed.extra[j])
            if d < label[j]:
                label[j] = d
                step[j] = t
                clock[j] = now + turn_cost[t]
                bound = np.float32(np.sqrt((x[j] - x_end) ** 2 + (y[j] - y_end) ** 2) * pace)
                if n < len(heap) - 1:
                    push(heap, n, entry_of(np.float32(d + bound), j))
                    n += 1
        if n == 0:
            return False
        k, _ = take_first(heap, n)
        n -= 1
        if k == destination:
            return True
        here = seconds_at(timed, k, depart_s + float(clock[k]))
        now = np.float32(clock[k] + here)
        leave = np.float32(label[k] + here * factor_of(perception, driver, k))


@njit
def fastest_of_trips(
    graph: RoadGraph,
    timed: Timed,
    perception: Perception,
    x: F32,
    y: F32,
    max_speed: np.float32,
    number: I64,
    origin: I32,
    destination: I32,
    depart_s: F64,
    tree: Tree,
    clock: F32,
) -> tuple[I32, I32]:
    """Return the length of every trip's perceived fastest way (0: none) and all links in a row.

    A trip from a link to itself is that link.
    """
    length = np.zeros(len(number), np.int32)
    links = np.empty(max(1024, 32 * len(number)), np.int32)
    filled = 0
    for i in range(len(number)):
        if origin[i] == destination[i]:
            way = np.full(1, origin[i], np.int32)
        elif timed_search(
            graph, timed, perception, x, y, max_speed, number[i], origin[i], destination[i],
            depart_s[i], tree, clock,
        ):  # fmt: skip
            way = path_from(graph, tree, origin[i], destination[i])
        else:
            continue
        while filled + len(way) > len(links):
            links = doubled(links)
        links[filled : filled + len(way)] = way
        filled += len(way)
        length[i] = len(way)
    return length, links[:filled].copy()


@njit
def times_of_trips(
    graph: RoadGraph,
    timed: Timed,
    perception: Perception,
    number: I64,
    depart_s: F64,
    ptr: I32,
    link: I32,
    seconds: F64,
    perceived: F64,
) -> None:
    """Write what every route takes, and what its driver takes it to cost; infinite if barred.

    Both hold the first and the last link in full.
    """
    for i in range(len(number)):
        spent = 0.0
        cost = 0.0
        for at in range(ptr[i], ptr[i + 1]):
            k = link[at]
            here = seconds_at(timed, k, depart_s[i] + spent)
            spent += here
            cost += here * factor_of(perception, number[i], k)
            if at > ptr[i]:
                cost += timed.extra[k]
            if at + 1 < ptr[i + 1]:
                pause = np.inf
                for t in range(graph.turn_ptr[k], graph.turn_ptr[k + 1]):
                    if graph.turn_to[t] == link[at + 1]:
                        pause = np.float64(graph.turn_cost[t])
                spent += pause
                cost += pause
        seconds[i] = spent
        perceived[i] = cost
