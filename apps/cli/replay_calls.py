"""A city with other recorded calls: those of a file of its form, or of a dispatch export."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from apps.cli.city_tables import read_city_table
from apps.cli.common import notes, read_day
from apps.cli.places import districts_at
from calibration.feeds.cad import read_cad
from calibration.feeds.calls import calls_of, note_chains
from calibration.feeds.mapping import load_mapping
from twin.city.model import TABLES, City
from twin.core.clock import Calendar
from twin.core.errors import InputError, Mistakes
from twin.demand.call_file import MOST_M, nearest_places, read_calls
from twin.demand.recorded import MAX_SNAP_M, doors


def with_calls(city: City, file: Path, day: str | None) -> City:
    """Return the city with the calls of a file in the place of its recorded ones."""
    midnight = None
    if day is not None:
        midnight = Calendar(read_day(day), city.meta.timezone).midnight_utc
    mended: Counter[str] = Counter()
    history = read_city_table(
        "history",
        file,
        city.network,
        timezone=city.meta.timezone,
        midnight=midnight,
        mended=mended,
    )
    _tell(mended)
    chain = ["t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"]
    stamps = history[chain].apply(lambda column: column.astype("int64").where(column.notna()))
    ahead = stamps.ffill(axis=1).cummax(axis=1).shift(axis=1)
    wrong = Mistakes()
    for row, column in np.argwhere((stamps < ahead).to_numpy()).tolist():
        said = "the time is before one that should precede it"
        if not wrong.add(InputError(said, file=file, row=row + 2, field=chain[column])):
            break
    wrong.refuse()
    return with_history(city, _districts(history, city))


def with_short_calls(city: City, file: Path, day: date) -> City:
    """Return the city with the calls of a short table (`id,t,...`); say which times were mended."""
    mended: Counter[str] = Counter()
    history = read_calls(file, city, day, mended)
    _tell(mended)
    return with_history(city, history)


def _tell(mended: Counter[str]) -> None:
    for rule, count in sorted(mended.items()):
        notes.print(f"{count} mended: {rule}")


def with_history(city: City, history: pd.DataFrame) -> City:
    """Return the city with other recorded calls."""
    return City(
        meta=city.meta,
        network=city.network,
        tables={**city.tables, "history": history},
        service=city.service,
    )


def _districts(history: pd.DataFrame, city: City) -> pd.DataFrame:
    """Fill districts that the file leaves out with that of the nearest zone."""
    missing = history["district"] == ""
    nearest = districts_at(city, history["lon"], history["lat"])
    return history.assign(district=history["district"].mask(missing, nearest))


def with_export(city: City, file: Path, mapping: str) -> City:
    """Return the city with the calls of a dispatch system's export; say what became of each row.

    Calls of kinds that Twin does not run, and those away from every street or place of the city,
    are set aside.

    Raises
    ------
    InputError
        If the export or its mapping cannot be read, or no call is left.
    """
    feed = read_cad(file, load_mapping(mapping))
    calls = calls_of(feed)
    note_chains(feed, calls)
    for line in feed.quality.lines():
        notes.print(line)
    history, other = _without(calls, (calls["kind"] == "other").to_numpy(np.bool_))
    if city.is_table:
        link, far = nearest_places(city, history["lon"], history["lat"])
        history = history.assign(link=link)
        most = MOST_M
    else:
        _, _, metres = doors(city.network).nearest_many(history["lon"], history["lat"])
        far = metres.astype(np.float64)
        most = MAX_SNAP_M
    history, away = _without(history, ~(far <= most))
    for count, why in ((other, "of kinds that are not run"), (away, "away from the city")):
        if count:
            notes.print(f"{count} calls set aside: {why}")
    if history.empty:
        raise InputError("no call of the export can be replayed in this city", file=file)
    base = city["units"].set_index("unit_id")["station_id"]
    history = history.assign(
        station_id=history["unit_id"].map(base).fillna("").astype(str),
        district="",
    )
    if city.is_table:
        return with_history(city, history[[*TABLES["history"], "link"]])
    return with_history(city, _districts(history[list(TABLES["history"])], city))


def _without(calls: pd.DataFrame, aside: np.ndarray) -> tuple[pd.DataFrame, int]:
    return calls[~aside].reset_index(drop=True), int(aside.sum())
