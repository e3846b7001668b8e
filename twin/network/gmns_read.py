"""Lanes, movements and signals of GMNS tables, beside nodes and links.

GMNS counts lanes from the median: 1 is the left-most lane for through traffic, lanes to turn left
have negative numbers. Lanes are counted from the kerb here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, did_you_mean
from twin.network.csv_columns import CsvColumns
from twin.network.gmns_signals import PHASE_MOVEMENTS
from twin.network.gmns_signals_read import MovementRows, open_signal_tables, read_signals
from twin.network.gmns_times import DEFAULT_MOMENT, moment_of
from twin.network.graph import I64, TurnKind
from twin.network.raw import MAX_LANES, RawRoads
from twin.network.stated import Control, StatedRoads, StatedTurns
from twin.network.tables import Mapping, read_mapping, read_tables

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

LANES, MOVEMENTS = "lane.csv", "movement.csv"
CARS = frozenset({"", "all", "auto", "car", "sov", "hov", "hov2", "hov3", "truck", "motor_vehicle"})
"""Uses that lanes for cars are allowed to; none named is all."""
BUSES = frozenset({"bus", "transit"})
OTHERS = frozenset(
    {"bike", "bicycle", "ped", "pedestrian", "walk", "parking", "shoulder", "rail", "tram", "none"}
)
"""Uses of lanes that are none here."""
_KIND = {
    "thru": TurnKind.THROUGH,
    "through": TurnKind.THROUGH,
    "merge": TurnKind.THROUGH,
    "diverge": TurnKind.THROUGH,
    "right": TurnKind.RIGHT,
    "left": TurnKind.LEFT,
    "uturn": TurnKind.U_TURN,
}
_CONTROL = {
    "no_control": Control.NONE,
    "yield": Control.YIELD,
    "stop": Control.STOP,
    "stop_2_way": Control.STOP,
    "stop_4_way": Control.ALL_WAY_STOP,
    "signal": Control.SIGNAL,
    "signal_with_rtor": Control.SIGNAL_OR_STOP,
}
MOST_NUMBER = MAX_LANES
"""Largest number of a lane, to either side."""

LaneTable = dict[int, dict[int, int]]
"""By link index the lanes that its numbers stand for, from the kerb; -1 is a lane for others."""


def read_gmns(
    nodes: Path | str,
    links: Path | str,
    mapping: Mapping | Path | str | None = None,
    *,
    plan_at: str = DEFAULT_MOMENT,
) -> StatedRoads:
    """Return the roads of a node and a link table, and of the tables beside the links.

    Parameters
    ----------
    nodes, links, mapping
        As `read_tables` has them. `lane.csv`, `movement.csv` and the signal tables
        (`gmns_signals.SIGNAL_FILES`) of the folder of `links` are read where they are; their
        columns have GMNS's names.
    plan_at
        Day and time, as `wednesday 17:30`: where a signal has several plans, that is taken which
        holds then.

    Raises
    ------
    InputError
        Naming the file, the row and the column of the first fault.
    """
    moment = moment_of(plan_at)
    if mapping is not None and not isinstance(mapping, Mapping):
        mapping = read_mapping(mapping)
    comma = mapping.delimiter if mapping is not None else ","
    raw = read_tables(nodes, links, mapping)
    folder = Path(links).parent
    lanes: LaneTable = {}
    if (folder / LANES).is_file():
        raw, lanes = _with_lanes(raw, CsvColumns(folder / LANES, comma, may_be_empty=True))
    plans = open_signal_tables(folder, comma)
    movements = None
    if (folder / MOVEMENTS).is_file():
        movements = CsvColumns(folder / MOVEMENTS, comma, may_be_empty=True)
    if movements is None or not movements.count:
        if plans is not None:
            hint = f"{PHASE_MOVEMENTS} names them: add them, or take the signal tables away"
            raise InputError("no movements are stated", file=folder / MOVEMENTS, hint=hint)
        return StatedRoads(raw, None)
    node_table = CsvColumns(nodes, comma)
    reader = _MovementReader(raw, movements, lanes)
    stated = reader.turns(_ends(node_table, raw))
    if plans is not None:
        controller = node_table.optional_text("controller_id")
        rows = MovementRows(movements, reader.turn, reader.node, reader.lit, controller, node_table)
        found = read_signals(plans, rows, len(stated.link_from), moment)
        control = stated.control.copy()
        control[found.signals.turn_group >= 0] = np.maximum(
            control[found.signals.turn_group >= 0], Control.SIGNAL
        )
        control[sorted(found.on_red)] = Control.SIGNAL_OR_STOP
        stated = replace(stated, control=control, signals=found.signals)
        reader.counts += found.counts
    left_out = {**raw.left_out, **{what: n for what, n in reader.counts.items() if n}}
    return StatedRoads(replace(reader.raw, left_out=left_out), stated)


def _ends(nodes: CsvColumns, raw: RawRoads) -> Flags:
    """Return (N,) the nodes at which the network ends."""
    if "node_type" not in nodes.header:
        return np.zeros(len(raw.node_id), np.bool_)
    return np.array([kind.lower() == "external" for kind in nodes.text("node_type")], np.bool_)


def _lane_numbers(table: CsvColumns, field: str, *, required: bool = False) -> F64:
    """Return a column of lane numbers, nan where there is none."""
    if not required and field not in table.header:
        return np.full(table.count, np.nan)
    values = table.numbers(field, -MOST_NUMBER, MOST_NUMBER, required=required)
    part = np.isfinite(values) & (values != np.floor(values))
    table.refuse(part, field, "{} is not a whole number")
    table.refuse(values == 0.0, field, "lanes have no number {}: 1 is the left-most")
    return values


def _with_lanes(raw: RawRoads, table: CsvColumns) -> tuple[RawRoads, LaneTable]:
    """Return the roads with the lanes of a table, and what its numbers stand for."""
    ids = table.keys("link_id")
    table.refuse(~np.isin(ids, raw.link_id), "link_id", "there is no link {} in the link table")
    place = {number: k for k, number in enumerate(raw.link_id.tolist())}
    numbers = _lane_numbers(table, "lane_num", required=True).astype(np.int64).tolist()
    rows: dict[int, dict[int, tuple[int, int]]] = {}
    again = np.zeros(table.count, np.bool_)
    use = _uses(table)
    for row, (link, number) in enumerate(zip(ids.tolist(), numbers, strict=True)):
        known = rows.setdefault(place[link], {})
        again[row] = number in known
        known[number] = (use[row], row)
    table.refuse(again, "lane_num", "lane {} of the link occurs twice")
    count, bus = raw.link_lanes.copy(), raw.link_bus.copy()
    lanes: LaneTable = {}
    for link, known in rows.items():
        # From the kerb on.
        kept = [n for n in sorted(known, reverse=True) if known[n][0] != _FOR_OTHERS]
        first = np.zeros(table.count, np.bool_)
        first[next(iter(known.values()))[1]] = True
        if all(known[n][0] != _FOR_CARS for n in kept):
            table.refuse(first, "link_id", "link {} has no lane for cars: leave it out")
        if len(kept) > MAX_LANES:
            table.refuse(first, "link_id", f"link {{}} has more than {MAX_LANES} lanes")
        count[link] = len(kept)
        bus[link] = sum(1 << k for k, n in enumerate(kept) if known[n][0] == _FOR_BUSES)
        lanes[link] = dict.fromkeys(known, -1) | {n: k for k, n in enumerate(kept)}
    # The other direction of a link is not in the table: its lanes are those of the link table.
    return replace(raw, link_lanes=count, link_bus=bus), lanes


_FOR_CARS, _FOR_BUSES, _FOR_OTHERS = range(3)


def _uses(table: CsvColumns) -> list[int]:
    """Return for whom each lane of a table is."""
    found = []
    unknown = np.zeros(table.count, np.bool_)
    for row, text in enumerate(table.optional_text("allowed_uses")):
        words = {word.strip().lower() for word in text.split(",")}
        unknown[row] = not words <= CARS | BUSES | OTHERS
        if words & CARS:
            found.append(_FOR_CARS)
        else:
            found.append(_FOR_BUSES if words & BUSES else _FOR_OTHERS)
    known = ", ".join(sorted((CARS | BUSES | OTHERS) - {""}))
    table.refuse(unknown, "allowed_uses", f"{{}} has a use that is not known (known: {known})")
    return found


class _MovementReader:
    """The movements of a table, put together by pair of links."""

    def __init__(self, raw: RawRoads, table: CsvColumns, lanes: LaneTable) -> None:
        self.raw, self.table, self.lanes = raw, table, lanes
        self.counts: Counter[str] = Counter()
        self.turn: list[int] = []
        """(R,) the movement that each row became part of, or -1 for one that is left out."""
        self.node: list[int] = []
        """(R,) node index of each row."""
        self.lit: list[bool | None] = []
        """(R,) whether each row says that it has a signal; None where it does not say."""

    def turns(self, ends: Flags) -> StatedTurns:
        """Return the movements; `ends` (N,) are nodes at which the network ends."""
        table = self.table
        table.unique_names("mvmt_id")
        start, end = self._ends()
        kind = self._words("type", _KIND)
        control = self._words("ctrl_type", _CONTROL)
        self._count_lanes(start, end)
        leave = self._lanes("ib", start)
        enter = self._lanes("ob", end)
        found: dict[tuple[int, int], list[int]] = {}
        node = table.keys("node_id")
        named = ends.copy()
        for row, pair in enumerate(zip(start, end, strict=True)):
            # Movements of bicycles between lanes of their own.
            if leave[row] == [] or enter[row] == []:
                self.counts["movements left out: none of their lanes is for cars"] += 1
                named |= self.raw.node_id == node[row]
            else:
                found.setdefault(pair, []).append(row)
        pairs = sorted(found)
        self.turn = [-1] * table.count
        for turn, pair in enumerate(pairs):
            for row in found[pair]:
                self.turn[row] = turn
        place = {number: k for k, number in enumerate(self.raw.node_id.tolist())}
        self.node = [place[number] for number in node.tolist()]
        self.lit = [None if c == Control.UNSAID else c >= Control.SIGNAL for c in control]
        columns: list[tuple[int, int, int, int]] = []
        ways: list[set[int]] = []
        for pair in pairs:
            rows = found[pair]
            low, high = _span(leave, rows)
            columns.append((low, high, kind[rows[0]], max(control[r] for r in rows)))
            first, last = _span(enter, rows)
            ways.append(set(range(first, last + 1)) if first >= 0 and low >= 0 else set())
        column = np.array(columns, np.int64).reshape(-1, 4).T
        link = np.array(pairs, np.int64).reshape(-1, 2).T
        return StatedTurns(
            link_from=link[0],
            link_to=link[1],
            lane_low=column[0],
            lane_high=column[1],
            own_lane=_own_lanes(link[1], ways, column[1] - column[0] + 1, column[3]),
            kind=column[2],
            control=column[3],
            ends=named,
        )

    def _ends(self) -> tuple[list[int], list[int]]:
        """Return the links that each movement leaves and enters, at the node that it names."""
        raw, table = self.raw, self.table
        node = table.keys("node_id")
        table.refuse(~np.isin(node, raw.node_id), "node_id", "there is no node {} in the table")
        place = {number: k for k, number in enumerate(raw.link_id.tolist())}
        both = []
        for field, at, what in (
            ("ib_link_id", raw.link_to, "end"),
            ("ob_link_id", raw.link_from, "begin"),
        ):
            ids = table.keys(field)
            unknown = ~np.isin(ids, raw.link_id)
            table.refuse(unknown, field, "there is no link {} in the link table")
            found = []
            for number, here in zip(ids.tolist(), node.tolist(), strict=True):
                # The other direction of a row has the negative of its number.
                ways = [place[n] for n in (number, -number) if n in place]
                found.append(next((k for k in ways if at[k] == here), -1))
            away = np.array(found) < 0
            table.refuse(away, field, f"link {{}} does not {what} at the node of the movement")
            both.append(found)
        return both[0], both[1]

    def _count_lanes(self, start: list[int], end: list[int]) -> None:
        """Give links whose lanes no table counts as many as movements name: the greatest number."""
        named = np.zeros(len(self.raw.link_id))
        for side, links in (("ib", start), ("ob", end)):
            for which in ("start", "end"):
                number = _lane_numbers(self.table, f"{which}_{side}_lane")
                said = np.isfinite(number)
                # Pockets (below zero) are beside one lane at least.
                np.maximum.at(named, np.array(links)[said], np.maximum(number[said], 1.0))
        lanes = np.where(self.raw.link_lanes == 0, named, self.raw.link_lanes)
        self.raw = replace(self.raw, link_lanes=lanes.astype(self.raw.link_lanes.dtype))

    def _words(self, field: str, known: dict[str, TurnKind] | dict[str, Control]) -> list[int]:
        """Return a column of names as numbers; -1 where nothing is said."""
        table = self.table
        text = [value.lower() for value in table.optional_text(field)]
        bad = next((value for value in text if value and value not in known), None)
        if bad is not None:
            hint = did_you_mean(bad, known) or f"known are {', '.join(known)}"
            wrong = np.array([value == bad for value in text])
            table.refuse(wrong, field, f"{{}} is not known; {hint}")
        return [int(known[value]) if value else -1 for value in text]

    def _lanes(self, side: str, links: list[int]) -> list[list[int] | None]:
        """Return the lanes of each movement at one end; None where nothing is said."""
        fields = (f"start_{side}_lane", f"end_{side}_lane")
        first, last = (_lane_numbers(self.table, field) for field in fields)
        open_end = np.isnan(first) & np.isfinite(last)
        self.table.refuse(open_end, fields[1], f"lanes up to {{}}, and no {fields[0]}")
        last = np.where(np.isnan(last), first, last)
        unknown = np.zeros((2, self.table.count), np.bool_)
        found: list[list[int] | None] = []
        for row, (link, low, high) in enumerate(zip(links, first, last, strict=True)):
            if np.isnan(low):
                found.append(None)
                continue
            lanes: set[int] = set()
            for number in range(int(min(low, high)), int(max(low, high)) + 1):
                lane = self._lane(link, number) if number else -1
                unknown[0 if number == low else 1, row] |= lane is None
                lanes.add(-1 if lane is None else lane)
            found.append(sorted(lanes - {-1}))
        for bad, field in zip(unknown, fields, strict=True):
            self.table.refuse(bad, field, "the link has no lane {}, or none on the way to it")
        return found

    def _lane(self, link: int, number: int) -> int | None:
        """Return the lane that a number stands for; -1 for none of cars, None for none at all."""
        count = int(self.raw.link_lanes[link])
        if link in self.lanes:
            known = self.lanes[link].get(number)
        else:
            known = count - number if 1 <= number <= count else None
        if known is None and number < 0 and count:
            # A pocket, which no link has here: who turns from it waits in the lane beside.
            self.counts["movements from pockets taken to the lane at the median"] += 1
            known = count - 1
        return known


def _span(lanes: list[list[int] | None], rows: list[int]) -> tuple[int, int]:
    """Return the first and the last lane of some rows, -1 where a row does not say."""
    named = [lanes[row] for row in rows]
    every = [lane for mine in named if mine is not None for lane in mine]
    if any(mine is None for mine in named) or not every:
        return -1, -1
    return min(every), max(every)


def _own_lanes(link_to: I64, ways: list[set[int]], width: I64, control: I64) -> I64:
    """Return (M,) the first lane entered of movements that bring lanes of their own, else -1.

    Such are those without signals that enter a link with others, lane by lane, in lanes that no
    other leads to.
    """
    own = np.full(len(ways), -1, np.int64)
    into: dict[int, list[int]] = {}
    for turn, link in enumerate(link_to.tolist()):
        into.setdefault(link, []).append(turn)
    for turns in into.values():
        shared = sum(len(ways[t]) for t in turns) > len(set().union(*(ways[t] for t in turns)))
        if len(turns) < 2 or shared or (control[turns] >= Control.SIGNAL).any():
            continue
        for turn in turns:
            if ways[turn] and len(ways[turn]) == width[turn]:
                own[turn] = min(ways[turn])
    return own
