"""Parts that reports share: the head, what was assumed, how to get the same figures again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from apps.report.differences import flat
from apps.report.html import Raw, folded, section, tag
from apps.report.stored import Origin
from twin.city.model import City
from twin.core.clock import Calendar
from twin.metrics.cautions import TEXTS, by_other_than_plans
from twin.scenarios.spec import Scenario

LIMITS = (
    "Signals run fixed-time plans if the scenario says nothing else; none has the city's timing.",
    "A call that was still going on when the run ended has no times after that.",
    "Weather, events and traffic management are in the run only where the scenario says so.",
    "A 95% interval shows what chance does in the model, not how far the model is from the city.",
)

SYNTHESISED = "Synthesised city: its streets are drawn from public facts, not surveyed."
IN_TRAFFIC = (
    "Ordinary drivers make way for a unit under siren by rules of thumb: how far ahead and how "
    "fast it passes a queue are assumptions."
)
IN_QUEUES = (
    "Vehicles move from queue to queue: where they stand on a street is drawn from its queue, they "
    "have no lanes to change, and a unit under siren passes a stated share of each queue."
)
BY_TABLE = (
    "Travel times come from a table by hour: no traffic moves, so a closed road does not crowd "
    "the others. For questions about roads and signals set traffic.fidelity = meso or micro."
)


MOVES = {
    "table": "by travel-time table, no traffic moves",
    "micro": "in lane-level traffic",
    "meso": "in queue-level traffic",
}
"""How things move, by fidelity."""
MODEL_LIMITS: dict[str, tuple[str, ...]] = {
    "table": (),
    "micro": (IN_TRAFFIC,),
    "meso": (IN_QUEUES,),
}


def heading(scenario: Scenario, language: str, settings: Sequence[str]) -> str:
    """Return a scenario's title; with the period where the command line set another one.

    `settings` are those of `apps.report.changes.settings_of`.
    """
    title = scenario.title.get(language, scenario.name)
    period = scenario.period
    if not any(setting.startswith(("period.start", "period.end")) for setting in settings):
        return title
    return f"{title} ({period.start}{'~' if language == 'ko' else ' to '}{period.end})"


def head(
    scenario: Scenario,
    city: City,
    facts: Sequence[str],
    *,
    settings: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Raw:
    """Return what a report begins with: titles, the question, and what must be said first.

    Parameters
    ----------
    scenario, city
        What was run.
    facts
        Said after city, period and warm-up.
    settings
        What the command line set on top of the scenario (`field = value`).
    warnings
        What else must be known before a figure is read.
    """
    calendar = Calendar(scenario.period.day, city.meta.timezone)
    when = calendar.local(scenario.period.start_s)
    period = f"{when:%A %d %B %Y}, {scenario.period.start} to {scenario.period.end} city time"
    warm_up = f"warm-up of {scenario.period.warm_up_min:g} min before it, not counted"
    question = scenario.question.get("en")
    told = [city.meta.title.get("en", city.meta.name), period, warm_up, *facts]
    return tag(
        "header",
        tag("h1", heading(scenario, "en", settings)),
        tag("p", heading(scenario, "ko", settings), class_="ko", lang="ko")
        if "ko" in scenario.title
        else None,
        # What is said in Korean stands together; the box below is in the report's language.
        tag("p", city.meta.notice["ko"], class_="ko", lang="ko")
        if "ko" in city.meta.notice
        else None,
        tag("p", question, class_="question") if question else None,
        tag("p", " · ".join(told), class_="facts"),
        tag(
            "p",
            tag("b", "Set for this run: "),
            ", ".join(settings),
            ". The title and the question are those of the scenario before this was set.",
            class_="facts",
        )
        if settings
        else None,
        _notices(scenario, city, warnings),
    )


def _notices(scenario: Scenario, city: City, warnings: Sequence[str]) -> Raw | None:
    """Return what must be known before a figure is read."""
    said = city.meta.notice.get("en", "")
    if city.meta.synthesised and "synthesised" not in said.lower():
        said = f"{SYNTHESISED} {said}".strip()
    lines = [tag("li", said)] if said else []
    if scenario.traffic.fidelity == "table":
        lines.append(tag("li", BY_TABLE))
    lines += [tag("li", warning) for warning in warnings]
    return tag("ul", *lines, class_="notice") if lines else None


def assumed(scenario: Scenario, city: City, more: Sequence[str] = ()) -> Raw:
    """Return what stands behind the figures."""
    moving = scenario.traffic.fidelity != "table"
    gaps = [*city.meta.known_gaps, *(city.meta.traffic_gaps if moving else [])]
    sources = city.meta.attribution
    usual = Scenario(name=scenario.name, city=scenario.city).model_dump(mode="json")
    own, rest, bare = _told_apart(_all_fields(scenario.model_dump(mode="json")), _all_fields(usual))
    return section(
        "What was assumed",
        *([tag("h3", "Where the twin is known to differ from the city"), bullets(gaps)] if gaps
          else []),
        tag("h3", "The city"),
        bullets(city.meta.assumptions) if city.meta.assumptions else tag("p", "Nothing is stated."),
        tag("h3", "The model"),
        bullets([*LIMITS, *_limits(scenario, city), *more]),
        tag("h3", "The scenario"),
        tag("p", "What is not as by default:"),
        tag("ul", *(tag("li", field) for field in own), class_="fields") if own
          else tag("p", "Nothing."),
        folded(
            f"The other {len(rest)} fields, as by default",
            tag("ul", *(tag("li", field) for field in rest), class_="fields"),
        ),
        folded(
            f"{sum(map(len, bare.values()))} fields that were given no value, as by default",
            tag(
                "p",
                "The city's own figure holds in the place of such a field, or that of the type of "
                "vehicle, or what it is for stays out of the run: twin scenario fields TABLE says "
                "which.",
                class_="note",
            ),
            tag(
                "ul",
                *(tag("li", f"{table}: {', '.join(names)}") for table, names in bare.items()),
                class_="fields",
            ),
        ),
        *([tag("h3", "Data"), tag("ul", *map(_source, sources), class_="sources")] if sources
          else []),
    )  # fmt: skip


def _limits(scenario: Scenario, city: City) -> list[str]:
    """Return what is assumed of traffic, of signals that it runs, and of right turns on red.

    The last where the city allows them.
    """
    limits = [*MODEL_LIMITS[scenario.traffic.fidelity]]
    if by_other_than_plans(scenario):
        limits.append(TEXTS["signals"])
    signals = city.network.n_signals_on_red
    if scenario.traffic.fidelity == "table" or not signals:
        return limits
    where = f"at {signals:,} of {city.network.n_signals:,} signals"
    said = (
        f"Drivers turn right on red {where}, after a stop and giving way."
        if scenario.traffic.right_on_red
        else f"Nobody turns right on red, which the city allows {where}."
    )
    return [*limits, f"{said} {TEXTS['right-on-red']}"]


def _all_fields(scenario: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the groups of a scenario by their dotted names."""
    groups = {
        name: group
        for name, group in scenario.items()
        if isinstance(group, dict) and name not in {"title", "question"}
    }
    return flat(groups, "")


