"""Trips of downtown Seoul: published city totals, spread by gravity over zones and gates.

Nobody publishes trips between the dong of downtown, so this is a model throughout: ends by
residents and jobs, distances by a deterrence curve, and through traffic by the width of the roads
that are cut at the edge of the map.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.seoul.demand import OCCUPANCY
from twin.city.seoul.facts import targets
from twin.network.graph import Network, RoadClass

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

GATE_ZONE = 10_000
"""Gate g has the zones `GATE_ZONE + 2 g` (in) and `GATE_ZONE + 2 g + 1` (out)."""
EDGE_M = 350.0
"""A road that ends within so many metres of the edge of the map is cut there."""
GATE_APART_M = 250.0
LANE_DAY = 6_500.0
"""Vehicles a day on a lane of a cut road (assumed; main roads count about 9,000)."""
DETERRENCE_M = 3_000.0
SHORTEST_M = 40.0
MEAN_WALK_M = 900.0
"""Trips much shorter than this are walked."""
THROUGH_FACTOR = 0.35
"""Trips from gate to gate against what gravity alone would give (assumed)."""
ROUNDS = 40


def find_gates(network: Network) -> tuple[I64, I64]:
    """Return the inbound and the outbound link of each gate, (G,) and (G,).

    A gate is a secondary road or better, in both directions, with an end near the edge of the map;
    of several within `GATE_APART_M` the widest counts.
    """
    start, end, kind = network.link_from, network.link_to, network.link_class
    x, y = network.node_x, network.node_y
    to_edge = np.minimum.reduce([x - x.min(), x.max() - x, y - y.min(), y.max() - y])
    main = (kind <= RoadClass.SECONDARY) & (network.link_length >= SHORTEST_M)
    inward = np.flatnonzero(main & (to_edge[start] < EDGE_M) & (to_edge[end] > to_edge[start]))
    outward = np.flatnonzero(main & (to_edge[end] < EDGE_M) & (to_edge[start] > to_edge[end]))
    lanes = network.link_lanes.astype(int)
    order = inward[np.lexsort((inward, -network.link_length[inward], -lanes[inward]))]
    gates: list[tuple[int, int]] = []
    for link in order.tolist():
        here = start[link]
        away = np.hypot(x - x[here], y - y[here])
        back = outward[away[end[outward]] < GATE_APART_M]
        if not len(back) or any(away[start[gate]] < GATE_APART_M for gate, _ in gates):
            continue
        gates.append((link, int(back[np.lexsort((back, -lanes[back]))[0]])))
    pairs = np.array(sorted(gates), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def trips(zones: pd.DataFrame, network: Network, gates: tuple[I64, I64]) -> pd.DataFrame:
    """Return the table `od`; the gates' zones stand last in `zones`, in and out by turns.

    Cells are gravity weights, balanced to the trip ends (Furness 1965): a zone's are its share of
    the city's residents and jobs of the published car and taxi trips, a gate's follow its lanes.
    """
    fact = targets()
    share = fact["share_car"] + fact["share_taxi"]
    total = fact["population"] * fact["trips_per_person"] * share / OCCUPANCY
    inner = zones["zone_id"].to_numpy() < GATE_ZONE
    n, g = int(inner.sum()), len(gates[0])
    ends = 0.5 * total * (zones["population_share"] + zones["job_share"]).to_numpy()[inner]
    lanes = network.link_lanes[gates[0]].astype(float)
    out_of = np.concatenate([ends, lanes * LANE_DAY])
    into = np.concatenate([ends, lanes * LANE_DAY])
    x = np.concatenate([zones["x"].to_numpy()[inner], network.node_x[network.link_from[gates[0]]]])
    y = np.concatenate([zones["y"].to_numpy()[inner], network.node_y[network.link_from[gates[0]]]])
    away = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    weight = np.exp(-away / DETERRENCE_M) * (1.0 - np.exp(-((away / MEAN_WALK_M) ** 2)))
    weight[n:, n:] *= THROUGH_FACTOR
    weight[np.arange(n, n + g), np.arange(n, n + g)] = 0.0
    for _ in range(ROUNDS):
        weight *= (into / weight.sum(axis=0))[None, :]
        weight *= (out_of / weight.sum(axis=1))[:, None]
    own = zones["zone_id"].to_numpy()[inner]
    origin = np.concatenate([own, GATE_ZONE + 2 * np.arange(g)])
    destination = np.concatenate([own, GATE_ZONE + 2 * np.arange(g) + 1])
    row, column = np.nonzero(weight >= 0.05)
    return pd.DataFrame(
        {
            "origin": origin[row].astype(np.int32),
            "destination": destination[column].astype(np.int32),
            "trips_per_day": weight[row, column].astype(np.float32),
        }
    )
