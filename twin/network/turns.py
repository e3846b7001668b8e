"""Movements between links: which are allowed, their direction, and the lanes they start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.network.draft import Draft
from twin.network.geometry import pointer, ranges, wrap
from twin.network.graph import RoadClass, TurnKind

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

THROUGH_RAD = np.deg2rad(40.0)
U_TURN_RAD = np.deg2rad(150.0)
U_TURN_SURE_RAD = np.deg2rad(165.0)
DOUBLE_LEFT_LANES = 5


def all_pairs(draft: Draft) -> tuple[I64, I64]:
    """Return every pair of a link and a link that starts where it ends."""
    order = np.argsort(draft.link_from, kind="stable")
    out_ptr = pointer(np.bincount(draft.link_from, minlength=draft.n_nodes))
    exits = np.diff(out_ptr)[draft.link_to]
    pair_from = np.repeat(np.arange(draft.n_links), exits)
    return pair_from, order[ranges(out_ptr[draft.link_to], exits)].astype(np.int64)


def turn_angles(draft: Draft, pair_from: I64, pair_to: I64) -> F64:
    """Return the change of direction of movements, radians, left positive."""
    return wrap(draft.start_bearing[pair_to] - draft.end_bearing[pair_from])


def u_turns(draft: Draft, pair_from: I64, pair_to: I64, angle: F64) -> Flags:
    """Return which movements turn round: back the way they came, or very nearly."""
    back = draft.link_to[pair_to] == draft.link_from[pair_from]
    size = np.abs(angle)
    around: Flags = (back & (size > U_TURN_RAD)) | (size > U_TURN_SURE_RAD)
    return around


def without_u_turns(draft: Draft, pair_from: I64, pair_to: I64) -> Flags:
    """Return which movements stay when turning round is allowed at dead ends only."""
    around = u_turns(draft, pair_from, pair_to, turn_angles(draft, pair_from, pair_to))
    other_exits = np.bincount(pair_from[~around], minlength=draft.n_links)
    stays: Flags = ~around | (other_exits[pair_from] == 0)
    return stays


def restricted(
    pair_from: I64, pair_to: I64, ban_from: I64, ban_to: I64, only: Flags, n_links: int
) -> Flags:
    """Return which movements the turn restrictions leave."""
    code = pair_from * np.int64(n_links) + pair_to
    named = ban_from.astype(np.int64) * n_links + ban_to
    only_from = np.zeros(n_links, np.bool_)
    only_from[ban_from[only]] = True
    return ~np.isin(code, named[~only]) & (~only_from[pair_from] | np.isin(code, named[only]))


def kinds(draft: Draft) -> tuple[U8, F64]:
    """Return the `TurnKind` and the angle of every movement of the draft."""
    angle = turn_angles(draft, draft.pair_from, draft.pair_to)
    kind = np.where(angle > 0.0, TurnKind.LEFT, TurnKind.RIGHT).astype(np.uint8)
    # Motorways fork and bend, they do not turn, however sharp the drawn lines meet.
    motorway = draft.link_class == RoadClass.MOTORWAY
    fork = motorway[draft.pair_from] & motorway[draft.pair_to]
    kind[fork | (np.abs(angle) <= THROUGH_RAD)] = TurnKind.THROUGH
    kind[u_turns(draft, draft.pair_from, draft.pair_to, angle)] = TurnKind.U_TURN
    return kind, angle


def turn_lanes(draft: Draft, kind: U8, angle: F64) -> tuple[U8, U8]:
    """Return the first and the last lane of the from-link that each movement may start from.

    Right turns start at the kerb and left turns at the median; with three lanes or more a left
    turn beside a through movement has its own lane (two of them from five lanes on). Where
    several roads lead on ahead, each takes as many lanes as it has, counted from its own side.
    Every lane leads somewhere.
    """
    low = np.zeros(len(kind), np.uint8)
    high = np.zeros(len(kind), np.uint8)
    lanes = draft.link_lanes.astype(np.int64)
    high[:] = lanes[draft.pair_from] - 1
    count = np.bincount(draft.pair_from, minlength=draft.n_links)
    ptr = pointer(count)
    room = lanes[draft.pair_to].tolist()
    kind_list, angle_list = kind.tolist(), angle.tolist()
    for link in np.flatnonzero((count > 1) & (lanes > 1)).tolist():
        rows = range(int(ptr[link]), int(ptr[link + 1]))
        # From the kerb to the median; a turn round is left of every left turn.
        order = sorted(rows, key=lambda t: (kind_list[t] == TurnKind.U_TURN, angle_list[t], t))
        spans = _share_lanes(
            int(lanes[link]), [kind_list[t] for t in order], [room[t] for t in order]
        )
        for turn, (first, last) in zip(order, spans, strict=True):
            low[turn], high[turn] = first, last
    return low, high


def _share_lanes(lanes: int, kind: list[int], room: list[int]) -> list[tuple[int, int]]:
    """Return the lanes of each movement of one approach; movements go from right to left."""
    n = len(kind)
    ahead = [k for k in range(n) if kind[k] == TurnKind.THROUGH]
    spans = [(0, lanes - 1)] * n
    if not ahead:
        for k in range(n):
            first, last = k * lanes // n, -(-(k + 1) * lanes // n) - 1
            spans[k] = (first, max(first, last))
        return spans
    left = [k for k in range(n) if kind[k] in {TurnKind.LEFT, TurnKind.U_TURN}]
    median = lanes - 1
    if left:
        width = 2 if lanes >= DOUBLE_LEFT_LANES and max(room[k] for k in left) > 1 else 1
        for k in left:
            spans[k] = (lanes - width, lanes - 1)
        if lanes >= 3:
            median = lanes - 1 - width
    for k in range(n):
        if kind[k] == TurnKind.RIGHT:
            spans[k] = (0, 0)
    if len(ahead) == 1:
        spans[ahead[0]] = (0, median)
        return spans
    own = median + 1
    for place, k in enumerate(ahead):
        if place == 0:
            spans[k] = (0, min(room[k], own) - 1)
        elif place == len(ahead) - 1:
            spans[k] = (max(0, own - room[k]), median)
        else:
            spans[k] = (0, median)
    # A gap between the first and the last is given to the last, the road that bends least right.
    if spans[ahead[-1]][0] > spans[ahead[0]][1] + 1:
        spans[ahead[-1]] = (spans[ahead[0]][1] + 1, median)
    return spans
