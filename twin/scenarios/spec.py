"""The scenario: every field with its type, unit, range and default, declared once.

The same declarations feed validation, `--set`, the reference page and the app's forms.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator, model_validator

from twin.core.clock import parse_clock
from twin.scenarios.care import Care
from twin.scenarios.chain import Chain
from twin.scenarios.change_kinds import Change
from twin.scenarios.coverage import Coverage
from twin.scenarios.crews import Crews
from twin.scenarios.detectors import Detector
from twin.scenarios.hospitals import Hospitals
from twin.scenarios.moves import Moves
from twin.scenarios.parts import Clock, LinkNumber, Part, SignalMode, check_clock
from twin.scenarios.policy import Policy
from twin.scenarios.transit import Transit
from twin.scenarios.vehicle_types import Model, VehicleTypes


class Period(Part):
    """What is simulated."""

    day: date = Field(
        default=date(2025, 3, 5),
        ge=date(1900, 1, 1),
        le=date(2200, 1, 1),
        description="First day (city date).",
    )
    start: Clock = "17:30"
    end: Clock = "19:30"
    warm_up_min: float = Field(
        default=30.0,
        ge=0.0,
        le=240.0,
        description="Traffic and calls that run before `start` and are not counted, minutes.",
    )

    _clocks = field_validator("start", "end")(check_clock)

    @model_validator(mode="after")
    def _order(self) -> Period:
        if self.end_s <= self.start_s:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self

    @property
    def start_s(self) -> float:
        """Start, seconds since midnight."""
        return parse_clock(self.start)

    @property
    def begin_s(self) -> float:
        """First simulated second: the start less the warm-up."""
        return self.start_s - 60.0 * self.warm_up_min

    @property
    def end_s(self) -> float:
        """End, seconds since midnight."""
        return parse_clock(self.end)


class Preemption(Part):
    """Signals turn green for units under siren that come their way (micro only)."""

    enabled: bool = Field(default=False, description="Whether signals listen to units.")
    detection_m: float = Field(
        default=400.0,
        ge=0.0,
        le=5000.0,
        description="A unit asks signals that are nearer along its route, metres.",
    )
    detection_s: float = Field(
        default=0.0,
        ge=0.0,
        le=600.0,
        description="Or nearer than so many seconds at free flow.",
    )
    longest_s: float = Field(
        default=120.0, ge=10.0, le=3600.0, description="No unit holds a signal for longer, seconds."
    )
    junctions: list[LinkNumber] = Field(
        default=[], description="External numbers of nodes; every signal if left out."
    )


class Siren(Part):
    """What drivers do for a unit under siren, beside leaving its lane (micro only)."""

    corridor: bool = Field(
        default=True,
        description="On two lanes or more slow drivers who hold up the unit draw to the edges of "
        "their lanes, and it drives between the lanes.",
    )
    oncoming: bool = Field(
        default=True,
        description="On undivided roads of one lane each way the unit may pass a queue over the "
        "oncoming lane, when nobody comes there.",
    )
    reach_m: float = Field(
        default=80.0,
        ge=0.0,
        le=1000.0,
        description="Drivers leave the unit's lane within so many metres ahead of it.",
    )
    queue_reach_m: float = Field(
        default=250.0,
        ge=0.0,
        le=2000.0,
        description="To what this distance grows, by 10 m a second, while a queue holds the unit.",
    )
    between_mps: float = Field(
        default=11.0,
        ge=1.0,
        le=20.0,
        description="Greatest speed between lanes or over the oncoming lane, m/s.",
    )
    past_mps: float = Field(
        default=5.5,
        ge=1.0,
        le=15.0,
        description="How much faster than those beside it a unit drives there, m/s.",
    )

    @model_validator(mode="after")
    def _grows(self) -> Siren:
        if self.queue_reach_m < self.reach_m:
            raise ValueError(
                f"queue_reach_m {self.queue_reach_m:g} is less than reach_m {self.reach_m:g}"
            )
        return self


class Traffic(Part):
    """How things move."""

    fidelity: Literal["micro", "meso", "table"] = Field(
        default="micro",
        description="micro: lane-level traffic; meso: queues on links, many times faster; "
        "table: time-dependent network travel times.",
    )
    demand_scale: float = Field(default=1.0, ge=0.0, le=5.0, description="Factor on all trips.")
    speed_factor: float = Field(
        default=1.0, gt=0.0, le=2.0, description="Factor on every link's free-flow speed."
    )
    reroute_share: float = Field(
        default=0.3, ge=0.0, le=1.0, description="Share of drivers who follow live travel times."
    )
    reroute_every_s: float = Field(
        default=300.0,
        ge=30.0,
        le=3600.0,
        description="Seconds between two looks of those drivers for a better way.",
    )
    routes: str | None = Field(
        default=None,
        description="Folder of `twin assign`: drivers begin with the routes that they learned.",
    )
    emergency_speed_factor: float = Field(
        default=1.3,
        ge=1.0,
        le=2.5,
        description="Desired speed under siren, as a factor on the link's free-flow speed.",
    )
    speed_without_siren: float = Field(
        default=0.95,
        gt=0.0,
        le=1.0,
        description="Of units, as a share of that under siren, for which the table's times are "
        "(Dieleman and Jagtenberg 2024). Cities of travel times only.",
    )
    on_the_way: Literal["blend", "nearest-place"] = Field(
        default="blend",
        description="Where a unit is after the share f of a drive from a to b. blend: the drive to "
        "c takes (1 - f) t(a, c) + f t(b, c); nearest-place: at the place nearest to that point of "
        "the straight line. Cities of travel times only.",
    )
    signals: SignalMode = Field(
        default="fixed",
        description="fixed: by plan; actuated: by who is there; coordinated: the same with the "
        "plan's green on the main road; max-pressure: by queues. Other than fixed: micro only.",
    )
    right_on_red: bool = Field(
        default=True,
        description="Drivers turn right on red, after a stop and giving way, where the city allows "
        "it; false: nowhere.",
    )
    preemption: Preemption = Preemption()
    types: VehicleTypes = VehicleTypes()
    car_following: Model = Field(
        default="idm",
        description="Of the drivers of trips: idm, or krauss as SUMO has it. krauss: micro only.",
    )
    imperfection: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="Share of the acceleration that a driver may fall short of in a tick "
        "(SUMO's sigma). Other than 0: micro only.",
    )
    reaction_s: float = Field(
        default=0.0,
        ge=0.0,
        le=5.0,
        description="Mean seconds, beside the tick of one, until a driver responds. Other than 0: "
        "micro only.",
    )
    siren: Siren = Siren()
    threads: int = Field(default=1, ge=1, le=64, description="Threads of the movement kernels.")

    @model_validator(mode="after")
    def _lanes_needed(self) -> Traffic:
        if self.fidelity != "micro" and (self.signals != "fixed" or self.preemption.enabled):
            what = "pre-emption" if self.signals == "fixed" else f"signals = {self.signals!r}"
            raise ValueError(f"{what} needs fidelity = 'micro'")
        drivers = {
            "car_following = 'krauss'": self.car_following != "idm",
            "imperfection": self.imperfection,
            "reaction_s": self.reaction_s,
            **{f"types.{what}": True for what in self.types.needing_lanes},
        }
        for what, said in drivers.items():
            if said and self.fidelity != "micro":
                raise ValueError(f"{what} needs fidelity = 'micro'")
        if self.fidelity != "micro" and self.siren != Siren():
            raise ValueError("what siren says of drivers needs fidelity = 'micro'")
        if self.fidelity == "table" and not self.right_on_red:
            raise ValueError("right_on_red = false needs fidelity = 'micro' or 'meso'")
        return self


class Calls(Part):
    """Where the calls come from."""

    source: Literal["generated", "recorded", "none"] = Field(
        default="generated", description="Drawn from the city's rates, the day's own, or none."
    )
    scale: float = Field(default=1.0, ge=0.0, le=20.0, description="Factor on generated calls.")
    collisions: bool = Field(default=True, description="Collisions arise from exposure.")
    held_out_fit: bool = Field(
        default=True, description="Use service times fitted without the day that is simulated."
    )
    intervals: Literal["drawn", "recorded"] = Field(
        default="drawn",
        description="Of recorded calls. recorded: dispatch delay, turnout, scene and handover are "
        "those of the record where it has them, so that only the decisions and drives differ.",
    )


class Record(Part):
    """What a run keeps."""

    frame_every_s: float = Field(
        default=10.0,
        ge=1.0,
        le=86_400.0,
        description="Seconds between the pictures that a replay shows: positions of vehicles and "
        "units, and totals of the city (`frames`, `unit_frames`, `pulse`).",
    )
    frame_vehicles: int = Field(
        default=4000, ge=0, le=100_000, description="At most so many vehicles in a frame."
    )
    links_every_s: float = Field(
        default=300.0,
        ge=30.0,
        le=3600.0,
        description="Seconds over which vehicles, speed and emissions of each link are summed up "
        "to a row (`links`, `emissions`).",
    )
    trips: bool = Field(default=True, description="Write a row for every finished trip.")
    decisions: bool = Field(
        default=True, description="Write every candidate of each choice of a unit or a hospital."
    )
    coverage_every_s: float | None = Field(
        default=None,
        ge=10.0,
        le=3600.0,
        description="Seconds between looks at what demand is covered by free units (`coverage`); "
        "none if left out.",
    )
    events: bool = Field(
        default=True,
        description="Write every state of a unit, stage of an incident and patient at a hospital. "
        "Without them the hours of units and crews are not known.",
    )
    emissions: bool = Field(default=False, description="Write what the traffic emits, by link.")
    diesel_share: float = Field(
        default=0.3, ge=0.0, le=1.0, description="Share of cars that burn diesel, for emissions."
    )
    detectors: list[Detector] = Field(
        default=[], max_length=1000, description="Loops, travel-time segments, probe vehicles."
    )
    routes: bool = Field(
        default=False, description="Write the route that every finished trip planned and drove."
    )

    @model_validator(mode="after")
    def _names(self) -> Record:
        names = [detector.name for detector in self.detectors]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two detectors have the name {twice[0]!r}")
        return self


class Scenario(Part):
    """A city, a period, a fidelity, policies by name, and timed changes."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", description="Small letters, digits and hyphens."
    )
    title: dict[str, str] = Field(default={}, description="Title by language code (en, ko).")
    question: dict[str, str] = Field(default={}, description="The question asked, by language.")
    base: str | None = Field(default=None, description="Scenario this one changes.")
    city: str = Field(description="Name of a city, or the folder of one.")
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="Of the random numbers.")
    period: Period = Period()
    traffic: Traffic = Traffic()
    calls: Calls = Calls()
    chain: Chain = Chain()
    care: Care = Care()
    hospitals: Hospitals = Hospitals()
    crews: Crews = Crews()
    policy: Policy = Policy()
    coverage: Coverage = Coverage()
    moves: Moves = Moves()
    transit: Transit = Transit()
    record: Record = Record()
    changes: list[Change] = Field(default=[], description="What is changed, in order.")

    @model_validator(mode="after")
    def _buses_need_traffic(self) -> Scenario:
        if self.transit.wanted and self.traffic.fidelity == "table":
            raise ValueError("buses (`transit`) need traffic.fidelity = 'micro' or 'meso'")
        return self
