"""The network as the movement kernels see it: records for links and turns, signal groups, gaps.

Signals count from midnight: green of a group begins `offset + green_from` seconds into its cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.network.geometry import ranges
from twin.network.graph import I32, Network, RoadClass, TurnKind, TurnYield
from twin.traffic.kernels.layout import (
    BIG,
    F32,
    GROUP,
    LINK,
    MORE,
    NODE,
    PIECE,
    TURN,
    Net,
)
from twin.traffic.kernels.zipper import JOINS
from twin.traffic.sirens import Sirens, opposite_links
from twin.traffic.storage import records

CRITICAL_GAP_S = {
    TurnKind.RIGHT: 4.7,
    TurnKind.THROUGH: 5.5,
    TurnKind.LEFT: 5.6,
    TurnKind.U_TURN: 5.6,
}
"""Gap in the stream it gives way to that a driver on a minor road needs when he passes the line,
seconds: base critical headways of the Highway Capacity Manual (TRB 2016, exhibit 20-11: 6.2 right,
6.5 through, 7.1 left), less the 1.0 s (through) and 1.5 s (turns, which look from farther back)
between decision and passage that the drivers here turn out to spend beside. The capacities that
follow are checked in `tests/verification/test_minor_road_capacity.py`."""
MAJOR_LEFT_GAP_S = 2.1
"""The same for a left turn off the road that goes first: 4.1 in that exhibit, less the 2.0 s in
which a car that stands 2.3 m before the line passes it."""
PERMITTED_LEFT_GAP_S = 2.5
"""The same for a left turn on green against the opposing stream: 4.5 (HCM, chapter 31), less as
much."""
LOOK_M = {
    TurnKind.RIGHT: 9.0,
    TurnKind.THROUGH: 6.0,
    TurnKind.LEFT: 8.0,
    TurnKind.U_TURN: 8.0,
}
"""Metres before the line from which a driver on a minor road looks for a gap. The next in the queue
has to come so far first, which takes about the follow-up headways of exhibit 20-12: 3.3, 4.0 and
3.5 s."""
ALL_STOP_LOOK_M = 8.0
"""The same where all stop."""
ROUNDABOUT_GAP_S = 1.0
"""The same for who enters a roundabout: what it takes for the capacity of the manual (chapter 22),
1,380 exp(-0.00102 q), a critical headway of 5.0 s of which most passes before the line."""
ROUNDABOUT_LOOK_M = 20.0
"""Metres before a roundabout from which a driver looks for a gap: follow-up headway of 2.6 s."""
RING_M = 400.0
"""Greatest length of a one-way ring that is taken for a roundabout."""
FULL_SHARE = 0.5
"""Share of a lane filled with queued vehicles above which no trip enters it from beside the
road (assumption)."""
LEAST_GAP = 0.55
"""Share of the critical gap that a driver takes in the end, when he has waited long: that of the
follow-up to the critical headway (0.49 to 0.62 in those exhibits), since who follows closely takes
so little. That waiting shortens the gap, from about 30 s on, is what Adebisi and Sama (1989,
"Influence of stopped delay on driver gap acceptance behavior", J. Transp. Eng. 115) and Polus,
Shmueli and Livneh (2003, J. Transp. Eng. 129) observed; the share is our assumption."""


def _merges(network: Network, after_stop: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return (T,) 1 where a turn joins the stream it gives way to (2 on expressways), else 0.

    At a signal those that go `after_stop` on red do so, (T,).
    """
    foes = np.diff(network.foe_ptr)
    turn = np.repeat(np.arange(network.n_turns), foes)
    elsewhere = network.turn_to[network.foe_turn] != network.turn_to[turn]
    crosses = np.bincount(turn, weights=elsewhere, minlength=network.n_turns) > 0
    at_sight = (network.turn_group < 0) & (network.turn_yield == TurnYield.GIVES_WAY)
    joins = (at_sight | after_stop) & (foes > 0) & ~crosses
    expressway = at_sight & (network.link_class[network.turn_to] <= RoadClass.TRUNK)
    kinds: NDArray[np.int8] = (joins.astype(np.int8) * (1 + expressway)).astype(np.int8)
    return kinds


