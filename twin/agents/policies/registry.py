"""Rules are known by name; a scenario names them, `find` gives the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, did_you_mean
from twin.scenarios.change_kinds import SetPolicy
from twin.scenarios.spec import Scenario

if TYPE_CHECKING:
    from twin.agents.ambulance import Ambulance
    from twin.agents.hospital import Hospital
    from twin.agents.task import Task
    from twin.agents.unit import Unit
    from twin.agents.world import World

Role = Literal["dispatch", "queue", "hospital"]


class Scores(NamedTuple):
    """What a rule thinks of N candidates.

    `eta_s` (N,) is the predicted drive in seconds; `score` (N,) is what the rule compares, the
    least wins and the first of equals; a candidate with an infinite score is not taken.
    """

    eta_s: NDArray[np.float64]
    score: NDArray[np.float64]


class DispatchPolicy(Protocol):
    """Which unit answers a call."""

    name: str

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge the free units for a task."""


class QueuePolicy(Protocol):
    """Which waiting task is served first."""

    name: str

    def key(self, task: Task) -> tuple[float, ...]:
        """Return what tasks are sorted by, the least first."""


class HospitalPolicy(Protocol):
    """Where a patient is taken."""

    name: str

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""


_RULES: dict[Role, dict[str, Callable[[], Any]]] = {"dispatch": {}, "queue": {}, "hospital": {}}


class _Named(Protocol):
    name: str


_Rule = TypeVar("_Rule", bound=_Named)


def register(role: Role) -> Callable[[type[_Rule]], type[_Rule]]:
    """Make a class known under its `name`; used as a decorator."""

    def keep(rule: type[_Rule]) -> type[_Rule]:
        _RULES[role][rule.name] = rule
        return rule

    return keep


def known(role: Role) -> list[str]:
    """Return the names of the rules of a role."""
    return sorted(_RULES[role])


def check_policies(scenario: Scenario) -> None:
    """Refuse a scenario that names a rule which does not exist, at its start or later.

    Raises
    ------
    InputError
        Naming the field, as in `changes.2.dispatch`, and the known rules.
    """
    for role in _RULES:
        find(role, getattr(scenario.policy, role))
    for number, change in enumerate(scenario.changes, start=1):
        if isinstance(change, SetPolicy):
            for role in _RULES:
                if (name := getattr(change, role)) is not None:
                    find(role, name, field=f"changes.{number}.{role}")


def find(role: Role, name: str, *, field: str | None = None) -> Callable[[], Any]:
    """Return the class of a rule.

    Raises
    ------
    InputError
        If there is none of that name; it names `field` and lists the known ones.
    """
    if name not in _RULES[role]:
        near = did_you_mean(name, _RULES[role])
        names = f"known: {', '.join(known(role))}"
        raise InputError(
            f"there is no {role} policy {name!r}",
            field=field or f"policy.{role}",
            hint=f"{near} {names}" if near else names,
        )
    return _RULES[role][name]
