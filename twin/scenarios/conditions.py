"""What the weather and the work zones of a scenario mean for the roads.

Capacities are those of the Highway Capacity Manual 2010, exhibit 10-15 (rain below 0.10, below 0.25
and above 0.25 in/h; snow below 0.05, below 0.10 and above 0.50 in/h; visibility of 0.25 to 0.50
miles). Speeds are those of SHRP 2 L08, exhibit 36-25, at 55 mph, which the manual's 6th edition
holds as exhibit 11-21; those in light rain are of Hranac et al. 2006 (FHWA-HOP-07-073: 2 to 3.6%).
All were measured on motorways; here they hold on every road.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from twin.core.units import KMH
from twin.network.conditions import Conditions
from twin.network.graph import Network
from twin.scenarios.change_kinds import Change, Sky, Weather, WorkZone
from twin.scenarios.named_roads import links_of

FACTORS: dict[Sky, tuple[float, float]] = {
    "rain-light": (0.97, 0.98),
    "rain-medium": (0.96, 0.93),
    "rain-heavy": (0.94, 0.86),
    "snow-light": (0.94, 0.96),
    "snow-medium": (0.92, 0.91),
    "snow-heavy": (0.88, 0.78),
    "fog": (0.95, 0.88),
}
"""Of free-flow speed and of capacity."""


def factors(change: Weather) -> tuple[float, float]:
    """Return the factors of a weather on free-flow speeds and on capacities."""
    speed, capacity = FACTORS[change.sky]
    return (
        speed if change.speed_factor is None else change.speed_factor,
        capacity if change.capacity_factor is None else change.capacity_factor,
    )


def conditions_of(changes: Iterable[Change], network: Network) -> Conditions:
    """Return how roads are driven while `changes` hold; the lowest of each figure counts."""
    now = Conditions.clear(network.n_links)
    for change in changes:
        if isinstance(change, Weather):
            speed, capacity = factors(change)
            now = now._replace(speed=min(now.speed, speed), capacity=min(now.capacity, capacity))
        elif isinstance(change, WorkZone):
            links = links_of(change, network)
            now.lane_veh_h[links] = np.minimum(now.lane_veh_h[links], change.lane_veh_h)
            if change.speed_limit_kmh is not None:
                limit = change.speed_limit_kmh * KMH
                now.limit_mps[links] = np.minimum(now.limit_mps[links], limit)
    return now
