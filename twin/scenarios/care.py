"""What a scenario says of calls and care: who answers, what is sent, how patients fare."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import Field, field_validator, model_validator

from twin.core.survival import Curve
from twin.scenarios.care_fire import FireGrowth, Rate
from twin.scenarios.parts import Part

UnitKind = Literal["ambulance", "engine", "ladder", "rescue", "command"]
UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)

_SENT = re.compile(
    r"(?:(?P<count>[1-9]\d?) )?(?P<level>advanced )?(?P<kind>[a-z]+)(?P<each> per patient)?"
)
_MOST_SENT = 50
Need = Literal["trauma", "pci", "stroke", "burns", "paediatric"]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Sent(NamedTuple):
    """Units of one kind that a plan sends: `number` of them, or one per patient.

    `advanced` asks for advanced life support.
    """

    kind: UnitKind
    number: int
    per_patient: bool
    advanced: bool = False


def read_sent(text: str) -> Sent:
    """Return what `"2 engine"`, `"advanced ambulance"` or `"ambulance per patient"` means.

    Raises
    ------
    ValueError
        If it means nothing.
    """
    found = _SENT.fullmatch(text)
    ambulances = found is not None and found["kind"] == "ambulance"
    if not found or (found["each"] and (found["count"] or not ambulances)):
        raise ValueError(
            f"{text!r} is no line of a plan: write '2 engine', 'ladder' or 'ambulance per patient'"
        )
    if found["level"] and not ambulances:
        raise ValueError(f"{text!r}: only ambulances are advanced")
    for kind in UNIT_KINDS:
        if kind == found["kind"]:
            number = int(found["count"] or 1)
            if number > _MOST_SENT:
                raise ValueError(f"{text!r}: a plan sends at most {_MOST_SENT} of a kind")
            advanced = found["level"] is not None
            return Sent(kind, number, per_patient=found["each"] is not None, advanced=advanced)
    raise ValueError(f"{found['kind']!r} is no kind of unit; legal are {', '.join(UNIT_KINDS)}")


class _Plan(Part):
    """Which units are asked for; of the plans that fit a call the most particular holds."""

    type: str | None = Field(
        default=None, description="Of calls of this type; of every one if left out."
    )
    priority: int | None = Field(
        default=None, ge=1, le=4, description="Of calls of this priority; of every one if left out."
    )
    send: list[str] = Field(
        min_length=1,
        description="Lines as `2 engine`, `ladder`, `ambulance per patient` or `advanced "
        "ambulance`, in the order in which units are asked for. Ladders, rescue and command cars "
        "only where the city has any.",
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
    alarm: int = Field(
        default=1,
        ge=1,
        le=10,
        description="Of this alarm; the second and later ones come with `care.fire.enabled`.",
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.alarm > 1 and any(read_sent(line).per_patient for line in self.send):
            raise ValueError("ambulances per patient are asked for with the first alarm")
        return self


class CollisionPlan(_Plan):
    """Units sent to collisions."""

    kind: Literal["collision"]


Plan = Annotated[MedicalPlan | FirePlan | CollisionPlan, Field(discriminator="kind")]


class _CallType(Part):
    """A share of the calls that differs from the others; which ones is drawn for each call."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="The determinant, as `cardiac-arrest`: small letters, digits and hyphens.",
    )
    share: float = Field(ge=0.0, le=1.0, description="Of the calls of its kind.")
    priority: int | None = Field(
        default=None, ge=1, le=4, description="Of all of them; as drawn or recorded if left out."
    )
    more_patients: float = Field(
        default=0.0, ge=0.0, le=50.0, description="Mean number of patients more (Poisson)."
    )
    p_transport: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Share of patients taken to hospital; as of the others if left out.",
    )
    need: Need | None = Field(
        default=None,
        description="What a hospital must be able to treat; as `hospitals.needs` says if left out.",
    )
    worse_after_s: float | None = Field(
        default=None,
        gt=0.0,
        le=864_000.0,
        description="Mean time from the call until who still waits for a unit that can help is "
        "more urgent by one priority (exponential); never if left out. Seconds.",
    )
    p_upgraded: _Share = Field(
        default=0.0,
        description="Share of patients whom triage on scene finds more urgent by one priority.",
    )
    p_downgraded: _Share = Field(default=0.0, description="Or less urgent by one.")
    p_cancelled: _Share = Field(
        default=0.0, description="Share that is called off, if nobody is there by then."
    )
    cancelled_after_s: float = Field(
        default=240.0, gt=0.0, le=86_400.0, description="Mean time until then (exponential)."
    )
    p_false: _Share = Field(
        default=0.0, description="Share of false alarms: the first crew finds nothing to be done."
    )
    check_s: float = Field(
        default=300.0, ge=0.0, le=86_400.0, description="What it takes that crew to find out."
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.p_upgraded + self.p_downgraded > 1.0:
            raise ValueError("p_upgraded and p_downgraded are more than 1 together")
        return self


class MedicalType(_CallType):
    """A type of medical calls."""

    kind: Literal["medical"]
    arrest: bool = Field(default=False, description="Whether the patient's heart stands still.")


class FireType(_CallType):
    """A type of fires."""

    kind: Literal["fire"]
    rate: Rate | None = Field(
        default=None, description="How it grows; as `care.fire.rate` says if left out."
    )


class CollisionType(_CallType):
    """A type of collisions."""

    kind: Literal["collision"]


CallType = Annotated[MedicalType | FireType | CollisionType, Field(discriminator="kind")]


class Patients(Part):
    """What becomes of patients, and what bystanders do for those whose heart stands still."""

    record: bool = Field(
        default=False, description="Write a row of `patients` for each, and expected survivors."
    )
    curve: Curve = Field(
        default="de-maio", description="Survival of cardiac arrest by the time of help."
    )
    collapse_before_s: float = Field(
        default=60.0, ge=0.0, le=3600.0, description="From the collapse to the call."
    )
    to_patient_s: float = Field(
        default=60.0,
        ge=0.0,
        le=3600.0,
        description="From the vehicle's stop to the first shock or compression; the curve of "
        "De Maio stops its clock at the vehicle and does not add it. As the chain says where "
        "`chain.to_patient_s` or `chain.floor_s` is set.",
    )
    p_bystander_cpr: _Share = Field(
        default=0.313, description="Share of arrests with CPR by bystanders (Korea 2023)."
    )
    cpr_after_s: float = Field(
        default=180.0,
        ge=0.0,
        le=3600.0,
        description="From the answer to their first compression (goal for guided CPR).",
    )
    p_public_aed: _Share = Field(
        default=0.01, description="Share with a public defibrillator too (assumption)."
    )
    aed_after_s: float = Field(
        default=300.0,
        ge=0.0,
        le=3600.0,
        description="From the answer to its first shock (assumption).",
    )


class Mass(Part):
    """Incidents with many patients: triage by START, and crews that take whom it puts first."""

    from_patients: int | None = Field(
        default=None,
        ge=2,
        le=200,
        description="Incidents with so many patients or more; none if left out: then an ambulance "
        "is asked for each patient at once.",
    )
    ambulances: int = Field(
        default=10, ge=1, le=200, description="At most so many are at work for it at a time."
    )
    loading: int = Field(
        default=4,
        ge=1,
        le=200,
        description="At most so many treat and load at a time; others wait in staging.",
    )
    triage_s: float = Field(
        default=30.0, ge=0.0, le=600.0, description="For each patient, one after the other."
    )
    order: Literal["start", "first-come"] = Field(
        default="start",
        description="start: by colour, red first; first-come: as they were found.",
    )
    need: Need | None = Field(
        default=None,
        description="What a hospital must be able to treat for red tags; as of others if left out.",
    )
    p_immediate: _Share = Field(default=0.1, description="Share of red tags.")
    p_delayed: _Share = Field(default=0.3, description="Share of yellow tags.")
    p_dead: _Share = Field(default=0.1, description="Share of black tags; the rest is green.")

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.p_immediate + self.p_delayed + self.p_dead > 1.0 + 1e-9:
            raise ValueError("p_immediate, p_delayed and p_dead are more than 1 together")
        return self


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
    advanced_units: list[str] | None = Field(
        default=None,
        description="Ids of the ambulances that give advanced life support; all if left out.",
    )
    plans: list[Plan] = Field(
        default=[],
        max_length=200,
        description="Response plans; `2 engine` for fires of priority 1, one for others, an engine "
        "for collisions of priority 1, and an ambulance per patient, where none fits; `2 engine` "
        "for each later alarm.",
    )
    types: list[CallType] = Field(
        default=[], max_length=200, description="Types of calls; the rest of a kind has none."
    )
    patients: Patients = Patients()
    mass: Mass = Mass()
    fire: FireGrowth = FireGrowth()

    @model_validator(mode="after")
    def _types(self) -> Self:
        names = [each.name for each in self.types]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two call types have the name {twice[0]!r}")
        for kind in ("medical", "fire", "collision"):
            total = sum(each.share for each in self.types if each.kind == kind)
            if total > 1.0 + 1e-9:
                raise ValueError(f"the shares of the {kind} types are {total:g} together")
        for number, plan in enumerate(self.plans, start=1):
            known = [each.name for each in self.types if each.kind == plan.kind]
            if plan.type is not None and plan.type not in known:
                raise ValueError(f"plan {number} is of a {plan.kind} type {plan.type!r}, not there")
        return self
