"""What a scenario says of hospitals: emergency rooms, who is refused, and what is known of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin.scenarios.parts import Part

_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Hour = Annotated[float, Field(ge=0.0, le=1000.0)]

WALK_IN_HOURS = [
    2.4, 2.0, 1.7, 1.5, 1.4, 1.4, 1.7, 2.4, 4.0, 5.6, 6.3, 6.3,
    6.0, 5.7, 5.5, 5.3, 5.4, 5.7, 5.9, 5.9, 5.5, 4.9, 4.2, 3.3,
]  # fmt: skip
"""Walk-in patients by hour of the day, in per cent (assumed: few at night, a peak before noon and
a second one in the evening, as emergency departments everywhere report)."""


class Shares(Part):
    """Shares of patients who need a hospital that can treat what they have."""

    pci: _Share = Field(default=0.0, description="Heart attack: percutaneous intervention.")
    stroke: _Share = Field(default=0.0, description="Stroke.")
    trauma: _Share = Field(default=0.0, description="Major trauma.")
    paediatric: _Share = Field(default=0.0, description="A child.")
    burns: _Share = Field(default=0.0, description="Burns.")

    @model_validator(mode="after")
    def _whole(self) -> Shares:
        if (total := sum(share for _, share in self)) > 1.0 + 1e-9:
            raise ValueError(f"the shares add up to {total:g}, more than 1")
        return self


class Needs(Part):
    """What patients need, by kind of incident; drawn of those of whom the call does not say it."""

    medical: Shares = Shares()
    fire: Shares = Shares()
    collision: Shares = Shares()


class Hospitals(Part):
    """Emergency rooms, diversion, refusals, and what is known of them outside.

    Without beds there are no emergency rooms: a patient is handed over at once in the time that
    the city's fit gives, as if nobody else were there.
    """

    beds: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Beds of the emergency room of each hospital. The city's (`beds` of its table "
        "of hospitals), or no emergency rooms, if left out.",
    )
    stay_min: float = Field(
        default=240.0,
        gt=0.0,
        le=10_080.0,
        description="Mean time in a bed, minutes; the wait for a ward is part of it.",
    )
    stay_cv: float = Field(
        default=0.8,
        ge=0.0,
        le=3.0,
        description="Its coefficient of variation (gamma; 0: all the same, 1: exponential).",
    )
    walk_ins_per_bed: float | None = Field(
        default=None,
        ge=0.0,
        le=500.0,
        description="Patients a day and bed who come by themselves. The city's (`walk_ins_per_day` "
        "of its table of hospitals), or none, if left out.",
    )
    walk_in_hours: list[_Hour] = Field(
        default=WALK_IN_HOURS,
        min_length=24,
        max_length=24,
        description="Weights of the hours of the day in which they come.",
    )
    walk_in_priority: int = Field(
        default=3,
        ge=1,
        le=4,
        description="Their place in the queue for a bed; patients of ambulances have that of their "
        "call.",
    )
    filled_h: float = Field(
        default=24.0,
        ge=0.0,
        le=168.0,
        description="Walk-in patients of so many hours before the run fill the beds at its start.",
    )
    teams: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Patients that an emergency room treats at once. As many as it has beds if "
        "left out.",
    )
    treatment_min: float = Field(
        default=25.0,
        gt=0.0,
        le=1440.0,
        description="Mean time that a team gives a patient (exponential), minutes. Only where "
        "`teams` is set.",
    )
    preparation_min: float = Field(
        default=10.0,
        ge=0.0,
        le=240.0,
        description="A team prepares so long for an urgent patient, minutes; from the time when "
        "the ambulance says that it comes, or else from the door.",
    )
    prepared_priority: int = Field(
        default=1, ge=0, le=4, description="Least urgent priority that a team prepares for."
    )
    prealert: bool = Field(
        default=True, description="Ambulances say that they come when they set off for a hospital."
    )
    vitals_every_s: float | None = Field(
        default=None,
        ge=0.1,
        le=3600.0,
        description="The patient's vital signs stream ahead to the hospital so often, seconds "
        "(table `vitals`). Not at all if left out.",
    )
    release_after_min: float | None = Field(
        default=None,
        ge=0.0,
        le=1440.0,
        description="A crew leaves so many minutes after it came, whether or not there is a bed "
        "(45 in the NHS). It stays with its patient until there is one if left out.",
    )
    divert_at: float | None = Field(
        default=None,
        gt=0.0,
        le=10.0,
        description="A hospital diverts ambulances once so many patients are in its emergency room "
        "or wait for it, as a share of its beds. It never does if left out.",
    )
    reopen_at: float = Field(
        default=0.9,
        ge=0.0,
        lt=10.0,
        description="And takes them again once there are so many or fewer.",
    )
    turn_back: bool = Field(
        default=True,
        description="Ambulances on their way choose again when it is known that their hospital "
        "diverts; if not, only when it closes.",
    )
    at_door: Literal["take", "turn-away"] = Field(
        default="take",
        description="What a hospital that diverts does with an ambulance that did not know it.",
    )
    refusal: _Share = Field(
        default=0.0,
        description="Chance that a hospital refuses a patient for whom a crew asks it.",
    )
    refusal_when_full: _Share | None = Field(
        default=None,
        description="The same while no bed is free. As `refusal` if left out.",
    )
    enquiry_s: float = Field(
        default=0.0,
        ge=0.0,
        le=3600.0,
        description="What it takes to ask a hospital whether it takes a patient, seconds.",
    )
    most_refusals: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="After so many refusals the next hospital is told to take the patient.",
    )
    report_every_min: float = Field(
        default=0.0,
        ge=0.0,
        le=1440.0,
        description="Hospitals report their state so often, and nobody outside knows more than the "
        "last report, minutes. 0: all is known at once.",
    )
    needs: Needs = Needs()

    @model_validator(mode="after")
    def _fits(self) -> Hospitals:
        if self.divert_at is not None and self.reopen_at >= self.divert_at:
            raise ValueError(
                f"reopen_at {self.reopen_at:g} is not less than divert_at {self.divert_at:g}"
            )
        if not sum(self.walk_in_hours) > 0.0:
            raise ValueError("walk_in_hours are all 0")
        return self

    @property
    def asks(self) -> bool:
        """Whether crews ask hospitals before they set off."""
        return bool(self.refusal or self.refusal_when_full or self.enquiry_s)