def _told_apart(
    fields: dict[str, Any], usual: dict[str, Any]
) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Return `field = value` of what is not as by default and of the rest, and what has no value.

    The last are names of fields by their table.
    """
    own: list[str] = []
    rest: list[str] = []
    bare: dict[str, list[str]] = {}
    for name, value in fields.items():
        line = f"{name} = {'not set' if value is None else value}"
        if name not in usual or usual[name] != value:
            own.append(line)
        elif value is None:
            table, _, field = name.rpartition(".")
            bare.setdefault(table, []).append(field)
        else:
            rest.append(line)
    return own, rest, bare


def _source(text: str) -> Raw:
    """Return a source as a line of a list; what stands in brackets, and long numbers, are small."""
    pieces = re.split(r"(\([^()]*\)|\b\d{6,}\b)", text)
    return tag("li", *(tag("small", piece) if k % 2 else piece for k, piece in enumerate(pieces)))


def again(origin: Origin, command: Sequence[str]) -> Raw:
    """Return what it takes to get the same figures again.

    Parameters
    ----------
    origin
        Where a run comes from.
    command
        What was typed.
    """
    rows = [
        ["seed", str(origin.seed)],
        ["replication", str(origin.replication)],
        ["city, SHA-256", origin.inputs.city],
        ["scenario, SHA-256", origin.inputs.scenario],
        *([f"table {n}, SHA-256", t.sha256] for n, t in origin.tables.items()
          if n in {"calls", "unit_events"}),
        ["versions", ", ".join(f"{name} {v}" for name, v in origin.versions.items())],
        ["run begun", origin.started_utc],
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
            class_="origin",
        ),
    )


def bullets(lines: Sequence[str]) -> Raw:
    """Return lines as a list."""
    return tag("ul", *(tag("li", line) for line in lines))
