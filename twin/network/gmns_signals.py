"""Plans of signals as GMNS tables: controllers, plans, phases, and which movement has green when.

Any plan is one ring of consecutive phases here: they are cut where a green begins or ends, and a
movement is served by all that its greens consist of. Between two phases in a row that both serve
it, its green lasts on, as that of an overlap does (NEMA TS 2). So whatever greens a plan has, and
however they overlap, the tables hold them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from twin.network.graph import YELLOW_S, Network, TurnYield

CONTROLLERS = "signal_controller.csv"
COORDINATION = "signal_coordination.csv"
PLANS = "signal_timing_plan.csv"
PHASES = "signal_timing_phase.csv"
PHASE_MOVEMENTS = "signal_phase_mvmt.csv"
SIGNAL_FILES = (CONTROLLERS, COORDINATION, PLANS, PHASES, PHASE_MOVEMENTS)
MAX_CLEARANCE_S = 120
"""Longest clearance that GMNS states, seconds."""
ALWAYS = "11111111_0000_2400"
"""Every day of the week and holidays, from midnight to midnight."""

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]
_YELLOW = Decimal(str(YELLOW_S))


class Phase(NamedTuple):
    """A phase of a ring: seconds of green and of clearance, and the groups that it serves."""

    green: Decimal
    clearance: Decimal
    groups: frozenset[int]


class Green(NamedTuple):
    """A green of a group: it begins in the cycle, and its end may pass the cycle's."""

    group: int
    begin: Decimal
    end: Decimal


def exact(value: float) -> Decimal:
    """Return the shortest decimal number that stands for a single-precision one."""
    return Decimal(str(np.float32(value)))


def phases_of(greens: Sequence[Green], cycle: Decimal) -> list[Phase]:
    """Return the phases of one ring that have these greens; they fill the cycle from second 0.

    A clearance is as long as all red lasts or, where others stay green, as the yellow. Phases
    without groups are all red.
    """
    walk = _Walk(greens, cycle)
    found = []
    at = Decimal(0)
    while at < cycle:
        phase = walk.phase(at)
        found.append(phase)
        at += phase.green + phase.clearance
    return found


class _Walk:
    """Greens cut at the end of the cycle, and what happens next."""

    def __init__(self, greens: Sequence[Green], cycle: Decimal) -> None:
        self.cycle = cycle
        self.pieces: list[Green] = []
        self.ends: set[Decimal] = set()
        for green in greens:
            begin = (green.begin % cycle + cycle) % cycle
            end = begin + min(green.end - green.begin, cycle)
            self.pieces.append(Green(green.group, begin, min(end, cycle)))
            if end > cycle:
                self.pieces.append(Green(green.group, Decimal(0), end - cycle))
            if green.end - green.begin < cycle:
                self.ends.add(end - cycle if end > cycle else end)
        self.starts = {piece.begin for piece in self.pieces} | {cycle}

    def lit(self, at: Decimal) -> frozenset[int]:
        """Return the groups that are green from a second on."""
        at %= self.cycle
        return frozenset(p.group for p in self.pieces if p.begin <= at < p.end)

    def phase(self, at: Decimal) -> Phase:
        """Return the phase that begins at a second."""
        lit = self.lit(at)
        start = min(s for s in self.starts if s > at)
        end = min((e for e in self.ends if at < e < start), default=None)
        if end is None:
            return Phase(start - at, Decimal(0), lit)
        return Phase(end - at, self._clearance(end, lit), lit)

    def _clearance(self, end: Decimal, lit: frozenset[int]) -> Decimal:
        """Return the clearance after a green's end, before which `lit` were green."""
        onward = min(s for s in self.starts | self.ends if s > end)
        room = onward - end
        stay = lit & self.lit(end)
        if onward in self.ends:
            # Who ends then must be green in a phase until then.
            return _YELLOW if room > _YELLOW else Decimal(0)
        clearance = min(room, _YELLOW if stay else Decimal(MAX_CLEARANCE_S))
        if (lit - stay) & self.lit(end + clearance):
            # Who is red this shortly must miss a phase in between.
            clearance = _YELLOW if room > _YELLOW else room / 2
        return clearance


