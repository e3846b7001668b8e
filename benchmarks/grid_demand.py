"""Trips over a grid of streets, the same for every engine that is compared."""

from __future__ import annotations

import numpy as np

from twin.demand.trips import Trips
from twin.network.graph import Network


def grid_trips(network: Network, side: int, count: int, horizon_s: float, seed: int = 1) -> Trips:
    """Return `count` trips between random nodes of a `side` x `side` grid, by shortest staircases.

    Departures are uniform over the horizon. A route turns at a node with probability 0.3, and as
    it must at the row or the column of its goal; it never turns back.
    """
    rng = np.random.default_rng(seed)
    at = np.full((side * side, 4), -1, np.int32)  # east, north, west, south
    step = network.node_id[network.link_to] - network.node_id[network.link_from]
    way = np.select([step == 1, step == side, step == -1, step == -side], [0, 1, 2, 3])
    at[network.node_id[network.link_from], way] = np.arange(network.n_links)

    x, y, gx, gy = rng.integers(side, size=(4, 2 * count))
    far = np.flatnonzero(np.abs(x - gx) + np.abs(y - gy) >= 3)[:count]
    x, y, gx, gy = x[far], y[far], gx[far], gy[far]
    flat = rng.random(count) < 0.5
    steps = []
    going = np.arange(count)
    while len(going):
        turns = rng.random(count)[going] < 0.3
        level = np.where(turns, ~flat[going], flat[going])
        level = np.where(x[going] == gx[going], False, level)
        level = np.where(y[going] == gy[going], True, level)
        flat[going] = level
        sign = np.where(level, np.sign(gx[going] - x[going]), np.sign(gy[going] - y[going]))
        way = np.where(level, 0, 1) + np.where(sign > 0, 0, 2)
        links = at[y[going] * side + x[going], way]
        steps.append(np.stack([going, links]))
        x[going] += np.where(level, sign, 0)
        y[going] += np.where(level, 0, sign)
        going = going[(x[going] != gx[going]) | (y[going] != gy[going])]
    every = np.concatenate(steps, axis=1)
    every = every[:, np.argsort(every[0], kind="stable")]
    ptr = np.searchsorted(every[0], np.arange(count + 1)).astype(np.int32)
    links = every[1].astype(np.int32)
    end = network.link_length[links[ptr[1:] - 1]] - 1.0
    depart = np.sort(rng.uniform(0.0, horizon_s, count)).round(1)
    return Trips(depart, np.zeros(count, np.uint8), ptr, links, end.astype(np.float32))
