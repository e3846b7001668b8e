"""The scenario: every field with its type, unit, range and default, declared once.

The same declarations feed validation, `--set`, the reference page and the app's forms.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twin.core.clock import parse_clock
from twin.core.errors import InputError
from twin.scenarios.detectors import Detector

Clock = Annotated[
    str, Field(description="City time, HH:MM or HH:MM:SS; 24:00 and later are legal.")
]


LinkNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""External number of a link or node."""

SignalMode = Literal["fixed", "actuated", "coordinated", "max-pressure"]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )


def _check_clock(value: str | None) -> str | None:
    if value is not None:
        try:
            parse_clock(value)
        except InputError as error:
            raise ValueError(f"{error.message}; {error.hint}") from error
    return value


class Period(_Part):
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

    _clocks = field_validator("start", "end")(_check_clock)

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


class Preemption(_Part):
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


class Traffic(_Part):
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
    reroute_every_s: float = Field(default=300.0, ge=30.0, le=3600.0, description="Seconds.")
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
    signals: SignalMode = Field(
        default="fixed",
        description="fixed: by plan; actuated: by who is there; coordinated: the same with the "
        "plan's green on the main road; max-pressure: by queues. Other than fixed: micro only.",
    )
    preemption: Preemption = Preemption()
    threads: int = Field(default=1, ge=1, le=64, description="Threads of the movement kernels.")

    @model_validator(mode="after")
    def _lanes_needed(self) -> Traffic:
        if self.fidelity != "micro" and (self.signals != "fixed" or self.preemption.enabled):
            what = "pre-emption" if self.signals == "fixed" else f"signals = {self.signals!r}"
            raise ValueError(f"{what} needs fidelity = 'micro'")
        return self


class Calls(_Part):
    """Where the calls come from."""

    source: Literal["generated", "recorded", "none"] = "generated"
    scale: float = Field(default=1.0, ge=0.0, le=20.0, description="Factor on generated calls.")
    collisions: bool = Field(default=True, description="Collisions arise from exposure.")
    held_out_fit: bool = Field(
        default=True, description="Use service times fitted without the day that is simulated."
    )


class Policy(_Part):
    """Rules by name."""

    dispatch: str = Field(default="closest-idle", description="Which unit answers a call.")
    queue: str = Field(default="priority", description="Which waiting call a free unit takes.")
    hospital: str = Field(default="nearest-suitable", description="Where a patient is taken.")


class Record(_Part):
    """What a run keeps."""

    frame_every_s: float = Field(default=10.0, ge=1.0, le=600.0, description="Seconds.")
    frame_vehicles: int = Field(
        default=4000, ge=0, le=100_000, description="At most so many vehicles in a frame."
    )
    links_every_s: float = Field(default=300.0, ge=30.0, le=3600.0, description="Seconds.")
    trips: bool = Field(default=True, description="Write a row for every finished trip.")
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


class _Change(_Part):
    at: Clock | None = Field(default=None, description="From when; the whole run if left out.")
    until: Clock | None = Field(default=None, description="Until when; the end if left out.")

    _clocks = field_validator("at", "until")(_check_clock)

    @model_validator(mode="after")
    def _order(self) -> _Change:
        if self.at and self.until and parse_clock(self.until) <= parse_clock(self.at):
            raise ValueError(f"until {self.until} is not after at {self.at}")
        return self


class CloseLinks(_Change):
    """Close roads, or some of their lanes.

    Roads are named by external link number, or by a street or bridge name (both directions).
    """

    kind: Literal["close-links"]
    links: list[LinkNumber] = []
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    lanes: int | None = Field(
        default=None, ge=1, le=15, description="Lanes closed; all if left out."
    )

    @model_validator(mode="after")
    def _something(self) -> CloseLinks:
        if not self.links and self.street is None:
            raise ValueError("name `links` or a `street`")
        return self


class Toll(_Change):
    """Charge for roads; drivers weigh the charge as time, emergency units pay nothing.

    Roads are named as for `close-links`. A charge is money for each of these links that a driver
    enters, or for each kilometre of them.
    """

    kind: Literal["toll"]
    links: list[LinkNumber] = []
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    charge: float | None = Field(default=None, ge=0.0, le=1e6, description="Money a link.")
    charge_per_km: float | None = Field(default=None, ge=0.0, le=1e6, description="Money a km.")
    value_of_time: float = Field(gt=0.0, le=1e9, description="What an hour is worth, in money.")

    @model_validator(mode="after")
    def _something(self) -> Toll:
        if not self.links and self.street is None:
            raise ValueError("name `links` or a `street`")
        if (self.charge is None) == (self.charge_per_km is None):
            raise ValueError("give either `charge` or `charge_per_km`")
        return self


