"""Signal programs of SUMO as groups with one green a cycle.

A movement's lamp shows `G` (it goes first), `g` (it gives way), `y`, `r` and others in the phases
of its program. Our groups have one green a cycle, `YELLOW_S` of yellow, then red. A lamp with
several greens a cycle that repeat evenly becomes a group of a controller with the shorter cycle;
one with greens that do not keeps the longest, and is counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from twin.network.graph import YELLOW_S
from twin.network.sumo_read import Connection, Program, SumoFile

GREEN = frozenset("GgoO")
UNLIT = frozenset("oO")
_CLOSE_S = 0.05

Window = tuple[float, float]


@dataclass(slots=True)
class Groups:
    """Controllers and groups as columns (see `Network`), and the group of each connection."""

    signal_of: dict[tuple[str, float], int] = field(default_factory=dict)
    group_of: dict[tuple[int, Window], int] = field(default_factory=dict)
    cycle: list[float] = field(default_factory=list)
    offset: list[float] = field(default_factory=list)
    group_signal: list[int] = field(default_factory=list)
    green_from: list[float] = field(default_factory=list)
    green_to: list[float] = field(default_factory=list)

    def group(self, program: Program, cycle: float, window: Window) -> int:
        """Return the group of a green, made when it is the first of its kind."""
        signal = self.signal_of.setdefault((program.id, cycle), len(self.cycle))
        if signal == len(self.cycle):
            self.cycle.append(cycle)
            self.offset.append(program.offset % cycle)
        group = self.group_of.setdefault((signal, window), len(self.group_signal))
        if group == len(self.group_signal):
            self.group_signal.append(signal)
            self.green_from.append(window[0])
            self.green_to.append(window[1])
        return group


def cycle_of(program: Program) -> float:
    """Return the length of a program, seconds."""
    return sum(phase.duration for phase in program.phases)


def lamp_states(program: Program, lamp: int) -> str:
    """Return the state of one lamp in each phase."""
    return "".join(phase.state[lamp] for phase in program.phases)


def is_lit(program: Program, lamp: int) -> bool:
    """Return whether a lamp ever does more than blink or stay dark."""
    return not set(lamp_states(program, lamp)) <= UNLIT


def greens(program: Program, lamp: int) -> list[Window]:
    """Return the greens of a lamp, seconds of the cycle; one may run over its end."""
    states = lamp_states(program, lamp)
    edges = np.concatenate([[0.0], np.cumsum([phase.duration for phase in program.phases])])
    found: list[Window] = []
    for state, (begin, end) in zip(states, pairwise(edges.tolist()), strict=True):
        if state not in GREEN:
            continue
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    cycle = float(edges[-1])
    if len(found) > 1 and found[0][0] == 0.0 and found[-1][1] == cycle:
        found[-1] = (found[-1][0], cycle + found[0][1])
        del found[0]
    return found


def one_green(windows: list[Window], cycle: float) -> tuple[Window, float, bool]:
    """Return one green and the cycle in which it repeats, and whether it says all there is."""
    count = len(windows)
    short = cycle / count
    first = windows[0]
    even = all(
        abs(begin - first[0] - k * short) < _CLOSE_S
        and abs(end - begin - first[1] + first[0]) < _CLOSE_S
        for k, (begin, end) in enumerate(windows)
    )
    if even:
        return first, short, True
    return max(windows, key=lambda window: window[1] - window[0]), cycle, False


def signal_groups(
    file: SumoFile, rows: list[int], counts: Counter[str]
) -> tuple[Groups, list[int]]:
    """Return the groups, and for each of some connections its group (-1: without signal)."""
    groups = Groups()
    wanted: list[int] = []
    used: set[str] = set()
    for row in rows:
        joined = file.connections[row]
        program = file.programs.get(joined.light)
        if program is None or not is_lit(program, joined.lamp):
            wanted.append(-1)
            continue
        used.add(program.id)
        states = lamp_states(program, joined.lamp)
        counts["greens after a stop taken as red"] += "s" in states
        windows = greens(program, joined.lamp)
        if not windows:
            counts["lamps without green"] += 1
            # A green too short for anybody to use.
            windows = [(0.0, 0.1)]
        window, cycle, whole = one_green(windows, cycle_of(program))
        counts["lamps of which only the longest green was kept"] += not whole
        wanted.append(groups.group(program, cycle, window))
    for name in used:
        program = file.programs[name]
        counts["actuated signals taken as their plan"] += program.kind != "static"
        counts[f"signals whose yellow is not {YELLOW_S:g} s"] += _other_yellow(program)
    return groups, wanted


def _other_yellow(program: Program) -> bool:
    return any(
        set("yY") & set(phase.state) and abs(phase.duration - YELLOW_S) > _CLOSE_S
        for phase in program.phases
    )


def meet(file: SumoFile, one: Connection, other: Connection) -> bool:
    """Return whether `one` ever gives way to `other`, as far as signals are concerned.

    That is when it has a green that gives way while the other may go, too.
    """
    program = file.programs.get(one.light)
    if program is None:
        return True
    own = lamp_states(program, one.lamp)
    if other.light != one.light:
        return bool(set("go") & set(own))
    theirs = lamp_states(program, other.lamp)
    return any(a in "go" and b in GREEN for a, b in zip(own, theirs, strict=True))
