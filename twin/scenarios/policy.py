"""The rules of a scenario: their names, their parameters, and those that are a user's own code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from twin.core.errors import InputError
from twin.scenarios.change_kinds import SetPolicy
from twin.scenarios.parts import Part, RuleParameters

if TYPE_CHECKING:
    from twin.scenarios.spec import Scenario

RECORDED_UNIT = "recorded-unit"
"""The rule of dispatch that follows the record of a day."""
OTHERWISE = "otherwise"
"""Its parameter, the rule where the record is silent; and what that rule thinks in `decisions`."""


class Policy(Part):
    """Rules by name; `module:Class` is a rule of your own, a class on the Python path."""

    dispatch: str = Field(default="closest-idle", description="Which unit answers a call.")
    queue: str = Field(default="priority", description="Which waiting call a free unit takes.")
    hospital: str = Field(default="nearest-suitable", description="Where a patient is taken.")
    moveup: str = Field(
        default="none", description="At which station a free ambulance waits: move-up."
    )
    reassign: str = Field(
        default="never", description="Which unit on its way to a call is turned to another one."
    )
    parameters: RuleParameters = Field(
        default={},
        description="A table for each rule that is not to be as by default, by its name.",
    )

    def names(self) -> dict[str, str]:
        """Return the name of the rule of each role."""
        return {role: getattr(self, role) for role in ROLES}


ROLES = tuple(name for name in Policy.model_fields if name != "parameters")
"""What there are rules for."""


def is_own(name: str) -> bool:
    """Return whether the name of a rule is that of a user's own class."""
    return ":" in name


def named_rules(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Yield field, role and name of every rule that holds at some time, the start's first."""
    for role, name in scenario.policy.names().items():
        yield f"policy.{role}", role, name
    for number, change in enumerate(scenario.changes, start=1):
        if isinstance(change, SetPolicy):
            for role in ROLES:
                if (name := getattr(change, role)) is not None:
                    yield f"changes.{number}.{role}", role, name


def own_rules(scenario: Scenario) -> list[str]:
    """Return the names of the rules of a scenario that are a user's own code."""
    return sorted({name for _, _, name in named_rules(scenario) if is_own(name)})


def refuse_own_code(scenario: Scenario, known: Scenario | None = None) -> None:
    """Refuse a scenario that came from elsewhere and would run code.

    A rule of one's own is run with all the rights of whoever runs it, so it is taken only from a
    scenario that this person gave by hand: never from an upload or a message.

    Parameters
    ----------
    scenario
        What came in.
    known
        A scenario whose own rules are trusted already: that of the run that is told something.

    Raises
    ------
    InputError
        Naming the field.
    """
    trusted = set() if known is None else set(own_rules(known))
    for field, _, name in named_rules(scenario):
        if is_own(name) and name not in trusted:
            raise InputError(
                f"{name!r} is code, which is run only from a scenario on this machine",
                field=field,
                hint="start the run from the command line",
            )
