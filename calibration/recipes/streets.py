"""Which streets trips start and end on: those of a zone, and the one at a gate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely

from twin.core.errors import InputError
from twin.network.geometry import Projection
from twin.network.graph import Network, RoadClass

NEAR_M = 100.0
SHORTEST_LINK_M = 40.0
FEWEST_LINKS = 4
GATE_REACH_M = 400.0
SHORTEST_GATE_M = 150.0


def zone_streets(shapes: Mapping[int, shapely.Geometry], network: Network) -> pd.DataFrame:
    """Return the rows of `zone_links` of zones given as polygons in degrees.

    A zone has the streets whose middle lies in it or within `NEAR_M` of it, by their length, and
    the nearest ones if those are fewer than `FEWEST_LINKS`. Nobody starts on a motorway or trunk,
    nor on a stub shorter than `SHORTEST_LINK_M`.
    """
    projection = Projection(network.lon0, network.lat0)
    first, last = network.geom_ptr[:-1], network.geom_ptr[1:] - 1
    mid_x = (network.geom_x[first] + network.geom_x[last]) / 2.0
    mid_y = (network.geom_y[first] + network.geom_y[last]) / 2.0
    usable = np.flatnonzero(
        (network.link_class > RoadClass.TRUNK) & (network.link_length >= SHORTEST_LINK_M)
    )
    middles = shapely.points(mid_x[usable], mid_y[usable])
    tree = shapely.STRtree(middles)
    rows = []
    for zone, shape in sorted(shapes.items()):
        local = shapely.transform(
            shape, lambda points: np.stack(projection.forward(*points.T), axis=-1)
        )
        found = tree.query(local, predicate="dwithin", distance=NEAR_M)
        if len(found) < FEWEST_LINKS:
            found = np.argsort(shapely.distance(middles, local), kind="stable")[:FEWEST_LINKS]
        links = np.sort(usable[found])
        length = network.link_length[links]
        rows.append(pd.DataFrame({"zone_id": zone, "link": links, "weight": length / length.sum()}))
    return pd.concat(rows, ignore_index=True)


def link_towards(network: Network, lon: float, lat: float, bearing: float, *, name: str) -> int:
    """Return the widest link near a point that leads in a direction and has room to enter.

    Raises
    ------
    InputError
        If no link does.
    """
    x, y = Projection(network.lon0, network.lat0).forward(lon, lat)
    ends = network.geom_ptr[1:] - 1
    starts = network.geom_ptr[:-1]
    lines = shapely.linestrings(
        np.stack(
            [
                np.stack([network.geom_x[starts], network.geom_y[starts]], axis=-1),
                np.stack([network.geom_x[ends], network.geom_y[ends]], axis=-1),
            ],
            axis=1,
        )
    )
    distance = shapely.distance(lines, shapely.Point(float(x), float(y)))
    heading = np.degrees(
        np.arctan2(
            network.geom_x[ends] - network.geom_x[starts],
            network.geom_y[ends] - network.geom_y[starts],
        )
    )
    off = np.abs((heading - bearing + 180.0) % 360.0 - 180.0)
    near = np.flatnonzero(
        (distance <= GATE_REACH_M) & (off <= 50.0) & (network.link_length >= SHORTEST_GATE_M)
    )
    if not len(near):
        raise InputError(f"no road leads through the gate {name!r}", file="network")
    order = np.lexsort((distance[near], -network.link_lanes[near].astype(int)))
    return int(near[order[0]])
