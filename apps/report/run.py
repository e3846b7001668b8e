"""The report of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from apps.report.changes import change_sentences, settings_of
from apps.report.charts import bars, ecdf, over_time
from apps.report.html import Raw, key_figures, page, section, table, tag, write_page
from apps.report.map import CLOSED, PLACES, SEQUENTIAL, Drawing, graded, legend
from apps.report.parts import MOVES, again, assumed, bullets, head
from apps.report.stored import Summary, Vehicles, read_stored
from apps.report.words import (
    INTERVAL_NAMES,
    OUTSIDE,
    SMALL_NUMBERS,
    TARGET_MIN,
    clock,
    count,
    group_name,
    p90_mark,
    percent,
)
from apps.rows import rows_of
from twin.city.library import get_city
from twin.city.model import City
from twin.core.clock import format_clock
from twin.core.errors import InputError
from twin.metrics.summary import (
    FEW_CALLS,
    TARGET_S,
    figures,
    response_by,
    share_within,
    utilisation,
)
from twin.recording.reader import RunReader
from twin.scenarios.changes import links_of
from twin.scenarios.spec import CloseLinks, Scenario

_LATE, _IN_TIME = "#b2182b", "#3d4754"
_MOST_UNITS = 25


def write_run_report(
    folder: Path,
    target: Path,
    *,
    city: City | None = None,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write the report of a finished run and return its file.

    Parameters
    ----------
    folder
        The run.
    target
        The HTML file.
    city
        The run's city, if it is loaded already.
    progress
        Told what takes time.

    Raises
    ------
    InputError
        If the run has not finished or is damaged, or the file cannot be written.
    """
    reader = RunReader(folder)
    if reader.status != "finished":
        raise InputError(f"the run has not finished: it is {reader.status}", file=folder)
    if city is None:
        city = get_city(reader.scenario.city, progress=progress)
    return write_page(target, run_page(reader, city))


def run_page(reader: RunReader, city: City) -> str:
    """Return the report of a run as one HTML document."""
    scenario, stored = reader.scenario, read_stored(reader)
    summary, response = stored.summary, stored.summary.response
    calls = reader.table("calls")
    medical = figures(calls.loc[calls["kind"] == "medical", "response_s"].to_numpy(np.float64))
    title = scenario.title.get("en", scenario.name)
    share = summary.share_within_480_s
    period = (scenario.period.start_s, scenario.period.end_s)
    units = utilisation(reader.table("unit_events"), *period)
    done = change_sentences(scenario, city)
    moving = scenario.traffic.fidelity != "table"
    seed = f"seed {stored.seed}, replication {stored.replication}"
    return page(
        title,
        head(
            title,
            scenario,
            city,
            [MOVES[scenario.traffic.fidelity], seed],
            settings=settings_of(stored.command),
        ),
        key_figures(
            [
                (clock(response.p50), "median response, min:s"),
                (
                    clock(response.p90) + p90_mark(response.n),
                    f"90th percentile of {response.n:,} calls",
                ),
                (percent(share), f"within {TARGET_MIN} minutes"),
                (clock(medical["p50"]), "median, medical calls (first ambulance)"),
                (f"{summary.calls:,}", "calls"),
                (f"{summary.open:,}", "still open at the end"),
                *([(f"{summary.vehicles.inserted:,}", "vehicles entered")] if moving else []),
            ]
        ),
        section("What the scenario changes", bullets(done)) if done else None,
        _map(calls, scenario, city),
        tag(
            "div",
            section("Response time by priority", _ecdf(calls), _note_response()),
            section(
                "The city over time",
                *_pulse(reader, moving=moving),
                *([_note_vehicles(summary.vehicles)] if moving else []),
            ),
            class_="two",
        ),
        _by_kind(calls, period[1]),
        _intervals(summary, scenario),
        _by_district(calls, period[1]),
        _units(units),
        assumed(scenario, city, _defaults(summary)),
        again(stored, stored.command),
    )


def closed_links(scenario: Scenario, city: City) -> np.ndarray:
    """Return the links that a scenario closes at some time."""
    closed = [
        links_of(change, city.network)
        for change in scenario.changes
        if isinstance(change, CloseLinks)
    ]
    return np.unique(np.concatenate(closed)) if closed else np.zeros(0, np.int32)


def call_titles(calls: pd.DataFrame) -> list[str]:
    """Return what is shown over each call's dot."""
    return [
        f"{row.call_id}: {row.kind}, priority {row.priority}, {format_clock(row.t_call)}, "
        f"response {clock(row.response_s)}"
        for row in rows_of(calls)
    ]


