"""The kinds of change that a scenario makes, each with its fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from twin.core.clock import parse_clock
from twin.scenarios.care import UnitKind
from twin.scenarios.parts import (
    Clock,
    LinkNumber,
    Part,
    RuleParameters,
    SignalMode,
    check_clock,
)

_LINKS = "External numbers of links."


class Timed(Part):
    """A change that holds from one time to another."""

    at: Clock | None = Field(default=None, description="From when; the whole run if left out.")
    until: Clock | None = Field(default=None, description="Until when; the end if left out.")

    _clocks = field_validator("at", "until")(check_clock)

    @model_validator(mode="after")
    def _order(self) -> Timed:
        if self.at and self.until and parse_clock(self.until) <= parse_clock(self.at):
            raise ValueError(f"`until` {self.until} is not after `at` {self.at}")
        return self


class CloseLinks(Timed):
    """Close roads, or some of their lanes.

    Roads are named by external link number, or by a street or bridge name (both directions).
    """

    kind: Literal["close-links"]
    links: list[LinkNumber] = Field(default=[], description=_LINKS)
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    lanes: int | None = Field(
        default=None, ge=1, le=15, description="Lanes closed; all if left out."
    )

    @model_validator(mode="after")
    def _something(self) -> CloseLinks:
        if not self.links and self.street is None:
            raise ValueError("name `links` or a `street`")
        return self


class WorkZone(Timed):
    """Work on roads: lanes closed at the kerb, a speed limit, and lanes that carry less beside it.

    Roads are named as for `close-links`. One lane of every link stays open; who must leave a closed
    lane joins the next one in turns.
    """

    kind: Literal["work-zone"]
    links: list[LinkNumber] = Field(default=[], description=_LINKS)
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    lanes: int = Field(
        default=1, ge=0, le=14, description="Lanes closed of every link that has one more at least."
    )
    speed_limit_kmh: float | None = Field(
        default=None, ge=5.0, le=130.0, description="Speed limit, km/h; as before if left out."
    )
    lane_veh_h: float = Field(
        default=1600.0,
        ge=200.0,
        le=3000.0,
        description="Cars an hour that an open lane carries at most; 1,600 beside short-term work "
        "(HCM 2010).",
    )
    reason: str = Field(default="", max_length=200, description="What is done, for the reader.")

    @model_validator(mode="after")
    def _something(self) -> WorkZone:
        if not self.links and self.street is None:
            raise ValueError("name `links` or a `street`")
        return self


Sky = Literal[
    "rain-light",
    "rain-medium",
    "rain-heavy",
    "snow-light",
    "snow-medium",
    "snow-heavy",
    "fog",
]


class Weather(Timed):
    """Weather over the whole city: everybody drives slower and keeps a longer headway.

    Of weathers that overlap, the lowest factors hold. The trips stay as many; `scale-demand` says
    otherwise.
    """

    kind: Literal["weather"]
    sky: Sky = Field(description="Its factors are in the explanation of movement.")
    speed_factor: float | None = Field(
        default=None, ge=0.2, le=1.0, description="Factor on free-flow speeds, if not the usual."
    )
    capacity_factor: float | None = Field(
        default=None, ge=0.2, le=1.0, description="Factor on lanes' capacities, if not the usual."
    )


class Toll(Timed):
    """Charge for roads; drivers weigh the charge as time, emergency units pay nothing.

    Roads are named as for `close-links`. A charge is money for each of these links that a driver
    enters, or for each kilometre of them.
    """

    kind: Literal["toll"]
    links: list[LinkNumber] = Field(default=[], description=_LINKS)
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    charge: float | None = Field(
        default=None,
        ge=0.0,
        le=1e6,
        description="Charge for each link that a driver enters, in money.",
    )
    charge_per_km: float | None = Field(
        default=None,
        ge=0.0,
        le=1e6,
        description="Charge for each kilometre driven on them, in money.",
    )
    value_of_time: float = Field(gt=0.0, le=1e9, description="What an hour is worth, in money.")

    @model_validator(mode="after")
    def _something(self) -> Toll:
        if not self.links and self.street is None:
            raise ValueError("name `links` or a `street`")
        if (self.charge is None) == (self.charge_per_km is None):
            raise ValueError("give either `charge` or `charge_per_km`")
        return self


class BanTurn(Timed):
    """Forbid turns, each given as the external numbers of the link it leaves and of the next."""

    kind: Literal["ban-turn"]
    turns: list[tuple[LinkNumber, LinkNumber]] = Field(
        min_length=1, description="Pairs of links: from, to."
    )


class BusLane(Timed):
    """Keep a lane of roads for buses and emergency units.

    Roads are named as for `close-links`; of a street, the links with one lane stay as they are.
    In lanes (micro), other drivers enter it only in the last 60 m before a junction, to make a turn
    that is made from it, or to pass an obstacle; in queues (meso) they never do.
    """

    kind: Literal["bus-lane"]
    links: list[LinkNumber] = Field(default=[], description=_LINKS)
    street: str | None = Field(default=None, description="Street or bridge name in the city.")
    lane: Literal["kerb", "median"] = Field(default="kerb", description="Which lane it is.")

    @model_validator(mode="after")
    def _something(self) -> BusLane:
        if not self.links and self.street is None:
            raise ValueError("name `links` or a `street`")
        return self


class ScaleDemand(Timed):
    """Multiply the trips that depart while the change holds."""

    kind: Literal["scale-demand"]
    factor: float = Field(ge=0.0, le=5.0, description="Trips over those without the change.")


class _AtSignals(Timed):
    """A change of signals: of the named nodes, at the end of links, along a street, or of all."""

    junctions: list[LinkNumber] = Field(default=[], description="External numbers of nodes.")
    links: list[LinkNumber] = Field(default=[], description="Links that end at the signals.")
    street: str | None = Field(default=None, description="Street in the city.")


class PreemptSignals(_AtSignals):
    """Let signals turn green for units under siren; all signals if none are named (micro only)."""

    kind: Literal["preempt-signals"]
    detection_m: float = Field(
        default=400.0,
        ge=0.0,
        le=5000.0,
        description="A unit asks signals for green that are nearer along its route, metres.",
    )
    detection_s: float = Field(
        default=0.0,
        ge=0.0,
        le=600.0,
        description="Or that it reaches in less than so many seconds at free flow.",
    )
    longest_s: float = Field(
        default=120.0,
        ge=10.0,
        le=3600.0,
        description="No unit holds a signal green for longer, seconds.",
    )


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


class AddStation(Part):
    """Open a station."""

    kind: Literal["add-station"]
    station_id: str = Field(description="Id of the new station, for `add-units`.")
    name: str = Field(
        default="", description="Name; in two languages as `종로 대기소 (Jongno standby)`."
    )
    serves: Literal["ems", "fire", "both"] = Field(
        default="ems", description="Whose station it is."
    )
    lon: float = Field(ge=-180, le=180, description="Longitude.")
    lat: float = Field(ge=-90, le=90, description="Latitude.")


class AddUnits(Part):
    """Put more units at a station."""

    kind: Literal["add-units"]
    station: str = Field(description="A `station_id`.")
    unit: UnitKind = Field(default="ambulance", description="Its kind.")
    count: int = Field(default=1, ge=1, le=50, description="How many.")
    on: Clock = Field(default="00:00", description="Start of duty, city time.")
    off: Clock = Field(default="00:00", description="End of duty; as `on`: around the clock.")
    days: str = Field(
        default="",
        pattern="^[1-7]*$",
        description="Days of the week on which it starts, 1 is Monday: `67` for the weekend. Every "
        "day if left out.",
    )

    _clocks = field_validator("on", "off")(check_clock)


class RemoveUnits(Part):
    """Take units away, by id, or `count` of a station's."""

    kind: Literal["remove-units"]
    units: list[str] = Field(default=[], description="Ids of units.")
    station: str | None = Field(default=None, description="Or a `station_id`.")
    unit: UnitKind = Field(default="ambulance", description="Its kind.")
    count: int = Field(default=1, ge=1, le=200, description="How many of the station's.")


