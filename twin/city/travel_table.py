"""Makes a city of a table of travel times between places; no streets are needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.bundle import empty_table
from twin.city.model import TABLES, City, Distribution, Meta, Service
from twin.city.sheets import Sheet
from twin.core.clock import DAY_S, parse_clock
from twin.core.errors import InputError
from twin.network.geometry import Projection
from twin.network.graph import Network, RoadClass

F64 = NDArray[np.float64]

LONG = ("from", "to", "seconds")
"""Columns of a table of pairs; a file without them is a square table."""
MOST_PLACES = 10_000
LONGEST_S = 7 * DAY_S
WIDEST_M = 1_000_000.0
"""Places farther than this from their middle are no city."""
SERVICE = Service(
    durations={
        interval: Distribution(family="constant", a=0.0, source="none: recorded, or a field")
        for interval in ("handling", "turnout")
    }
)
"""A city of travel times adds nothing of its own between a call and the drive."""


class Places(NamedTuple):
    """P places: ids, WGS84 degrees, local metres about (`lon0`, `lat0`)."""

    ids: list[str]
    lon: F64
    lat: F64
    x: F64
    y: F64
    lon0: float
    lat0: float

    @property
    def number(self) -> dict[str, int]:
        """Return the number of each place by its id."""
        return {place: k for k, place in enumerate(self.ids)}


def read_table_city(meta: Meta, *, times: Path, places: Path, units: Path, hospitals: Path) -> City:
    """Return the city of four files of rows.

    Parameters
    ----------
    meta
        What the city says of itself.
    times
        `from,to,seconds`, or a square table whose header and first column are the places: seconds
        of a drive under siren. Every pair must be there; from a place to itself is 0 if left out of
        `from,to,seconds`.
    places
        `id,lon,lat`, or `id,x,y` in metres.
    units
        `id,base` and, if they are not always staffed, `on,off` (HH:MM, or seconds of the day) and
        maybe `days` of the week, as `67` for the weekend.
    hospitals
        `id,place` and maybe `beds` of the emergency room, `walk_ins_per_day` and `capabilities`
        (words between spaces; `emergency` if left out).

    Raises
    ------
    InputError
        Naming file, row and column of the first fault.
    """
    where = _read_places(places)
    number = where.number
    seconds = _read_times(times, number)
    stations, staff = _read_units(units, where, number)
    tables = {name: empty_table(name) for name in TABLES} | {
        "places": pd.DataFrame(
            {"place_id": where.ids, "lon": where.lon, "lat": where.lat, "x": where.x, "y": where.y}
        ),
        "travel_times": pd.DataFrame({"seconds": seconds.ravel()}),
        "stations": stations,
        "units": staff,
        "hospitals": _read_hospitals(hospitals, where, number),
    }
    return City(meta, stubs(where), tables, {"": SERVICE})


def stubs(places: Places) -> Network:
    """Return the network of a city without streets: a node, and a loop of 1 m, for each place."""
    n = len(places.ids)
    along = np.repeat(places.x, 3)
    along[1::3] += 0.5

    def zeros(count: int, kind: type[np.generic]) -> NDArray[np.generic]:
        return np.zeros(count, kind)

    values = {
        "node_id": np.arange(n, dtype=np.int64),
        "node_lon": places.lon,
        "node_lat": places.lat,
        "node_x": places.x,
        "node_y": places.y,
        "node_signal": np.full(n, -1, np.int32),
        "link_id": np.arange(n, dtype=np.int64),
        "link_from": np.arange(n, dtype=np.int32),
        "link_to": np.arange(n, dtype=np.int32),
        "link_length": np.ones(n, np.float32),
        "link_speed": np.full(n, 10.0, np.float32),
        "link_lanes": np.ones(n, np.uint8),
        "link_capacity": np.full(n, 1800.0, np.float32),
        "link_class": np.full(n, int(RoadClass.RESIDENTIAL), np.uint8),
        "link_name": np.full(n, -1, np.int32),
        "geom_ptr": np.arange(0, 3 * n + 1, 3, dtype=np.int32),
        "geom_x": along.astype(np.float32),
        "geom_y": np.repeat(places.y, 3).astype(np.float32),
        "turn_ptr": zeros(n + 1, np.int32),
        "foe_ptr": zeros(1, np.int32),
        **{name: zeros(0, np.uint8) for name in ("turn_kind", "turn_lane_lo", "turn_lane_hi")},
        "turn_yield": zeros(0, np.uint8),
        **{name: zeros(0, np.int32) for name in ("turn_to", "turn_group", "foe_turn")},
        **{name: zeros(0, np.int32) for name in ("signal_node", "group_signal")},
        **{name: zeros(0, np.float32) for name in ("signal_cycle", "signal_offset")},
        **{name: zeros(0, np.float32) for name in ("group_green_from", "group_green_to")},
    }
    return Network(lon0=places.lon0, lat0=places.lat0, names=(), **values)  # type: ignore[arg-type]


def _read_places(file: Path) -> Places:
    sheet = Sheet(file)
    sheet.need("id")
    ids = sheet.ids("id")
    if len(ids) > MOST_PLACES:
        raise InputError(f"has {len(ids):,} places, at most {MOST_PLACES:,} can be", file=file)
    if "lon" in sheet or "lat" in sheet:
        lon, lat = sheet.numbers("lon", -180.0, 180.0), sheet.numbers("lat", -85.0, 85.0)
        lon0, lat0 = float(lon.mean()), float(lat.mean())
        x, y = Projection(lon0, lat0).forward(lon, lat)
        _check_spread(sheet, x, y, "lon")
        return Places(ids, lon, lat, x, y, lon0, lat0)
    x, y = sheet.numbers("x", -1e8, 1e8), sheet.numbers("y", -1e8, 1e8)
    x, y = x - x.mean(), y - y.mean()
    _check_spread(sheet, x, y, "x")
    # Where on the globe is not known: the plane is laid on the equator and the first meridian.
    lon, lat = Projection(0.0, 0.0).inverse(x, y)
    return Places(ids, lon, lat, x, y, 0.0, 0.0)


def _check_spread(sheet: Sheet, x: F64, y: F64, field: str) -> None:
    far = ~(np.hypot(x, y) <= WIDEST_M)
    if far.any():
        k = int(np.argmax(far))
        raise sheet.wrong("the place lies over 1,000 km from the middle", at=k, field=field)


def _read_times(file: Path, number: Mapping[str, int]) -> F64:
    sheet = Sheet(file)
    if set(LONG) <= set(sheet.header):
        return _pairs(sheet, number)
    if len(set(LONG) & set(sheet.header)) > 1:
        sheet.need(*LONG)
    return _square(sheet, number)


def _pairs(sheet: Sheet, number: Mapping[str, int]) -> F64:
    n = len(number)
    start = sheet.codes("from", number, "place")
    end = sheet.codes("to", number, "place")
    seconds = sheet.numbers("seconds", 0.0, LONGEST_S)
    pair = start * n + end
    _, first = np.unique(pair, return_index=True)
    if len(first) < len(pair):
        again = np.ones(len(pair), np.bool_)
        again[first] = False
        raise sheet.wrong("the pair stands there twice", at=int(np.argmax(again)), field="to")
    table = np.full((n, n), np.nan)
    np.fill_diagonal(table, 0.0)
    table.ravel()[pair] = seconds
    missing = np.argwhere(np.isnan(table))
    if len(missing):
        ids = list(number)
        a, b = missing[0]
        raise InputError(
            f"there is no time from {ids[a]!r} to {ids[b]!r}",
            file=sheet.path,
            field="seconds",
            hint=f"{len(missing):,} of {n * n:,} pairs are missing" if len(missing) > 1 else None,
        )
    return table


def _square(sheet: Sheet, number: Mapping[str, int]) -> F64:
    n = len(number)
    corner, *names = sheet.header
    if sheet.count != len(names):
        raise InputError(
            f"has {sheet.count} rows and {len(names)} columns of times, so it is not square",
            file=sheet.path,
            hint="or name the columns from, to, seconds",
        )
    order = []
    for name in names:
        if name not in number:
            raise sheet.wrong(f"there is no place {name!r}", field=name)
        order.append(number[name])
    sheet.ids(corner)
    rows = sheet.codes(corner, number, "place")
    if len(names) < n:
        absent = next(place for place in number if place not in set(names))
        raise InputError(f"the place {absent!r} is missing", file=sheet.path)
    table = np.empty((n, n))
    for name, column in zip(names, order, strict=True):
        table[rows, column] = sheet.numbers(name, 0.0, LONGEST_S)
    return table


def _read_units(
    file: Path, places: Places, number: Mapping[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    sheet = Sheet(file)
    sheet.need("id", "base")
    ids = sheet.ids("id")
    base = sheet.codes("base", number, "place")
    if ("on" in sheet) != ("off" in sheet):
        sheet.need("on", "off")
    shift = [_clocks(sheet, name, len(ids)) for name in ("on", "off")]
    used = np.unique(base)
    names = [places.ids[k] for k in used]
    stations = pd.DataFrame(
        {
            "station_id": names,
            "name": names,
            "kind": "ems",
            "lon": places.lon[used],
            "lat": places.lat[used],
            "link": used.astype(np.int32),
            "pos_m": np.zeros(len(used), np.float32),
        }
    )
    units = pd.DataFrame(
        {
            "unit_id": ids,
            "kind": "ambulance",
            "station_id": [places.ids[k] for k in base],
            "on_s": shift[0],
            "off_s": shift[1],
            **({"days": _days(sheet)} if "days" in sheet else {}),
        }
    )
    return stations, units


def _days(sheet: Sheet) -> list[str]:
    found = sheet.text("days")
    for k, text in enumerate(found):
        if set(text) - set("1234567"):
            raise sheet.wrong(
                f"{text[:60]!r} are no days of the week", at=k, field="days",
                hint="a digit for each, as 67 for the weekend",
            )  # fmt: skip
    return found


def _clocks(sheet: Sheet, field: str, count: int) -> F64:
    """Return (U,) seconds since midnight; 0 where the column is left out or the cell is empty."""
    if field not in sheet:
        return np.zeros(count)
    found = np.zeros(count)
    for k, text in enumerate(sheet.text(field)):
        try:
            found[k] = parse_clock(text) if ":" in text else float(text or 0.0)
        except (InputError, ValueError):
            found[k] = math.nan
        if not 0.0 <= found[k] <= DAY_S:
            raise sheet.wrong(
                f"{text[:60]!r} is no time of day", at=k, field=field,
                hint="write HH:MM, or seconds since midnight",
            )  # fmt: skip
    return found


def _read_hospitals(file: Path, places: Places, number: Mapping[str, int]) -> pd.DataFrame:
    sheet = Sheet(file)
    sheet.need("id", "place")
    ids = sheet.ids("id")
    at = sheet.codes("place", number, "place")
    further: dict[str, NDArray[np.generic]] = {}
    if "beds" in sheet:
        beds = sheet.numbers("beds", 0.0, 10_000.0)
        if (parts := beds != np.rint(beds)).any():
            raise sheet.wrong("is not a whole number", at=int(np.argmax(parts)), field="beds")
        further["beds"] = beds.astype(np.int32)
    if "walk_ins_per_day" in sheet:
        further["walk_ins_per_day"] = sheet.numbers("walk_ins_per_day", 0.0, 1e6)
    return pd.DataFrame(
        {
            "hospital_id": ids,
            "name": ids,
            "lon": places.lon[at],
            "lat": places.lat[at],
            "link": at.astype(np.int32),
            "pos_m": np.zeros(len(at), np.float32),
            "level": "local",
            "capabilities": sheet.text("capabilities") if "capabilities" in sheet else "emergency",
            "open": True,
            **further,
        }
    )