def _map(calls: pd.DataFrame, scenario: Scenario, city: City) -> Raw:
    drawing = Drawing(city)
    by = response_by(calls, "district")
    median = {name: float(row["p50"]) for name, row in by.items() if row["p50"] is not None}
    scale: list[tuple[str, str, str]] = []
    if median:
        low, high = min(median.values()), max(median.values())
        drawing.districts(
            graded(median, SEQUENTIAL, low, high),
            lambda name: f"{name}: median {clock(median.get(name))}",
        )
        step = (high - low) / len(SEQUENTIAL)
        scale = [
            ("box", colour, f"{clock(low + k * step)} to {clock(low + (k + 1) * step)}")
            for k, colour in enumerate(SEQUENTIAL)
        ]
    late = ~(calls["response_s"] <= TARGET_S) & (calls["fate"] != "cancelled")
    for chosen, colour, radius in ((calls[~late], _IN_TIME, 2.0), (calls[late], _LATE, 3.2)):
        drawing.calls(
            chosen["lon"].to_numpy(), chosen["lat"].to_numpy(), call_titles(chosen),
            colour=colour, radius=radius,
        )  # fmt: skip
    drawing.places()
    closed = closed_links(scenario, city)
    drawing.links(closed, "closed for some time")
    return section(
        "Where it happened",
        drawing.svg("Map of calls, stations, hospitals and median response by district"),
        legend(
            [
                ("dot", _IN_TIME, f"call reached within {TARGET_MIN} min"),
                ("dot", _LATE, "later, or not reached by the end"),
                *PLACES,
                *([CLOSED] if len(closed) else []),
            ]
        ),
        legend(scale) if scale else None,
        tag("p", "District colour: median response, min:s.", class_="note") if scale else None,
    )


def _ecdf(calls: pd.DataFrame) -> Raw:
    asked = calls[calls["fate"] != "cancelled"]
    series = [
        (
            f"priority {value}",
            group["response_s"].dropna().to_numpy(np.float64),
            len(group),
        )
        for value, group in asked.groupby("priority", sort=True)
    ]
    return ecdf(series, TARGET_S)


def _note_response() -> Raw:
    return tag(
        "p",
        "Response: call received to the first unit on scene, of medical calls the first ambulance. "
        "A line ends at the share that was reached before the run ended; of fewer than "
        f"{FEW_CALLS} calls it is dashed.",
        class_="note",
    )


def _note_vehicles(vehicles: Vehicles) -> Raw:
    said = f"{vehicles.removed:,} vehicles were removed because their goal was closed. "
    if vehicles.detoured is not None and vehicles.cleared_red is not None:
        said += (
            f"{vehicles.detoured:,} times a driver who could not make his turn took another; "
            f"{vehicles.cleared_red:,} who stood in a junction to turn left on green left it in "
            "the first seconds of red."
        )
    return tag("p", said, class_="note")


def _pulse(reader: RunReader, *, moving: bool) -> list[Raw]:
    pulse = reader.table("pulse", ["t", "vehicles", "calls_waiting", "units_busy"])
    if len(pulse) < 2:
        return [tag("p", "The run recorded no course of time.", class_="note")]
    hours = pulse["t"].to_numpy() / 3600.0
    drawn = []
    for column, label in (
        ("vehicles", "vehicles on the road"),
        ("units_busy", "units at work"),
        ("calls_waiting", "calls waiting for a unit"),
    ):
        if column == "vehicles" and not moving:
            continue
        values = pulse[column].to_numpy(np.float64)
        if values.any():
            drawn.append(over_time(hours, values, label))
        else:
            said = f"{label[:1].upper()}{label[1:]}: none at any moment that was recorded."
            drawn.append(tag("p", said, class_="note"))
    return drawn


def _by_kind(calls: pd.DataFrame, end_s: float) -> Raw:
    rows = [_figures_row("all calls", calls, end_s)]
    for column in ("kind", "priority"):
        rows += [
            _figures_row(group_name(column, str(value)), group, end_s)
            # Medical calls first: their response is the first ambulance's, as most targets are.
            for value, group in sorted(
                calls.groupby(column), key=lambda item: (item[0] != "medical", item[0])
            )
        ]
    return section("Response time", _figures_table(rows, ""), _small_numbers())


def _figures_table(rows: Sequence[Sequence[str]], first: str) -> Raw:
    within = f"within {TARGET_MIN} min"
    return table([first, "calls", "reached", "mean", "median", "90th", within], rows)


def _figures_row(name: str, calls: pd.DataFrame, end_s: float) -> list[str]:
    got = figures(calls["response_s"].to_numpy(np.float64))
    n = int(got["n"] or 0)
    return [
        name, count(len(calls)), f"{n:,}", clock(got["mean"]), clock(got["p50"]),
        clock(got["p90"]) + (p90_mark(n) if n else ""), percent(share_within(calls, end_s)),
    ]  # fmt: skip


