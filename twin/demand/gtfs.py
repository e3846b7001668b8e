"""Bus lines of a GTFS feed (gtfs.org/schedule/reference): stops, trips, calendars, frequencies.

Of a feed the buses are taken (route types 3, 11, 700 to 799 and 800) that run on a day; what else
there is, is counted. Times between two that are given are spread evenly, as the reference asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import DAY_S
from twin.core.errors import InputError
from twin.demand.gtfs_files import Feed, Table
from twin.demand.transit import Dwell, Pattern, Plan, Run, Stop
from twin.network.graph import F64

BUS_TYPES = frozenset({3, 11, 800, *range(700, 800)})
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = (-1, 0, 1)
"""Service days whose buses may drive on a day: a service day can last beyond midnight."""
MAX_RUNS = 1_000_000


def read_gtfs(path: Path | str, day: date, span: tuple[float, float], *, dwell: Dwell) -> Plan:
    """Return the bus lines of a feed on a day.

    Parameters
    ----------
    path
        Folder or ZIP archive.
    day
        Date of second 0.
    span
        Runs are taken that are under way between these seconds.
    dwell
        How long a bus stands at a stop; longer where the times of arrival and departure differ by
        more than its mean.

    Raises
    ------
    InputError
        Naming the file, the row and the field of the first fault.
    """
    feed = Feed(path)
    left_out: Counter[str] = Counter()
    stops, stop_row = _stops(feed.need("stops"))
    trips = _trips(feed, left_out)
    services = [_services(feed, day + timedelta(days=n)) for n in DAYS]
    active = trips["service_id"].isin(set().union(*services))
    left_out["trips of other days"] = int((~active).sum())
    trips = trips[active]
    visits = _visits(feed.need("stop_times"), trips, stop_row, left_out)
    frequencies = _frequencies(feed.table("frequencies"))
    patterns: list[Pattern] = []
    place: dict[tuple[str, tuple[int, ...], tuple[float, ...], tuple[bool, ...]], int] = {}
    runs: list[Run] = []
    line_of = dict(zip(trips["trip_id"], trips["line"], strict=True))
    service_of = dict(zip(trips["trip_id"], trips["service_id"], strict=True))
    for trip, rows, arrive, depart, exact in visits:
        planned = np.maximum(depart - arrive, 0.0)
        means = tuple(max(float(s), dwell.mean_s) for s in planned)
        key = (line_of[trip], tuple(rows.tolist()), means, tuple(exact.tolist()))
        if key not in place:
            place[key] = len(patterns)
            dwells = tuple(dwell._replace(mean_s=mean) for mean in means)
            patterns.append(Pattern(key[0], key[1], dwells, key[3]))
        for n, active_now in zip(DAYS, services, strict=True):
            if service_of[trip] not in active_now:
                continue
            shifts = _starts(frequencies.get(trip), depart[0]) + n * DAY_S
            under_way = (depart[-1] + shifts >= span[0]) & (depart[0] + shifts <= span[1])
            for number in np.flatnonzero(under_way).tolist():
                moved = shifts[number]
                name = trip if trip not in frequencies else f"{trip}#{number}"
                name = name if n == 0 else f"{name} ({day + timedelta(days=n)})"
                runs.append(Run(name, place[key], arrive + moved, depart + moved))
        if len(runs) > MAX_RUNS:
            raise InputError(f"the feed has more than {MAX_RUNS:,} buses a day", file=path)
    return Plan(stops, patterns, runs, Counter({k: n for k, n in left_out.items() if n}))


def _stops(table: Table) -> tuple[list[Stop], dict[str, int]]:
    ids = table.unique("stop_id")
    kind = table.numbers("location_type", 0, 4, "")
    # Stations, entrances and the like may have no place; buses do not stop there.
    lon, lat = table.numbers("stop_lon", -180, 180, ""), table.numbers("stop_lat", -90, 90, "")
    boards = np.nan_to_num(kind) == 0
    table.refuse(boards & np.isnan(lon), "stop_lon", "the value is missing")
    table.refuse(boards & np.isnan(lat), "stop_lat", "the value is missing")
    names = table.text("stop_name", "")
    stops = [
        Stop(one, name, float(x), float(y))
        for one, name, x, y in zip(ids, names, lon, lat, strict=True)
    ]
    return stops, {one: n for n, one in enumerate(ids) if boards[n]}


def _trips(feed: Feed, left_out: Counter[str]) -> pd.DataFrame:
    """Return `trip_id`, `service_id` and `line` of the trips of buses."""
    routes = feed.need("routes")
    ids = routes.unique("route_id")
    kind = routes.numbers("route_type", 0, 1800)
    short, long = routes.text("route_short_name", ""), routes.text("route_long_name", "")
    line = short.where(short != "", long)
    line = line.where(line != "", ids)
    is_bus = np.isin(kind, list(BUS_TYPES))
    left_out["routes that are not buses"] = int((~is_bus).sum())
    named = dict(zip(ids[is_bus], line[is_bus], strict=True))
    trips = feed.need("trips")
    trip, route = trips.unique("trip_id"), trips.text("route_id")
    trips.refuse(~route.isin(set(ids)), "route_id", "there is no route {} in routes.txt")
    service = trips.text("service_id")
    trips.refuse(service == "", "service_id", "the value is missing")
    frame = pd.DataFrame({"trip_id": trip, "service_id": service, "line": route.map(named)})
    return frame[route.isin(set(named)).to_numpy()]


def _services(feed: Feed, day: date) -> set[str]:
    """Return the services that run on a day."""
    calendar, exceptions = feed.table("calendar"), feed.table("calendar_dates")
    if calendar is None and exceptions is None:
        raise InputError("the feed has neither calendar.txt nor calendar_dates.txt", file=feed.path)
    running: set[str] = set()
    today = day.strftime("%Y%m%d")
    if calendar is not None:
        ids = calendar.unique("service_id")
        runs = calendar.numbers(_WEEKDAYS[day.weekday()], 0, 1) == 1
        first, last = _dates(calendar, "start_date"), _dates(calendar, "end_date")
        running |= set(ids[runs & (first <= today) & (last >= today)])
    if exceptions is not None:
        ids = exceptions.text("service_id")
        kind = exceptions.numbers("exception_type", 1, 2)
        now = (_dates(exceptions, "date") == today).to_numpy()
        running |= set(ids[now & (kind == 1)])
        running -= set(ids[now & (kind == 2)])
    return running


def _dates(table: Table, field: str) -> pd.Series[str]:
    text = table.text(field)
    table.refuse(~text.str.fullmatch(r"\d{8}"), field, "{} is not YYYYMMDD")
    return text


def _visits(
    table: Table, trips: pd.DataFrame, stop_row: dict[str, int], left_out: Counter[str]
) -> Iterator[tuple[str, NDArray[np.int64], F64, F64, NDArray[np.bool_]]]:
    """Yield (trip, rows of stops, arrivals, departures, exact times) of every trip."""
    trip = table.text("trip_id")
    wanted = trip.isin(set(trips["trip_id"])).to_numpy()
    order = table.numbers("stop_sequence", 0, 1e9)
    stop = table.text("stop_id").map(stop_row).to_numpy(np.float64)
    table.refuse(
        wanted & np.isnan(stop), "stop_id", "there is no stop {} in stops.txt where buses stop"
    )
    arrive, depart = (
        table.times("arrival_time", blank=True),
        table.times("departure_time", blank=True),
    )
    arrive = np.where(np.isnan(arrive), depart, arrive)
    depart = np.where(np.isnan(depart), arrive, depart)
    table.refuse(wanted & (depart < arrive), "departure_time", "{} is before the arrival")
    exact = (table.numbers("timepoint", 0, 1, "") != 0) & np.isfinite(depart)
    code, names = pd.factorize(trip.to_numpy())
    rows = np.lexsort((order, code))
    rows = rows[wanted[rows]]
    count = np.bincount(code[rows], minlength=len(names))[code[rows]]
    left_out["trips with fewer than two stops"] += int((count == 1).sum())
    rows = rows[count > 1]
    if not len(rows):
        return
    begins = np.diff(code[rows], prepend=-1) != 0
    edges = np.append(np.flatnonzero(begins), len(rows))

    def refuse(bad: NDArray[np.bool_], field: str, why: str) -> None:
        at = np.zeros(len(table), np.bool_)
        at[rows[bad]] = True
        table.refuse(at, field, why)

    refuse(~begins & (np.diff(order[rows], prepend=-1) == 0), "stop_sequence", "{} comes twice")
    known = np.isfinite(depart[rows])
    ends = begins | np.append(begins[1:], [True])
    refuse(ends & ~known, "departure_time", "the first and the last stop of a trip need a time")
    # Both ends of a trip are known, so that what is spread between two lies within one trip.
    along = np.arange(len(rows))
    before = np.maximum.accumulate(np.where(known, along, 0))
    after = np.minimum.accumulate(np.where(known, along, len(rows) - 1)[::-1])[::-1]
    left, come = depart[rows][before], arrive[rows][after]
    share = (along - before) / np.maximum(after - before, 1)
    due = np.where(known, arrive[rows], left + share * (come - left))
    leaves = np.where(known, depart[rows], due)
    late = np.append([-np.inf], leaves[:-1])
    refuse(~begins & (due < late), "arrival_time", "{} is before the departure from the last stop")
    for begin, end in pairwise(edges.tolist()):
        own = rows[begin:end]
        yield (
            str(names[code[own[0]]]),
            stop[own].astype(np.int64),
            due[begin:end],
            leaves[begin:end],
            exact[own],
        )


def _frequencies(table: Table | None) -> dict[str, list[tuple[float, float, float]]]:
    """Return (first, last, headway) of the trips that run every so often."""
    out: dict[str, list[tuple[float, float, float]]] = {}
    if table is None:
        return out
    start, end = table.times("start_time"), table.times("end_time")
    every = table.numbers("headway_secs", 1, DAY_S)
    table.refuse(end < start, "end_time", "{} is before the start")
    for trip, a, b, h in zip(table.text("trip_id"), start, end, every, strict=True):
        out.setdefault(trip, []).append((float(a), float(b), float(h)))
    return out


def _starts(spans: list[tuple[float, float, float]] | None, first: float) -> F64:
    """Return by how much later than its times say a trip runs, for each time that it does."""
    if spans is None:
        return np.zeros(1)
    return np.concatenate([np.arange(a, b, h) for a, b, h in spans]) - first
