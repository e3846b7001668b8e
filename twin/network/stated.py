"""Movements that a source states: which there are, their lanes, how they are controlled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.network.conflicts import Conflicts
from twin.network.draft import Draft
from twin.network.graph import I64, U8
from twin.network.raw import RawRoads
from twin.network.stated_signals import StatedSignals
from twin.network.turns import all_pairs, kinds, turn_lanes, without_u_turns

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Control(IntEnum):
    """How a movement is controlled; of two without signals the lower number goes first."""

    UNSAID = -1
    NONE = 0
    YIELD = 1
    STOP = 2
    ALL_WAY_STOP = 3
    SIGNAL = 4
    SIGNAL_OR_STOP = 5
    """A signal on whose red drivers go after a stop."""


@dataclass(frozen=True, slots=True)
class StatedTurns:
    """Movements of a source; M movements, each once; -1 is what it does not say.

    At a node with any of them there are no others. At other nodes movements are worked out.

    Attributes
    ----------
    link_from, link_to
        (M,) link indices.
    lane_low, lane_high
        (M,) lanes of the from-link, inclusive, 0 at the kerb.
    own_lane
        (M,) where a movement brings lanes of its own, which lane its kerb-most one leads to.
    kind
        (M,) `TurnKind`.
    control
        (M,) `Control`.
    ends
        (N,) nodes at which nobody drives on but by these movements.
    signals
        Plans of signals by these movements; None where none is stated.
    """

    link_from: I64
    link_to: I64
    lane_low: I64
    lane_high: I64
    own_lane: I64
    kind: I64
    control: I64
    ends: Flags
    signals: StatedSignals | None = None


class StatedRoads(NamedTuple):
    """Roads of a source, and the movements that it states (None: none)."""

    raw: RawRoads
    stated: StatedTurns | None


class Placed(NamedTuple):
    """What is known of the movements of a draft (see `StatedTurns`); P movements.

    `low` and `high` are lanes, stated or worked out; `lit` tells which may have signals whose plan
    is designed; `signals` are stated plans by movement of the draft.
    """

    kind: U8
    low: U8
    high: U8
    control: I64
    own_lane: I64
    lit: Flags
    signals: StatedSignals | None = None


def no_statement(draft: Draft) -> Placed:
    """Return the movements of a draft as the rules of `turns` have them."""
    kind, angle = kinds(draft)
    low, high = turn_lanes(draft, kind, angle)
    unsaid = np.full(len(kind), -1, np.int64)
    return Placed(kind, low, high, unsaid, unsaid, np.ones(len(kind), np.bool_))


def state(draft: Draft, stated: StatedTurns) -> Placed:
    """Give a draft the movements of a source, and return what is known of them."""
    a, b = all_pairs(draft)
    covered = stated.ends.copy()
    covered[draft.link_to[stated.link_from]] = True
    free = ~covered[draft.link_to[a]]
    a, b = a[free], b[free]
    stays = without_u_turns(draft, a, b)
    draft.set_pairs(
        np.concatenate([stated.link_from, a[stays]]), np.concatenate([stated.link_to, b[stays]])
    )
    code = draft.pair_from * draft.n_links + draft.pair_to
    at = np.searchsorted(code, stated.link_from * draft.n_links + stated.link_to)
    known = stated.kind >= 0
    kind, angle = kinds(draft)
    kind[at[known]] = stated.kind[known]
    low, high = turn_lanes(draft, kind, angle)
    known = stated.lane_low >= 0
    low[at[known]], high[at[known]] = stated.lane_low[known], stated.lane_high[known]
    control, own = (np.full(len(kind), -1, np.int64) for _ in range(2))
    control[at], own[at] = stated.control, stated.own_lane
    if stated.signals is not None:
        # Who has no part in the plan of a junction waits for those who have.
        planned = stated.signals.node_signal[draft.link_to[draft.pair_from]] >= 0
        control[planned & (control == Control.UNSAID)] = Control.YIELD
    signal = control >= Control.SIGNAL
    draft.node_signal = draft.node_signal.copy()
    draft.node_signal[draft.link_to[draft.pair_from[signal]]] = True
    lit = signal | (control == Control.UNSAID)
    return Placed(kind, low, high, control, own, lit, _placed(stated.signals, at, len(kind)))


def _placed(signals: StatedSignals | None, at: I64, count: int) -> StatedSignals | None:
    """Return the plans by movement of a draft, of which those stated are at the places `at`."""
    if signals is None:
        return None
    group, protection = (np.full(count, -1, np.int64) for _ in range(2))
    group[at], protection[at] = signals.turn_group, signals.protection
    return replace(signals, turn_group=group, protection=protection)


def apart(draft: Draft, conflicts: Conflicts, own_lane: I64) -> Conflicts:
    """Return the conflicts without those of two that enter a link in lanes of their own."""
    a, b = conflicts.first, conflicts.second
    own = (own_lane[a] >= 0) & (own_lane[b] >= 0)
    keep = ~(own & (draft.pair_to[a] == draft.pair_to[b]))
    return Conflicts(a[keep], b[keep], conflicts.opposing[keep], conflicts.heading)


def by_control(control: I64, a: I64, b: I64, yields: Flags) -> Flags:
    """Return (C,) whether `a` gives way to `b`: as stated where that tells, else as in `yields`."""
    one, other = control[a], control[b]
    # Who has a signal does not wait for who has none.
    one, other = (np.where(c >= Control.SIGNAL, Control.NONE, c) for c in (one, other))
    told = (one >= 0) & (other >= 0) & (one != other)
    return np.asarray(np.where(told, one > other, yields), np.bool_)
