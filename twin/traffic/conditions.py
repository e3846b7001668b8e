"""What weather, work zones and passers-by do to free-flow speeds and headways.

A lane of the intelligent driver model carries at most what its equilibrium gives (see
`kernels.carfollowing`); drivers whose lane shall carry less keep a longer time headway.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.core.clock import HOUR_S
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, Place
from twin.traffic.storage import Checkpoint
from twin.traffic.types import Kind, Kinds

REFERENCE_MPS = 50.0 / 3.6
"""Free-flow speed at which the headway of a weather has its capacity; at 30 to 100 km/h it is at
most 1.5% away."""
LONGEST_S = 60.0
BEFORE_M = 100.0
"""Drivers slow from so far before what they look at."""
BEHIND_M = 20.0
"""Until so far behind it."""
_SPEEDS = np.linspace(0.01, 0.99, 491)
_STEPS = 40


class Slowing(NamedTuple):
    """Passers-by on a stretch of a link: `share` of the speed, and of what its lanes carry."""

    link: int
    begin_m: float
    end_m: float
    share: float

    @staticmethod
    def around(place: Place, share: float) -> Slowing:
        """Return the stretch on which drivers pass `place`."""
        return Slowing(place.link, place.pos_m - BEFORE_M, place.pos_m + BEHIND_M, share)


def lane_capacity(free: ArrayLike, kind: Kind, headway_s: ArrayLike | None = None) -> F64:
    """Return the greatest equilibrium flow of a lane, veh/h (Treiber et al. 2000, eq. (9)).

    Parameters
    ----------
    free
        Free-flow speeds, m/s.
    kind
        Vehicles and drivers, of whom all want the free-flow speed.
    headway_s
        Their time headway, if not the kind's.
    """
    headway = np.asarray(kind.headway_s if headway_s is None else headway_s, np.float64)
    v = np.asarray(free, np.float64)[..., None] * _SPEEDS
    gap = (kind.standstill_m + v * headway[..., None]) / np.sqrt(1.0 - _SPEEDS**4)
    most: F64 = HOUR_S * (v / (gap + kind.length_m)).max(axis=-1)
    return most


def capacity_share(conditions: Conditions, free: F32) -> F64:
    """Return (L,) what a lane carries over what it carries on a dry day without work.

    Parameters
    ----------
    conditions
        That hold.
    free
        (L,) free-flow speeds of a dry day, m/s.
    """
    whole = lane_capacity(free, Kinds().car)
    return conditions.capacity * np.minimum(1.0, conditions.lane_veh_h / whole)


def headway_for(wanted: ArrayLike, free: ArrayLike, kind: Kind) -> F64:
    """Return the time headways at which lanes carry `wanted` veh/h, never below the kind's.

    Parameters
    ----------
    wanted, free
        Capacity, veh/h, and free-flow speed, m/s, of each lane.
    kind
        Vehicles and drivers.
    """
    target, speed = np.broadcast_arrays(np.asarray(wanted, np.float64), np.asarray(free))
    low = np.full(target.shape, kind.headway_s)
    high = np.full(target.shape, LONGEST_S)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        carries = lane_capacity(speed, kind, middle) > target
        low, high = np.where(carries, middle, low), np.where(carries, high, middle)
    # The upper end also where the kind's own headway is long enough: then it came down to it.
    return high


def save_slowings(slowings: dict[int, Slowing]) -> Checkpoint:
    """Return the stretches that are driven slowly as an array, by token."""
    rows = [(token, *one) for token, one in slowings.items()]
    return {"slowings": np.array(rows, np.float64).reshape(-1, 5)}


def load_slowings(parts: Checkpoint) -> dict[int, Slowing]:
    """Return what `save_slowings` saved."""
    return {
        int(token): Slowing(int(link), begin, end, share)
        for token, link, begin, end, share in parts["slowings"].tolist()
    }


def save_conditions(now: Conditions) -> Checkpoint:
    """Return conditions as arrays."""
    return {
        "weather": np.array([now.speed, now.capacity]),
        "zones": np.stack([now.limit_mps, now.lane_veh_h]),
    }


def load_conditions(parts: Checkpoint) -> Conditions:
    """Return what `save_conditions` saved."""
    speed, capacity = parts["weather"].tolist()
    limit, most = parts["zones"]
    return Conditions(speed, capacity, np.array(limit), np.array(most))
