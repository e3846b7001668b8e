"""Detectors that a scenario sets up: loops, travel-time segments, probe vehicles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin.scenarios.parts import LinkNumber, Part

Name = Annotated[str, Field(min_length=1, max_length=80)]
RoadClassName = Literal[
    "motorway", "trunk", "primary", "secondary", "tertiary", "residential", "service"
]


class Loops(Part):
    """Loops in the road that count, and measure occupancy and speed (table `detectors`).

    Roads are named by external link number, by street, or by class. The errors of a loop are
    independent from vehicle to vehicle; beside what it measures stands what was true.
    """

    kind: Literal["loops"]
    name: Name = Field(description="Its name in the table.")
    links: list[LinkNumber] = Field(default=[], description="External numbers of links.")
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    road_class: RoadClassName | None = Field(
        default=None, description="Every link of this class in the city."
    )
    position_m: float = Field(
        default=50.0,
        gt=0.0,
        le=100_000.0,
        description="Metres from the start of the link; links of a street or class that are "
        "shorter have the loop halfway.",
    )
    per_lane: bool = Field(
        default=False, description="A row for every lane; else one for the link."
    )
    every_s: float = Field(
        default=60.0,
        ge=10.0,
        le=3600.0,
        description="Seconds over which a loop counts before it gives a row.",
    )
    missed_share: float = Field(
        default=0.01, ge=0.0, le=1.0, description="Share of vehicles that are not seen."
    )
    double_share: float = Field(
        default=0.01, ge=0.0, le=1.0, description="Share of vehicles that are counted twice."
    )
    speed_error: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="Standard deviation of a measured speed, as a share of the true one.",
    )

    @model_validator(mode="after")
    def _check(self) -> Loops:
        if not self.links and self.street is None and self.road_class is None:
            raise ValueError("name `links`, a `street` or a `road_class`")
        if self.missed_share + self.double_share > 1.0:
            raise ValueError("`missed_share` and `double_share` are together more than 1")
        return self


class TravelTime(Part):
    """Times of the vehicles that pass one place and then another (table `segments`).

    A vehicle is known again at the second place with probability `seen_share`, as by its number
    plate; its time has a Gaussian error.
    """

    kind: Literal["travel-time"]
    name: Name = Field(description="Its name in the table.")
    from_link: LinkNumber = Field(description="Where the segment begins.")
    from_m: float = Field(gt=0.0, le=100_000.0, description="Metres from the start of the link.")
    to_link: LinkNumber = Field(description="Where it ends.")
    to_m: float = Field(gt=0.0, le=100_000.0, description="Metres from the start of the link.")
    seen_share: float = Field(
        default=1.0, ge=0.0, le=1.0, description="Share of vehicles that are known again."
    )
    time_error_s: float = Field(
        default=0.0, ge=0.0, le=600.0, description="Standard deviation of a time, seconds."
    )

    @model_validator(mode="after")
    def _somewhere(self) -> TravelTime:
        if self.from_link == self.to_link and self.from_m >= self.to_m:
            raise ValueError("on one link `to_m` must lie beyond `from_m`")
        return self


class Probes(Part):
    """Vehicles that report where they are (table `probes`); always the same ones."""

    kind: Literal["probes"]
    name: Name = Field(description="Its name in the table.")
    share: float = Field(gt=0.0, le=1.0, description="Share of vehicles that report.")
    every_s: float = Field(
        default=10.0, ge=1.0, le=3600.0, description="Seconds between two reports of a vehicle."
    )
    position_error_m: float = Field(
        default=5.0,
        ge=0.0,
        le=1000.0,
        description="Standard deviation of the position, east and north alike, metres.",
    )
    speed_error_mps: float = Field(
        default=0.5, ge=0.0, le=50.0, description="Standard deviation of the speed, m/s."
    )


Detector = Annotated[Loops | TravelTime | Probes, Field(discriminator="kind")]
