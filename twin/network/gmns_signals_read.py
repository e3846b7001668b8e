"""Plans of signals that GMNS tables state (see `gmns_signals` for how ours are written)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.core.errors import InputError
from twin.network.csv_columns import CsvColumns
from twin.network.gmns_phases import PLACES, SAME_S, PhaseTable, Served, TimedPhase, greens_of
from twin.network.gmns_plans import Chooser, Coordination, numbered, places
from twin.network.gmns_signals import (
    CONTROLLERS,
    COORDINATION,
    PHASE_MOVEMENTS,
    PHASES,
    PLANS,
    SIGNAL_FILES,
)
from twin.network.gmns_times import Moment
from twin.network.graph import I64, YELLOW_S
from twin.network.stated_signals import PERMITTED, PROTECTED, UNSAID, StatedSignals, Window

MAX_CYCLE_S = 86_400.0
"""Longest cycle that is read; GMNS states 600 s, and programs of SUMO are longer."""
_ON_RED = "rtor"
_PROTECTION = {"": UNSAID, "protected": PROTECTED, "permitted": PERMITTED}


class SignalTables(NamedTuple):
    """The tables of a folder; that of coordination may be missing."""

    folder: Path
    comma: str
    controllers: CsvColumns
    plans: CsvColumns
    phases: CsvColumns
    movements: CsvColumns
    coordination: CsvColumns | None


class MovementRows(NamedTuple):
    """Rows of `movement.csv` (R) and the nodes (N) that they are at.

    Attributes
    ----------
    table
        The file.
    turn
        (R,) stated movement, or -1 for one that is left out.
    node
        (R,) node index.
    lit
        (R,) whether a row says that it has a signal or none; None where it says nothing.
    controller
        (N,) the controller that a node names, or a blank.
    nodes
        The file of nodes.
    """

    table: CsvColumns
    turn: list[int]
    node: list[int]
    lit: list[bool | None]
    controller: list[str]
    nodes: CsvColumns


class ReadSignals(NamedTuple):
    """Stated signals, the movements that may be made on red, and what was mended, counted."""

    signals: StatedSignals
    on_red: set[int]
    counts: Counter[str]


class _Serving(NamedTuple):
    """A row of `signal_phase_mvmt.csv`: phase and movement by row; None is right turn on red."""

    row: int
    phase: int
    movement: int
    protection: int | None


def open_signal_tables(folder: Path, comma: str) -> SignalTables | None:
    """Return the signal tables of a folder; None where there are none, or no plans in them.

    Raises
    ------
    InputError
        If one is missing beside the others, or cannot be read.
    """
    there = [name for name in SIGNAL_FILES if (folder / name).is_file()]
    if not there:
        return None
    for name in SIGNAL_FILES:
        if name not in there and name != COORDINATION:
            hint = f"add it, or take {there[0]} away to have plans designed"
            raise InputError("the table is missing beside others", file=folder / name, hint=hint)
    found = {name: CsvColumns(folder / name, comma, may_be_empty=True) for name in there}
    if not any(found[name].count for name in (PLANS, PHASES, PHASE_MOVEMENTS)):
        return None
    return SignalTables(
        folder,
        comma,
        found[CONTROLLERS],
        found[PLANS],
        found[PHASES],
        found[PHASE_MOVEMENTS],
        found.get(COORDINATION),
    )


def read_signals(
    tables: SignalTables, rows: MovementRows, n_turns: int, moment: Moment
) -> ReadSignals:
    """Return the signals that tables state.

    Parameters
    ----------
    tables, rows
        The tables, and the movements that they name.
    n_turns
        Number of stated movements.
    moment
        Where a controller has several plans, that of this moment is taken.

    Raises
    ------
    InputError
        Naming the file, the row and the column of the first fault.
    """
    return _Reader(tables, rows, moment).read(n_turns)


class _Reader:
    """Plans as they are chosen, timed and given to movements."""

    def __init__(self, tables: SignalTables, rows: MovementRows, moment: Moment) -> None:
        self.tables, self.rows = tables, rows
        self.counts: Counter[str] = Counter()
        controller = numbered(tables.controllers, "controller_id")
        plan = numbered(tables.plans, "timing_plan_id")
        phase = numbered(tables.phases, "timing_phase_id")
        self.controllers = list(controller)
        self.controller_of = places(tables.plans, "controller_id", controller, CONTROLLERS)
        self.plan_of = places(tables.phases, "timing_plan_id", plan, PLANS)
        self.phases = PhaseTable(tables.phases)
        self.cycle = tables.plans.optional_numbers("cycle_length", 0.0, MAX_CYCLE_S)
        hint = "state its seconds, or leave it out"
        tables.plans.refuse(self.cycle == 0.0, "cycle_length", "{} s is no cycle", hint=hint)
        self.serving = self._serving(phase)
        self.phases_of: dict[int, list[int]] = {}
        for number, of in enumerate(self.plan_of):
            self.phases_of.setdefault(of, []).append(number)
        self.with_vehicles = {s.phase for s in self.serving if s.protection is not None}
        """Phases that serve movements of vehicles."""
        self.signal_of = self._signals(Chooser(tables.plans, tables.folder, tables.comma, moment))
        """Signals by the plan that each has."""
        self.coordination = Coordination(tables.coordination, plan, controller, self.controller_of)

    def read(self, n_turns: int) -> ReadSignals:
        """Return the signals of the plans that are taken."""
        timed: dict[int, TimedPhase] = {}
        cycle, offset = [], []
        for plan in self.signal_of:
            mine, length = self._timed(plan)
            timed |= mine
            cycle.append(length)
            offset.append(self._offset(plan, mine) % length)
        node_signal = self._node_signals()
        served: dict[int, list[Served]] = {}
        words: dict[int, set[int]] = {}
        on_red: set[int] = set()
        for serving in self.serving:
            row, phase, movement, protection = serving
            if phase not in timed:
                continue
            turn = self.rows.turn[movement]
            if turn < 0:
                self.counts["phases of movements that are left out"] += 1
                continue
            self._join(serving, node_signal)
            if protection is None:
                on_red.add(turn)
            else:
                served.setdefault(movement, []).append(Served(row, timed[phase]))
                words.setdefault(turn, set()).add(protection)
        self._check_lit(served, on_red, node_signal)
        turn_group, group_signal, greens = self._groups(served, node_signal, cycle, n_turns)
        self._check_used(group_signal)
        told = np.full(n_turns, UNSAID, np.int64)
        for turn, said in words.items():
            told[turn] = next(p for p in (PERMITTED, UNSAID, PROTECTED) if p in said)
        signals = StatedSignals(node_signal, cycle, offset, group_signal, greens, turn_group, told)
        return ReadSignals(signals, on_red, self.counts)

    def _serving(self, phase: dict[str, int]) -> list[_Serving]:
        """Return the rows that name movements; those of crosswalks are counted only."""
        table = self.tables.movements
        numbered(table, "signal_phase_mvmt_id")
        phases = places(table, "timing_phase_id", phase, PHASES)
        movement = {name: k for k, name in enumerate(self.rows.table.text("mvmt_id"))}
        names, links = table.optional_text("mvmt_id"), table.optional_text("link_id")
        found: list[_Serving] = []
        seen: set[tuple[int, int]] = set()
        for row, word in enumerate(table.optional_text("protection")):
            if word.lower() not in {*_PROTECTION, _ON_RED}:
                hint = f"known are protected, permitted and {_ON_RED}"
                raise table.fault(row, "protection", "{} is not known", hint)
            if not names[row]:
                if not links[row]:
                    hint = "name a movement, or the link of a crosswalk in link_id"
                    raise table.fault(row, "mvmt_id", "the phase serves nobody", hint)
                self.counts["phases of crosswalks: not taken"] += 1
                continue
            if names[row] not in movement:
                hint = "name one of its mvmt_id"
                raise table.fault(row, "mvmt_id", "there is no movement {} in movement.csv", hint)
            pair = phases[row], movement[names[row]]
            if pair in seen:
                why = "the phase serves movement {} in a row above"
                raise table.fault(row, "mvmt_id", why, "leave one of both rows out")
            seen.add(pair)
            found.append(_Serving(row, *pair, _PROTECTION.get(word.lower())))
        return found

    def _signals(self, chooser: Chooser) -> dict[int, int]:
        """Return by the plan that is taken the signal, in the order of the controllers."""
        mine: dict[int, list[int]] = {}
        for plan, controller in enumerate(self.controller_of):
            mine.setdefault(controller, []).append(plan)
        crossed = {self.plan_of[serving.phase] for serving in self.serving}
        found: dict[int, int] = {}
        for controller in sorted(mine):
            plans = mine[controller]
            plan = chooser.choose(plans, self.controllers[controller])
            if len(plans) > 1:
                self.counts[f"controllers with several plans: that of {chooser.moment}"] += 1
            if plan not in self.phases_of:
                why, hint = "plan {} has no phase", f"add its rows to {PHASES}"
                raise self.tables.plans.fault(plan, "timing_plan_id", why, hint)
            if plan not in crossed:
                why, hint = (
                    "no phase of plan {} serves a movement",
                    f"add rows to {PHASE_MOVEMENTS}",
                )
                raise self.tables.plans.fault(plan, "timing_plan_id", why, hint)
            found[plan] = len(found)
        return found

    def _timed(self, plan: int) -> tuple[dict[int, TimedPhase], float]:
        """Return when the phases of a plan show, and its cycle."""
        timed, length = self.phases.timed(self.phases_of[plan], self.with_vehicles)
        if np.isnan(self.cycle[plan]):
            if not 0.0 < length <= MAX_CYCLE_S:
                why = f"its phases take {length:g} s"
                raise self.tables.plans.fault(plan, "timing_plan_id", why, "state their greens")
            return timed, length
        if abs(length - self.cycle[plan]) > SAME_S:
            why = f"the cycle is {{}} s, and the phases of its rings take {length:.10g} s"
            hint = f"state in {PHASES} greens that fill it, or leave cycle_length out"
            raise self.tables.plans.fault(plan, "cycle_length", why, hint)
        return timed, float(self.cycle[plan])

    def _offset(self, plan: int, timed: dict[int, TimedPhase]) -> float:
        number = {phase: int(self.phases.number[phase]) for phase in timed}
        self.counts["signals without coordination: offset 0"] += plan not in self.coordination
        return self.coordination.offset(plan, timed, number)

    def _node_signals(self) -> I64:
        """Return (N,) the signal of each node that names its controller, else -1."""
        signal = {
            self.controllers[self.controller_of[plan]]: signal
            for plan, signal in self.signal_of.items()
        }
        rows = self.rows
        unknown = [name not in {"", *self.controllers} for name in rows.controller]
        hint = f"state one that is, or add it to {CONTROLLERS}"
        rows.nodes.refuse(
            np.array(unknown), "controller_id", f"{{}} is not in {CONTROLLERS}", hint=hint
        )
        return np.array([signal.get(name, -1) for name in rows.controller], np.int64)

    def _join(self, serving: _Serving, node_signal: I64) -> None:
        """Give the node of a movement the signal whose phase serves it."""
        signal = self.signal_of[self.plan_of[serving.phase]]
        node = self.rows.node[serving.movement]
        table = self.tables.movements
        if node_signal[node] not in {-1, signal}:
            why = "movement {} is at a node of another controller"
            raise table.fault(serving.row, "mvmt_id", why, "a node has one controller")
        if self.rows.lit[serving.movement] is False:
            why = "movement {} has another ctrl_type than signal in movement.csv"
            raise table.fault(serving.row, "mvmt_id", why, "state one or the other")
        node_signal[node] = signal

    def _check_lit(
        self, served: dict[int, list[Served]], on_red: set[int], node_signal: I64
    ) -> None:
        """Refuse a movement that has a signal, and no green in the plan of its junction."""
        rows = self.rows
        # To turn on red is no green.
        red_only = on_red - {rows.turn[movement] for movement in served}
        unnamed = "movements that the plans of their junctions do not name: no signal"
        for row, (turn, node, lit) in enumerate(zip(rows.turn, rows.node, rows.lit, strict=True)):
            if turn < 0 or node_signal[node] < 0 or row in served:
                continue
            if lit or turn in red_only:
                why = "movement {} has a signal, and no phase of its junction's plan serves it"
                hint = f"add it to {PHASE_MOVEMENTS}, or state another ctrl_type"
                raise rows.table.fault(row, "mvmt_id", why, hint)
            self.counts[unnamed] += lit is None

    def _groups(
        self,
        served: dict[int, list[Served]],
        node_signal: I64,
        cycle: list[float],
        n_turns: int,
    ) -> tuple[I64, list[int], list[tuple[Window, ...]]]:
        """Return (M,) the group of each movement, and of each group its signal and its greens.

        Movements that are green at the same times are one group; groups count in the order in
        which the table names them.
        """
        longest: dict[int, tuple[int, tuple[Window, ...]]] = {}
        short: set[TimedPhase] = set()
        for movement, phases in served.items():
            signal = int(node_signal[self.rows.node[movement]])
            greens = greens_of(phases, cycle[signal])
            if not greens:
                why, hint = "movement {} has a green of 0 s", f"state one in {PHASES}"
                raise self.tables.movements.fault(phases[0].row, "mvmt_id", why, hint)
            ends = {round(end % cycle[signal], PLACES) for _, end in greens}
            short |= {
                phase
                for _, phase in phases
                if phase.end - phase.green_end < YELLOW_S - SAME_S
                and round(phase.green_end % cycle[signal], PLACES) in ends
            }
            turn = self.rows.turn[movement]
            before = longest.get(turn)
            if before is not None and before[1] != greens:
                self.counts["movements whose lanes have other phases: the longest green"] += 1
            if before is None or _total(before[1]) < _total(greens):
                longest[turn] = signal, greens
        clearance = f"phases with a clearance shorter than the yellow of {YELLOW_S:g} s"
        self.counts[clearance] = len(short)
        groups: dict[tuple[int, tuple[Window, ...]], int] = {}
        signals: list[int] = []
        windows: list[tuple[Window, ...]] = []
        turn_group = np.full(n_turns, -1, np.int64)
        for turn, (signal, greens) in longest.items():
            key = signal, tuple(sorted((round(a, PLACES), round(b, PLACES)) for a, b in greens))
            turn_group[turn] = groups.setdefault(key, len(groups))
            if turn_group[turn] == len(signals):
                signals.append(signal)
                windows.append(greens)
        return turn_group, signals, windows

    def _check_used(self, group_signal: list[int]) -> None:
        """Refuse a plan that serves only movements that are left out."""
        used = set(group_signal)
        for plan, signal in self.signal_of.items():
            if signal not in used:
                why = "plan {} serves no lane for cars"
                hint = f"take its controller out of {CONTROLLERS}"
                raise self.tables.plans.fault(plan, "timing_plan_id", why, hint)


def _total(greens: tuple[Window, ...]) -> float:
    return sum(end - begin for begin, end in greens)
