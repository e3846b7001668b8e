"""Parts that reports share: the head, what was assumed, how to get the same figures again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from apps.report.html import Raw, join, section, tag
from twin.city.model import City
from twin.core.clock import Calendar
from twin.scenarios.spec import Scenario

LIMITS = (
    "Signals run fixed-time plans; no street in the twin has the city's own timing.",
    "A call that was still going when the run ended has no duration after its last stamp.",
    "Weather, events and traffic management are in the run only where the scenario says so.",
    "An interval shows what chance does within the model, not how far the model is from the city.",
)

IN_TRAFFIC = "Ordinary drivers make way for a unit under siren in a simplified manner."
BY_TABLE = (
    "Travel times come from a table by hour: no traffic moves, and what a closure turns away does "
    "not crowd other roads. For roads and signals ask with traffic.fidelity = micro."
)


def head(title: str, scenario: Scenario, city: City, facts: Sequence[str]) -> Raw:
    """Return what a report begins with: titles, the question, and what must be said first."""
    notices = []
    if city.meta.synthesised:
        notices.append(
            "Synthesised city: its streets are drawn by our own code from public facts and are "
            "not a survey of the real network."
        )
    notices += [text for text in city.meta.notice.values() if text not in notices]
    if scenario.traffic.fidelity == "table":
        notices.append(BY_TABLE)
    calendar = Calendar(scenario.period.day, city.meta.timezone)
    when = calendar.local(scenario.period.start_s)
    period = f"{when:%A %d %B %Y}, {scenario.period.start} to {scenario.period.end} city time"
    question = scenario.question.get("en")
    return tag(
        "header",
        tag("h1", title),
        tag("p", scenario.title["ko"], class_="ko", lang="ko") if "ko" in scenario.title else None,
        tag("p", question, class_="question") if question else None,
        tag(
            "p",
            " · ".join([city.meta.title.get("en", city.meta.name), period, *facts]),
            class_="facts",
        ),
        *(tag("p", text, class_="notice") for text in notices),
    )


def assumed(scenario: Scenario, city: City, more: Sequence[str] = ()) -> Raw:
    """Return what stands behind the figures."""
    fields = []
    for group, content in scenario.model_dump(mode="json").items():
        if isinstance(content, dict) and group not in {"title", "question"}:
            fields += [f"{group}.{name} = {value}" for name, value in content.items()]
    return section(
        "What was assumed",
        tag("h3", "The city"),
        _list(city.meta.assumptions) if city.meta.assumptions else tag("p", "Nothing is stated."),
        tag("h3", "The model"),
        _list([*LIMITS, *([IN_TRAFFIC] if scenario.traffic.fidelity == "micro" else []), *more]),
        tag("h3", "The scenario"),
        tag("ul", *(tag("li", field) for field in fields), class_="fields"),
        tag("p", "Data: " + "; ".join(city.meta.attribution), class_="note")
        if city.meta.attribution
        else None,
    )


def changes(scenario: Scenario) -> Raw | None:
    """Return what a scenario changes, one line a change; `None` when it changes nothing."""
    if not scenario.changes:
        return None
    lines = []
    for change in scenario.changes:
        said = change.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
        known = ", ".join(f"{key} {value}" for key, value in said.items() if value not in ([], ""))
        lines.append(f"{change.kind.replace('-', ' ')}: {known}")
    return _list(lines)


def again(meta: Mapping[str, Any], command: Sequence[str]) -> Raw:
    """Return what it takes to get the same figures again.

    Parameters
    ----------
    meta
        `run.json` of a run.
    command
        What was typed.
    """
    rows = [
        ["seed", str(meta["seed"])],
        ["replication", str(meta.get("replication", 0))],
        ["city, SHA-256", meta["inputs"]["city"]],
        ["scenario, SHA-256", meta["inputs"]["scenario"]],
        *([f"table {n}, SHA-256", t["sha256"]] for n, t in meta.get("tables", {}).items()
          if n in {"calls", "unit_events"}),
        ["versions", ", ".join(f"{name} {v}" for name, v in meta["versions"].items())],
        ["run begun", meta["started_utc"]],
    ]  # fmt: skip
    return section(
        "The same figures again",
        tag("p", tag("code", shlex.join(command))) if command else None,
        tag(
            "p",
            "The same city, scenario, seed and versions give the same tables, byte for byte.",
            class_="note",
        ),
        tag(
            "table",
            tag(
                "tbody",
                *(
                    tag("tr", tag("th", name, scope="row"), tag("td", value, class_="mono"))
                    for name, value in rows
                ),
            ),
            style="table-layout:fixed",
        ),
    )


def _list(lines: Sequence[str]) -> Raw:
    return tag("ul", join(tag("li", line) for line in lines))
