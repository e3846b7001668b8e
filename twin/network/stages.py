"""Stages of a fixed-time plan: sets of signal groups that are green together, in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.core.errors import InputError
from twin.network.graph import F64, I64, YELLOW_S, Network
from twin.network.signals import ALL_RED_S, CHANGE_S

PEDESTRIAN_STAGE_S = 4.0
"""Red for all, beyond yellow and clearance, from which on it is a stage for pedestrians."""
SHORTEST_STAGE_S = 2.0
"""Shorter overlaps of greens are not stages of their own."""
LEAST_GREEN_S = 5.0
"""No green is made shorter than this by another cycle, seconds."""
_ROUNDING_S = 1e-6
"""Sums of lengths may be off by this."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Groups of one controller that are green together.

    Attributes
    ----------
    groups
        Indices of groups; none in a stage for pedestrians.
    begin_s, end_s
        In the plan: seconds of the cycle from its offset on; the end may lie behind the cycle's.
    """

    groups: tuple[int, ...]
    begin_s: float
    end_s: float


def pieces_of(groups: I64, begin: F64, end: F64, cycle: float) -> list[Stage]:
    """Return the stretches of a cycle between which some group begins or ends its green.

    Parameters
    ----------
    groups
        The group that each green of the controller is of; one with several stands several times.
    begin, end
        Of the greens, seconds of the cycle.
    cycle
        Seconds.
    """
    always = end - begin + YELLOW_S >= cycle
    edges = np.unique(np.concatenate([begin[~always], end[~always]]) % cycle)
    found = []
    for at, low in enumerate(edges):
        high = edges[at + 1] if at + 1 < len(edges) else edges[0] + cycle
        green = (((low + high) / 2.0 - begin) % cycle < end - begin) | always
        found.append(Stage(tuple(np.unique(groups[green]).tolist()), float(low), float(high)))
    return found


def stages_of(groups: I64, begin: F64, end: F64, cycle: float) -> list[Stage]:
    """Return the stages of a plan in their order (parameters as for `pieces_of`).

    A stretch in which nobody is green counts when all are red for `PEDESTRIAN_STAGE_S` beyond the
    yellow and the clearance: it is for pedestrians.
    """
    found = pieces_of(groups, begin, end, cycle)
    long = [s for s in found if s.end_s - s.begin_s >= SHORTEST_STAGE_S]
    covered = {group for stage in long for group in stage.groups}
    kept = []
    for stage in found:
        if not stage.groups:
            if stage.end_s - stage.begin_s >= CHANGE_S + PEDESTRIAN_STAGE_S:
                kept.append(Stage((), stage.begin_s + YELLOW_S + ALL_RED_S, stage.end_s))
        elif stage in long or not set(stage.groups) <= covered:
            kept.append(stage)
    return kept


def stretched(
    groups: I64, begin: F64, end: F64, cycle: float, lengths: list[float], total: float
) -> tuple[F64, F64]:
    """Return begin and end of the greens of a plan whose pieces have other lengths.

    Each green is one again, in the same order. The first piece begins at second 0 of the cycle.

    Parameters
    ----------
    groups, begin, end, cycle
        As for `pieces_of`.
    lengths, total
        Seconds of each piece, and of the cycle that they fill.
    """
    pieces = pieces_of(groups, begin, end, cycle)
    old = np.array([p.begin_s for p in pieces])
    at = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    always = end - begin + YELLOW_S >= cycle

    def moved(second: F64) -> F64:
        index = np.searchsorted(old, second % cycle - 1e-6)
        return np.asarray(at[index % len(old)], np.float64)

    first = moved(begin)
    last = moved(end)
    last = np.where(last <= first, last + total, last)
    return np.where(always, 0.0, first), np.where(always, total, last)


def _of_constant_length(pieces: list[Stage], begin: F64, end: F64, cycle: float) -> list[bool]:
    """Return which pieces another cycle leaves as long as they are: those in which greens change.

    In some nobody is green. In others a green that leads or lags goes on, while yellow and
    clearance part the end of one green from the begin of another: too short a time for a stage.
    """
    empty = [not piece.groups for piece in pieces]
    some = end - begin + YELLOW_S < cycle
    begin, length, end = begin[some] % cycle, (end - begin)[some], end[some] % cycle
    changes = []  # begin and length
    for at in np.unique(end):
        ahead = (begin - at) % cycle
        for gap in np.unique(ahead):
            within = (ahead + length <= gap).any()  # a whole green: no change is that
            if 0.0 < gap < CHANGE_S + PEDESTRIAN_STAGE_S and not within:
                changes.append((at, gap))
    constant = [
        none
        or any(
            (piece.begin_s - at) % cycle + piece.end_s - piece.begin_s <= gap + _ROUNDING_S
            for at, gap in changes
        )
        for piece, none in zip(pieces, empty, strict=True)
    ]
    # Greens that all change within seconds have nothing else that could be stretched.
    return empty if all(constant) else constant


def plan_at_cycle(network: Network, signal: int, cycle_s: float) -> tuple[I64, F64, F64, float]:
    """Return a signal's greens at another cycle, with the shares they had, and its offset.

    Yellow and clearance stay as long as they were, also where another green goes on meanwhile.
    The first of its pieces begins as long after midnight as before.

    Returns
    -------
    group, begin, end
        Of every green; seconds of the cycle. An end may pass the cycle's.
    offset_s
        Of the plan: that of the network and the begin of the first piece, which now begins at
        second 0 of the cycle.

    Raises
    ------
    InputError
        If a green would be shorter than `LEAST_GREEN_S`.
    """
    group, begin, end = network.greens
    own = network.group_signal[group] == signal
    groups, begin, end = group[own], begin[own], end[own]
    cycle = float(network.signal_cycle[signal])
    pieces = pieces_of(groups, begin, end, cycle)
    constant = _of_constant_length(pieces, begin, end, cycle)
    fixed = sum(p.end_s - p.begin_s for p, k in zip(pieces, constant, strict=True) if k)
    factor = (cycle_s - fixed) / (cycle - fixed) if cycle > fixed else 1.0
    lengths = [
        (p.end_s - p.begin_s) * (1.0 if k else factor)
        for p, k in zip(pieces, constant, strict=True)
    ]
    first, last = stretched(groups, begin, end, cycle, lengths, cycle_s)
    least = np.minimum(LEAST_GREEN_S, end - begin) - _ROUNDING_S
    if factor <= 0.0 or (last - first < least).any():
        node = int(network.node_id[network.signal_node[signal]])
        raise InputError(
            f"a cycle of {cycle_s:g} s leaves a green shorter than {LEAST_GREEN_S:g} s "
            f"at junction {node}",
            field="cycle_s",
        )
    offset = float(network.signal_offset[signal])
    return groups, first, last, offset + (pieces[0].begin_s if pieces else 0.0)
