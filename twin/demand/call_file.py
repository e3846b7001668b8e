"""Reads calls from a short table: `id,t,place` or `id,t,lon,lat`, and what else is recorded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from twin.city.bundle import empty_table
from twin.city.model import TABLES, City
from twin.city.sheets import Sheet
from twin.core.clock import DAY_S, Calendar, instant_of
from twin.core.errors import Mistakes
from twin.demand.recorded import INTERVALS
from twin.network.geometry import Projection

F64 = NDArray[np.float64]

LONGEST_S = DAY_S
LAST_S = 400.0 * DAY_S
"""Calls may count seconds over a year and a month."""
MOST_M = 50_000.0
"""A call farther than this from every place of a city of travel times is a mistake."""
MOST_LAT = 85.0
"""Degrees; a latitude beyond is a longitude."""
SWAPPED = "longitude and latitude look swapped"
_YES, _NO = frozenset({"true", "1", "yes", "t", "y"}), frozenset({"false", "0", "no", "f", "n"})


def is_call_file(file: Path) -> bool:
    """Return whether a file is CSV with the columns `id` and `t`."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            header = {name.strip().strip('"') for name in stream.readline().split(",")}
    except (OSError, UnicodeDecodeError):
        return False
    return {"id", "t"} <= header


def read_calls(
    file: Path, city: City, day: date, mended: Counter[str] | None = None
) -> pd.DataFrame:
    """Return recorded calls as a city's `history`, in order of time.

    Parameters
    ----------
    file
        CSV with `id`, `t` (seconds since midnight of `day`, or time stamps, in city time where they
        name no zone), and `place`, or `lon` and `lat`. It may have `priority` (1 to 4; 1 if left
        out), `dispatch_delay_s`, `turnout_s`, `scene_s`, `handover_s` (seconds), `transport`
        (yes or no), `hospital`, `unit`, the ambulance that went, and `response_s`, seconds from the
        call until it was on scene; cells may be empty. Where a hospital is named and transport is
        not, the patient was taken.
    city
        Where the places and hospitals are.
    day
        The day from whose midnight plain seconds count.
    mended
        Counts time stamps by the rule that mended them (`twin.core.clock.instant_of`).

    Raises
    ------
    InputError
        Naming file, row and column of each of the first faults.
    """
    sheet = Sheet(file)
    sheet.need("id", "t")
    sheet.need(*(["place"] if "place" in sheet else ["lon", "lat"]))
    wrong, none = Mistakes(), np.full(sheet.count, math.nan)
    ids: list[str] = wrong.take(partial(sheet.ids, "id"), list[str]())
    stamps = wrong.take(partial(_microseconds, sheet, city, day, mended), np.empty(0, np.int64))
    nowhere: tuple[NDArray[np.int64] | None, F64, F64] = (None, none, none)
    link, lon, lat = wrong.take(partial(_places, sheet, city), nowhere)
    known = np.zeros(sheet.count, np.bool_)
    taken, unknown = wrong.take(partial(_transport, sheet), (known, known))
    hospitals = [str(name) for name in city["hospitals"]["hospital_id"]]
    hospital = np.full(sheet.count, -1, np.int64)
    if "hospital" in sheet:
        number = {name: k for k, name in enumerate(hospitals)}
        read = partial(sheet.codes, "hospital", number, "hospital", blank=True)
        hospital = wrong.take(read, hospital)
    named = hospital >= 0
    intervals = {
        name: wrong.take(partial(sheet.numbers, name, 0.0, LONGEST_S, blank=math.nan), none)
        for name in INTERVALS.values()
        if name in sheet
    }
    priority = wrong.take(partial(_priorities, sheet), none)
    units: dict[str, Any] = {}
    if "unit" in sheet:
        units = wrong.take(partial(_units, sheet, city), units)
    if "response_s" in sheet:
        wrong.take(partial(_response, sheet, intervals), (none, none, none))
    wrong.refuse()
    columns: dict[str, Any] = {
        "call_id": ids,
        "kind": "medical",
        "priority": priority,
        "lon": lon,
        "lat": lat,
        "t_call": pd.to_datetime(stamps, unit="us", utc=True),
        "transported": taken | (unknown & named),
        "transport_unknown": unknown & ~named,
        "hospital_id": np.array([*hospitals, ""], object)[hospital],
        **intervals,
        **units,
    }
    if link is not None:
        columns["link"] = link
    if "response_s" in sheet:
        columns |= _stamps_of(sheet, columns)
    kinds = empty_table("history").dtypes
    for name in TABLES["history"]:
        if name not in columns:
            blank = pd.NaT if name.startswith("t_") else ""
            columns[name] = pd.Series(blank, index=range(sheet.count), dtype=kinds[name])
    frame = pd.DataFrame(columns).astype(dict(kinds))
    return frame.sort_values("t_call", kind="stable", ignore_index=True)


