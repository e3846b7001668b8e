"""The way that a unit is given, in lanes or queues: it starts where the unit is, and ends ahead."""

from __future__ import annotations

import numpy as np

from twin.core.errors import InputError
from twin.network.graph import I32, Network, Place
from twin.traffic.books import END_M


def way_from(unit: int, link: int, route: I32) -> I32:
    """Return the route of a unit on `link`.

    Raises
    ------
    InputError
        If it does not start there.
    """
    path = np.ascontiguousarray(route, np.int32)
    if len(path) == 0 or path[0] != link:
        raise InputError(f"the route of unit {unit} does not start on link {link}")
    return path


def stop_on(network: Network, link: int, pos_m: float) -> float:
    """Return the nearest position to `pos_m` at which a unit can stop on a link."""
    return min(float(pos_m), float(network.link_length[link]) - END_M)


def unit_way(
    network: Network, unit: int, place: Place, route: I32, end_pos_m: float
) -> tuple[I32, float, float]:
    """Return the route of a unit that enters the road, where it starts and where it ends.

    Raises
    ------
    InputError
        If the route does not start at the place, or ends behind the start.
    """
    path = way_from(unit, place.link, route)
    end = stop_on(network, int(path[-1]), end_pos_m)
    pos = stop_on(network, int(path[0]), place.pos_m)
    if len(path) == 1 and end < pos:
        raise InputError(f"unit {unit} would arrive at {end:.1f} m, behind {pos:.1f} m")
    return path, pos, end
