"""`twin replay`: the recorded calls of a day through the twin's streets."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from apps.cli import replay_branch as branching
from apps.cli.common import (
    AsJson,
    Seed,
    Setting,
    answers,
    command_line,
    end_with_json,
    load,
    notes,
    out_option,
    read_day,
    run_progress,
    seeded,
)
from apps.cli.replay_branch_tables import show as show_branch
from apps.cli.replay_calls import with_calls, with_export, with_short_calls
from apps.cli.tables import run_tables
from twin.agents.policies import check_policies
from twin.city.model import City
from twin.core.clock import DAY_S, Calendar, format_clock, instant_of
from twin.core.errors import InputError
from twin.demand.call_file import first_day, is_call_file
from twin.experiment import run_scenario
from twin.metrics.summary import TARGET_S, figures, share_within
from twin.recording.reader import RunReader
from twin.scenarios.load import from_fields
from twin.scenarios.settings import Option
from twin.scenarios.spec import Period, Scenario


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
            help="CSV of calls: id, t (seconds or time stamps), place or lon, lat, and what is "
            "recorded of priority, dispatch_delay_s, turnout_s, scene_s, transport, hospital, "
            "handover_s, unit, response_s. Or CSV or Parquet: call_id, t_call, lon, lat, and what "
            "else is known of kind, priority, t_dispatch ... t_clear. The city's own records if "
            "left out.",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            help="What the columns of --calls hold, if it is an export of a dispatch system: a "
            "TOML file, san-francisco or nemsis.",
        ),
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help="City time of the day, or a time stamp.")
    ] = "00:00",
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="City time (hours may pass 24), or a time stamp; 24:00 if left out, and a day "
            "after the last call in a city of travel times.",
        ),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Rule by which a unit is chosen.")
    ] = None,
    branch_at: Annotated[
        str | None,
        typer.Option(
            branching.AT,
            help="City time or time stamp of a branch; up to then both follow the record. The "
            "first call of the other --branch options if left out.",
        ),
    ] = None,
    branch_policy: Annotated[
        list[str] | None,
        typer.Option(
            branching.RULE,
            metavar="RULE",
            help="A rule (of any role) that holds in the branch; may be given again.",
        ),
    ] = None,
    branch_unit: Annotated[
        list[str] | None,
        typer.Option(
            branching.UNIT,
            metavar="CALL=UNIT",
            help="A unit that goes to a call in the branch; may be given again.",
        ),
    ] = None,
    branch_hospital: Annotated[
        list[str] | None,
        typer.Option(
            branching.HOSPITAL,
            metavar="CALL=HOSPITAL",
            help="Where the patient of a call is taken in the branch; may be given again.",
        ),
    ] = None,
    target: Annotated[
        float, typer.Option("--target", min=0.0, help="Seconds in which a response is in time.")
    ] = TARGET_S,
    settings: Setting = None,
    seed: Seed = None,
    out: Annotated[Path | None, out_option("runs/CITY-replay-DAY if left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a day's recorded calls and set the simulated intervals beside the recorded ones.

    With --branch-... the day is run once more, with another rule, unit or hospital from a moment
    on.
    """
    place = load(city)
    fields: dict[str, Any] = {"calls": {"source": "recorded", "collisions": False}}
    if mapping is not None:
        if calls is None:
            raise InputError("needs the export", field="--mapping", hint="give it with --calls")
        place = with_export(place, calls, mapping)
    elif calls is not None and is_call_file(calls):
        first = read_day(day) if day else first_day(calls, place.meta.timezone, Period().day)
        place = with_short_calls(place, calls, first)
        day = first.isoformat()
        fields["calls"]["intervals"] = "recorded"
        fields["policy"] = {"hospital": "recorded"}
    elif calls is not None:
        place = with_calls(place, calls, day)
    if not len(place["history"]):
        raise InputError(
            f"city {place.meta.name} has no recorded calls", hint="give a file with --calls"
        )
    first = read_day(day) if day else _first_day(place)
    held_out = str(first) in place.service
    if not held_out and not place.is_table:
        notes.print(
            f"City {place.meta.name} has no durations fitted without {first}: its fit on all days, "
            "or defaults, stand in, which the report says."
        )
    fields |= {
        "name": f"replay-{first}",
        "title": {"en": f"Replay of {first}", "ko": f"{first} 재현"},
        "city": city,
    }
    fields["calls"]["held_out_fit"] = held_out
    calendar = Calendar(first, place.meta.timezone)
    if place.is_table:
        fields["traffic"] = {"fidelity": "table"}
        # Units begin at their bases, and where they are is a picture of little use.
        fields["period"] = {"warm_up_min": 0.0}
        fields["record"] = {"frame_every_s": 600.0}
        end = end or _day_after_last(place, calendar)
    options = [
        Option("--day", "period.day", first),
        Option("--from", "period.start", _clock(start, calendar)),
        Option("--to", "period.end", _clock(end or "24:00", calendar)),
        *([] if policy is None else [Option("--policy", "policy.dispatch", policy)]),
        *seeded(seed),
    ]
    scenario = from_fields(fields, settings or [], options)
    try:
        check_policies(scenario)
    except InputError as error:
        flag = "--policy" if policy == scenario.policy.dispatch else error.field
        raise InputError(error.message, field=flag, hint=error.hint) from error
    at = None if branch_at is None else _clock(branch_at, calendar)
    branched = branching.wanted_of(at, branch_policy, branch_unit, branch_hospital)
    if branched is not None:
        folder = out or Path("runs") / f"{place.meta.name}-branch-{first}"
        made = branching.branch(scenario, place, branched, folder, target)
        if as_json:
            times = _figures(made["calls"], scenario.period.end_s, target)
            chosen = {"choices": _choices(scenario), "branch": made["branch"]}
            end_with_json(made["day"] | times | chosen)
        else:
            show_branch(made["branch"], made["pairs"])
        return
    folder = out or Path("runs") / f"{place.meta.name}-replay-{first}"
    with run_progress(scenario.name) as progress:
        summary = run_scenario(
            scenario, folder, city=place, progress=progress, command=command_line()
        )
    notes.print(f"The run is in {folder}; `twin report {folder}` writes its report.")
    if as_json:
        ended = RunReader(folder).table("calls")
        times = _figures(ended, scenario.period.end_s, target)
        end_with_json(summary | times | {"choices": _choices(scenario)})
    else:
        answers().print(*run_tables(summary), sep="\n")


