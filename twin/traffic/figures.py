"""What traffic tells of itself, whatever its fidelity: counts, ended trips, sums by link."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import F32, F64, I32, I64, U8


class Counters(NamedTuple):
    """Vehicles of trips since the start: `inserted = finished + running + removed` always.

    Attributes
    ----------
    inserted, finished, running
        Entered the road; reached their goal; are on the road, or stand in a bay beside it.
    waiting_to_insert
        Trips added that have not entered: not due, or without space at their first link.
    removed
        Ended where they stood because their goal was closed.
    strayed
        Times that a vehicle took another turn because it could not take its own.
    red_run
        Ordinary vehicles that passed a red light (always 0), without those of `cleared`.
    cleared
        Vehicles that stood in a junction to turn left on green and left it in the first seconds of
        red: at most two of a lane in each cycle.
    on_red
        Vehicles that turned on red where it is allowed, after a stop or rolling up in a queue.
    lane_changes, updates
        Lane changes; vehicles moved by one tick, emergency units among them.
    """

    inserted: int
    finished: int
    running: int
    waiting_to_insert: int
    removed: int
    strayed: int
    red_run: int
    cleared: int
    on_red: int
    lane_changes: int
    updates: int


class Finished(NamedTuple):
    """Trips that ended, as columns; `reached` is False for those that were removed.

    `speed_factor` is the driver's desired speed as a factor on the free-flow speed.
    """

    vehicle: I64
    kind: U8
    t_planned: F64
    t_depart: F64
    t_arrive: F64
    origin: I32
    destination: I32
    distance_m: F64
    reached: NDArray[np.bool_]
    speed_factor: F32


class LinkStats(NamedTuple):
    """What happened on every link since the last reset.

    Attributes
    ----------
    vehicle_seconds, metres
        (L,) time spent and distance driven by all vehicles on the link.
    left
        (L,) vehicles that left the link, at its end or at their goal.
    """

    vehicle_seconds: F64
    metres: F64
    left: I64


class Running(NamedTuple):
    """Vehicles on the road as a router sees them: number, link they are on, last link."""

    vehicle: I64
    link: I32
    goal: I32


def lanes_by_link(mask: NDArray[np.integer]) -> dict[int, tuple[int, ...]]:
    """Return the lanes of the links of which some bit is set."""
    return {
        link: tuple(n for n in range(int(mask[link]).bit_length()) if mask[link] >> n & 1)
        for link in np.flatnonzero(mask).tolist()
    }
