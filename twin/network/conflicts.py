"""Which movements of a junction conflict, and which of two gives way.

A junction is seen as a circle. A vehicle comes in on the left of its leg as seen from the centre
and leaves on the right of one (right-hand traffic), so a movement is a chord from its point of
entry to its point of exit. Two movements from different links conflict when their chords cross or
when they enter the same link, unless one is a slip road for which that link has a lane more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.network.draft import Draft
from twin.network.geometry import pointer, ranges, wrap
from twin.network.graph import TurnKind

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

LEG_HALF_WIDTH_RAD = 0.01
LEG_RAD = np.deg2rad(25.0)
OPPOSING_RAD = np.deg2rad(120.0)
RAMP_RANK = 20
ROUNDABOUT_RANK = -1
ALL_STOP_ROADS = 4


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Pairs of movements that may not use the junction at once; C pairs.

    Attributes
    ----------
    first, second
        (C,) movements, `first < second`.
    opposing
        (C,) whether the two come from opposite sides.
    heading
        (L,) direction of driving at the end of every link, radians.
    """

    first: I64
    second: I64
    opposing: Flags
    heading: F64


def find_conflicts(draft: Draft) -> Conflicts:
    """Return the conflicts between the movements of each node."""
    end = draft.end_bearing
    inward, outward = leg_angles(draft)
    entry = (inward + LEG_HALF_WIDTH_RAD)[draft.pair_from]
    leave = (outward - LEG_HALF_WIDTH_RAD)[draft.pair_to]
    node = draft.link_to[draft.pair_from]
    order = np.argsort(node, kind="stable")
    count = np.bincount(node, minlength=draft.n_nodes)
    begin = pointer(count)[:-1]
    mates = count[node[order]]
    a = np.repeat(order, mates)
    b = order[ranges(begin[node[order]], mates)]
    keep = (a < b) & (draft.pair_from[a] != draft.pair_from[b])
    a, b = a[keep], b[keep]
    circle = 2.0 * np.pi
    span = (leave[a] - entry[a]) % circle
    enters_inside = (entry[b] - entry[a]) % circle < span
    leaves_inside = (leave[b] - entry[a]) % circle < span
    same = draft.pair_to[a] == draft.pair_to[b]
    # A slip road that brings its own lane takes nobody's place.
    link_a, link_b = draft.pair_from[a], draft.pair_from[b]
    lanes = draft.link_lanes.astype(np.int64)
    slip = draft.link_ramp[link_a] | draft.link_ramp[link_b]
    merge = ~(slip & (lanes[link_a] + lanes[link_b] <= lanes[draft.pair_to[a]]))
    conflict = np.where(same, merge, enters_inside != leaves_inside)
    a, b = a[conflict], b[conflict]
    turn = np.abs(wrap(end[draft.pair_from[a]] - end[draft.pair_from[b]]))
    return Conflicts(a, b, turn > OPPOSING_RAD, end)


def leg_angles(draft: Draft) -> tuple[F64, F64]:
    """Return where on the circle every link comes in at its end, and goes out at its start.

    Both carriageways of a road share a leg. Drawn apart, and straight to nodes at different
    distances, they may seem to cross before the junction; then their mean is taken for both.
    """
    inward, outward = draft.end_bearing + np.pi, draft.start_bearing.copy()
    into = np.arange(draft.n_links)
    order = np.argsort(draft.link_from, kind="stable")
    count = np.bincount(draft.link_from, minlength=draft.n_nodes)
    exits = count[draft.link_to]
    a = np.repeat(into, exits)
    b = order[ranges(pointer(count)[:-1][draft.link_to], exits)]
    apart = wrap(inward[a] - outward[b])
    near = np.abs(apart) < LEG_RAD
    a, b, apart = a[near], b[near], apart[near]
    # The way back to the same node is the likeliest mate, then the one with the nearest angle.
    away = draft.link_from[a] != draft.link_to[b]
    rank = np.lexsort((b, np.abs(apart), away, a))
    a, b, apart = a[rank], b[rank], apart[rank]
    first = np.ones(len(a), np.bool_)
    first[1:] = a[1:] != a[:-1]
    crossed = first & (apart < 0.0)
    a, b, apart = a[crossed], b[crossed], apart[crossed]
    inward[a] -= apart / 2.0
    outward[b] = inward[a]
    return inward, outward