def _clock(text: str, calendar: Calendar) -> str:
    """Return a time stamp as hours and minutes since midnight; a clock time stays as it is."""
    if "T" not in text and " " not in text.strip():
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return format_clock(calendar.seconds(instant_of(found, calendar.timezone)))


def _day_after_last(city: City, calendar: Calendar) -> str:
    """Return the clock time a day after the last call, so that every call ends in time."""
    last = pd.to_datetime(city["history"]["t_call"], utc=True).max()
    return format_clock(math.ceil(calendar.seconds(last.to_pydatetime()) + DAY_S))


def _choices(scenario: Scenario) -> dict[str, Any]:
    """Return what the model takes of a scenario where the record is silent, by field."""
    traffic, chain = scenario.traffic, scenario.chain.model_dump()
    return {
        "traffic.speed_without_siren": traffic.speed_without_siren,
        "traffic.on_the_way": traffic.on_the_way,
        "calls.intervals": scenario.calls.intervals,
        **{f"policy.{role}": name for role, name in scenario.policy.names().items()},
        "policy.parameters": scenario.policy.parameters,
        **{f"chain.{name}": value for name, value in chain.items()},
    }


def _figures(calls: pd.DataFrame, end_s: float, target_s: float) -> dict[str, Any]:
    """Return response times in one row, with the share of calls reached within `target_s`."""
    response = figures(calls["response_s"].to_numpy(np.float64))
    return {
        **{f"{name}_response_s": response[name] for name in ("mean", "p50", "p90", "p95")},
        "target_s": target_s,
        "share_within_target": share_within(calls, end_s, target_s),
    }


def _first_day(city: City) -> date:
    stamps = pd.to_datetime(city["history"]["t_call"], utc=True)
    found: date = stamps.min().tz_convert(city.meta.timezone).date()
    return found
