"""The arcs of a network's turns, and what a turn takes."""

from __future__ import annotations

import numpy as np

from twin.network.graph import F32, I32, Network, TurnKind
from twin.traffic.kernels.routing import RoadGraph, Tree

LEFT_S = 4.0
"""Slowing down for and driving through a left turn, seconds (assumption)."""
RIGHT_S = 2.0
"""The same for a right turn."""
U_TURN_S = 15.0
"""The same for a U-turn."""
YIELD_S = 3.0
"""Looking for a gap where a turn without signals gives way, seconds (assumption)."""
MIN_COST_S = 0.1
"""Least time of a link: rounding never makes a label equal its successor's."""


def turn_costs(network: Network) -> F32:
    """Return (T,) seconds that a turn takes beside its links, waiting at signals not counted."""
    by_kind = np.zeros(len(TurnKind), np.float32)
    by_kind[TurnKind.RIGHT] = RIGHT_S
    by_kind[TurnKind.LEFT] = LEFT_S
    by_kind[TurnKind.U_TURN] = U_TURN_S
    yields = np.asarray((network.turn_yield > 0) & (network.turn_group < 0), np.float32)
    cost: F32 = by_kind[network.turn_kind] + np.float32(YIELD_S) * yields
    return cost


def graph_of_turns(n_links: int, turn_from: I32, turn_to: I32, cost: F32) -> RoadGraph:
    """Return the arcs of the search in both directions; turns are given by their from-link."""
    ptr = np.zeros(n_links + 1, np.int32)
    np.cumsum(np.bincount(turn_from, minlength=n_links), out=ptr[1:])
    by_target = np.argsort(turn_to, kind="stable").astype(np.int32)
    back_ptr = np.zeros(n_links + 1, np.int32)
    np.cumsum(np.bincount(turn_to, minlength=n_links), out=back_ptr[1:])
    return RoadGraph(
        ptr,
        turn_from,
        turn_to,
        cost,
        back_ptr,
        by_target,
        turn_from[by_target],
        cost[by_target],
    )


def road_graph(network: Network) -> RoadGraph:
    """Return the arcs of a network's turns."""
    return graph_of_turns(
        network.n_links,
        network.turn_from,
        network.turn_to.astype(np.int32),
        turn_costs(network),
    )


def new_tree(graph: RoadGraph) -> Tree:
    """Return the space of one search."""
    n_links = len(graph.turn_ptr) - 1
    room = n_links + len(graph.turn_to) + 1
    return Tree(
        np.empty(n_links, np.float32),
        np.empty(n_links, np.int32),
        np.zeros(n_links, np.uint8),
        np.empty(room, np.int64),
    )
