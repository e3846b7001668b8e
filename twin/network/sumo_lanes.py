"""Between which lanes of SUMO edges a movement leads, and which of them are for buses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from twin.network.graph import I64, U8
from twin.network.sumo_read import Edge, SumoFile

ACROSS = "connections of bus lanes across other lanes left out"
BUSES_ONLY = "connections for buses only left out"


def bus_lanes(edges: Sequence[Edge]) -> list[tuple[int, int]]:
    """Return link and lane of the lanes that are for buses only."""
    return [
        (link, place)
        for link, edge in enumerate(edges)
        for place, lane in enumerate(edge.lanes)
        if lane.bus
    ]


def turn_lanes(
    file: SumoFile,
    edges: Sequence[Edge],
    ends: tuple[I64, I64],
    rows: Sequence[Sequence[int]],
    counts: Counter[str],
) -> tuple[U8, U8]:
    """Return the first and the last lane from which each movement of cars starts.

    Parameters
    ----------
    file
        What the file says.
    edges
        Of the links.
    ends
        (T,) link that a movement leaves, and the one that it enters.
    rows
        Connections for cars of each movement.
    counts
        Told what does not fit.
    """
    low = np.zeros(len(rows), np.uint8)
    high = np.zeros(len(rows), np.uint8)
    buses = _joined_for_buses(file, edges, ends, counts)
    for turn, connections in enumerate(rows):
        edge = edges[ends[0][turn]]
        own = {edge.own_lane(file.connections[row].from_lane) for row in connections}
        first, last = min(own), max(own)
        counts["movements with a lane between that has none"] += len(own) <= last - first
        # A bus lane counts where it lies beside; nobody turns from between it and the others.
        added = buses.get(turn, set())
        while first - 1 in added:
            first -= 1
        while last + 1 in added:
            last += 1
        low[turn], high[turn] = first, last
        counts[ACROSS] += sum(not first <= lane <= last for lane in added)
    return low, high


def own_lanes(
    file: SumoFile,
    edges: Sequence[Edge],
    ends: tuple[I64, I64],
    rows: Sequence[Sequence[int]],
    low: U8,
) -> tuple[I64, I64]:
    """Return the movements with lanes of their own, ascending, and where the first of each leads.

    Such are those without a light that enter an edge from several others, each in lanes that no
    other of these edges leads to, and lane by lane.

    Parameters
    ----------
    file, edges, ends, rows
        As `turn_lanes` has them.
    low
        (T,) first lane from which each movement starts: a bus lane, where one lies beside.
    """
    into: dict[int, list[int]] = {}
    for turn, link in enumerate(ends[1].tolist()):
        into.setdefault(link, []).append(turn)
    found: list[tuple[int, int]] = []
    for link, turns in into.items():
        joined = [[file.connections[row] for row in rows[turn]] for turn in turns]
        entered = [{edges[link].own_lane(c.to_lane) for c in ways} for ways in joined]
        shared = sum(map(len, entered)) > len(set().union(*entered))
        if len(turns) < 2 or shared or any(c.light for ways in joined for c in ways):
            continue
        for turn, ways in zip(turns, joined, strict=True):
            start = edges[ends[0][turn]]
            shift = {edges[link].own_lane(c.to_lane) - start.own_lane(c.from_lane) for c in ways}
            first = int(low[turn]) + min(shift)
            if len(shift) == 1 and first >= 0:
                found.append((turn, first))
    both = np.array(sorted(found), np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def _joined_for_buses(
    file: SumoFile, edges: Sequence[Edge], ends: tuple[I64, I64], counts: Counter[str]
) -> dict[int, set[int]]:
    """Return the bus lanes that the file joins with the goal of each movement of cars."""
    turn_of = {
        (edges[a].id, edges[b].id): turn
        for turn, (a, b) in enumerate(zip(ends[0].tolist(), ends[1].tolist(), strict=True))
    }
    found: dict[int, set[int]] = {}
    for joined in file.connections:
        start, end = file.edges.get(joined.start), file.edges.get(joined.end)
        if start is None or end is None or end.own_lane(joined.to_lane) < 0:
            continue
        lane = start.own_lane(joined.from_lane)
        if lane < 0 or not start.lanes[lane].bus:
            continue
        turn = turn_of.get((joined.start, joined.end))
        if turn is None:
            counts[BUSES_ONLY] += 1
        else:
            found.setdefault(turn, set()).add(lane)
    return found