class MoveUnits(Part):
    """Base units at another station."""

    kind: Literal["move-units"]
    units: list[str] = Field(min_length=1, description="Ids of units.")
    to: str = Field(description="The `station_id` of their new base.")


class OffRoad(Timed):
    """Keep vehicles off the road: a service, an inspection, a training.

    They finish what they do, drive home and take no calls until the change ends.
    """

    kind: Literal["off-road"]
    units: list[str] = Field(min_length=1, description="Ids of units.")


class CloseHospital(Timed):
    """A hospital takes nobody (`close`) or no new ambulances (`divert`) while the change holds."""

    kind: Literal["close-hospital"]
    hospital: str = Field(description="A `hospital_id`.")
    mode: Literal["close", "divert"] = Field(
        default="close", description="Nobody at all, or no new ambulances."
    )


class OpenHospital(Timed):
    """A hospital that is usually closed is open while the change holds."""

    kind: Literal["open-hospital"]
    hospital: str = Field(description="A `hospital_id`.")


class CloseBeds(Timed):
    """Beds of an emergency room are out of use while the change holds.

    Each is closed when the patient in it has left; free ones at once. One bed always stays in use.
    """

    kind: Literal["close-beds"]
    hospital: str = Field(description="A `hospital_id`.")
    beds: int = Field(ge=1, le=10_000, description="How many.")


