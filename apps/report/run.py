"""The report of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from apps.report.buses import bus_sentence
from apps.report.care import care_sections
from apps.report.changes import change_sentences
from apps.report.charts import curve, ecdf, over_time
from apps.report.differences import settings_of
from apps.report.dispatch import reasons_section
from apps.report.hospitals import hospitals_section
from apps.report.html import Raw, key_figures, page, section, table, tag, write_page
from apps.report.parts import MOVES, again, assumed, bullets, head, heading
from apps.report.run_map import run_map
from apps.report.service import (
    cover_section,
    fairness_line,
    hours_section,
    sent_lines,
    standards_section,
    unit_notes,
)
from apps.report.stored import Summary, Vehicles, read_stored
from apps.report.units import units_section
from apps.report.words import (
    INTERVAL_NAMES,
    OUTSIDE,
    SMALL_NUMBERS,
    TARGET_MIN,
    WITHIN,
    clock,
    count,
    few_mark,
    group_name,
    no_hospital_sentence,
    p90_mark,
    percent,
    preemption_sentence,
    speed_cells,
    unasked_sentence,
)
from twin.city.library import get_city
from twin.city.model import City
from twin.core.errors import InputError
from twin.metrics.standards import NAMES, load_standard, scorecard
from twin.metrics.summary import (
    FEW_CALLS,
    decided,
    fairness,
    figures,
    not_reached,
    response_by,
    share_within,
)
from twin.metrics.units import utilisation
from twin.recording.reader import RunReader
from twin.scenarios.spec import Scenario


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
    settings = settings_of(stored.command)
    counted = calls[decided(calls, scenario.period.end_s)]
    lost = int(not_reached(calls).sum())
    period = (scenario.period.start_s, scenario.period.end_s)
    units = utilisation(reader.table("unit_events"), *period)
    done = change_sentences(scenario, city)
    done += [unasked_sentence(order.model_dump()) for order in summary.unasked_orders]
    stranded = no_hospital_sentence(summary.without_hospital.model_dump())
    moving = scenario.traffic.fidelity != "table"
    seed = f"seed {stored.seed}, replication {stored.replication}"
    return page(
        heading(scenario, "en", settings),
        head(
            scenario,
            city,
            [MOVES[scenario.traffic.fidelity], seed],
            settings=settings,
            warnings=[stranded] if stranded else [],
        ),
        key_figures(
            [
                (
                    clock(response.p50) + few_mark(response.n),
                    f"median response, min:s, of {_calls(response.n)} reached",
                ),
                (
                    clock(response.p90) + few_mark(response.n) + p90_mark(response.n),
                    f"90th percentile, min:s, of {_calls(response.n)} reached",
                ),
                (
                    percent(summary.share_within_480_s) + few_mark(len(counted)),
                    f"within {TARGET_MIN} min, of {_calls(len(counted))}",
                ),
                (
                    clock(medical["p50"]) + few_mark(int(medical["n"] or 0)),
                    "median, min:s, medical calls (first ambulance)",
                ),
                (f"{summary.calls:,}", "calls"),
                (f"{summary.open - lost:,}", "reached, not yet closed (crew still busy)"),
                (f"{lost:,}", "not reached by the end"),
                *([(f"{summary.vehicles.inserted:,}", "vehicles entered")] if moving else []),
            ]
        ),
        tag("p", f"{WITHIN} {SMALL_NUMBERS}", class_="note"),
        section("What the scenario changes", bullets(done)) if done else None,
        run_map(calls, scenario, city),
        tag(
            "div",
            section("Response time by priority", _ecdf(calls, period[1]), _note_response()),
            section(
                "The city over time",
                *_pulse(reader, moving=moving),
                *([_note_vehicles(summary.vehicles, summary.preemptions)] if moving else []),
                *(
                    [tag("p", bus_sentence(summary.buses), class_="note")]
                    if summary.buses is not None
                    else []
                ),
            ),
            class_="two",
        ),
        _by_kind(calls, period[1]),
        standards_section([scorecard(load_standard(name), [calls], period[1]) for name in NAMES]),
        _intervals(summary, scenario),
        _by_district(calls, period[1]),
        hours_section(response_by(calls, "hour", period[1]), TARGET_MIN),
        reasons_section(reader),
        units_section(units, unit_notes(reader, units, period)),
        hospitals_section(reader, city),
        cover_section(reader, city),
        *care_sections(reader, calls),
        _speeds(summary),
        assumed(scenario, city, _defaults(summary)),
        again(stored, stored.command),
    )


def _calls(n: int) -> str:
    return f"{n:,} {'call' if n == 1 else 'calls'}"


def _ecdf(calls: pd.DataFrame, end_s: float) -> Raw:
    return ecdf(
        [
            curve(f"priority {value}", [group], end_s)
            for value, group in calls.groupby("priority", sort=True)
        ]
    )


def _note_response() -> Raw:
    return tag(
        "p",
        "Response: from the call to the first unit on scene; for medical calls, to the first "
        "ambulance. Counted as in the share within the target; a line of fewer than "
        f"{FEW_CALLS} calls is dashed.",
        class_="note",
    )


def _note_vehicles(vehicles: Vehicles, preemptions: dict[str, int] | None) -> Raw:
    said = f"{vehicles.removed:,} vehicles were taken out because their destination was closed. "
    if vehicles.without_route:
        said += f"{vehicles.without_route:,} never entered: no open road led to their destination. "
    if vehicles.detoured is not None and vehicles.cleared_red is not None:
        said += (
            f"{vehicles.detoured:,} times a driver who could not get into the lane for a turn took "
            f"another way; {vehicles.cleared_red:,} waiting inside a junction to turn left cleared "
            "it in the first seconds of red. "
        )
    if vehicles.turned_on_red:
        said += f"{vehicles.turned_on_red:,} turned right on red, after a stop. "
    return tag("p", said + preemption_sentence(preemptions), class_="note")


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
    return table(
        [first, "calls", "reached", "mean, min:s", "median, min:s", "90th percentile, min:s",
         f"within {TARGET_MIN} min"],
        rows,
    )  # fmt: skip


def _figures_row(name: str, calls: pd.DataFrame, end_s: float) -> list[str]:
    got = figures(calls["response_s"].to_numpy(np.float64))
    n = int(got["n"] or 0)
    return [
        name, count(len(calls)), f"{n:,}", clock(got["mean"]), clock(got["p50"]),
        clock(got["p90"]) + (p90_mark(n) if n else ""), percent(share_within(calls, end_s)),
    ]  # fmt: skip


def _small_numbers() -> Raw:
    return tag("p", f"{WITHIN} {SMALL_NUMBERS}", class_="note")


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
                _apart(simulated.p90, observed.p90), "-" if row.ks is None else f"{row.ks:.2f}",
                count(n), f"{observed.alone:,}", f"{simulated.alone:,}",
            ]
        )  # fmt: skip
    sent = {kind: row.model_dump() for kind, row in summary.sent.items()}
    fitted = (
        "Crew times were fitted without this day where the city has such a fit."
        if scenario.calls.held_out_fit
        else "Crew times were fitted with this day among others, so agreement proves little."
    )
    columns = ["simulated median", "simulated 90th", "calls"]
    said = "These calls were generated by the twin, so there are no recorded times to compare with."
    if recorded:
        columns = [
            "observed median", "simulated median", "apart", "observed 90th", "simulated 90th",
            "apart", "KS", "calls", "observed only", "simulated only",
        ]  # fmt: skip
        said = (
            "Observed: the same calls as they were recorded. Each row uses the calls whose times "
            "are known both in the records and in the run; the last columns count those known in "
            "one of them only (a button not pressed, a call cancelled, the end of the run). "
            "KS: the greatest distance between the two distribution functions, 0 to 1. "
            f"{fitted}"
        )
    return section(
        "Every interval of the chain, medical calls",
        table(["min:s", *columns], rows),
        *[tag("p", line) for line in sent_lines(sent)],
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
    alike = fairness_line(fairness(calls, end_s))
    return section(
        "By district",
        _figures_table(rows, "district"),
        tag("p", alike) if alike else None,
        _small_numbers(),
    )


def _speeds(summary: Summary) -> Raw | None:
    rows = [
        [row.title_en, *speed_cells(row.model_dump()), f"{row.year}, {row.source}"]
        for row in summary.speeds
        if row.simulated_kmh is not None
    ]
    if not rows:
        return None
    columns = ["speed of", "published, km/h", "simulated, km/h", "apart", "hours of the run"]
    return section(
        "Traffic beside what the city publishes",
        table([*columns, "published for, by"], rows),
        tag(
            "p",
            "Simulated: the length of these roads over the time that driving each of them once "
            "takes, at the mean speed of the vehicles that were on them. No run is fitted to these "
            "figures; one shorter than the published span covers part of it.",
            class_="note",
        ),
    )


def _defaults(summary: Summary) -> list[str]:
    missing = summary.assumed_intervals
    if not missing:
        return []
    return [f"The city has no times of its own for {', '.join(missing)}; defaults stood in."]
