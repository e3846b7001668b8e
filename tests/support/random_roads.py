"""Random street plans, and the networks made of them."""

from __future__ import annotations

import numpy as np

from twin.core.errors import InputError
from twin.network.build import BuildOptions, build_network, raw_roads
from twin.network.geometry import Projection
from twin.network.graph import Network, RoadClass

SIDE = 5
PROJECTION = Projection(127.0, 37.5)


def random_roads(seed: int):
    """A grid that is bent, thinned, partly one-way, partly close together, with some diagonals."""
    rng = np.random.default_rng(seed)
    number = np.arange(SIDE * SIDE)
    row, col = number // SIDE, number % SIDE
    # Some columns stand only a few metres apart, as the sides of a divided road do.
    gaps = rng.choice([8.0, 20.0, 120.0, 250.0], SIDE)
    x = np.cumsum(gaps)[col] + rng.uniform(-2, 2, len(number))
    y = np.cumsum(rng.choice([15.0, 100.0, 180.0], SIDE))[row] + rng.uniform(-2, 2, len(number))
    lon, lat = PROJECTION.inverse(x, y)
    pairs = [(k, k + 1) for k in number if col[k] < SIDE - 1]
    pairs += [(k, k + SIDE) for k in number if row[k] < SIDE - 1]
    pairs += [(k, k + SIDE + 1) for k in number if col[k] < SIDE - 1 and row[k] < SIDE - 1]
    keep = rng.random(len(pairs)) < np.where(
        np.arange(len(pairs)) < 2 * SIDE * (SIDE - 1), 0.9, 0.1
    )
    columns: dict[str, list] = {"start": [], "end": [], "lanes": [], "kind": [], "ramp": []}
    for k in np.flatnonzero(keep):
        a, b = pairs[k]
        lanes, kind = int(rng.integers(0, 6)), int(rng.integers(0, 6))
        ends = [(a, b), (b, a)] if rng.random() < 0.75 else [(a, b)]
        for start, end in ends:
            columns["start"].append(start)
            columns["end"].append(end)
            columns["lanes"].append(lanes)
            columns["kind"].append(kind)
            columns["ramp"].append(kind == RoadClass.MOTORWAY and lanes == 1)
    count = len(columns["start"])
    bans = rng.integers(0, count, (2, 4))
    return raw_roads(
        node_id=number + 100,
        node_lon=lon,
        node_lat=lat,
        node_signal=rng.random(len(number)) < 0.5,
        link_from=np.asarray(columns["start"]) + 100,
        link_to=np.asarray(columns["end"]) + 100,
        link_lanes=columns["lanes"],
        link_class=columns["kind"],
        link_ramp=columns["ramp"],
        restrictions=(bans[0], bans[1], np.zeros(4, bool)),
    )


def build(seed: int) -> Network | None:
    try:
        options = BuildOptions(origin=(127.0, 37.5), right_on_red=seed % 2 == 1)
        return build_network(random_roads(seed), options=options)[0]
    except InputError:
        return None
