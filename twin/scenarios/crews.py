"""What a scenario says of crews and vehicles: changes of crew, meals, stock, failures, turnout."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from twin.core.clock import DAY_S, parse_clock
from twin.scenarios.parts import Clock, Part, check_clock

_Factor = Annotated[float, Field(gt=0.0, le=100.0)]


class Crews(Part):
    """What keeps units from calls between them, and when their crews change.

    A unit that is out when its crew's time is over finishes the call, drives home and takes no
    other: that is overtime (`crew_shifts`).
    """

    changes: list[Clock] = Field(
        default=[],
        max_length=24,
        description="Times of day at which the crews of units that are always staffed change.",
    )
    break_min: float = Field(
        default=0.0, ge=0.0, le=240.0, description="Meal break of a crew, at its station, minutes."
    )
    break_after_h: float = Field(
        default=4.0,
        ge=0.0,
        le=48.0,
        description="It is due so many hours after the crew has begun, and begins when the unit is "
        "free. Nobody interrupts it.",
    )
    break_spread_h: float = Field(
        default=0.0,
        ge=0.0,
        le=48.0,
        description="Units do not eat all at once: of one after the other it is due later, spread "
        "evenly over so many hours.",
    )
    break_until_h: float = Field(
        default=7.0,
        ge=0.0,
        le=48.0,
        description="A break that has not begun so many hours after the crew did is missed.",
    )
    restock_min: float = Field(
        default=0.0, ge=0.0, le=240.0, description="To restock an ambulance, minutes."
    )
    restock_every: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Patients taken to hospital after which it restocks, once it is home; it "
        "answers calls on its way.",
    )
    failures_every_h: float | None = Field(
        default=None,
        gt=0.0,
        le=1e6,
        description="Mean hours on duty between failures of a vehicle (exponential); none fails "
        "if left out. It finishes what it does and goes home first.",
    )
    repair_h: float = Field(
        default=4.0,
        gt=0.0,
        le=1000.0,
        description="Mean hours until it, or another for it, is on the road (exponential).",
    )
    turnout_by_hour: list[_Factor] = Field(
        default=[],
        max_length=24,
        description="Factors on turnout in the 24 hours of the day, for every station. Those of "
        "the city if left out, or none.",
    )

    @field_validator("changes")
    @classmethod
    def _clocks(cls, value: list[str]) -> list[str]:
        times = [parse_clock(check_clock(clock) or "") for clock in value]
        if any(not 0.0 <= t < DAY_S for t in times):
            raise ValueError("a time of day is before 24:00")
        if times != sorted(set(times)):
            raise ValueError("the times are not in their order")
        return value

    @field_validator("turnout_by_hour")
    @classmethod
    def _whole(cls, value: list[float]) -> list[float]:
        if value and len(value) != 24:
            raise ValueError(f"{len(value)} factors are not one for each hour of the day")
        return value

    @model_validator(mode="after")
    def _order(self) -> Crews:
        if self.break_until_h < self.break_after_h:
            raise ValueError(
                f"break_until_h {self.break_until_h:g} is before break_after_h "
                f"{self.break_after_h:g}"
            )
        return self

    @property
    def pause(self) -> bool:
        """Whether crews or vehicles are ever kept from calls."""
        return bool(self.break_min or self.restock_min or self.failures_every_h)