def _shares_green(network: Network, chosen: I32) -> NDArray[np.bool_]:
    """Return (T,) whether some turns at signals have green with a foe, or a foe without signal."""
    shares = np.zeros(network.n_turns, np.bool_)
    foes = np.diff(network.foe_ptr)[chosen]
    turn = np.repeat(chosen, foes)
    foe = network.foe_turn[ranges(network.foe_ptr[chosen], foes)]
    own, other = network.turn_group[turn], network.turn_group[foe]
    shares[turn[other < 0]] = True
    turn, own, other = turn[other >= 0], own[other >= 0], other[other >= 0]
    signal = network.group_signal
    # Of two controllers any greens may fall together.
    shares[turn[signal[own] != signal[other]]] = True
    of = np.append(np.arange(len(signal)), network.more_group)
    begin = np.append(network.group_green_from, network.more_from).astype(np.float64)
    end = np.append(network.group_green_to, network.more_to).astype(np.float64)
    order = np.argsort(of, kind="stable")
    count = np.bincount(of, minlength=len(signal))
    first = np.cumsum(count) - count
    # Every green of the one beside every green of the other.
    pair = np.repeat(np.arange(len(turn)), count[own])
    one = order[ranges(first[own], count[own])]
    beside = count[other[pair]]
    two = order[ranges(first[other[pair]], beside)]
    pair, one = np.repeat(pair, beside), np.repeat(one, beside)
    cycle = network.signal_cycle[signal[of[one]]].astype(np.float64)
    late = (begin[two] - begin[one]) % cycle
    meet = (late < end[one] - begin[one]) | (late + end[two] - begin[two] > cycle)
    shares[turn[pair[meet]]] = True
    return shares