def _small_numbers() -> Raw:
    return tag(
        "p",
        "min:s. In the share, a call that had waited longer than that in vain when the run ended "
        f"is late, and one that had waited less counts neither way. {SMALL_NUMBERS}",
        class_="note",
    )


def _intervals(summary: Summary, scenario: Scenario) -> Raw:
    recorded = any(row.observed and row.observed.n for row in summary.intervals.values())
    rows = []
    for name, row in summary.intervals.items():
        simulated, observed = row.simulated, row.observed
        n = simulated.n or (observed.n if observed else 0)
        mine = [clock(simulated.p50), clock(simulated.p90) + (p90_mark(n) if simulated.n else "")]
        if not recorded or observed is None:
            rows.append([INTERVAL_NAMES.get(name, name), *mine, count(n)])
            continue
        rows.append(
            [
                INTERVAL_NAMES.get(name, name),
                clock(observed.p50), mine[0], _apart(simulated.p50, observed.p50),
                clock(observed.p90) + (p90_mark(n) if observed.n else ""), mine[1],
                _apart(simulated.p90, observed.p90),
                count(n), f"{observed.alone:,}", f"{simulated.alone:,}",
            ]
        )  # fmt: skip
    fitted = (
        "The durations were fitted without this day where the city has such a fit."
        if scenario.calls.held_out_fit
        else "The durations are not fitted without this day: figures that agree prove little."
    )
    columns = ["simulated median", "simulated 90th", "calls"]
    said = "These calls were generated, so there is nothing observed to stand beside them."
    if recorded:
        columns = [
            "observed median", "simulated median", "apart", "observed 90th", "simulated 90th",
            "apart", "calls", "observed only", "simulated only",
        ]  # fmt: skip
        said = (
            "Observed: the same calls as they were recorded. Each row is over the calls that have "
            "the interval on both sides; calls that have it on one side only (a button not "
            "pressed, a call cancelled, a run that ended before) are counted in the last columns "
            f"and left out. {fitted}"
        )
    return section(
        "Every interval of the chain, medical calls",
        table(["min:s", *columns], rows),
        tag("p", said, class_="note"),
        tag("p", SMALL_NUMBERS, class_="note"),
    )


def _apart(simulated: float | None, observed: float | None) -> str:
    if simulated is None or not observed:
        return "-"
    apart = round(100.0 * (simulated / observed - 1.0))
    return f"{apart:+d}%" if apart else "0%"


def _by_district(calls: pd.DataFrame, end_s: float) -> Raw:
    groups = {str(name): group for name, group in calls.groupby("district", sort=True)}
    # Calls outside every district come last.
    ordered = sorted(groups, key=lambda name: (name == "", name))
    rows = [_figures_row(name or OUTSIDE, groups[name], end_s) for name in ordered]
    return section("By district", _figures_table(rows, "district"), _small_numbers())


def _units(units: pd.DataFrame) -> Raw:
    content: list[Raw] = []
    for kind, group in units.groupby("kind", sort=True):
        used = group.dropna(subset=["share"]).sort_values(
            ["share", "unit_id"], ascending=[False, True]
        )
        sent = used[used["jobs"] > 0]
        mean = used["busy_s"].sum() / max(used["on_shift_s"].sum(), 1.0)
        content.append(
            tag(
                "div",
                tag("h3", f"{kind}: {mean:.0%} of {len(used)} units' time on calls"),
                bars(
                    [
                        (
                            row.unit_id,
                            row.share,
                            f"{row.share:.0%}, {row.jobs} {'call' if row.jobs == 1 else 'calls'}",
                        )
                        for row in rows_of(sent.head(_MOST_UNITS))
                    ],
                    most=max(float(used["share"].max()), 0.05) if len(used) else 1.0,
                    label=f"Utilisation of each {kind}",
                )
                if len(sent)
                else None,
                tag("p", _which_units(len(sent), len(used)), class_="note"),
            )
        )
    if not content:
        content = [tag("p", "No unit moved.", class_="note")]
    return section("How busy the units were", tag("div", *content, class_="two"))


def _which_units(sent: int, all_units: int) -> str:
    if not sent:
        return "None was sent to a call."
    idle = all_units - sent
    first = (
        f"The busiest {_MOST_UNITS} of {sent} that" if sent > _MOST_UNITS else f"The {sent} that"
    )
    return f"{first} were sent to a call; {idle} {'was' if idle == 1 else 'were'} not."


def _defaults(summary: Summary) -> list[str]:
    missing = summary.assumed_intervals
    if not missing:
        return []
    return [f"The city has no times of its own for {', '.join(missing)}; defaults stood in."]