def link_rank(draft: Draft) -> I64:
    """(L,) precedence of the links that enter a junction; the lowest number goes first.

    Traffic on a roundabout goes first, slip roads last, the others by class.
    """
    rank = draft.link_class.astype(np.int64)
    rank[draft.link_ramp] += RAMP_RANK
    rank[draft.link_roundabout] = ROUNDABOUT_RANK
    return rank


def settle_equals(draft: Draft, conflicts: Conflicts, rank: I64) -> I64:
    """Return (L,) a second precedence number among links of equal rank at one junction.

    Two equal roads need none: each yields to the right. With three or more, yielding to the right
    can close a ring in which everyone waits for everyone, so the straightest pair of approaches is
    taken as the main road, then the next pair, and so on.
    """
    level = np.zeros(draft.n_links, np.int64)
    busy = np.zeros(draft.n_links, np.bool_)
    busy[draft.pair_from[conflicts.first]] = True
    busy[draft.pair_from[conflicts.second]] = True
    links = np.flatnonzero(busy)
    node = draft.link_to[links]
    order = np.lexsort((links, rank[links], node))
    links, node = links[order], node[order]
    new = np.ones(len(links), np.bool_)
    new[1:] = (node[1:] != node[:-1]) | (rank[links][1:] != rank[links][:-1])
    edge = np.append(np.flatnonzero(new), len(links))
    for first, last in pairwise(edge.tolist()):
        if last - first < 3:
            continue
        left = links[first:last].tolist()
        step = 0
        while len(left) > 2:
            pair = _straightest(left, conflicts.heading)
            level[list(pair)] = step
            left = [link for link in left if link not in pair]
            step += 1
        level[left] = step
    return level


def _straightest(links: list[int], heading: F64) -> tuple[int, int]:
    best = (-1.0, links[0], links[1])
    for k, a in enumerate(links):
        for b in links[k + 1 :]:
            apart = float(abs(wrap(heading[a] - heading[b])))
            if apart > best[0] + 1e-9:
                best = (apart, a, b)
    return best[1], best[2]


def all_way_stops(draft: Draft, rank: I64) -> Flags:
    """Return (N,) whether all stop at a junction: four roads or more come in, of equal rank.

    Nothing there tells which goes first, so drivers go in the order in which they came.
    """
    count = np.bincount(draft.link_to, minlength=draft.n_nodes)
    low = np.full(draft.n_nodes, np.iinfo(np.int64).max)
    high = np.full(draft.n_nodes, np.iinfo(np.int64).min)
    np.minimum.at(low, draft.link_to, rank)
    np.maximum.at(high, draft.link_to, rank)
    return np.asarray((count >= ALL_STOP_ROADS) & (low == high), np.bool_)


def who_yields(draft: Draft, conflicts: Conflicts, kind: U8, precedence: I64) -> Flags:
    """Return (C,) whether `first` gives way; otherwise `second` does.

    Parameters
    ----------
    kind
        (P,) `TurnKind` of the movements.
    precedence
        (L,) number of each entering link; the lower goes first. Equal numbers are settled by the
        rules of the road: opposing left turns wait, otherwise who comes from the right goes first.
    """
    a, b = conflicts.first, conflicts.second
    from_a, from_b = draft.pair_from[a], draft.pair_from[b]
    rank_a, rank_b = precedence[from_a], precedence[from_b]
    left = (kind == TurnKind.LEFT) | (kind == TurnKind.U_TURN)
    left_waits = np.where(left[a] == left[b], from_a > from_b, left[a])
    side = wrap(conflicts.heading[from_b] + np.pi - conflicts.heading[from_a])
    equal = np.where(conflicts.opposing, left_waits, side < 0.0)
    return np.asarray(np.where(rank_a == rank_b, equal, rank_a > rank_b), np.bool_)


def foes_on_red(conflicts: Conflicts, on_red: Flags, group: NDArray[np.int32]) -> tuple[I64, I64]:
    """Return (movement, movement it gives way to) of movements that may be made on red.

    They give way to all that have green then and meet them.

    Parameters
    ----------
    on_red
        (P,) whether a movement may be made on red.
    group
        (P,) signal group of each movement, -1 for none.
    """
    a, b = conflicts.first, conflicts.second
    apart = group[a] != group[b]
    one, other = apart & on_red[a], apart & on_red[b]
    return np.append(a[one], b[other]), np.append(b[one], a[other])


def foe_rows(yielding: I64, foe: I64, n_turns: int) -> tuple[I64, I64]:
    """Return compressed rows of the movements that each movement gives way to."""
    order = np.lexsort((foe, yielding))
    return pointer(np.bincount(yielding, minlength=n_turns)), foe[order]
