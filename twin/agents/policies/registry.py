"""Rules are known by name; a scenario names them, `find` gives the class."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError

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


def find(role: Role, name: str) -> Callable[[], Any]:
    """Return the class of a rule.

    Raises
    ------
    InputError
        If there is none of that name; it lists the known ones.
    """
    if name not in _RULES[role]:
        close = difflib.get_close_matches(name, _RULES[role], n=1)
        hint = f"known: {', '.join(known(role))}"
        raise InputError(
            f"there is no {role} policy {name!r}",
            field=f"policy.{role}",
            hint=f"did you mean {close[0]!r}? {hint}" if close else hint,
        )
    return _RULES[role][name]
