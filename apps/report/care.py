"""What reports say of answers, plans, patients and fires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from apps.report.html import Raw, section, table, tag
from apps.report.words import NO_RANGE, clock
from twin.metrics.fires import fire_figures
from twin.metrics.outcomes import Measure, Outcome
from twin.metrics.summary import figures
from twin.metrics.survivors import survivors
from twin.recording.reader import RunReader

_CLOCKS = {
    "t_answer": "answer",
    "t_first": "first unit of any kind",
    "t_capable": "first capable unit",
    "t_full": "all of the plan",
}
_MEASURES: dict[Measure, str] = {
    "survivors": "expected survivors",
    "burnt_m2": "area that burnt, m\u00b2",
}


def outcome_sentences(summary: Mapping[str, Any]) -> list[str]:
    """Return what a run's summary says of patients and fires, if they were followed."""
    said = []
    if (people := summary["survivors"]) is not None:
        said.append(
            f"Expected survivors: {people['expected']:.2f} of {people['judged']:,} patients whose "
            f"chance is known, of {people['patients']:,}."
        )
    if (fires := summary["fires"]) is not None:
        said.append(
            f"Fires: {fires['held']:,} of {fires['fires']:,} under control, "
            f"{fires['burnt_m2']:,.0f} m\u00b2 burnt, {fires['later_alarms']:,} with later alarms."
        )
    return said


def outcome_range(line: Outcome) -> str:
    """Return the interval of a difference; a dash with fewer than two replications."""
    if line.low is None or line.high is None:
        return NO_RANGE
    return f"{line.low:+,.2f} to {line.high:+,.2f}"


def outcome_difference(line: Outcome) -> str:
    """Return a difference as a sentence."""
    name = _MEASURES[line.measure]
    interval = "" if line.low is None else f" (95% interval {outcome_range(line)})"
    return (
        f"{name[:1].upper()}{name[1:]} in a run: {line.base:,.2f} in the base, {line.whatif:,.2f} "
        f"in the what-if, {line.difference:+,.2f}{interval}."
    )


def outcomes_section(lines: Sequence[Outcome]) -> Raw | None:
    """Return the differences in patients and fires; None where none were followed."""
    if not lines:
        return None
    rows = [
        [
            _MEASURES[line.measure], f"{line.base:,.2f}", f"{line.whatif:,.2f}",
            f"{line.difference:+,.2f}", outcome_range(line),
            f"{line.base_n:,} and {line.whatif_n:,}",
        ]
        for line in lines
    ]  # fmt: skip
    return section(
        "Differences for patients and in fires",
        table(["in a run", "base", "what-if", "difference", "95% interval", "known of"], rows),
    )


def care_sections(reader: RunReader, calls: pd.DataFrame) -> list[Raw]:
    """Return the clocks of the response plans, the patients and the fires, where there are any."""
    found = [_clocks(calls), _patients(reader), _fires(reader)]
    return [each for each in found if each is not None]


def _clocks(calls: pd.DataFrame) -> Raw | None:
    """Return how long each clock ran; None where all units of each call are one."""
    several = (calls["t_full"] > calls["t_first"]) | (calls["t_first"] < calls["t_onscene"])
    if not (several | (calls["t_answer"] > calls["t_call"])).any():
        return None
    rows = []
    for kind, group in calls.groupby("kind", sort=True):
        for column, name in _CLOCKS.items():
            seconds = (group[column] - group["t_call"]).to_numpy(float)
            got = figures(seconds)
            rows.append(
                [str(kind), name, f"{got['n']:,}", clock(got["mean"]),
                 clock(got["p50"]), clock(got["p90"])]
            )  # fmt: skip
    return section(
        "From the call until",
        table(["calls", "until", "known", "mean, min:s", "median", "90th percentile"], rows),
        tag(
            "p",
            "Capable: an ambulance, for a fire an engine. Units that turned back because they were "
            "not needed any more do not count.",
            class_="note",
        ),
    )


def _patients(reader: RunReader) -> Raw | None:
    got = survivors(reader.table("patients", ["condition", "survival"]))
    if got is None:
        return None
    rows = [
        [name, f"{row['patients']:,}", f"{row['judged']:,}", f"{row['expected']:.2f}"]
        for name, row in [*got["by_condition"].items(), ("all", got)]
    ]
    return section(
        "Patients",
        table(["condition", "patients", "chance known", "expected survivors"], rows),
        tag(
            "p",
            "A chance is known of cardiac arrests and of patients under triage who were reached "
            "before the run ended.",
            class_="note",
        ),
    )


def _fires(reader: RunReader) -> Raw | None:
    got = fire_figures(reader.table("fires", ["alarm", "burnt_m2"]))
    if got is None:
        return None
    mean = "-" if got["mean_burnt_m2"] is None else f"{got['mean_burnt_m2']:.1f}"
    return section(
        "Fires that grow",
        table(
            ["fires", "under control", "area that burnt, m\u00b2", "mean", "later alarms"],
            [[f"{got['fires']:,}", f"{got['held']:,}", f"{got['burnt_m2']:.0f}", mean,
              f"{got['later_alarms']:,}"]],
        ),
    )  # fmt: skip
