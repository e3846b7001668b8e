"""Rules are known by name; a scenario names them and sets their parameters, `make` makes them.

The parameters of a rule are the keyword arguments of its class: their types, ranges and defaults
are what is checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args, get_type_hints

from pydantic import ValidationError, create_model

from twin.agents.policies import own
from twin.agents.policies.scores import Move, Scores
from twin.core.errors import InputError, did_you_mean, together
from twin.scenarios.change_kinds import SetPolicy
from twin.scenarios.declared import Group, lines_of
from twin.scenarios.mistakes import at_most, causes, wrong_value
from twin.scenarios.parts import Part, RuleParameters
from twin.scenarios.places import choices, dotted
from twin.scenarios.policy import is_own, named_rules
from twin.scenarios.spec import Scenario

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.policies.fleet import Fleet
    from twin.agents.task import Task
    from twin.agents.units.ambulance import Ambulance
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

Role = Literal["dispatch", "queue", "hospital", "reassign", "moveup"]


class DispatchPolicy(Protocol):
    """Which unit answers a call."""

    name: str
    hold_s: float
    """For how long a request may wait for a unit that is busy; the units that work on a call are
    among the candidates if it is more than 0."""

    def score(self, world: World, task: Task, units: Sequence[Unit]) -> Scores:
        """Judge units for a task."""


class QueuePolicy(Protocol):
    """Which waiting task is served first."""

    name: str

    def key(self, task: Task) -> tuple[float, ...]:
        """Return what tasks are sorted by, the least first."""


class ReassignPolicy(Protocol):
    """Which unit on its way to a call is turned to another one."""

    name: str

    def score(self, world: World, task: Task, best_s: float, units: Sequence[Unit]) -> Scores:
        """Judge units on their way for a task; another could be there in `best_s` seconds."""


class HospitalPolicy(Protocol):
    """Where a patient is taken."""

    name: str

    def score(self, world: World, ambulance: Ambulance, hospitals: Sequence[Hospital]) -> Scores:
        """Judge the hospitals that accept the patient."""


class MoveUpPolicy(Protocol):
    """Where free units wait.

    `triggers` holds when it is asked: `"free"`, when a unit is free after a call and about to drive
    to its station; `"dispatch"`, when units have been sent to calls; `"shift"`, when units have
    come on or gone off their shift.
    """

    name: str
    triggers: frozenset[str]

    def check(self, world: World) -> None:
        """Refuse parameters that do not fit the city, by `InputError`."""

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:
        """Return where free units are to wait, the most important move first.

        `units` are all free ones, `freed` the one that is free after a call, if that is why.
        """


_RULES_ALIKE = 0.7
"""Names of rules end alike (-est, -idle) and say different things: half alike is not meant."""
_RULES: dict[str, dict[str, type]] = {role: {} for role in get_args(Role)}


class _Named(Protocol):
    name: str


_Rule = TypeVar("_Rule", bound=_Named)


def register(role: Role) -> Callable[[type[_Rule]], type[_Rule]]:
    """Make a class known under its `name`, which no rule of any role has; used as a decorator."""

    def keep(rule: type[_Rule]) -> type[_Rule]:
        if any(rule.name in rules for rules in _RULES.values()):
            raise ValueError(f"there is a rule {rule.name!r} already")
        _RULES[role][rule.name] = rule
        return rule

    return keep


def known(role: str) -> list[str]:
    """Return the names of the rules of a role that come with Twin."""
    return sorted(_RULES[role])


def find(role: str, name: str, *, field: str | None = None) -> type:
    """Return the class of a rule, one of Twin's or a user's own.

    Raises
    ------
    InputError
        If there is none of that name; it names `field` and lists the known ones.
    """
    field = field or f"policy.{role}"
    if is_own(name):
        return own.load(role, name, field)
    if name not in _RULES[role]:
        near = meant(name, _RULES[role])
        names = f"known: {', '.join(known(role))}"
        raise InputError(
            f"there is no {role} policy {name!r}",
            field=field,
            hint=f"{near} {names}" if near else names,
        )
    return _RULES[role][name]


def meant(wrong: str, names: Iterable[str]) -> str | None:
    """Return the hint that names the rule which a wrong name is the misspelt name of, if any."""
    return did_you_mean(wrong, names, alike=_RULES_ALIKE)


def meaning(role: str, name: str) -> str:
    """Return in a sentence what a rule that comes with Twin does; empty for any other."""
    rule = _RULES[role].get(name)
    return "" if rule is None else " ".join((rule.__doc__ or "").split()).partition(". ")[0]


def make(role: str, name: str, parameters: RuleParameters) -> Any:
    """Return a rule with its parameters.

    Raises
    ------
    InputError
        If there is no such rule, or a parameter is wrong.
    """
    rule = find(role, name)
    given = _values(rule, name, parameters.get(name, {}), "policy.parameters")
    if is_own(name):
        return own.OwnRule(rule, name, given)
    return rule(**given)


@cache
def schema(rule: type) -> type[Part]:
    """Return the parameters of a rule: the keyword arguments of its class.

    Raises
    ------
    InputError
        If a class of a user's own has arguments that cannot be parameters.
    """
    if rule.__init__ is object.__init__:  # type: ignore[misc]
        return create_model(rule.__name__, __base__=Part)
    hints = get_type_hints(rule.__init__, include_extras=True)  # type: ignore[misc]
    arguments = list(inspect.signature(rule).parameters.values())
    fields: dict[str, Any] = {}
    for argument in arguments:
        default = ... if argument.default is argument.empty else argument.default
        fields[argument.name] = (hints.get(argument.name, Any), default)
    try:
        return create_model(rule.__name__, __base__=Part, **fields)
    except Exception as error:
        raise InputError(
            f"the arguments of {rule.__name__} cannot be parameters: {error}"
        ) from error


def check_policies(scenario: Scenario) -> None:
    """Refuse a scenario that names a rule or parameter which does not exist, now or later.

    Raises
    ------
    InputError
        All of `policy_faults` together.
    """
    if wrong := list(policy_faults(scenario)):
        raise together(wrong)


def policy_faults(scenario: Scenario) -> Iterator[InputError]:
    """Yield each rule or parameter that a scenario names and that does not exist, now or later.

    An error names the field, as in `changes.2.dispatch`, and what is known.
    """
    found: dict[str, type] = {}
    for rules in _RULES.values():
        found |= rules
    for field, role, name in named_rules(scenario):
        try:
            found[name] = find(role, name, field=field)
        except InputError as error:
            yield error
    yield from _wrong_parameters(scenario.policy.parameters, found, "policy.parameters")
    for number, change in enumerate(scenario.changes, start=1):
        if isinstance(change, SetPolicy):
            laid = over(scenario.policy.parameters, change.parameters)
            own_tables = {name: laid[name] for name in change.parameters}
            yield from _wrong_parameters(own_tables, found, f"changes.{number}.parameters")


def fleet_faults(scenario: Scenario, fleet: Fleet) -> Iterator[InputError]:
    """Yield what the parameters of rules name, now or later, that the city does not have.

    An error names the field, as in `policy.parameters.beats.lists.Jung-gu`. Rules of a user's own
    are not asked, nor those that are not used or that `policy_faults` tells of.
    """
    policy = scenario.policy
    used = {name for _, _, name in named_rules(scenario)}
    laid: list[tuple[str, RuleParameters]] = [("policy.parameters", policy.parameters)]
    for number, change in enumerate(scenario.changes, start=1):
        if isinstance(change, SetPolicy):
            laid.append((f"changes.{number}.parameters", change.parameters))
    for where, given in laid:
        for role, rules in _RULES.items():
            for name in given:
                if name not in used or not hasattr(rules.get(name), "faults"):
                    continue
                try:
                    rule = make(role, name, over(policy.parameters, given))
                except InputError:  # told by `policy_faults`, or when the rule is made
                    continue
                for fault in rule.faults(fleet):
                    field = (fault.field or "").replace("policy.parameters", where, 1)
                    yield InputError(fault.message, field=field, hint=fault.hint)


def over(under: RuleParameters, own: RuleParameters) -> RuleParameters:
    """Return the parameters `own` on top of others."""
    return {**under, **{name: {**under.get(name, {}), **table} for name, table in own.items()}}


def rule_groups() -> list[Group]:
    """Return every rule that comes with Twin with its parameters, as `declared.groups` does."""
    groups = []
    for role, rules in _RULES.items():
        for name, rule in sorted(rules.items()):
            said = f"Of `policy.{role}`. {inspect.cleandoc(rule.__doc__ or '')}"
            key = f"policy.parameters.{name}"
            groups.append(Group("", (key,), said, lines_of(schema(rule))))
    return groups


def _wrong_parameters(
    tables: RuleParameters, rules: Mapping[str, type], field: str
) -> Iterator[InputError]:
    for name, table in tables.items():
        if name in rules:
            try:
                _values(rules[name], name, table, field)
            except InputError as error:
                yield from error.all
        elif not is_own(name):  # else of a base whose rule is not used here
            yield InputError(
                f"there is no rule {name!r}",
                field=f"{field}.{name}",
                hint=meant(name, rules) or choices(sorted(rules)),
            )


def _values(rule: type, name: str, table: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return every parameter of a rule: those given, checked, and the defaults of the others."""
    fields = schema(rule)
    try:
        checked = fields.model_validate(table)
    except ValidationError as error:
        wrong: dict[str, InputError] = {}
        for problem in causes(error):
            place = dotted((*field.split("."), name, *problem["loc"]))
            message, hint = _wrong_parameter(problem, name, fields)
            wrong.setdefault(place, InputError(message, field=place, hint=hint))
        raise at_most(wrong.values()) from error
    return {key: getattr(checked, key) for key in fields.model_fields}


def _wrong_parameter(problem: Any, name: str, fields: type[Part]) -> tuple[str, str | None]:
    if problem["type"] != "extra_forbidden":
        return wrong_value(problem)
    wrong = str(problem["loc"][0])
    hint = did_you_mean(wrong, fields.model_fields) or choices(list(fields.model_fields))
    return f"the rule {name!r} has no parameter {wrong!r}", hint
