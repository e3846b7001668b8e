"""The network as the movement kernels see it: records for links and turns, signal groups, gaps.

Signals count from midnight: green of a group begins `offset + green_from` seconds into its cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import Network, RoadClass, TurnKind
from twin.traffic.kernels.layout import BIG, F32, GROUP, LINK, NODE, TURN, Net

CRITICAL_GAP_S = {
    TurnKind.RIGHT: 5.0,
    TurnKind.THROUGH: 6.0,
    TurnKind.LEFT: 6.0,
    TurnKind.U_TURN: 6.0,
}
"""Gap in the stream it gives way to that a driver on a minor road needs, seconds; rounded from the
base critical gaps of the Highway Capacity Manual (TRB 2016, chapter 20: 6.2 right, 6.5 through, 7.1
left), less the second that a vehicle here needs from the stop line into a junction without size."""
PERMITTED_LEFT_GAP_S = 4.5
"""The same for a left turn on green against the opposing stream (HCM, chapter 31)."""


def _merges(network: Network) -> NDArray[np.int8]:
    """Return (T,) 1 where a turn joins the stream it gives way to (2 on expressways), else 0."""
    foes = np.diff(network.foe_ptr)
    turn = np.repeat(np.arange(network.n_turns), foes)
    elsewhere = network.turn_to[network.foe_turn] != network.turn_to[turn]
    crosses = np.bincount(turn, weights=elsewhere, minlength=network.n_turns) > 0
    joins = (network.turn_group < 0) & (foes > 0) & ~crosses
    expressway = network.link_class[network.turn_to] <= RoadClass.TRUNK
    return (joins.astype(np.int8) * (1 + expressway)).astype(np.int8)


def kernel_network(network: Network, kinds: F32, *, speed_factor: float) -> Net:
    """Return the arrays that kernels use.

    Parameters
    ----------
    network
        The road network.
    kinds
        (6, 8) parameters by vehicle kind, see `twin.traffic.vehicles.Kinds`.
    speed_factor
        Factor on every free-flow speed.
    """
    lanes = network.link_lanes.astype(np.int64)
    lane0 = np.concatenate([[0], np.cumsum(lanes)])
    link = np.zeros(network.n_links, LINK)
    link["length"] = network.link_length
    link["speed"] = network.link_speed * np.float32(speed_factor)
    link["lane0"] = lane0[:-1]
    link["lanes"] = lanes
    link["node"] = network.link_to
    link["turn0"] = network.turn_ptr[:-1]
    link["turn1"] = network.turn_ptr[1:]
    link["siren_dist"] = BIG

    turn = np.zeros(network.n_turns, TURN)
    turn["to"] = network.turn_to
    turn["eta"] = BIG
    turn["group"] = network.turn_group
    turn["foe0"] = network.foe_ptr[:-1]
    turn["foe1"] = network.foe_ptr[1:]
    gaps = np.array([CRITICAL_GAP_S[kind] for kind in TurnKind], np.float32)
    turn["gap"] = gaps[network.turn_kind]
    turn["gap"][network.turn_group >= 0] = PERMITTED_LEFT_GAP_S
    turn["lane0"] = lane0[network.turn_to]
    turn["own0"] = np.repeat(lane0[:-1], np.diff(network.turn_ptr))
    turn["lanes"] = lanes[network.turn_to]
    turn["lo"] = network.turn_lane_lo
    turn["hi"] = network.turn_lane_hi
    turn["kind"] = network.turn_kind
    turn["gives_way"] = (network.turn_yield > 0) & (np.diff(network.foe_ptr) > 0)
    turn["merges"] = _merges(network) * (turn["gives_way"] > 0)
    respected = np.repeat(turn["gives_way"] > 0, np.diff(network.foe_ptr))
    turn["is_foe"][network.foe_turn[respected]] = 1

    by_node = np.argsort(network.link_to, kind="stable").astype(np.int32)
    edges = np.searchsorted(network.link_to[by_node], np.arange(network.n_nodes + 1))
    node = np.zeros(network.n_nodes, NODE)
    node["in0"], node["in1"] = edges[:-1], edges[1:]

    group = np.zeros(len(network.group_signal), GROUP)
    group["cycle"] = network.signal_cycle[network.group_signal]
    group["offset"] = network.signal_offset[network.group_signal]
    group["green_from"] = network.group_green_from
    group["green_for"] = network.group_green_to - network.group_green_from
    return Net(
        link=link.view(np.recarray),
        turn=turn.view(np.recarray),
        node=node.view(np.recarray),
        group=group.view(np.recarray),
        foe=np.array(network.foe_turn, np.int32),
        in_link=by_node,
        kinds=np.ascontiguousarray(kinds, np.float32),
    )
