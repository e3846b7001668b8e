"""How many drive from where to where: a gravity model held to the published totals.

The doubly constrained gravity model is balanced by Furness' method (Furness 1965); its deterrence
is `exp(-b t)` of the travel time, damped for trips that people walk, and `b` is found by bisection
so that the mean trip inside the city has the published length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from twin.city.seoul.facts import targets
from twin.city.seoul.roads import Roads, road_lengths
from twin.city.seoul.skims import (
    Graph,
    Trees,
    grow,
    hangs_together,
    load,
    marked,
    sums,
    unique_edges,
)
from twin.city.seoul.zones import Zones
from twin.core.units import KMH
from twin.network.graph import RoadClass

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

OCCUPANCY = 1.29
"""Persons in a car or taxi; makes six million vehicle trips of the published person trips."""
OUTSIDE_SHARE = 0.10
"""Share of trips that begin outside the city, and of those that end there (assumed)."""
THROUGH_FACTOR = 0.15
"""Trips from gate to gate against what gravity alone would give (assumed)."""
JOB_SHARE = 0.2
"""Share of trip ends that follow jobs; the rest follows residents (assumed: few drive to work)."""
WALK_KM = 1.2
MAX_PAIRS = 90_000
FURNESS_ROUNDS = 25
VIEWS, EVENING, MAX_USE = 4, 18, 2.0
LANE_ROOM = (1_400.0, 500.0)
"""Vehicles an hour that a lane of an expressway, of a signalled street, carries well (assumed)."""
BUSY_KMH = {RoadClass.MOTORWAY: 50.0, RoadClass.TRUNK: 50.0, RoadClass.PRIMARY: 21.0}
"""Speeds by which paths are chosen: the published daily means by class."""
OTHER_KMH = 19.0
# Share of the weekday's trips in each hour. The full curve is not published; this one is ours. It
# is flat by day because the published speeds are: 07-09 (22.5 km/h) is faster than the whole day
# (21.7), so the hours between the peaks carry as much; 18-20 (19.8) carries the most.
WEEKDAY = (
    *(2.7, 1.9, 1.5, 1.2, 1.3, 2.0, 3.8, 5.1, 5.5, 5.2, 5.1, 5.1),
    *(4.9, 5.1, 5.3, 5.4, 5.5, 5.7, 5.8, 5.2, 4.6, 4.4, 4.3, 3.4),
)
# The weekend's own curve: a late morning, the low point of speed at 16-17 as published.
WEEKEND = (
    *(3.2, 2.3, 1.6, 1.2, 1.1, 1.4, 2.1, 2.9, 3.8, 4.7, 5.4, 5.8),
    *(6.0, 6.2, 6.3, 6.4, 6.5, 6.3, 6.0, 5.4, 4.7, 4.3, 3.6, 2.8),
)


@dataclass(frozen=True, slots=True)
class Demand:
    """Vehicle trips of a weekday between ends; an end is a zone or a gate.

    Attributes
    ----------
    n_zones
        Ends below this are zones; end `n_zones + g` is gate g.
    gate_in, gate_out
        (G, 3) number, start and end node in `Roads`, of the link on which trips from (to) each
        gate start (end); -1 where a gate has none.
    od
        (ends, ends) trips a day.
    """

    n_zones: int
    gate_in: I64
    gate_out: I64
    od: F64


@dataclass(frozen=True, slots=True)
class Mesh:
    """The main roads as a graph, with its links in `Roads`, the node of each end, and trees."""

    graph: Graph
    edge_link: I64
    ends: I64
    trees: Trees


def main_roads(roads: Roads, zones: Zones) -> Mesh:
    """Return the graph of main roads with shortest-time trees from each zone and each gate."""
    start, stop = np.array(roads.start), np.array(roads.stop)
    rank, metres = np.array(roads.rank), road_lengths(roads)
    kmh = np.array([BUSY_KMH.get(RoadClass(k), OTHER_KMH) for k in rank.tolist()])
    main = np.flatnonzero(rank <= RoadClass.SECONDARY)
    node, index = np.unique(np.concatenate([start[main], stop[main]]), return_inverse=True)
    half = len(main)
    graph, kept = unique_edges(
        len(node), index[:half], index[half:], metres[main] / (kmh[main] * KMH), metres[main]
    )
    node_of = np.full(len(roads.x), -1, np.int64)
    node_of[node] = np.arange(len(node))
    x, y = np.array(roads.x)[node], np.array(roads.y)[node]
    plain = np.zeros(len(node), np.bool_)
    streets = main[(np.array(roads.name)[main] < 0) & ~np.array(roads.ramp)[main]]
    plain[node_of[start[streets]]] = True
    plain &= ~np.array(roads.gate)[node] & hangs_together(graph)
    candidates = np.flatnonzero(plain)
    _, near = cKDTree(np.column_stack([x[candidates], y[candidates]])).query(
        np.column_stack([zones.x, zones.y])
    )
    gates = node_of[np.flatnonzero(np.array(roads.gate))]
    ends = np.concatenate([candidates[near], gates])
    return Mesh(graph, main[kept], ends, grow(graph, ends))


def gravity(roads: Roads, zones: Zones, mesh: Mesh) -> Demand:
    """Return the trips of a weekday in the whole city."""
    fact = targets()
    total = (
        fact["population"] * fact["trips_per_person"] * (fact["share_car"] + fact["share_taxi"])
    ) / OCCUPANCY
    gate = np.flatnonzero(np.array(roads.gate))
    link_in = np.array([roads.start.index(g) for g in gate.tolist()])
    link_out = np.array([roads.stop.index(g) for g in gate.tolist()])
    n_zones = len(zones.x)
    size = (
        JOB_SHARE * zones.jobs / zones.jobs.sum()
        + (1.0 - JOB_SHARE) * zones.population / zones.population.sum()
    )
    lanes = np.array(roads.lanes)[link_in].astype(float)
    lanes *= np.where(np.array(roads.rank)[link_in] <= RoadClass.TRUNK, 3.0, 1.0)
    minutes = mesh.trees.seconds[:, mesh.ends] / 60.0
    # A gate whose street ends blindly at a hill foot serves nobody.
    served = np.isfinite(minutes)
    lanes *= (served.mean(axis=0) > 0.5)[n_zones:] & (served.mean(axis=1) > 0.5)[n_zones:]
    ends = total * np.concatenate(
        [(1.0 - OUTSIDE_SHARE) * size, OUTSIDE_SHARE * lanes / lanes.sum()]
    )
    km = sums(mesh.trees, mesh.graph.metres)[:, mesh.ends] / 1000.0
    # Inside a zone one drives about half of the way to the next.
    own = np.arange(n_zones)
    nearest = np.partition(np.where(km[:n_zones, :n_zones] > 0, km[:n_zones, :n_zones], 99), 1)
    km[own, own] = 0.5 * nearest[:, 0]
    minutes[own, own] = km[own, own] / OTHER_KMH * 60.0
    od = _sparse(_calibrated(minutes, km, ends, n_zones, fact["trip_km"]), MAX_PAIRS)
    od *= total / od.sum()
    return Demand(n_zones, _named(roads, link_in), _named(roads, link_out), od)


def _named(roads: Roads, links: I64) -> I64:
    """Return number, start and end of links; a row of -1 for link -1."""
    start, stop = np.array(roads.start), np.array(roads.stop)
    rows = np.column_stack([links, start[links], stop[links]])
    return np.where(links[:, None] >= 0, rows, -1)


def _calibrated(minutes: F64, km: F64, ends: F64, n_zones: int, mean_km: float) -> F64:
    """Return the gravity matrix whose mean trip between zones is as long as asked."""
    keep = 1.0 - np.exp(-((km / WALK_KM) ** 2))
    keep[n_zones:, n_zones:] = THROUGH_FACTOR
    keep[np.arange(n_zones, len(ends)), np.arange(n_zones, len(ends))] = 0.0
    low, high = 0.0, 0.5
    od = keep
    for _ in range(18):
        slope = 0.5 * (low + high)
        od = _furness(keep * np.exp(-slope * minutes), ends)
        inner = od[:n_zones, :n_zones]
        mean = float((inner * km[:n_zones, :n_zones]).sum() / inner.sum())
        low, high = (slope, high) if mean > mean_km else (low, slope)
    return od


def _furness(weight: F64, ends: F64) -> F64:
    od = weight
    for _ in range(FURNESS_ROUNDS):
        od = od * (ends / np.maximum(od.sum(axis=0), 1e-12))[None, :]
        od = od * (ends / np.maximum(od.sum(axis=1), 1e-12))[:, None]
    return od


def _sparse(od: F64, pairs: int) -> F64:
    """Gather the smallest cells into about `pairs` of them, so that totals and lengths stay.

    Cells below a threshold are drawn systematically: one is kept, with the threshold as its value,
    wherever the running sum of the small cells passes a multiple of the threshold. (Dropping them
    would drop the long trips.)
    """
    low, high = 0.0, float(od.max())
    for _ in range(60):
        level = 0.5 * (low + high)
        low, high = (level, high) if np.minimum(od / level, 1.0).sum() > pairs else (low, level)
    small = np.where(od < high, od / high, 0.0).ravel()
    running = np.cumsum(small)
    taken = np.floor(running + 0.5) > np.floor(np.concatenate([[0.0], running[:-1]]) + 0.5)
    return np.where(od < high, taken.reshape(od.shape) * high, od)


def cordon(roads: Roads, mesh: Mesh, demand: Demand, inside: Flags, zone_in: I64) -> Demand:
    """Return the trips seen by a part of the city: each path cut to where it is inside.

    The paths are those of an evening hour with congestion: `VIEWS` all-or-nothing assignments, each
    on the times that the average of those before it makes (method of successive averages), and
    each carries its share.

    Parameters
    ----------
    inside
        (nodes of `Roads`,) whether the node is in the part.
    zone_in
        Zones in the part; they become zones 0, 1, ... of the result.
    """
    start, stop = np.array(roads.start)[mesh.edge_link], np.array(roads.stop)[mesh.edge_link]
    enters = ~inside[start] & inside[stop]
    leaves = inside[start] & ~inside[stop]
    gate_in, gate_out = np.flatnonzero(enters), np.flatnonzero(leaves)
    n_zones, n_in, n_out = len(zone_in), len(gate_in), len(gate_out)
    # Gates of the city that are in the part keep their links.
    own = np.flatnonzero(inside[demand.gate_in[:, 1]])
    place = np.full(len(demand.od), -1, np.int64)
    place[zone_in] = np.arange(n_zones)
    place[demand.n_zones + own] = n_zones + n_in + n_out + np.arange(len(own))
    number = np.full(len(start), -1, np.int64)
    number[gate_in] = n_zones + np.arange(n_in)
    number[gate_out] = n_zones + n_in + np.arange(n_out)
    size = n_zones + n_in + n_out + len(own)
    od, flow = np.zeros(size * size), np.zeros(len(start))
    rank = np.array(roads.rank)[mesh.edge_link]
    room = np.array(roads.lanes)[mesh.edge_link] * np.where(rank <= RoadClass.TRUNK, *LANE_ROOM)
    for view in range(VIEWS):
        slower = 1.0 + np.minimum(flow / room, MAX_USE) ** 4
        trees = grow(replace(mesh.graph, seconds=mesh.graph.seconds * slower), mesh.ends)
        flow += (WEEKDAY[EVENING] / 100.0 * _use(mesh, trees, demand) - flow) / (view + 1)
        # Each path is seen from its first entry to its last exit.
        entry = marked(trees, np.where(enters, number, -1), first=True)[:, mesh.ends]
        last = marked(trees, np.where(leaves, number, -1), first=False)[:, mesh.ends]
        row = np.where(place[:, None] >= 0, place[:, None], entry)
        col = np.where(place[None, :] >= 0, place[None, :], last)
        used = (row >= 0) & (col >= 0) & (demand.od > 0.0)
        code = row[used] * size + col[used]
        od += np.bincount(code, weights=demand.od[used] / VIEWS, minlength=size * size)
    gone_in, gone_out = np.full((n_in, 3), -1), np.full((n_out, 3), -1)
    first = _named(roads, mesh.edge_link[gate_in])
    second = _named(roads, mesh.edge_link[gate_out])
    return Demand(
        n_zones,
        np.concatenate([first, gone_out, demand.gate_in[own]]),
        np.concatenate([gone_in, second, demand.gate_out[own]]),
        od.reshape(size, size),
    )


def peak_use(roads: Roads, mesh: Mesh, demand: Demand) -> F64:
    """Return vehicles a day on each link of `Roads` when everyone takes the shortest path.

    An all-or-nothing assignment: the upper bound of how uneven traffic can be.
    """
    flow = np.zeros(len(roads.start))
    flow[mesh.edge_link] = _use(mesh, mesh.trees, demand)
    return flow


def _use(mesh: Mesh, trees: Trees, demand: Demand) -> F64:
    """Return (edges,) vehicles a day on the paths of the trees."""
    spread = np.zeros((len(mesh.ends), mesh.graph.n))
    row = np.repeat(np.arange(len(mesh.ends)), len(mesh.ends))
    np.add.at(spread, (row, np.tile(mesh.ends, len(mesh.ends))), demand.od.ravel())
    return load(trees, spread, len(mesh.graph.start))