def _off_major(network: Network, gives_way: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (T,) whether a turn leaves a road without signals whose through traffic goes first."""
    first = (network.turn_kind == TurnKind.THROUGH) & (network.turn_group < 0) & ~gives_way
    major = np.zeros(network.n_links, np.bool_)
    major[network.turn_from[first]] = True
    return major[network.turn_from]


def _enters_ring(network: Network, merges: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return (T,) whether a turn joins the stream on a short one-way ring without lights."""
    ends = network.link_from.astype(np.int64) * network.n_nodes + network.link_to
    back = network.link_to.astype(np.int64) * network.n_nodes + network.link_from
    oneway = ~np.isin(back, ends)
    unlit = network.node_signal[network.link_to] < 0
    rings = oneway & unlit
    into = network.turn_to
    enters = (merges == 1) & (network.turn_group < 0)
    candidates = np.flatnonzero(enters & rings[into] & ~rings[network.turn_from])
    found = np.zeros(network.n_turns, np.bool_)
    closed: dict[int, bool] = {}
    for turn in candidates.tolist():
        link = int(into[turn])
        if link not in closed:
            closed[link] = _comes_back(network, rings, link)
        found[turn] = closed[link]
    return found


def _comes_back(network: Network, rings: NDArray[np.bool_], start: int) -> bool:
    """Return whether one-way links lead from the end of a link to its start within `RING_M`."""
    goal = network.link_from[start]
    least = {start: float(network.link_length[start])}
    todo = [start]
    while todo:
        link = todo.pop()
        if network.link_to[link] == goal:
            return True
        for turn in range(network.turn_ptr[link], network.turn_ptr[link + 1]):
            after = int(network.turn_to[turn])
            length = least[link] + float(network.link_length[after])
            if rings[after] and length <= RING_M and length < least.get(after, np.inf):
                least[after] = length
                todo.append(after)
    return False


def _only_group(network: Network) -> I32:
    """Return (L,) the signal group of all turns out of a link; -1 for none, or several."""
    least = np.full(network.n_links, np.iinfo(np.int32).max, np.int32)
    most = np.full(network.n_links, -1, np.int32)
    np.minimum.at(least, network.turn_from, network.turn_group)
    np.maximum.at(most, network.turn_from, network.turn_group)
    only: I32 = np.where(least == most, most, -1).astype(np.int32)
    return only


def kernel_network(
    network: Network,
    kinds: F32,
    *,
    speed_factor: float,
    least_gap: float = LEAST_GAP,
    sirens: Sirens | None = None,
    right_on_red: bool = True,
) -> Net:
    """Return the arrays that kernels use.

    Parameters
    ----------
    network
        The road network.
    kinds
        (rows, N_COLUMNS) parameters of vehicles, see `twin.traffic.types.Fleet`.
    speed_factor
        Factor on every free-flow speed.
    least_gap
        Share of the critical gap that drivers take after a long wait; 1 for patient ones.
    sirens
        What drivers do for a siren.
    right_on_red
        Whether drivers turn on red where the network allows it.
    """
    lanes = network.link_lanes.astype(np.int64)
    lane0 = np.concatenate([[0], np.cumsum(lanes)])
    link = records(network.n_links, LINK)
    link["length"] = network.link_length
    link["speed"] = network.link_speed * np.float32(speed_factor)
    link["lane0"] = lane0[:-1]
    link["lanes"] = lanes
    link["node"] = network.link_to
    link["turn0"] = network.turn_ptr[:-1]
    link["turn1"] = network.turn_ptr[1:]
    link["siren_dist"] = BIG
    link["full"] = np.where(np.isin(np.arange(network.n_links), network.turn_to), FULL_SHARE, 1.0)

    np.bitwise_or.at(link["bus_lanes"], network.bus_link, np.left_shift(1, network.bus_lane))

    turn = records(network.n_turns, TURN)
    turn["to"] = network.turn_to
    turn["eta"] = BIG
    turn["group"] = network.turn_group
    turn["foe0"] = network.foe_ptr[:-1]
    turn["foe1"] = network.foe_ptr[1:]
    after_stop = (network.turn_yield == TurnYield.ON_RED) & (network.turn_group >= 0)
    turn["on_red"] = after_stop & right_on_red
    has_foes = (network.turn_yield > 0) & (np.diff(network.foe_ptr) > 0)
    some = np.flatnonzero(after_stop).astype(np.int32)
    turn["gives_way"] = has_foes & (~after_stop | _shares_green(network, some))
    turn["merges"] = _merges(network, after_stop)
    turn["gap"] = np.array([CRITICAL_GAP_S[kind] for kind in TurnKind])[network.turn_kind]
    turn["look"] = np.array([LOOK_M[kind] for kind in TurnKind])[network.turn_kind]
    # Who leaves the major road or has green does not come to a line, nor does who joins at speed.
    major = _off_major(network, turn["gives_way"] > 0)
    signalled = network.turn_group >= 0
    turn["look"][major | signalled | (turn["merges"] == JOINS)] = BIG
    turn["gap"][major & (network.turn_kind != TurnKind.RIGHT)] = MAJOR_LEFT_GAP_S
    turn["gap"][signalled & (turn["on_red"] == 0)] = PERMITTED_LEFT_GAP_S
    ring = _enters_ring(network, turn["merges"])
    turn["gap"][ring] = ROUNDABOUT_GAP_S
    turn["look"][ring] = ROUNDABOUT_LOOK_M
    turn["all_stop"] = network.turn_yield == TurnYield.ALL_WAY_STOP
    turn["look"][turn["all_stop"] > 0] = ALL_STOP_LOOK_M
    turn["went"] = -1_000
    turn["least"] = turn["gap"] * least_gap
    turn["lane0"] = lane0[network.turn_to]
    turn["own0"] = np.repeat(lane0[:-1], np.diff(network.turn_ptr))
    turn["lanes"] = lanes[network.turn_to]
    turn["lo"] = network.turn_lane_lo
    turn["hi"] = network.turn_lane_hi
    turn["kind"] = network.turn_kind
    turn["own_lane"] = -1
    turn["own_lane"][network.own_turn] = network.own_lane
    looks = (turn["gives_way"] > 0) | (turn["on_red"] > 0)
    respected = np.repeat(looks, np.diff(network.foe_ptr))
    turn["is_foe"][network.foe_turn[respected]] = 1
    link["group"] = _only_group(network)

    by_node = np.argsort(network.link_to, kind="stable").astype(np.int32)
    edges = np.searchsorted(network.link_to[by_node], np.arange(network.n_nodes + 1))
    node = records(network.n_nodes, NODE)
    node["in0"], node["in1"] = edges[:-1], edges[1:]

    group = records(len(network.group_signal), GROUP)
    group["cycle"] = network.signal_cycle[network.group_signal]
    group["offset"] = network.signal_offset[network.group_signal]
    group["green_from"] = network.group_green_from
    group["green_for"] = network.group_green_to - network.group_green_from
    group["signal"] = network.group_signal
    more = records(len(network.more_group), MORE)
    more["green_from"] = network.more_from
    more["green_for"] = network.more_to - network.more_from
    every = np.arange(len(group))
    group["more0"] = np.searchsorted(network.more_group, every)
    group["more1"] = np.searchsorted(network.more_group, every, side="right")
    net = Net(
        link=link,
        turn=turn,
        node=node,
        group=group,
        foe=np.array(network.foe_turn, np.int32),
        in_link=by_node,
        # A copy: weather changes it.
        kinds=np.array(kinds, np.float32),
        more=more,
        opposite=opposite_links(network),
        sirens=(sirens or Sirens()).table(),
        piece=records(1, PIECE),
        manner=np.zeros((1, *kinds.shape), np.float32),
    )
    note_zippers(net)
    return net


def note_zippers(net: Net) -> None:
    """Mark the turns that merge in turns, by the lanes that are open now, and links to watch.

    Those join an expressway, or are joined there, or lead from more lanes into fewer. Who gives way
    to others cannot go in turns with anybody; who is only given way to can.
    """
    turn = net.turn
    free = turn["gives_way"] == 0
    joins = turn["merges"] == JOINS
    joined = np.zeros(len(turn), np.bool_)
    joined[net.foe[np.repeat(joins, turn["foe1"] - turn["foe0"])]] = True
    first_open = net.link["first_open"]
    own_open = np.repeat(first_open, net.link["turn1"] - net.link["turn0"])
    own = turn["hi"] - np.maximum(turn["lo"], own_open) + 1
    fewer = own > turn["lanes"] - first_open[turn["to"]]
    turn["zips"] = (turn["look"] >= 0) & (joins | (free & (joined | fewer)))
    leaves = np.repeat(np.arange(len(net.link)), net.link["turn1"] - net.link["turn0"])
    net.link["watched"] = 0
    np.maximum.at(net.link["watched"], leaves, turn["is_foe"] | turn["zips"])
