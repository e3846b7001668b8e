"""Bus lines as three CSV files of a folder: `stops.csv`, `departures.csv` and maybe `lines.csv`.

`stops.csv` has a row for each stop of each line in the order of the line; `departures.csv` a row
for each bus that sets out, or for buses every so often; `lines.csv` what boarding takes.
`docs/how-to/run-buses.md` lists the columns.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NoReturn

import numpy as np

from twin.core.clock import parse_clock
from twin.core.errors import InputError, NotFoundError, did_you_mean
from twin.demand.transit import BOARD_S, DOORS_S, Dwell, Pattern, Plan, Run, Stop
from twin.network.csv_columns import HEADER_ROW, CsvColumns
from twin.network.graph import F64, I64, Network

MAX_S = 86_400.0
MAX_RUNS = 1_000_000
"""Most buses of all lines."""


def read_tables(folder: Path | str, network: Network, *, dwell_s: float) -> Plan:
    """Return the lines of a folder.

    Parameters
    ----------
    folder
        Where the files are.
    network
        The roads that links are named of.
    dwell_s
        Seconds that a bus stands where the table does not say it.

    Raises
    ------
    InputError
        Naming the file, the row and the field of the first fault.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotFoundError("there is no such folder", file=folder, field="transit.tables")
    boarding = _boarding(folder / "lines.csv")
    stops, rows_of, dwells, timing, after = _stops(folder / "stops.csv", network, boarding, dwell_s)
    names = list(rows_of)
    patterns = [
        Pattern(
            name,
            tuple(rows_of[name]),
            tuple(dwells[row] for row in rows_of[name]),
            tuple(timing[row] for row in rows_of[name]),
        )
        for name in names
    ]
    runs = _runs(folder / "departures.csv", names, [after[rows_of[name]] for name in names])
    return Plan(stops, patterns, runs, Counter())


def _boarding(path: Path) -> dict[str, tuple[float, float]]:
    """Return the seconds for a passenger and for the doors of each line of `lines.csv`."""
    if not path.exists():
        return {}
    table = CsvColumns(path)
    board, doors = _numbers(table, "board_s", BOARD_S), _numbers(table, "doors_s", DOORS_S)
    lines = _names(table, "line")
    table.refuse(_again(lines), "line", "the line {} occurs twice")
    return dict(zip(lines, zip(board.tolist(), doors.tolist(), strict=True), strict=True))


def _stops(
    path: Path, network: Network, boarding: dict[str, tuple[float, float]], dwell_s: float
) -> tuple[list[Stop], dict[str, list[int]], list[Dwell], list[bool], F64]:
    table = CsvColumns(path)
    lines, names = _names(table, "line"), _names(table, "stop")
    if boarding:
        unknown = np.array([line not in boarding for line in lines])
        table.refuse(unknown, "line", "there is no line {} in lines.csv")
    link, pos, lon, lat = _places(table, network)
    lane = _numbers(table, "lane", 0.0, high=15.0)
    whole = lane == np.floor(lane)
    table.refuse(~whole, "lane", "{} is not a whole number")
    known = link >= 0
    beyond = known & (lane >= network.link_lanes[np.maximum(link, 0)])
    table.refuse(beyond, "lane", "the link has no lane {} (0 is at the kerb)")
    bay, timing = _flags(table, "bay"), _flags(table, "timing")
    mean = _numbers(table, "dwell_s", dwell_s, high=3600.0)
    spread = _numbers(table, "dwell_sd_s", 0.0, high=3600.0)
    passengers = _numbers(table, "boarding", np.nan, high=1000.0)
    after = _numbers(table, "after_s", np.nan, high=MAX_S)
    rows_of: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        rows_of.setdefault(line, []).append(row)
    for own in rows_of.values():
        if len(own) < 2:
            only = np.arange(table.count) == own[0]
            table.refuse(only, "line", "the line {} has only one stop")
        _check_times(table, own, after)
    dwells = [
        Dwell(float(m), float(s), float(p), *boarding.get(line, (BOARD_S, DOORS_S)))
        for line, m, s, p in zip(lines, mean, spread, passengers, strict=True)
    ]
    stops = [
        Stop(f"{line} {n + 1}", name, float(x), float(y), int(k), float(at), int(own), beside)
        for n, (line, name, x, y, k, at, own, beside) in enumerate(
            zip(lines, names, lon, lat, link, pos, lane, bay, strict=True)
        )
    ]
    return stops, rows_of, dwells, timing, after


