"""Lanes, speed and capacity where the source does not say, by road class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.units import KMH
from twin.network.draft import Draft
from twin.network.graph import RoadClass

F64 = NDArray[np.float64]

MIN_KNOWN = 30
MIN_KNOWN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class ClassDefault:
    """What a link of one class is taken to be.

    Attributes
    ----------
    lanes
        Lanes of one direction.
    speed_mps
        Free-flow speed, m/s.
    capacity
        Vehicles per hour and lane, signals not counted.
    """

    lanes: int
    speed_mps: float
    capacity: float


# Round figures for city streets: lanes and speeds as commonly built and posted, capacities between
# those of a freeway lane (2,000 veh/h and more, HCM) and of a narrow street with parking.
DEFAULTS: dict[RoadClass, ClassDefault] = {
    RoadClass.MOTORWAY: ClassDefault(3, 80 * KMH, 2000.0),
    RoadClass.TRUNK: ClassDefault(3, 70 * KMH, 1900.0),
    RoadClass.PRIMARY: ClassDefault(2, 60 * KMH, 1700.0),
    RoadClass.SECONDARY: ClassDefault(2, 50 * KMH, 1600.0),
    RoadClass.TERTIARY: ClassDefault(1, 50 * KMH, 1400.0),
    RoadClass.RESIDENTIAL: ClassDefault(1, 30 * KMH, 900.0),
    RoadClass.SERVICE: ClassDefault(1, 20 * KMH, 500.0),
}
RAMP_LANES = 1
RAMP_SPEED_MPS = 50 * KMH


def impute(draft: Draft) -> tuple[F64, dict[str, float]]:
    """Fill unknown lanes and speeds in place.

    A class takes the median of its own known links when at least `MIN_KNOWN` of them and a tenth
    of the class are known, else the entry of `DEFAULTS`. Slip roads have defaults of their own.

    Returns
    -------
    capacity
        (L,) vehicles per hour of all lanes.
    shares
        Share of the road length whose lanes and speeds were imputed, 0 to 1.
    """
    length = draft.link_length
    no_lanes = draft.link_lanes == 0
    no_speed = ~np.isfinite(draft.link_speed)
    total = max(float(length.sum()), 1.0)
    shares = {
        "lanes": float(length[no_lanes].sum()) / total,
        "speed": float(length[no_speed].sum()) / total,
        "capacity": 1.0,
    }
    capacity = np.zeros(draft.n_links)
    for road_class in RoadClass:
        default = DEFAULTS[road_class]
        of_class = draft.link_class == road_class
        for ramp in (False, True):
            here = of_class & (draft.link_ramp == ramp)
            lanes = float(RAMP_LANES if ramp else default.lanes)
            speed = min(RAMP_SPEED_MPS, default.speed_mps) if ramp else default.speed_mps
            known_lanes = draft.link_lanes[here & ~no_lanes].astype(np.float64)
            known_speed = draft.link_speed[here & ~no_speed]
            count = int(here.sum())
            draft.link_lanes[here & no_lanes] = round(_typical(known_lanes, count, lanes))
            draft.link_speed[here & no_speed] = _typical(known_speed, count, speed)
        capacity[of_class] = default.capacity * draft.link_lanes[of_class]
    return capacity, shares


def _typical(known: F64, count: int, default: float) -> float:
    """Return the median of what is known of a class, or the default when that is too little."""
    if len(known) < MIN_KNOWN or len(known) < MIN_KNOWN_SHARE * count:
        return default
    return float(np.median(known))
