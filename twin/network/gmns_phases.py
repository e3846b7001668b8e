"""When the phases of GMNS's `signal_timing_phase.csv` begin and end, ring by ring.

Phases of a ring follow one another by position, barrier by barrier; the rings cross each barrier
together, and where one is done before the others, its last phase rests in green. A phase lasts its
green and its clearance, which is yellow and all red. Signals run by fixed times here: the green of
a phase is its longest.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.network.csv_columns import CsvColumns
from twin.network.gmns_signals import MAX_CLEARANCE_S
from twin.network.stated_signals import Window

MAX_GREEN_S = 86_400.0
MOST_RINGS = 12
"""Largest number of a ring and of a barrier that GMNS knows."""
SAME_S = 1e-3
"""Seconds that are no difference."""
PLACES = 6
"""Decimal places to which times are told apart."""

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class TimedPhase(NamedTuple):
    """Seconds of the cycle at which a phase's green begins and ends, and its clearance ends."""

    begin: float
    green_end: float
    end: float


class Served(NamedTuple):
    """A phase that serves a movement, and the row that says so."""

    row: int
    phase: TimedPhase


class PhaseTable:
    """The rows of `signal_timing_phase.csv`; P phases.

    Parameters
    ----------
    table
        The file.

    Raises
    ------
    InputError
        Naming the row and the column of the first value that cannot be.
    """

    def __init__(self, table: CsvColumns) -> None:
        self.table = table
        self.number = whole(table, "signal_phase_num", 0, 1 << 30)
        self._ring = whole(table, "ring", 0, MOST_RINGS)
        self._barrier = whole(table, "barrier", 0, MOST_RINGS)
        self._position = table.keys("position")
        least = table.optional_numbers("min_green", 0.0, MAX_GREEN_S)
        most = table.optional_numbers("max_green", 0.0, MAX_GREEN_S)
        hint = "state the longest green there, or leave it out"
        table.refuse(most < least, "max_green", "{} is less than min_green", hint=hint)
        walk, flash = (
            table.optional_numbers(field, 0.0, MAX_CLEARANCE_S)
            for field in ("walk_time", "ped_clearance")
        )
        # A phase of pedestrians alone may state theirs only.
        walk = np.where(np.isfinite(flash), walk + flash, walk)
        self._green: F64 = np.where(
            np.isfinite(most), most, np.where(np.isfinite(least), least, walk)
        )
        self._clearance = table.optional_numbers("clearance", 0.0, MAX_CLEARANCE_S)

    def clearance(self, phase: int) -> float:
        """Return the clearance of a phase in seconds, 0 where none is stated."""
        return float(np.nan_to_num(self._clearance[phase]))

    def timed(
        self, phases: Collection[int], serving: Collection[int]
    ) -> tuple[dict[int, TimedPhase], float]:
        """Return when the phases of a plan show, by phase, and how long they all take.

        Parameters
        ----------
        phases
            Those of the plan.
        serving
            Phases that serve movements of vehicles.

        Raises
        ------
        InputError
            If a phase states no green, or one that serves vehicles no clearance, or two of the
            plan have one place.
        """
        self._check(phases, serving)
        found: dict[int, TimedPhase] = {}
        begin = 0.0
        for barrier in sorted({int(self._barrier[phase]) for phase in phases}):
            here = [phase for phase in phases if self._barrier[phase] == barrier]
            rings: dict[int, list[int]] = {}
            for phase in sorted(here, key=lambda p: int(self._position[p])):
                rings.setdefault(int(self._ring[phase]), []).append(phase)
            ends = [self._in_a_row(ring, begin, found) for ring in rings.values()]
            crossing = max(ends)
            for ring, end in zip(rings.values(), ends, strict=True):
                last = found[ring[-1]]
                rest = crossing - end
                found[ring[-1]] = TimedPhase(last.begin, last.green_end + rest, crossing)
            begin = crossing
        return found, begin

    def _in_a_row(self, ring: list[int], begin: float, found: dict[int, TimedPhase]) -> float:
        """Time the phases of a ring between two barriers, and return when they end."""
        for phase in ring:
            green_end = begin + float(self._green[phase])
            end = green_end + self.clearance(phase)
            found[phase] = TimedPhase(begin, green_end, end)
            begin = end
        return begin

    def _check(self, phases: Collection[int], serving: Collection[int]) -> None:
        places: set[tuple[int, int, int]] = set()
        for phase in sorted(phases):
            if not np.isfinite(self._green[phase]):
                why = "the phase has neither max_green nor min_green"
                raise self.table.fault(phase, "min_green", why, hint="state its green in seconds")
            if phase in serving and not np.isfinite(self._clearance[phase]):
                why = "the phase has no clearance"
                raise self.table.fault(phase, "clearance", why, hint="state yellow and all red")
            place = tuple(int(c[phase]) for c in (self._ring, self._barrier, self._position))
            if place in places:
                why = "another phase of the plan has position {} of that ring and barrier"
                raise self.table.fault(phase, "position", why, hint="number them in their order")
            places.add((place[0], place[1], place[2]))


def whole(table: CsvColumns, field: str, low: int, high: int) -> I64:
    """Return a column of whole numbers from `low` to `high`.

    Raises
    ------
    InputError
        At the first value that is not one.
    """
    values = table.keys(field)
    bad = (values < low) | (values > high)
    table.refuse(bad, field, f"{{}} is not from {low} to {high}")
    return values


def greens_of(served: list[Served], cycle: float) -> tuple[Window, ...]:
    """Return the greens of a movement in a cycle: those of its phases, the longest first.

    Where a phase ends as another begins that serves it, too, it stays green from one to the other.
    Of greens of one length that comes first whose row does.
    """
    begins = np.array([own.phase.begin for own in served])
    pieces = []
    for row, phase in served:
        gap = (begins - phase.end) % cycle
        onward = bool((np.minimum(gap, cycle - gap) < SAME_S).any())
        end = phase.end if onward else phase.green_end
        pieces.append((phase.begin, end, row))
    joined: list[tuple[float, float, int]] = []
    for begin, end, row in sorted(pieces):
        if joined and begin <= joined[-1][1] + SAME_S:
            first = joined[-1]
            joined[-1] = (first[0], max(first[1], end), min(first[2], row))
        elif end > begin:
            joined.append((begin, end, row))
    if len(joined) > 1 and joined[-1][1] >= cycle + joined[0][0] - SAME_S:
        head, tail = joined.pop(0), joined.pop()
        joined.append((tail[0], cycle + head[1], min(head[2], tail[2])))
    joined.sort(key=lambda green: (round(green[0] - green[1], PLACES), green[2]))
    return tuple((begin, end) for begin, end, _ in joined)
