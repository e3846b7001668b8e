"""Signal programs of SUMO as controllers and groups.

A movement's lamp shows `G` (it goes first), `g` (it gives way), `y`, `r` and others in the phases
of its program. Our groups have one green a cycle or several, each followed by `YELLOW_S` of yellow.
Lamps of a program that are green at the same times are one group.
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
YELLOW = frozenset("yY")
AFTER_STOP = "s"
_CLOSE_S = 0.05

Window = tuple[float, float]


@dataclass(slots=True)
class Groups:
    """Controllers and groups as columns (see `Network`); `greens` are all those of each group."""

    signal_of: dict[str, int] = field(default_factory=dict)
    group_of: dict[tuple[int, tuple[Window, ...]], int] = field(default_factory=dict)
    cycle: list[float] = field(default_factory=list)
    offset: list[float] = field(default_factory=list)
    group_signal: list[int] = field(default_factory=list)
    greens: list[tuple[Window, ...]] = field(default_factory=list)

    def group(self, program: Program, windows: tuple[Window, ...]) -> int:
        """Return the group of a program with these greens, made when it is the first."""
        signal = self.signal_of.setdefault(program.id, len(self.cycle))
        if signal == len(self.cycle):
            self.cycle.append(cycle_of(program))
            self.offset.append(program.offset % self.cycle[signal])
        group = self.group_of.setdefault((signal, windows), len(self.group_signal))
        if group == len(self.group_signal):
            self.group_signal.append(signal)
            self.greens.append(windows)
        return group

    def green_s(self, group: int) -> float:
        """Return the seconds of green of a group in a cycle."""
        return sum(end - begin for begin, end in self.greens[group])


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
        windows = greens(program, joined.lamp)
        if not windows:
            counts["lamps without green"] += 1
            # A green too short for anybody to use.
            windows = [(0.0, 0.1)]
        # The longest first, as designs keep them.
        windows.sort(key=lambda window: window[0] - window[1])
        wanted.append(groups.group(program, tuple(windows)))
    for name in used:
        program = file.programs[name]
        counts["actuated signals"] += program.kind != "static"
        counts[f"signals whose yellow is not {YELLOW_S:g} s"] += _other_yellow(program)
    return groups, wanted


def _other_yellow(program: Program) -> bool:
    return any(
        set("yY") & set(phase.state) and abs(phase.duration - YELLOW_S) > _CLOSE_S
        for phase in program.phases
    )


def shows_stop(file: SumoFile, joined: Connection) -> bool:
    """Return whether the lamp of a connection ever lets drivers go after a stop (`s`)."""
    program = file.programs.get(joined.light)
    return program is not None and AFTER_STOP in lamp_states(program, joined.lamp)


def goes_after_stop(file: SumoFile, joined: Connection) -> bool:
    """Return whether a lamp lets drivers go after a stop whenever it is not green or yellow."""
    program = file.programs.get(joined.light)
    if program is None:
        return False
    return set(lamp_states(program, joined.lamp)) - GREEN - YELLOW == {AFTER_STOP}


def meet(file: SumoFile, one: Connection, other: Connection) -> bool:
    """Return whether `one` ever gives way to `other`, as far as signals are concerned.

    That is when it has a green that gives way, or may go after a stop, while the other may go, too.
    """
    program = file.programs.get(one.light)
    if program is None:
        return True
    own = lamp_states(program, one.lamp)
    weak = "gos" if goes_after_stop(file, one) else "go"
    if other.light != one.light:
        return bool(set(weak) & set(own))
    theirs = lamp_states(program, other.lamp)
    return any(a in weak and b in GREEN for a, b in zip(own, theirs, strict=True))