def _places(table: CsvColumns, network: Network) -> tuple[I64, F64, F64, F64]:
    """Return link index (-1 when degrees are given), metres, longitude and latitude."""
    n = table.count
    blank = np.full(n, np.nan)
    if "link" in table.header:
        wanted = table.keys("link")
        order = np.argsort(network.link_id, kind="stable")
        at = np.minimum(np.searchsorted(network.link_id, wanted, sorter=order), network.n_links - 1)
        link = order[at]
        table.refuse(network.link_id[link] != wanted, "link", "the city has no link {}")
        pos = table.numbers("pos_m", 0.0, 1e6)
        table.refuse(pos > network.link_length[link], "pos_m", "the link is shorter than {} m")
        return link, pos, blank, blank
    if "lon" not in table.header:
        raise InputError(
            "say where stops are: link and pos_m, or lon and lat",
            file=table.path,
            row=HEADER_ROW,
            field="link",
        )
    lon, lat = table.numbers("lon", -180.0, 180.0), table.numbers("lat", -90.0, 90.0)
    return np.full(n, -1, np.int64), blank, lon, lat


def _check_times(table: CsvColumns, own: list[int], after: F64) -> None:
    """Refuse a line whose stops are due earlier than those before them."""
    latest = 0.0
    for row in own:
        if after[row] < latest:
            bad = np.arange(table.count) == row
            table.refuse(bad, "after_s", "{} is earlier than at the stop before")
        latest = max(latest, float(np.nan_to_num(after[row])))


def _runs(path: Path, names: list[str], after: list[F64]) -> list[Run]:
    table = CsvColumns(path)
    lines = _names(table, "line")
    place = {name: n for n, name in enumerate(names)}
    for row, line in enumerate(lines):
        if line not in place:
            raise InputError(
                f"there is no line {line!r} in stops.csv",
                file=path,
                row=row + HEADER_ROW + 1,
                field="line",
                hint=did_you_mean(line, names),
            )
    departures = _Departures(table)
    runs: list[Run] = []
    for row, line in enumerate(lines):
        for moment in departures.of(row):
            offsets = after[place[line]].copy()
            offsets[0] = 0.0
            times = moment + offsets
            runs.append(Run(f"{line} {len(runs) + 1}", place[line], times, times))
            if len(runs) > MAX_RUNS:
                departures.refuse(row, "line", f"there are more than {MAX_RUNS:,} buses")
    return runs


class _Departures:
    """The rows of `departures.csv` as moments."""

    def __init__(self, table: CsvColumns) -> None:
        self.path = table.path
        self._depart, self._from, self._until = (
            self._clocks(table, field) for field in ("depart", "from", "until")
        )
        self._every = (
            table.numbers("every_s", 10.0, MAX_S, required=False)
            if "every_s" in table.header
            else np.full(table.count, np.nan)
        )

    def of(self, row: int) -> list[float]:
        """Return the departures of a row."""
        depart, start, end = self._depart[row], self._from[row], self._until[row]
        if depart is not None:
            return [depart]
        if start is None or end is None:
            self.refuse(row, "depart", "give `depart`, or `from`, `until` and `every_s`")
        if np.isnan(self._every[row]):
            self.refuse(row, "every_s", "the value is missing")
        if end < start:
            self.refuse(row, "until", "`until` is before `from`")
        return [float(t) for t in np.arange(start, end, self._every[row])]

    def refuse(self, row: int, field: str, why: str, hint: str | None = None) -> NoReturn:
        """Raise the error of a row."""
        raise InputError(why, file=self.path, row=row + HEADER_ROW + 1, field=field, hint=hint)

    def _clocks(self, table: CsvColumns, field: str) -> list[float | None]:
        out: list[float | None] = []
        for row, text in enumerate(table.text(field) if field in table.header else []):
            try:
                out.append(parse_clock(text, field=field) if text else None)
            except InputError as error:
                self.refuse(row, field, error.message, error.hint)
        return out or [None] * table.count


def _names(table: CsvColumns, field: str) -> list[str]:
    names = table.text(field)
    table.refuse(np.array([not name for name in names]), field, "the value is missing")
    return names


def _again(names: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    seen: set[str] = set()
    out = []
    for name in names:
        out.append(name in seen)
        seen.add(name)
    return np.array(out)


def _numbers(table: CsvColumns, field: str, default: float, *, high: float = 600.0) -> F64:
    """Return a column that may be missing, or blank in a row."""
    if field not in table.header:
        return np.full(table.count, default)
    values = table.numbers(field, 0.0, high, required=False)
    return np.where(np.isnan(values), default, values)


def _flags(table: CsvColumns, field: str) -> list[bool]:
    if field not in table.header:
        return [False] * table.count
    text = table.text(field)
    table.refuse(np.array([v not in {"", "0", "1"} for v in text]), field, "{} is not 0 or 1")
    return [value == "1" for value in text]