def _units(sheet: Sheet, city: City) -> dict[str, Any]:
    """Return the ambulance that went to each call, its kind and its station; empty if not said."""
    fleet = city["units"].drop_duplicates("unit_id").set_index("unit_id")
    fleet = fleet[fleet["kind"] == "ambulance"]
    names = [str(name) for name in fleet.index]
    at = sheet.codes("unit", {name: k for k, name in enumerate(names)}, "ambulance", blank=True)
    return {
        "unit_id": np.array([*names, ""], object)[at],
        "unit_kind": np.where(at >= 0, "ambulance", ""),
        "station_id": np.array([*fleet["station_id"].astype(str), ""], object)[at],
    }


def _stamps_of(sheet: Sheet, columns: dict[str, Any]) -> dict[str, Any]:
    """Return the stamps of calls of which the response is recorded, as far as they are known."""
    delay, enroute, response = _response(sheet, columns)
    call = columns["t_call"]
    return {
        "t_dispatch": call + pd.to_timedelta(delay, unit="s"),
        "t_enroute": call + pd.to_timedelta(enroute, unit="s"),
        "t_onscene": call + pd.to_timedelta(response, unit="s"),
    }


def _response(sheet: Sheet, intervals: Mapping[str, Any]) -> tuple[F64, F64, F64]:
    """Return how long after the call units were sent, on their way and there, seconds; or NaN.

    Raises
    ------
    InputError
        If dispatch and turnout take longer than the whole response.
    """
    response = sheet.numbers("response_s", 0.0, LONGEST_S, blank=math.nan)
    none = np.full(sheet.count, math.nan)
    delay = np.where(np.isnan(response), math.nan, intervals.get("dispatch_delay_s", none))
    enroute = delay + intervals.get("turnout_s", none)
    late = np.fmax(delay, enroute) > response
    if late.any():
        raise sheet.wrong(
            "the response is shorter than what comes before it",
            at=int(np.argmax(late)), field="response_s",
        )  # fmt: skip
    return delay, enroute, response


def _priorities(sheet: Sheet) -> F64:
    """Return (C,) the priority of each call, 1 where none is said."""
    if "priority" not in sheet:
        return np.ones(sheet.count)
    priority = sheet.numbers("priority", 1.0, 4.0, blank=1.0)
    if (priority % 1.0 != 0.0).any():
        k = int(np.argmax(priority % 1.0 != 0.0))
        raise sheet.wrong("the priority is not a whole number", at=k, field="priority")
    return priority


def _microseconds(
    sheet: Sheet, city: City, day: date, mended: Counter[str] | None
) -> NDArray[np.int64]:
    """Return (C,) microseconds since the epoch."""
    texts = sheet.text("t")
    try:
        float(texts[0])
    except ValueError:
        wrong, found = Mistakes(), np.zeros(len(texts), np.int64)
        for k, text in enumerate(texts):
            found[k] = wrong.take(partial(_stamp, sheet, k, text, city.meta.timezone, mended), 0)
            if wrong.full:
                break
        wrong.refuse()
        return found
    midnight = Calendar(day, city.meta.timezone).midnight_utc.timestamp()
    seconds = sheet.numbers("t", 0.0, LAST_S)
    return np.rint(midnight * 1e6 + seconds * 1e6).astype(np.int64)


