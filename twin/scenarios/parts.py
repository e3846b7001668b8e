"""What declarations of a scenario are made of: the base of every table, and shared types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from twin.core.clock import parse_clock
from twin.core.errors import InputError

Clock = Annotated[
    str, Field(description="City time, HH:MM or HH:MM:SS; 24:00 and later are legal.")
]

LinkNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""External number of a link or node."""

SignalMode = Literal["fixed", "actuated", "coordinated", "max-pressure"]


RuleParameters = dict[str, dict[str, JsonValue]]
"""Tables of parameters by the name of the rule; `twin.agents.policies` knows what is legal."""


class Part(BaseModel):
    """A table of a scenario: every field is known, and nothing changes once it is read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )


def check_clock(value: str | None) -> str | None:
    """Refuse what is no city time; the check of every field that is a `Clock`."""
    if value is not None:
        try:
            parse_clock(value)
        except InputError as error:
            raise ValueError(f"{error.message}; {error.hint}") from error
    return value