def signal_tables(network: Network) -> tuple[Table, ...]:
    """Return the tables of `SIGNAL_FILES`, in their order, of a network's plans.

    Controllers and plans have the numbers of the signals, movements those of the turns from 1 on.
    Groups that no movement has are left out, and so are plans without any.
    """
    plans = _Plans(network)
    signals = plans.used
    coordination = (
        (s, s, s, 1, "begin_of_green", _text(exact(network.signal_offset[s]))) for s in signals
    )
    timing = ((s, s, ALWAYS, _text(exact(network.signal_cycle[s]))) for s in signals)
    return (
        (("controller_id",), ((s,) for s in range(network.n_signals))),
        (
            (
                "coordination_id", "timing_plan_id", "controller_id", "coord_phase",
                "coord_ref_to", "offset",
            ),
            coordination,
        ),
        (("timing_plan_id", "controller_id", "time_day", "cycle_length"), timing),
        (
            (
                "timing_phase_id", "timing_plan_id", "signal_phase_num", "min_green", "max_green",
                "clearance", "ring", "barrier", "position",
            ),
            plans.phase_rows(),
        ),
        (
            ("signal_phase_mvmt_id", "timing_phase_id", "mvmt_id", "protection"),
            ((k, *row) for k, row in enumerate(plans.movement_rows(), start=1)),
        ),
    )  # fmt: skip


class _Plans:
    """The phases of all signals of a network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.turns: dict[int, list[int]] = {}
        for turn, group in enumerate(network.turn_group.tolist()):
            if group >= 0:
                self.turns.setdefault(group, []).append(turn)
        self.greens: dict[int, list[Green]] = {group: [] for group in self.turns}
        for group, begin, end in zip(*network.greens, strict=True):
            if int(group) in self.greens:
                self.greens[int(group)].append(Green(int(group), exact(begin), exact(end)))
        of: list[list[Green]] = [[] for _ in range(network.n_signals)]
        for group, greens in self.greens.items():
            of[int(network.group_signal[group])] += greens
        cycles = [exact(cycle) for cycle in network.signal_cycle]
        self.phases = [phases_of(own, cycle) for own, cycle in zip(of, cycles, strict=True)]
        count = np.cumsum([0, *(len(phases) for phases in self.phases)])
        self.first: list[int] = (count[:-1] + 1).tolist()
        self.cycles = cycles
        self.used = [signal for signal, own in enumerate(of) if own]

    def phase_rows(self) -> Iterable[Sequence[Any]]:
        for signal in self.used:
            for k, phase in enumerate(self.phases[signal]):
                green, clearance = _text(phase.green), _text(phase.clearance)
                number = self.first[signal] + k
                yield (number, signal, k + 1, green, green, clearance, 1, 1, k + 1)

    def movement_rows(self) -> Iterable[Sequence[Any]]:
        """Yield phase, movement and protection by group; phases in the order of its greens."""
        for group in sorted(self.turns):
            signal = int(self.network.group_signal[group])
            first = self.first[signal]
            served = self._served(group, signal)
            apart = [k for k in range(len(self.phases[signal])) if k not in served]
            for turn in self.turns[group]:
                permitted = self._permitted(turn, signal, served)
                for k in served:
                    yield first + k, turn + 1, "permitted" if k in permitted else "protected"
                if self.network.turn_yield[turn] == TurnYield.ON_RED:
                    for k in apart:
                        yield first + k, turn + 1, "rtor"

    def _served(self, group: int, signal: int) -> list[int]:
        """Return the places of the phases that a group's greens consist of, green by green."""
        begins, at = [], Decimal(0)
        for phase in self.phases[signal]:
            begins.append(at)
            at += phase.green + phase.clearance
        found: list[int] = []
        for green in self.greens[group]:
            length = green.end - green.begin
            cycle = self.cycles[signal]
            # Decimals keep the sign in a remainder.
            after = [((begin - green.begin) % cycle + cycle) % cycle for begin in begins]
            inside = sorted((delay, k) for k, delay in enumerate(after) if delay < length)
            found += [k for _, k in inside]
        return found

    def _permitted(self, turn: int, signal: int, served: list[int]) -> set[int]:
        """Return the phases in which a movement gives way: those in which a foe has green, too."""
        network = self.network
        if network.turn_yield[turn] in {TurnYield.FREE, TurnYield.ON_RED}:
            return set()
        foes = network.foe_turn[network.foe_ptr[turn] : network.foe_ptr[turn + 1]]
        groups = set(network.turn_group[foes].tolist()) - {-1}
        found = {k for k in served if groups & self.phases[signal][k].groups}
        return found or set(served)


def _text(value: Decimal) -> str:
    """Return a number without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