class BanTurn(_Change):
    """Forbid turns, each given as the external numbers of the link it leaves and of the next."""

    kind: Literal["ban-turn"]
    turns: list[tuple[LinkNumber, LinkNumber]] = Field(min_length=1)


class ScaleDemand(_Change):
    """Multiply the trips that depart while the change holds."""

    kind: Literal["scale-demand"]
    factor: float = Field(ge=0.0, le=5.0)


class _AtSignals(_Change):
    """A change of signals: of the named nodes, at the end of links, along a street, or of all."""

    junctions: list[LinkNumber] = Field(default=[], description="External numbers of nodes.")
    links: list[LinkNumber] = Field(default=[], description="Links that end at the signals.")
    street: str | None = Field(default=None, description="Street in the city.")


class PreemptSignals(_AtSignals):
    """Let signals turn green for units under siren; all signals if none are named (micro only)."""

    kind: Literal["preempt-signals"]
    detection_m: float = Field(default=400.0, ge=0.0, le=5000.0, description="Metres.")
    detection_s: float = Field(default=0.0, ge=0.0, le=600.0, description="Seconds at free flow.")
    longest_s: float = Field(default=120.0, ge=10.0, le=3600.0, description="Seconds.")


class RetimeSignals(_AtSignals):
    """Run signals in another way, or with another cycle; all if none are named (micro only)."""

    kind: Literal["retime-signals"]
    mode: SignalMode | None = Field(default=None, description="As in `traffic.signals`.")
    cycle_s: float | None = Field(
        default=None, ge=20.0, le=300.0, description="Cycle; greens keep their shares."
    )

    @model_validator(mode="after")
    def _something(self) -> RetimeSignals:
        if self.mode is None and self.cycle_s is None:
            raise ValueError("give a `mode` or a `cycle_s`")
        return self


class AddStation(_Part):
    """Open a station."""

    kind: Literal["add-station"]
    station_id: str
    name: str = ""
    serves: Literal["ems", "fire", "both"] = "ems"
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class AddUnits(_Part):
    """Put more units at a station."""

    kind: Literal["add-units"]
    station: str
    unit: Literal["ambulance", "engine"] = "ambulance"
    count: int = Field(default=1, ge=1, le=50)
    on: Clock = "00:00"
    off: Clock = "00:00"

    _clocks = field_validator("on", "off")(_check_clock)


class RemoveUnits(_Part):
    """Take units away, by id, or `count` of a station's."""

    kind: Literal["remove-units"]
    units: list[str] = []
    station: str | None = None
    unit: Literal["ambulance", "engine"] = "ambulance"
    count: int = Field(default=1, ge=1, le=200)


class MoveUnits(_Part):
    """Base units at another station."""

    kind: Literal["move-units"]
    units: list[str] = Field(min_length=1)
    to: str


class CloseHospital(_Change):
    """A hospital takes nobody (`close`) or no new ambulances (`divert`) while the change holds."""

    kind: Literal["close-hospital"]
    hospital: str
    mode: Literal["close", "divert"] = "close"


class SetPolicy(_Change):
    """Change a rule."""

    kind: Literal["set-policy"]
    dispatch: str | None = None
    queue: str | None = None
    hospital: str | None = None


class InjectIncident(_Part):
    """Make an incident happen."""

    kind: Literal["inject-incident"]
    at: Clock
    incident: Literal["medical", "fire", "collision"]
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    priority: int = Field(default=1, ge=1, le=4)
    patients: int = Field(default=1, ge=0, le=200)

    _clocks = field_validator("at")(_check_clock)


Change = Annotated[
    CloseLinks
    | Toll
    | BanTurn
    | ScaleDemand
    | PreemptSignals
    | RetimeSignals
    | AddStation
    | AddUnits
    | RemoveUnits
    | MoveUnits
    | CloseHospital
    | SetPolicy
    | InjectIncident,
    Field(discriminator="kind"),
]


class Scenario(_Part):
    """A city, a period, a fidelity, policies by name, and timed changes."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: dict[str, str] = Field(default={}, description="Title by language code (en, ko).")
    question: dict[str, str] = Field(default={}, description="The question asked, by language.")
    base: str | None = Field(default=None, description="Scenario this one changes.")
    city: str = Field(description="Name of a city, or the folder of one.")
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    period: Period = Period()
    traffic: Traffic = Traffic()
    calls: Calls = Calls()
    policy: Policy = Policy()
    record: Record = Record()
    changes: list[Change] = []
