"""Nodes of one junction become one node.

A crossing of two divided roads is drawn as four nodes joined by links of a few metres, on which no
vehicle fits. Such groups are drawn together; what could be driven through them stays possible, and
nothing else becomes so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.network.draft import Draft, take_links
from twin.network.geometry import wrap
from twin.network.raw import MAX_LANES
from twin.network.turns import without_u_turns

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

PARALLEL_RAD = np.deg2rad(35.0)
PARALLEL_LOG = float(np.log(1.3))


@dataclass(frozen=True, slots=True)
class ContractOptions:
    """Which nodes are one junction.

    Attributes
    ----------
    short_m
        Ends of a link shorter than this are one junction.
    signal_m
        Signalled ends of a link shorter than this are one junction.
    extent_m
        A junction grows no wider than this.
    """

    short_m: float = 10.0
    signal_m: float = 28.0
    extent_m: float = 50.0


def contract_junctions(draft: Draft, options: ContractOptions) -> tuple[Draft, int]:
    """Return the draft with close junction nodes drawn together, and how many nodes went."""
    signal = draft.node_signal[draft.link_from] & draft.node_signal[draft.link_to]
    reach = np.where(signal, options.signal_m, options.short_m)
    short = np.flatnonzero((draft.link_length < reach) & (draft.link_from != draft.link_to))
    if not len(short):
        return draft, 0
    short = short[np.lexsort((short, draft.link_length[short]))]
    group = _group(draft, short, options.extent_m)
    inside = group[draft.link_from] == group[draft.link_to]
    straight = np.diff(draft.geom_ptr) == 2
    inside &= straight | (draft.link_length <= options.extent_m)
    pair_from, pair_to = _through(draft, inside)
    merged = replace(draft)
    merged.set_pairs(pair_from, pair_to)
    counts = np.maximum(np.bincount(group, minlength=draft.n_nodes), 1)
    x = np.bincount(group, weights=draft.node_x, minlength=draft.n_nodes) / counts
    y = np.bincount(group, weights=draft.node_y, minlength=draft.n_nodes) / counts
    lit = np.bincount(group, weights=draft.node_signal, minlength=draft.n_nodes) > 0
    alone = counts[group] == 1
    merged.node_x = np.where(alone, draft.node_x, x)
    merged.node_y = np.where(alone, draft.node_y, y)
    merged.node_signal = lit
    merged.link_from, merged.link_to = group[draft.link_from], group[draft.link_to]
    merged.geom_x, merged.geom_y = draft.geom_x.copy(), draft.geom_y.copy()
    for vertex, node in (
        (draft.geom_ptr[:-1], merged.link_from),
        (draft.geom_ptr[1:] - 1, merged.link_to),
    ):
        merged.geom_x[vertex] = merged.node_x[node]
        merged.geom_y[vertex] = merged.node_y[node]
    grown = merged.lines().length - draft.lines().length
    merged.link_length = np.maximum(draft.link_length + grown, 1.0)
    kept = _drop_u_turns(take_links(merged, np.flatnonzero(~inside)))
    return kept, draft.n_nodes - kept.n_nodes


def merge_parallel(draft: Draft) -> tuple[Draft, int]:
    """Return the draft with links side by side between the same nodes joined, and how many went.

    Drawing junctions together leaves such pairs: the carriageways of one direction. They become
    one link with the lanes of both; if the lanes of one are unknown, so are the sum's.
    """
    order = np.lexsort((np.arange(draft.n_links), draft.link_to, draft.link_from))
    first = np.ones(draft.n_links, np.bool_)
    a, b = draft.link_from[order], draft.link_to[order]
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    leader = order[first][np.cumsum(first) - 1]
    target = np.empty(draft.n_links, np.int64)
    target[order] = leader
    ratio = draft.link_length / draft.link_length[target]
    alike = (
        (np.abs(wrap(draft.start_bearing - draft.start_bearing[target])) < PARALLEL_RAD)
        & (np.abs(wrap(draft.end_bearing - draft.end_bearing[target])) < PARALLEL_RAD)
        & (np.abs(np.log(ratio)) < PARALLEL_LOG)
    )
    target = np.where(alike, target, np.arange(draft.n_links))
    gone = np.flatnonzero(target != np.arange(draft.n_links))
    if not len(gone):
        return draft, 0
    lanes = draft.link_lanes.astype(np.int64)
    unknown = lanes == 0
    np.logical_or.at(unknown, target[gone], unknown[gone])
    np.add.at(lanes, target[gone], lanes[gone])
    lanes[unknown] = 0
    joined = replace(draft, link_lanes=np.minimum(lanes, MAX_LANES).astype(np.uint8))
    joined.link_bus = _bus_lanes_beside(draft, target)
    joined.link_class = draft.link_class.copy()
    np.minimum.at(joined.link_class, target[gone], draft.link_class[gone])
    joined.link_ramp = draft.link_ramp.copy()
    np.logical_and.at(joined.link_ramp, target[gone], draft.link_ramp[gone])
    joined.set_pairs(target[draft.pair_from], target[draft.pair_to])
    kept = np.flatnonzero(target == np.arange(draft.n_links))
    return _drop_u_turns(take_links(joined, kept)), len(gone)


def _bus_lanes_beside(draft: Draft, target: I64) -> I32:
    """Return (L,) bus lanes of links that take in those which stand beside them.

    The lanes are counted from the link that lies farthest to the right.
    """
    bus = draft.link_bus.copy()
    joins = np.bincount(target, minlength=len(target))[target] > 1
    for link in np.unique(target[joins & (bus != 0)]).tolist():
        beside = np.flatnonzero(target == link)
        lines = [slice(*draft.geom_ptr[k : k + 2]) for k in beside.tolist()]
        heading = draft.start_bearing[link]
        to_left = [
            np.cos(heading) * draft.geom_y[line].mean()
            - np.sin(heading) * draft.geom_x[line].mean()
            for line in lines
        ]
        bits, shift = 0, 0
        for k in beside[np.argsort(to_left, kind="stable")].tolist():
            bits |= int(draft.link_bus[k]) << shift
            shift += int(draft.link_lanes[k])
        bus[link] = bits & ((1 << MAX_LANES) - 1)
    return bus


def _drop_u_turns(draft: Draft) -> Draft:
    stays = without_u_turns(draft, draft.pair_from, draft.pair_to)
    draft.set_pairs(draft.pair_from[stays], draft.pair_to[stays])
    return draft


def _group(draft: Draft, short: I64, extent_m: float) -> I64:
    """(N,) lowest node of the group of every node; shorter links draw together first."""
    parent = list(range(draft.n_nodes))
    box: dict[int, tuple[float, float, float, float]] = {}

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def extent(node: int) -> tuple[float, float, float, float]:
        x, y = float(draft.node_x[node]), float(draft.node_y[node])
        return box.get(node, (x, y, x, y))

    for link in short.tolist():
        a, b = sorted((root(int(draft.link_from[link])), root(int(draft.link_to[link]))))
        if a == b:
            continue
        one, two = extent(a), extent(b)
        both = (
            min(one[0], two[0]),
            min(one[1], two[1]),
            max(one[2], two[2]),
            max(one[3], two[3]),
        )
        if max(both[2] - both[0], both[3] - both[1]) <= extent_m:
            parent[b] = a
            box[a] = both
    return np.asarray([root(node) for node in range(draft.n_nodes)], np.int64)


def _through(draft: Draft, inside: Flags) -> tuple[I64, I64]:
    """Return the movements between links outside, direct or through links inside."""
    a_in, b_in = inside[draft.pair_from], inside[draft.pair_to]
    onward: dict[int, list[int]] = {}
    for a, b in zip(draft.pair_from[a_in].tolist(), draft.pair_to[a_in].tolist(), strict=True):
        onward.setdefault(a, []).append(b)
    pair_from = draft.pair_from[~a_in & ~b_in].tolist()
    pair_to = draft.pair_to[~a_in & ~b_in].tolist()
    entering = ~a_in & b_in
    for a, first in zip(
        draft.pair_from[entering].tolist(), draft.pair_to[entering].tolist(), strict=True
    ):
        seen, stack = {first}, [first]
        while stack:
            for link in onward.get(stack.pop(), []):
                if not inside[link]:
                    pair_from.append(a)
                    pair_to.append(link)
                elif link not in seen:
                    seen.add(link)
                    stack.append(link)
    return np.asarray(pair_from, np.int64), np.asarray(pair_to, np.int64)