class ChooseUnit(Part):
    """Send this unit to a call, whatever the rule says.

    It must be free when a unit is sought for the call, else the run ends with an error. If no road
    leads it there, the rule chooses again.
    """

    kind: Literal["choose-unit"]
    call: str = Field(description="A `call_id`; `I-1` is the first injected incident.")
    unit: str = Field(description="Id of the unit.")
    role: str = Field(
        default="",
        pattern="^([a-z]+-[1-9][0-9]*)?$",
        description="Which of the call's requests, as `ambulance-2`; the first of the unit's kind "
        "if left out.",
    )


class ChooseHospital(Part):
    """Take the patient of a call to this hospital, whatever the rule says.

    It must accept the patient, else the run ends with an error. If it turns them away, the rule
    chooses again.
    """

    kind: Literal["choose-hospital"]
    call: str = Field(description="A `call_id`; `I-1` is the first injected incident.")
    hospital: str = Field(description="A `hospital_id`.")
    role: str = Field(
        default="",
        pattern="^([a-z]+-[1-9][0-9]*)?$",
        description="Of which of the call's ambulances, as `ambulance-2`; the first if left out.",
    )


class SetPolicy(Timed):
    """Change a rule."""

    kind: Literal["set-policy"]
    dispatch: str | None = Field(default=None, description="As `policy.dispatch`.")
    queue: str | None = Field(default=None, description="As `policy.queue`.")
    hospital: str | None = Field(default=None, description="As `policy.hospital`.")
    moveup: str | None = Field(default=None, description="As `policy.moveup`.")
    reassign: str | None = Field(default=None, description="As `policy.reassign`.")
    parameters: RuleParameters = Field(
        default={}, description="As `policy.parameters`, and on top of those."
    )


class InjectIncident(Part):
    """Make an incident happen."""

    kind: Literal["inject-incident"]
    at: Clock
    incident: Literal["medical", "fire", "collision"] = Field(description="What happens.")
    lon: float = Field(ge=-180, le=180, description="Longitude.")
    lat: float = Field(ge=-90, le=90, description="Latitude.")
    priority: int = Field(default=1, ge=1, le=4, description="1 is the most urgent.")
    patients: int = Field(default=1, ge=0, le=200, description="How many are hurt or ill.")
    type: str | None = Field(
        default=None,
        description="Name of a type of `care.types` that it is of; drawn, as of other calls, if "
        "left out.",
    )

    _clocks = field_validator("at")(check_clock)


Change = Annotated[
    CloseLinks
    | WorkZone
    | Weather
    | Toll
    | BanTurn
    | BusLane
    | ScaleDemand
    | PreemptSignals
    | RetimeSignals
    | AddStation
    | AddUnits
    | RemoveUnits
    | MoveUnits
    | OffRoad
    | CloseHospital
    | OpenHospital
    | CloseBeds
    | ChooseUnit
    | ChooseHospital
    | SetPolicy
    | InjectIncident,
    Field(discriminator="kind"),
]
