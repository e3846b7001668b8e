"""Types of vehicles of a scenario: their shares, and where they differ from the usual ones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from twin.scenarios.parts import Part

Model = Literal["idm", "krauss"]

_USUAL = "; as usual if left out."


class UnitType(Part):
    """Vehicle and driver of a type of emergency unit; what is left out is as usual."""

    length_m: float | None = Field(
        default=None, ge=1.0, le=30.0, description="Bumper to bumper, metres" + _USUAL
    )
    standstill_m: float | None = Field(
        default=None, ge=0.5, le=5.0, description="Gap kept at standstill, metres" + _USUAL
    )
    headway_s: float | None = Field(
        default=None, ge=0.3, le=5.0, description="Time headway, seconds" + _USUAL
    )
    accel: float | None = Field(
        default=None, ge=0.3, le=8.0, description="Greatest acceleration, m/s²" + _USUAL
    )
    brake: float | None = Field(
        default=None, ge=0.5, le=8.0, description="Comfortable braking, m/s²" + _USUAL
    )
    top_kmh: float | None = Field(
        default=None, ge=10.0, le=400.0, description="Top speed, km/h" + _USUAL
    )


class TripType(UnitType):
    """A type of which trips are made: its share, vehicle and drivers."""

    share: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Share of the trips. What is left over by the types that have one goes to cars "
        "and taxis that have none, 81 to 19.",
    )
    speed_mean: float | None = Field(
        default=None,
        ge=0.2,
        le=2.0,
        description="Mean desired speed as a factor on the free-flow speed" + _USUAL,
    )
    speed_sd: float | None = Field(
        default=None, ge=0.0, le=0.3, description="Its standard deviation among drivers" + _USUAL
    )
    headway_sd_s: float | None = Field(
        default=None, ge=0.0, le=1.0, description="Deviation of the headway among drivers, seconds."
    )
    accel_sd: float | None = Field(
        default=None, ge=0.0, le=1.0, description="Deviation of the acceleration, m/s²."
    )
    politeness: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Weight of who comes behind in a free lane change" + _USUAL,
    )
    model: Model | None = Field(
        default=None, description="Car following; `traffic.car_following` if left out."
    )
    imperfection: float | None = Field(
        default=None, ge=0.0, le=1.0, description="`traffic.imperfection` if left out."
    )
    reaction_s: float | None = Field(
        default=None, ge=0.0, le=5.0, description="`traffic.reaction_s` if left out."
    )

    def needs_lanes(self, *, stops: bool) -> list[str]:
        """Return what it says that queues do not know.

        Parameters
        ----------
        stops
            Whether such vehicles stop on their way: queues brake and set off only there.
        """
        said = {
            "speed_mean": (self.speed_mean or 1.0) > 1.0,
            "speed_sd": self.speed_sd,
            "headway_sd_s": self.headway_sd_s,
            "accel_sd": self.accel_sd,
            "politeness": self.politeness is not None,
            "model": (self.model or "idm") != "idm",
            "imperfection": self.imperfection,
            "reaction_s": self.reaction_s,
            "accel": self.accel is not None and not stops,
            "brake": self.brake is not None and not stops,
        }
        return [field for field, value in said.items() if value]


class VehicleTypes(Part):
    """The types by name."""

    car: TripType = TripType()
    taxi: TripType = TripType()
    truck: TripType = TripType()
    bus: TripType = TripType()
    motorcycle: TripType = TripType()
    automated: TripType = TripType()
    ambulance: UnitType = UnitType()
    fire_engine: UnitType = UnitType()

    @property
    def of_trips(self) -> dict[str, TripType]:
        """The types of which trips are made."""
        return {name: part for name, part in self if isinstance(part, TripType)}

    @property
    def needing_lanes(self) -> list[str]:
        """What is said that queues do not know, as `type.field`: they have units in no queue."""
        of_units = [
            f"{name}.{field}"
            for name, part in self
            if not isinstance(part, TripType)
            for field, value in part
            if value is not None
        ]
        of_trips = [
            f"{name}.{field}"
            for name, part in self.of_trips.items()
            for field in part.needs_lanes(stops=name == "bus")
        ]
        return of_trips + of_units

    @model_validator(mode="after")
    def _whole(self) -> VehicleTypes:
        given = {n: t.share for n, t in self.of_trips.items() if t.share is not None}
        total = sum(given.values())
        if total > 1.0 + 1e-9:
            raise ValueError(f"the shares of the types add up to {total:g}, more than 1")
        if {"car", "taxi"} <= given.keys() and total < 1.0 - 1e-9:
            raise ValueError(
                f"the shares of the types add up to {total:g}, and neither cars nor taxis are left "
                "for the rest"
            )
        return self
