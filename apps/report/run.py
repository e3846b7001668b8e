"""The report of one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from apps.report.charts import bars, ecdf, over_time
from apps.report.html import Raw, key_figures, page, section, table, tag, write_page
from apps.report.map import SEQUENTIAL, Drawing, graded, legend
from apps.report.parts import again, assumed, changes, head
from apps.report.words import INTERVAL_NAMES, clock
from twin.city.library import get_city
from twin.city.model import City
from twin.core.clock import format_clock
from twin.core.errors import InputError
from twin.metrics.summary import TARGET_S, response_by, utilisation
from twin.recording.reader import RunReader
from twin.scenarios.changes import links_of
from twin.scenarios.spec import CloseLinks, Scenario

_LATE, _IN_TIME = "#b2182b", "#3d4754"


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
    scenario, meta, summary = reader.scenario, reader.meta, reader.meta["summary"]
    calls = reader.table("calls")
    title = scenario.title.get("en", scenario.name)
    seed = f"seed {scenario.seed}, replication {meta['replication']}"
    response = summary["response"]
    share = summary[f"share_within_{TARGET_S:.0f}_s"]
    units = utilisation(reader.table("unit_events"), scenario.period.start_s, scenario.period.end_s)
    done = changes(scenario)
    return page(
        title,
        head(title, scenario, city, [seed, scenario.traffic.fidelity]),
        key_figures(
            [
                (clock(response["p50"]), "median response, min:s"),
                (clock(response["p90"]), "90th percentile"),
                ("-" if share is None else f"{share:.0%}", f"within {TARGET_S / 60:.0f} minutes"),
                (f"{summary['calls']:,}", "calls"),
                (f"{summary['open']:,}", "still open at the end"),
                (f"{summary['vehicles']['inserted']:,}", "vehicles entered"),
            ]
        ),
        section("What the scenario changes", done) if done else None,
        _map(calls, scenario, city),
        tag(
            "div",
            section("Response time by priority", _ecdf(calls), _note_response()),
            section("The city over time", *_pulse(reader)),
            class_="two",
        ),
        _intervals(summary, scenario),
        _by_district(calls),
        _units(units),
        assumed(scenario, city, _defaults(summary)),
        again(meta, meta.get("command", [])),
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
        for row in calls.itertuples()
    ]


def _map(calls: pd.DataFrame, scenario: Scenario, city: City) -> Raw:
    drawing = Drawing(city)
    by = response_by(calls, "district")
    median = {name: float(row["p50"]) for name, row in by.items() if row["p50"] is not None}
    scale: list[tuple[str, str]] = []
    if median:
        low, high = min(median.values()), max(median.values())
        drawing.districts(
            graded(median, SEQUENTIAL, low, high),
            lambda name: f"{name}: median {clock(median.get(name))}",
        )
        step = (high - low) / len(SEQUENTIAL)
        scale = [
            (colour, f"{clock(low + k * step)} to {clock(low + (k + 1) * step)}")
            for k, colour in enumerate(SEQUENTIAL)
        ]
    late = ~(calls["response_s"] <= TARGET_S) & (calls["fate"] != "cancelled")
    for chosen, colour, radius in ((calls[~late], _IN_TIME, 2.0), (calls[late], _LATE, 3.2)):
        drawing.calls(
            chosen["lon"].to_numpy(), chosen["lat"].to_numpy(), call_titles(chosen),
            colour=colour, radius=radius,
        )  # fmt: skip
    drawing.places()
    drawing.links(closed_links(scenario, city), "closed for some time")
    return section(
        "Where it happened",
        drawing.svg("Map of calls, stations, hospitals and median response by district"),
        legend(
            [
                (_IN_TIME, f"call reached within {TARGET_S / 60:.0f} min"),
                (_LATE, "later, or not reached by the end"),
                ("#1b7837", "station"),
                ("#762a83", "hospital"),
            ],
            shape="dot",
        ),
        legend(scale) if scale else None,
        tag("p", "District colour: median response, min:s.", class_="note") if scale else None,
    )


def _ecdf(calls: pd.DataFrame) -> Raw:
    series = [
        (f"priority {value}", group["response_s"].dropna().to_numpy(np.float64))
        for value, group in calls.groupby("priority", sort=True)
    ]
    return ecdf(series, TARGET_S)


def _note_response() -> Raw:
    return tag("p", "Response: call received to the first unit on scene.", class_="note")


def _pulse(reader: RunReader) -> list[Raw]:
    pulse = reader.table("pulse", ["t", "vehicles", "calls_waiting", "units_busy"])
    if len(pulse) < 2:
        return [tag("p", "The run recorded no course of time.", class_="note")]
    hours = pulse["t"].to_numpy() / 3600.0
    return [
        over_time(hours, pulse[column].to_numpy(np.float64), label)
        for column, label in (
            ("vehicles", "vehicles on the road"),
            ("units_busy", "units at work"),
            ("calls_waiting", "calls waiting for a unit"),
        )
    ]


def _intervals(summary: dict[str, Any], scenario: Scenario) -> Raw:
    rows = []
    for name, row in summary["intervals"].items():
        observed = row["observed"] or {"p50": None, "p90": None, "n": 0}
        simulated = row["simulated"]
        rows.append(
            [
                INTERVAL_NAMES.get(name, name),
                clock(observed["p50"]), clock(simulated["p50"]), _apart(simulated, observed, "p50"),
                clock(observed["p90"]), clock(simulated["p90"]), _apart(simulated, observed, "p90"),
                f"{observed['n']:,}", f"{simulated['n']:,}",
            ]
        )  # fmt: skip
    fitted = (
        "The durations were fitted without this day where the city has such a fit."
        if scenario.calls.held_out_fit
        else "The durations are not fitted without this day: figures that agree prove little."
    )
    recorded = any((row["observed"] or {"n": 0})["n"] for row in summary["intervals"].values())
    return section(
        "Every interval of the chain, medical calls",
        table(
            ["min:s", "observed median", "simulated median", "apart", "observed 90th",
             "simulated 90th", "apart", "observed n", "simulated n"],
            rows,
        ),
        tag(
            "p",
            f"Observed: the same calls as they were recorded. {fitted}"
            if recorded
            else "These calls were generated, so there is nothing observed to stand beside them.",
            class_="note",
        ),
    )  # fmt: skip


def _apart(simulated: dict[str, Any], observed: dict[str, Any], key: str) -> str:
    if simulated[key] is None or not observed[key]:
        return "-"
    return f"{simulated[key] / observed[key] - 1:+.0%}"


def _by_district(calls: pd.DataFrame) -> Raw:
    rows = []
    for name, group in calls.groupby("district", sort=True):
        response = group["response_s"].dropna().to_numpy(np.float64)
        within = f"{np.mean(response <= TARGET_S):.0%}" if len(response) else "-"
        middle = float(np.median(response)) if len(response) else None
        high = float(np.percentile(response, 90)) if len(response) else None
        rows.append([str(name), f"{len(group):,}", clock(middle), clock(high), within])
    return section(
        "By district",
        table(["district", "calls", "median", "90th", f"within {TARGET_S / 60:.0f} min"], rows),
    )


def _units(units: pd.DataFrame) -> Raw:
    content: list[Raw] = []
    for kind, group in units.groupby("kind", sort=True):
        used = group.dropna(subset=["share"]).sort_values(
            ["share", "unit_id"], ascending=[False, True]
        )
        mean = used["busy_s"].sum() / max(used["on_shift_s"].sum(), 1.0)
        content.append(
            tag(
                "div",
                tag("h3", f"{kind}: {mean:.0%} of {len(used)} units' time on calls"),
                bars(
                    [
                        (row.unit_id, row.share, f"{row.share:.0%}, {row.jobs} calls")
                        for row in used.head(25).itertuples()
                    ],
                    most=max(float(used["share"].max()), 0.05) if len(used) else 1.0,
                    label=f"Utilisation of each {kind}",
                ),
                tag("p", f"The busiest 25 of {len(used)}.", class_="note")
                if len(used) > 25
                else None,
            )
        )
    if not content:
        content = [tag("p", "No unit moved.", class_="note")]
    return section("How busy the units were", tag("div", *content, class_="two"))


def _defaults(summary: dict[str, Any]) -> list[str]:
    missing = summary.get("assumed_intervals", [])
    if not missing:
        return []
    return [f"The city has no times of its own for {', '.join(missing)}; defaults stood in."]
