"""Move-up by tables: which stations are to be manned when so many units are free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from twin.agents.deployment.cover import KIND
from twin.agents.deployment.siting import cover_by_swaps, free_shares, nest_by_swaps
from twin.agents.policies.fleet import Fleet, fleet_of, unknown_stations
from twin.agents.policies.registry import register
from twin.agents.policies.scores import Move
from twin.agents.states import UnitState
from twin.core.errors import InputError

if TYPE_CHECKING:
    from twin.agents.deployment.drives import Drives
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

Assignment = Literal["total", "longest"]


@register("moveup")
class ComplianceTable:
    """Row k of a table names the stations where units are to wait when k are free.

    Whenever a unit is sent or comes free, free units are assigned to the stations of the row. Who
    stands at one of them stays; the others are assigned with the least drive in total, or with the
    least longest drive (van Barneveld 2016, "The minimum expected penalty relocation problem for
    the computation of compliance tables for ambulance vehicles"). Free units for which the row has
    no station go where they were going.

    Without a table, one is computed from the expected cover of the scenario's `coverage`
    (Daskin 1983): nested, so that row k + 1 has the stations of row k and one more, or each row for
    itself.
    """

    name = "compliance-table"
    triggers: ClassVar[frozenset[str]] = frozenset({"free", "dispatch", "shift"})

    def __init__(
        self,
        rows: Annotated[
            list[list[str]] | None,
            Field(description="Stations by id; the first row has one of them, the second two, ..."),
        ] = None,
        nested: Annotated[
            list[str] | None,
            Field(description="Stations in the order in which they are manned: row k is k of them"),
        ] = None,
        computed: Annotated[
            Literal["nested", "each"],
            Field(description="How a table is computed where neither is given"),
        ] = "nested",
        assignment: Annotated[
            Assignment,
            Field(description="What is least: the sum of the drives, or the longest of them"),
        ] = "total",
    ) -> None:
        if rows is not None and nested is not None:
            raise InputError(
                "a table has `rows` or is `nested`", field=f"policy.parameters.{self.name}.nested"
            )
        self._rows = rows
        if nested is not None:
            self._rows = [nested[: k + 1] for k in range(len(nested))]
        self._key = "rows" if nested is None else "nested"
        self._each = computed == "each"
        self._assignment: Assignment = assignment
        self._made: dict[int, list[str]] = {}

    def check(self, world: World) -> None:
        """Refuse a table that has no row of k stations for each k, or one that is not there."""
        for fault in self.faults(fleet_of(world)):
            raise fault

    def faults(self, fleet: Fleet) -> Iterator[InputError]:
        """Yield what is wrong with the table."""
        field = f"policy.parameters.{self.name}.{self._key}"
        rows = self._rows or []
        for k, row in enumerate(rows, start=1):
            if len(row) != k:
                yield InputError(f"row {k} has {len(row)} stations, not {k}", field=field)
        yield from unknown_stations(fleet, [base for row in rows for base in row], field)

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:
        """Return the moves that fill the row of as many units as are free."""
        row = self.row(world, len(units))
        stands = Counter(u.base.station_id for u in units if u.state is UnitState.IDLE)
        slots: list[str] = []
        kept: Counter[str] = Counter()
        for base in row:
            if kept[base] < stands[base]:
                kept[base] += 1
            else:
                slots.append(base)
        open_units = []
        for unit in units:
            base = unit.base.station_id
            if unit.state is UnitState.IDLE and kept[base]:
                kept[base] -= 1
            else:
                open_units.append(unit)
        if self._assignment == "longest":
            # Who stands at a station may have to go on, for others to have shorter ways.
            slots, open_units = list(row), list(units)
        if not slots:
            return []
        stations = [world.stations[base] for base in dict.fromkeys(slots)]
        number = {station.station_id: k for k, station in enumerate(stations)}
        column = np.array([number[base] for base in slots], np.int64)
        drives = world.deployer.drives.to_learn(open_units, stations)
        found = assigned_by_learning(drives, column, longest=self._assignment == "longest")
        moves = []
        for who, slot in sorted(found, key=lambda pair: pair[1]):
            unit, station = open_units[who], world.stations[slots[slot]]
            if station is not unit.base or unit is freed:
                eta = drives.row(who, whole=world.scenario.record.decisions)
                moves.append(Move(unit, station, stations, eta, eta))
        return moves

    def row(self, world: World, k: int) -> list[str]:
        """Return the stations that are manned when k units are free."""
        if self._rows is not None:
            return self._rows[min(k, len(self._rows)) - 1] if k and self._rows else []
        if k not in self._made:
            if self._each:
                self._made[k] = _best(world, k)
            else:
                order = computed_order(world)
                self._made = {n: order[:n] for n in range(len(order) + 1)}
        return self._made[k]


@register("moveup")
class PriorityList:
    """A unit that comes free goes to the first station of a list that still lacks one.

    The list may name a station several times. Who finds all of them filled goes home. Without a
    list, one is computed as for a nested compliance table.
    """

    name = "priority-list"
    triggers: ClassVar[frozenset[str]] = frozenset({"free"})

    def __init__(
        self,
        stations: Annotated[
            list[str] | None, Field(description="Stations by id, the most important first")
        ] = None,
    ) -> None:
        self._stations = stations

    def check(self, world: World) -> None:
        """Refuse a list with a station that is not there."""
        for fault in self.faults(fleet_of(world)):
            raise fault

    def faults(self, fleet: Fleet) -> Iterator[InputError]:
        """Yield what is wrong with the list."""
        field = f"policy.parameters.{self.name}.stations"
        return unknown_stations(fleet, self._stations or [], field)

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:
        """Return where the freed unit goes."""
        if freed is None:
            return []
        if self._stations is None:
            self._stations = computed_order(world)
        there = Counter(unit.base.station_id for unit in units if unit is not freed)
        order = list(dict.fromkeys(self._stations))
        stations = [world.stations[base] for base in order]
        eta = world.deployer.drives.seconds([freed], stations)[0]
        score = np.arange(len(order), dtype=np.float64)
        wanted: Counter[str] = Counter()
        for base in self._stations:
            wanted[base] += 1
            k = order.index(base)
            if there[base] < wanted[base] and np.isfinite(eta[k]):
                score[:k] = np.inf
                return [Move(freed, stations[k], stations, eta, score)]
        return []


def assigned_by_learning(drives: Drives, column: I64, *, longest: bool) -> list[tuple[int, int]]:
    """Return what `assigned` does of drives to (S,) stations, asking for few of them.

    What is best by what drives take at least, and knows what its own take, is the best of all.
    """
    while True:
        found = assigned(drives.seconds[:, column], longest=longest)
        if not drives.learn((unit, int(column[slot])) for unit, slot in found):
            return found


def assigned(cost: F64, *, longest: bool) -> list[tuple[int, int]]:
    """Return pairs (unit, slot) of as many as there are of the fewer, without impossible drives.

    Parameters
    ----------
    cost
        (U, S) drive of each unit to each slot; infinite where no road leads.
    longest
        Whether the longest drive is least, and then the sum; else the sum alone.
    """
    allowed = np.isfinite(cost)
    if longest:
        limits = np.unique(cost[allowed])
        low, high = 0, len(limits) - 1
        most = _pairs(allowed)
        while low < high:
            middle = (low + high) // 2
            if _pairs(cost <= limits[middle]) == most:
                high = middle
            else:
                low = middle + 1
        if len(limits):
            allowed = cost <= limits[low]
    far = 1.0 + 2.0 * float(np.where(allowed, cost, 0.0).sum())
    rows, columns = linear_sum_assignment(np.where(allowed, cost, far))
    return [(int(u), int(s)) for u, s in zip(rows, columns, strict=True) if allowed[u, s]]


def computed_order(world: World) -> list[str]:
    """Return stations in the order in which they are to be manned, one for each unit."""
    cover = world.cover(KIND)
    n = sum(unit.kind == KIND for unit in world.units)
    order, _ = nest_by_swaps(
        cover.weight, cover.reach, free_shares(n, cover.busy), busy=cover.busy, most=n
    )
    return [cover.bases[base] for base in order]


def _best(world: World, k: int) -> list[str]:
    cover = world.cover(KIND)
    counts = cover_by_swaps(cover.weight, cover.reach, k, busy=cover.busy, most=k)
    return [base for base, n in zip(cover.bases, counts.tolist(), strict=True) for _ in range(n)]


def _pairs(allowed: NDArray[np.bool_]) -> int:
    """Return how many units can have a slot each."""
    return int((maximum_bipartite_matching(csr_array(allowed), perm_type="column") >= 0).sum())
