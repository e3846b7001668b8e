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
    load,
    notes,
    read_day,
    run_progress,
    seeded,
)
from apps.cli.places import districts_at
from apps.cli.tables import run_tables
from twin.agents.policies import check_policies
from twin.city.model import City
from twin.core.clock import Calendar
from twin.core.errors import InputError
from twin.experiment import run_scenario
from twin.scenarios.load import from_fields
from twin.scenarios.settings import Option


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
    place = load(city)
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
        "calls": {"source": "recorded", "collisions": False, "held_out_fit": held_out},
    }
    options = [
        Option("--day", "period.day", first),
        Option("--from", "period.start", start),
        Option("--to", "period.end", end),
        *([] if policy is None else [Option("--policy", "policy.dispatch", policy)]),
        *seeded(seed),
    ]
    scenario = from_fields(fields, settings or [], options)
    try:
        check_policies(scenario)
    except InputError as error:
        flag = "--policy" if policy == scenario.policy.dispatch else error.field
        raise InputError(error.message, field=flag, hint=error.hint) from error
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
    missing = history["district"] == ""
    nearest = districts_at(city, history["lon"], history["lat"])
    return history.assign(district=history["district"].mask(missing, nearest))


def _first_day(city: City) -> object:
    stamps = pd.to_datetime(city["history"]["t_call"], utc=True)
    return stamps.min().tz_convert(city.meta.timezone).date()
