"""`twin replay`: the recorded calls of a day through the twin's streets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from apps.cli.city_tables import read_city_table
from apps.cli.common import (
    AsJson,
    Out,
    Seed,
    Setting,
    answers,
    command_line,
    end_with_json,
    notes,
    read_day,
    run_progress,
)
from apps.cli.tables import run_tables
from twin.city.library import get_city
from twin.city.model import City
from twin.core.clock import Calendar
from twin.core.errors import InputError
from twin.experiment import run_scenario
from twin.scenarios.load import from_fields


def replay(
    city: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    day: Annotated[
        str | None,
        typer.Option("--day", help="City date YYYY-MM-DD; the file's first if left out."),
    ] = None,
    calls: Annotated[
        Path | None,
        typer.Option(
            "--calls",
            help="CSV or Parquet of calls: call_id, t_call, lon, lat, and what else is known of "
            "kind, priority, t_dispatch ... t_clear; the city's own records if left out.",
        ),
    ] = None,
    start: Annotated[str, typer.Option("--from", help="City time.")] = "00:00",
    end: Annotated[str, typer.Option("--to", help="City time.")] = "24:00",
    policy: Annotated[
        str | None, typer.Option("--policy", help="Rule by which a unit is chosen.")
    ] = None,
    settings: Setting = None,
    seed: Seed = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Replay a day's recorded calls and set the simulated intervals beside the recorded ones."""
    place = get_city(city, progress=notes.print)
    if calls is not None:
        place = with_calls(place, calls, day)
    if not len(place["history"]):
        raise InputError(
            f"city {place.meta.name} has no recorded calls", hint="give a file with --calls"
        )
    first = read_day(day) if day else _first_day(place)
    held_out = str(first) in place.service
    if not held_out:
        notes.print(
            f"City {place.meta.name} has no durations fitted without {first}: its fit on all days, "
            "or defaults, stand in, which the report says."
        )
    fields = {
        "name": f"replay-{first}",
        "title": {"en": f"Replay of {first}"},
        "city": city,
        "period": {"day": first, "start": start, "end": end},
        "calls": {"source": "recorded", "collisions": False, "held_out_fit": held_out},
        "policy": {} if policy is None else {"dispatch": policy},
    }
    more = [] if seed is None else [f"seed={seed}"]
    scenario = from_fields(fields, [*(settings or []), *more])
    folder = out or Path("runs") / f"{place.meta.name}-replay-{first}"
    with run_progress(scenario.name) as progress:
        summary = run_scenario(
            scenario, folder, city=place, progress=progress, command=command_line()
        )
    notes.print(f"The run is in {folder}; `twin report {folder}` writes its report.")
    if as_json:
        end_with_json(summary)
    else:
        answers().print(*run_tables(summary), sep="\n")


def with_calls(city: City, file: Path, day: str | None) -> City:
    """Return the city with the calls of a file in the place of its recorded ones."""
    midnight = None
    if day is not None:
        midnight = Calendar(read_day(day), city.meta.timezone).midnight_utc
    history = read_city_table(
        "history", file, city.network, timezone=city.meta.timezone, midnight=midnight
    )
    chain = ["t_call", "t_dispatch", "t_enroute", "t_onscene", "t_leave", "t_hospital", "t_clear"]
    stamps = history[chain].apply(lambda column: column.astype("int64").where(column.notna()))
    ahead = stamps.ffill(axis=1).cummax(axis=1).shift(axis=1)
    wrong = np.argwhere((stamps < ahead).to_numpy())
    if len(wrong):
        row, column = wrong[0]
        raise InputError(
            "the time is before one that should precede it",
            file=file,
            row=int(row) + 2,
            field=chain[column],
        )
    return City(
        meta=city.meta,
        network=city.network,
        tables={**city.tables, "history": _districts(history, city)},
        service=city.service,
    )


def _districts(history: pd.DataFrame, city: City) -> pd.DataFrame:
    """Fill districts that the file leaves out with that of the nearest zone."""
    zones = city["zones"]
    missing = history["district"] == ""
    if not missing.any() or not len(zones):
        return history
    lon, lat = (history.loc[missing, c].to_numpy() for c in ("lon", "lat"))
    narrow = np.cos(np.deg2rad(city.network.lat0))
    apart = np.hypot(
        (lon[:, None] - zones["lon"].to_numpy()[None, :]) * narrow,
        lat[:, None] - zones["lat"].to_numpy()[None, :],
    )
    nearest = zones["district"].to_numpy()[apart.argmin(axis=1)]
    return history.assign(
        district=history["district"].mask(
            missing, pd.Series(nearest, index=history.index[missing]).reindex(history.index)
        )
    )


def _first_day(city: City) -> object:
    stamps = pd.to_datetime(city["history"]["t_call"], utc=True)
    return stamps.min().tz_convert(city.meta.timezone).date()