def _stamp(
    sheet: Sheet, at: int, text: str, timezone: str, mended: Counter[str] | None = None
) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise sheet.wrong(
            f"{text[:60]!r} is not a time", at=at, field="t",
            hint="write YYYY-MM-DDTHH:MM:SS in every row, or seconds in every row",
        ) from None  # fmt: skip
    if not 1900 <= found.year <= 2200:
        raise sheet.wrong(f"{text!r} is not in the years 1900 to 2200", at=at, field="t")
    return round(instant_of(found, timezone, mended).timestamp() * 1e6)


def _places(sheet: Sheet, city: City) -> tuple[NDArray[np.int64] | None, F64, F64]:
    """Return the place of each call in a city of travel times, and its position, degrees."""
    if "place" in sheet:
        if not city.is_table:
            raise sheet.wrong(
                f"the city {city.meta.name} has streets and no places", field="place",
                hint="give lon and lat",
            )  # fmt: skip
        places = city["places"]
        number = {str(name): k for k, name in enumerate(places["place_id"])}
        link = sheet.codes("place", number, "place")
        return link, places["lon"].to_numpy()[link], places["lat"].to_numpy()[link]
    wrong, none = Mistakes(), np.full(sheet.count, math.nan)
    lon = wrong.take(partial(sheet.numbers, "lon", -180.0, 180.0), none)
    lat = wrong.take(partial(sheet.numbers, "lat", -MOST_LAT, MOST_LAT), none)
    if not np.isnan(lon).any() and np.isnan(lat).all():
        # One sentence for all rows: it is one mistake.
        other = Mistakes().take(partial(sheet.numbers, "lat", -180.0, 180.0), none)
        k = int(np.argmax(np.abs(other) > MOST_LAT))
        if (np.abs(lon) <= MOST_LAT).all() and not np.isnan(other).any():
            raise sheet.wrong(
                f"'{other[k]:g}' is not from {-MOST_LAT:g} to {MOST_LAT:g}",
                at=k,
                field="lat",
                hint=SWAPPED,
            )
    wrong.refuse()
    if not city.is_table:
        return None, lon, lat
    nearest, far = nearest_places(city, lon, lat)
    for k in np.flatnonzero(far > MOST_M).tolist():
        there = nearest_places(city, lat[[k]], lon[[k]])[1][0] <= MOST_M
        said = f"the call is {far[k] / 1000.0:,.0f} km from the nearest place"
        hint = SWAPPED if there else None
        if not wrong.add(sheet.wrong(said, at=k, field="lon", hint=hint)):
            break
    wrong.refuse()
    return nearest, lon, lat


def nearest_places(city: City, lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.int64], F64]:
    """Return (C,) the place of a city of travel times nearest to each point, and the metres."""
    network, places = city.network, city["places"]
    here = np.column_stack(Projection(network.lon0, network.lat0).forward(lon, lat))
    found = cKDTree(places[["x", "y"]].to_numpy(np.float64)).query(
        np.where(np.isfinite(here), here, 1e12)
    )
    return np.asarray(found[1], np.int64), np.asarray(found[0], np.float64)


def _transport(sheet: Sheet) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of each call whether the patient was taken, and whether that is not known."""
    if "transport" not in sheet:
        return np.zeros(sheet.count, np.bool_), np.ones(sheet.count, np.bool_)
    texts = [text.lower() for text in sheet.text("transport")]
    wrong = Mistakes()
    for k, text in enumerate(texts):
        if text and text not in _YES and text not in _NO:
            said = f"{text[:60]!r} is neither yes nor no"
            if not wrong.add(sheet.wrong(said, at=k, field="transport")):
                break
    wrong.refuse()
    return (
        np.array([text in _YES for text in texts], np.bool_),
        np.array([not text for text in texts], np.bool_),
    )


def first_day(file: Path, timezone: str, otherwise: date) -> date:
    """Return the city date of the first call of a file of time stamps, else `otherwise`."""
    sheet = Sheet(file)
    texts = sheet.text("t")
    try:
        float(texts[0])
    except ValueError:
        first = min(_stamp(sheet, k, text, timezone) for k, text in enumerate(texts))
        return datetime.fromtimestamp(first / 1e6, ZoneInfo(timezone)).date()
    return otherwise
