"""Fixed-time plans that a source states, beside those that are designed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.network.conflicts import Conflicts
from twin.network.draft import Draft
from twin.network.graph import I64, U8
from twin.network.signals import SignalOptions, SignalPlan, plan_signals

Flags = NDArray[np.bool_]
Window = tuple[float, float]

UNSAID, PROTECTED, PERMITTED = -1, 0, 1
"""Whether a movement gives way on green."""
_SAME_S = 1e-3


@dataclass(frozen=True, slots=True)
class StatedSignals:
    """Signals whose plans are stated; C signals, H groups, M movements.

    Attributes
    ----------
    node_signal
        (N,) signal of each node, or -1.
    cycle, offset
        (C,) seconds.
    group_signal
        (H,) signal of each group.
    greens
        (H,) begin and end of all greens of each group, seconds of the cycle, the longest first.
    turn_group
        (M,) group of each movement, or -1.
    protection
        (M,) `UNSAID`, `PROTECTED` or `PERMITTED`.
    """

    node_signal: I64
    cycle: list[float]
    offset: list[float]
    group_signal: list[int]
    greens: list[tuple[Window, ...]]
    turn_group: I64
    protection: I64


def all_plans(
    draft: Draft,
    conflicts: Conflicts,
    kind: U8,
    lanes: tuple[U8, U8],
    options: SignalOptions,
    lit: Flags,
    stated: StatedSignals | None,
) -> SignalPlan:
    """Return the plans of all signals: first those that are stated, then designed ones.

    Parameters
    ----------
    draft, conflicts, kind, lanes, options, lit
        As for `plan_signals`.
    stated
        Plans by movement of the draft.
    """
    if stated is None:
        return plan_signals(draft, conflicts, kind, lanes, options, lit)
    open_nodes = draft.node_signal & (stated.node_signal < 0)
    rest = plan_signals(
        replace(draft, node_signal=open_nodes), conflicts, kind, lanes, options, lit
    )
    signals, groups = len(stated.cycle), len(stated.group_signal)
    node = np.where(rest.node_signal >= 0, rest.node_signal + signals, stated.node_signal)
    turn = np.where(rest.turn_group >= 0, rest.turn_group + groups, stated.turn_group)
    # Each signal has a node; -1, of those without one, comes first if it is there.
    numbers, nodes = np.unique(stated.node_signal, return_index=True)
    first = nodes[numbers >= 0].tolist()
    return SignalPlan(
        node_signal=node.astype(np.int32),
        turn_group=turn.astype(np.int32),
        signal_node=first + rest.signal_node,
        cycle=stated.cycle + rest.cycle,
        offset=stated.offset + rest.offset,
        group_signal=stated.group_signal + [s + signals for s in rest.group_signal],
        green_from=[windows[0][0] for windows in stated.greens] + rest.green_from,
        green_to=[windows[0][1] for windows in stated.greens] + rest.green_to,
        more=[
            (group, window) for group, own in enumerate(stated.greens) for window in own[1:]
        ],
    )  # fmt: skip


def settle(
    stated: StatedSignals, a: I64, b: I64, first_yields: Flags
) -> tuple[Flags, Flags, Flags]:
    """Return what the plans say of movements `a` and `b` that conflict (C,).

    Parameters
    ----------
    stated
        Plans by movement of the draft.
    a, b
        Movements.
    first_yields
        Whether `a` gives way to `b` where nothing is said.

    Returns
    -------
    meets
        Whether both have groups of stated plans that are green together.
    first_yields
        As given, but that a permitted movement gives way to one that is not, and anyone to a
        protected one.
    free
        Whether both are protected in that green, so that nobody gives way.
    """
    group_a, group_b = stated.turn_group[a], stated.turn_group[b]
    both = (group_a >= 0) & (group_b >= 0)
    known: dict[tuple[int, int], bool] = {}
    meets = np.zeros(len(a), np.bool_)
    for k in np.flatnonzero(both).tolist():
        pair = int(group_a[k]), int(group_b[k])
        if pair not in known:
            known[pair] = _together(stated, *pair)
        meets[k] = known[pair]
    # Who is protected goes first, then who is not said to be.
    rank = np.array([1, 0, 2])[stated.protection + 1]
    told = meets & (rank[a] != rank[b])
    free = meets & (rank[a] == 0) & (rank[b] == 0)
    return meets, np.where(told, rank[a] > rank[b], first_yields), free


def _together(stated: StatedSignals, one: int, other: int) -> bool:
    """Return whether two groups of a signal are ever green at once."""
    if one == other:
        return True
    cycle = stated.cycle[stated.group_signal[one]]
    return any(
        (b0 - a0) % cycle < a1 - a0 - _SAME_S or (a0 - b0) % cycle < b1 - b0 - _SAME_S
        for a0, a1 in stated.greens[one]
        for b0, b1 in stated.greens[other]
    )
