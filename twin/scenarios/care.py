"""What a scenario says of calls and care: who answers, what is sent, how patients fare."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field, field_validator

from twin.scenarios.parts import Part

UnitKind = Literal["ambulance", "engine", "ladder", "rescue", "command"]
UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)

_SENT = re.compile(r"(?:(?P<count>[1-9]\d?) )?(?P<kind>[a-z]+)(?P<each> per patient)?")
_MOST_SENT = 50


class Sent(NamedTuple):
    """Units of one kind that a plan sends: `number` of them, or one per patient."""

    kind: UnitKind
    number: int
    per_patient: bool


def read_sent(text: str) -> Sent:
    """Return what `"2 engine"`, `"ladder"` or `"ambulance per patient"` means.

    Raises
    ------
    ValueError
        If it means nothing.
    """
    found = _SENT.fullmatch(text)
    if not found or (found["each"] and (found["count"] or found["kind"] != "ambulance")):
        raise ValueError(
            f"{text!r} is no line of a plan: write '2 engine', 'ladder' or 'ambulance per patient'"
        )
    for kind in UNIT_KINDS:
        if kind == found["kind"]:
            number = int(found["count"] or 1)
            if number > _MOST_SENT:
                raise ValueError(f"{text!r}: a plan sends at most {_MOST_SENT} of a kind")
            return Sent(kind, number, per_patient=found["each"] is not None)
    raise ValueError(f"{found['kind']!r} is no kind of unit; legal are {', '.join(UNIT_KINDS)}")


class _Plan(Part):
    """Which units are asked for; of the plans that fit a call the most particular holds."""

    priority: int | None = Field(
        default=None, ge=1, le=4, description="Of calls of this priority; of every one if left out."
    )
    send: list[str] = Field(
        min_length=1,
        description="Lines as `2 engine`, `ladder` or `ambulance per patient`, in the order in "
        "which units are asked for. Ladders, rescue and command cars only where the city has any.",
    )

    @field_validator("send")
    @classmethod
    def _lines(cls, send: list[str]) -> list[str]:
        for line in send:
            read_sent(line)
        return send


class MedicalPlan(_Plan):
    """Units sent to medical calls; other kinds than ambulances come as first responders."""

    kind: Literal["medical"]


class FirePlan(_Plan):
    """Units sent to fires."""

    kind: Literal["fire"]


class CollisionPlan(_Plan):
    """Units sent to collisions."""

    kind: Literal["collision"]


Plan = Annotated[MedicalPlan | FirePlan | CollisionPlan, Field(discriminator="kind")]


class Care(Part):
    """How calls are answered and what is sent to them."""

    call_takers: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Who answer calls, in the order in which these come; each is busy with a call "
        "for its dispatch delay. Nobody waits for an answer if left out.",
    )
    first_responder_stay_s: float = Field(
        default=300.0,
        ge=0.0,
        le=7200.0,
        description="How long an engine, ladder, rescue or command car at a medical call stays "
        "when the ambulance has come; those still on their way then turn back. Seconds.",
    )
    plans: list[Plan] = Field(
        default=[],
        max_length=200,
        description="Response plans; `2 engine` for fires of priority 1, one for others, an engine "
        "for collisions of priority 1, and an ambulance per patient, where none fits.",
    )
