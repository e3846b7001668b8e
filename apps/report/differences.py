"""In what two scenarios differ, and what a command line set on top of them, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.agents.policies.registry import meaning
from twin.city.model import City
from twin.scenarios.change_kinds import Change, CloseLinks, WorkZone
from twin.scenarios.named_roads import links_of
from twin.scenarios.parts import Part
from twin.scenarios.policy import ROLES, Policy
from twin.scenarios.spec import Scenario

_COMPARED = tuple(
    name
    for name, field in Scenario.model_fields.items()
    if isinstance(field.default, Part) and name != "record"
)
"""Groups of fields that act on the figures."""


_IN_WORDS: dict[str, dict[Any, str]] = {
    "traffic.signals": {
        "fixed": "signals run by fixed plans",
        "actuated": "signals run by who is there (actuated)",
        "coordinated": "signals run by who is there, with the plan's green on the main road "
        "(coordinated)",
        "max-pressure": "signals run by queues (max-pressure)",
    },
    "traffic.right_on_red": {
        True: "drivers may turn right on red where the city allows it",
        False: "nobody turns right on red",
    },
}
"""What values of fields mean, as clauses."""


def changes_of_whatif(base: Scenario, whatif: Scenario) -> list[Change]:
    """Return the changes that only the what-if makes; all of its own unless it has the base's."""
    return list(whatif.changes[0 if stands_instead(base, whatif) else len(base.changes) :])


def stands_instead(base: Scenario, whatif: Scenario) -> bool:
    """Return whether the base has changes that the what-if does not build on."""
    return whatif.changes[: len(base.changes)] != base.changes


def run_alike(base: Scenario, whatif: Scenario) -> bool:
    """Return whether two scenarios of one city, period, calls and seed differ in nothing that runs.

    Name, texts and what is recorded do not act on the figures.
    """
    return base.changes == whatif.changes and not fields_apart(base, whatif)


def closed_links(scenario: Scenario, city: City) -> NDArray[np.int32]:
    """Return the links that a scenario closes at some time, whole or in part."""
    closed = [
        links_of(change, city.network)
        for change in scenario.changes
        if isinstance(change, CloseLinks | WorkZone)
    ]
    return np.unique(np.concatenate(closed)) if closed else np.zeros(0, np.int32)


def fields_apart(base: Scenario, whatif: Scenario) -> list[str]:
    """Return one sentence for each field, other than the changes, in which two scenarios differ."""
    said = []
    for group in _COMPARED:
        one = flat(getattr(base, group).model_dump(mode="json"), f"{group}.")
        two = flat(getattr(whatif, group).model_dump(mode="json"), f"{group}.")
        for name in sorted({*one, *two}):
            a, b = one.get(name), two.get(name)
            if a == b:
                continue
            if any(isinstance(each, dict) for side in (a, b) for each in _tables(side)):
                here, there = len(_tables(b)), len(_tables(a))
                said.append(f"{name} differ: {here} in the what-if, {there} in the base.")
            elif (role := name.removeprefix("policy.")) in ROLES:
                what = (Policy.model_fields[role].description or name).rstrip(".")
                said.append(f"{what}: {_rule(role, str(b))}. In the base: {_rule(role, str(a))}.")
            elif name in _IN_WORDS:
                new, old = _IN_WORDS[name][b], _IN_WORDS[name][a]
                said.append(f"{new[:1].upper()}{new[1:]}; in the base {old}.")
            else:
                said.append(f"{name} is {_value(b)}; in the base it is {_value(a)}.")
    return said


def _value(value: Any) -> str:
    return "not set" if value is None else f"{value}"


def _rule(role: str, name: str) -> str:
    """Return the name of a rule, and what it does."""
    does = meaning(role, name).rstrip(".")
    return f"“{name}” ({does[:1].lower()}{does[1:]})" if does else f"“{name}”"


def flat(table: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the values of a table and of those within it, by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        inner = isinstance(value, dict)
        found |= flat(value, f"{path}{name}.") if inner else {f"{path}{name}": value}
    return found


def _tables(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def settings_of(command: Sequence[str]) -> list[str]:
    """Return what a command line set on top of its scenarios, as `field = value`."""
    found = []
    words = iter(command)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--set":
            found.append(value if equals else next(words, ""))
    return [" = ".join(part.strip() for part in one.split("=", 1)) for one in found if one]


def settings_line(settings: Sequence[str]) -> str:
    """Return one sentence on what a command line set, given by `settings_of`; empty if nothing."""
    return f"Set on the command line: {', '.join(settings)}." if settings else ""
