"""What a city is: the network, the places on it, who lives where, who drives when, who calls.

Tables are pandas frames with the columns that `TABLES` declares; `twin.city.bundle` saves and loads
them. A link column holds a link *index* of `City.network`; distances are metres, durations seconds,
rates per day, times seconds since midnight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from twin.network.build import BuildReport
from twin.network.graph import Network

Family = Literal["lognormal", "exponential", "gamma", "constant"]


class Distribution(BaseModel):
    """A distribution of a duration in seconds.

    `lognormal`: `a` is the mean and `b` the standard deviation of the logarithm.
    `exponential`: `a` is the mean. `gamma`: `a` is the shape and `b` the scale.
    `constant`: `a` is the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: Family
    a: float
    b: float = 0.0
    low: float = Field(default=0.0, ge=0.0, description="Draws below this are set to it, s.")
    high: float = Field(default=14_400.0, gt=0.0, description="Draws above this are set to it, s.")
    n: int = Field(default=0, ge=0, description="Observations behind the fit; 0 for a default.")
    source: str = Field(default="", description="Where the figures come from.")

    def draw(self, rng: np.random.Generator) -> float:
        """Return one duration in seconds; every family uses exactly one variate of the stream."""
        if self.family == "lognormal":
            value = float(np.exp(self.a + self.b * rng.standard_normal()))
        elif self.family == "exponential":
            value = float(self.a * rng.standard_exponential())
        elif self.family == "gamma":
            value = float(self.b * rng.standard_gamma(self.a))
        else:
            value = self.a
        return min(max(value, self.low), self.high)


class Service(BaseModel):
    """The durations of the chain that do not depend on the road, by `"<kind>.<interval>"`.

    Keys are tried from the most to the least particular: `"<incident kind>.<interval>.<priority>"`,
    `"<incident kind>.<interval>"`, `"<interval>"`. Intervals are `handling` (call received to
    dispatched when a unit is free), `turnout`, `scene` (no transport), `scene_transport`,
    `handover`, `wrap_up`. `p_transport` holds the share of patients taken to hospital by incident
    kind, and `p_priority` the share of each priority (1 is the most urgent) by incident kind.
    """

    model_config = ConfigDict(extra="forbid")

    durations: dict[str, Distribution] = {}
    p_transport: dict[str, float] = {}
    p_priority: dict[str, dict[str, float]] = {}
    siren_to_priority: int = Field(
        default=4, ge=0, description="Least urgent priority whose calls are answered under siren."
    )
    turnout_by_hour: dict[str, list[float]] = Field(
        default={},
        description="24 factors on turnout by what a station serves (ems, fire, both; empty: any).",
    )

    @field_validator("turnout_by_hour")
    @classmethod
    def _factors(cls, value: dict[str, list[float]]) -> dict[str, list[float]]:
        for serves, factors in value.items():
            if len(factors) != 24 or not all(0.0 < factor <= 100.0 for factor in factors):
                raise ValueError(f"{serves!r} has not 24 factors over 0 and up to 100")
        return value

    def duration(self, kind: str, interval: str, priority: int) -> Distribution:
        """Return the distribution of an interval for an incident.

        Raises
        ------
        KeyError
            If the city has none.
        """
        for key in (f"{kind}.{interval}.{priority}", f"{kind}.{interval}", interval):
            if key in self.durations:
                return self.durations[key]
        raise KeyError(f"{kind}.{interval}")


def known_zone(name: str) -> str:
    """Return the name of a time zone if there is one of that name (IANA)."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone, as in Asia/Seoul") from error
    return name


class Meta(BaseModel):
    """What a city says of itself."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: dict[str, str] = Field(description="Name to show, by language code (en, ko).")
    timezone: Annotated[str, AfterValidator(known_zone)]
    synthesised: bool = Field(
        default=False, description="True when the network is our own drawing, not a survey."
    )
    notice: dict[str, str] = Field(
        default_factory=dict, description="What must stand wherever the city is shown, by language."
    )
    attribution: list[str] = []
    built_by: str = ""
    assumptions: list[str] = Field(
        default=[], description="What was imputed or assumed, one sentence each."
    )
    known_gaps: list[str] = Field(
        default=[],
        description="Where the twin is known to differ from the city, one sentence each.",
    )
    traffic_gaps: list[str] = Field(
        default=[],
        description="The same of simulated traffic: said only of runs in which traffic moves.",
    )


TABLES: dict[str, dict[str, str]] = {
    "zones": {
        "zone_id": "int32",
        "name": "str",
        "district": "str",
        "lon": "float64",
        "lat": "float64",
        "x": "float64",
        "y": "float64",
        "population": "float64",
        "jobs": "float64",
    },
    # Links on which a zone's trips start and end, with their share of them.
    "zone_links": {"zone_id": "int32", "link": "int32", "weight": "float32"},
    "districts": {"district": "str", "name_en": "str", "name_ko": "str", "polygon_wkb": "bytes"},
    "stations": {
        "station_id": "str",
        "name": "str",
        "kind": "str",  # ems | fire | both
        "lon": "float64",
        "lat": "float64",
        "link": "int32",
        "pos_m": "float32",
    },
    # `on_s`..`off_s` is the daily shift; on_s == off_s means always. kind: ambulance | engine |
    # ladder | rescue | command.
    "units": {
        "unit_id": "str",
        "kind": "str",
        "station_id": "str",
        "on_s": "float64",
        "off_s": "float64",
    },
    "hospitals": {
        "hospital_id": "str",
        "name": "str",
        "lon": "float64",
        "lat": "float64",
        "link": "int32",
        "pos_m": "float32",
        "level": "str",  # regional | local | basic
        "capabilities": "str",  # space-separated: emergency trauma pci stroke burns paediatric
        "open": "bool",
    },
    # Vehicle trips of a weekday between zones, all vehicle types together.
    "od": {"origin": "int32", "destination": "int32", "trips_per_day": "float32"},
    # Share of the day's trips (per vehicle type) and scale of a weekend day in each hour.
    "trip_profile": {"hour": "int32", "weekday": "float64", "weekend": "float64"},
    # Mean calls per day by zone and incident kind (medical, fire); collisions come from exposure.
    "call_rates": {"zone_id": "int32", "kind": "str", "per_day": "float64"},
    "call_profile": {"hour": "int32", "kind": "str", "share": "float64"},
    # Injury collisions per million vehicle-km by road class (see RoadClass) and hour of day.
    "collision_rates": {"road_class": "int32", "hour": "int32", "per_mvkm": "float64"},
    # What the links of a city from a SUMO network are called there: id of the edge, metres at the
    # start that lie inside the junction, numbers of the edge's lanes from the kerb.
    "edges": {"link": "int32", "edge": "str", "entry_m": "float32", "lanes": "str"},
    # Signals that are run by what stands before them, not by their plan (`mode`, see
    # `twin.traffic.signals.MODES`).
    "signals": {"signal": "int32", "mode": "str"},
    # Speeds that the city publishes, to judge a run by; nothing is tuned to them by Twin. The roads
    # of each are those of some classes (numbers of `RoadClass` between spaces) that are at least so
    # fast when empty, in some districts (names between semicolons; all if none).
    "published_speeds": {
        "measure": "str",
        "title_en": "str",
        "title_ko": "str",
        "from_h": "float64",
        "to_h": "float64",
        "classes": "str",
        "min_free_kmh": "float64",
        "districts": "str",
        "kmh": "float64",
        "year": "int32",
        "source": "str",
    },
    # Recorded calls, for replay (may be empty): one row a call, times are UTC. The stamps are those
    # of `unit_id`, an ambulance for medical calls; `t_first_onscene` is any unit's first arrival.
    "history": {
        "call_id": "str",
        "kind": "str",
        "priority": "int32",
        "lon": "float64",
        "lat": "float64",
        "t_call": "timestamp",
        "t_dispatch": "timestamp",
        "t_enroute": "timestamp",
        "t_onscene": "timestamp",
        "t_leave": "timestamp",
        "t_hospital": "timestamp",
        "t_clear": "timestamp",
        "t_first_onscene": "timestamp",
        "transported": "bool",
        "unit_id": "str",
        "unit_kind": "str",
        "station_id": "str",
        "district": "str",
    },
    # A city of travel times instead of streets: place k is link k of its network, a stub, and
    # `travel_times` holds the seconds of a drive under siren between every two places, row after
    # row of the square table: those from place 0 first.
    "places": {
        "place_id": "str",
        "lon": "float64",
        "lat": "float64",
        "x": "float64",
        "y": "float64",
    },
    "travel_times": {"seconds": "float64"},
}
"""Tables of a city and the type of each column. A table may be empty; a column may not miss."""

OPTIONAL: dict[str, dict[str, str]] = {
    # The district that a place belongs to in truth, where the city's borders are only drawn.
    "stations": {"district": "str"},
    # Days of the week on which a unit's shift begins, as "67" for the weekend; every day if empty.
    "units": {"days": "str"},
    # Beds of the emergency room (0: none is simulated) and patients who come by themselves.
    "hospitals": {"district": "str", "beds": "int32", "walk_ins_per_day": "float64"},
    # What is recorded of a call beside its stamps: its place in a city of travel times, seconds
    # (none where not known), the hospital, and whether it is not known if a patient was taken.
    "history": {
        "link": "int32",
        "dispatch_delay_s": "float64",
        "turnout_s": "float64",
        "scene_s": "float64",
        "handover_s": "float64",
        "hospital_id": "str",
        "transport_unknown": "bool",
    },
}
"""Columns that a table may have beside its own."""


@dataclass(slots=True)
class City:
    """A city that can be run.

    Attributes
    ----------
    meta
        Name, time zone, notices, what was assumed.
    network
        Roads, turns and signals.
    tables
        One frame for each name in `TABLES`.
    service
        Durations for each held-out day: `""` is the fit on everything, `"2017-01-04"` the fit
        that has not seen that day.
    build
        What the clean-up of the network did and imputed, if it is known.
    """

    meta: Meta
    network: Network
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    service: dict[str, Service] = field(default_factory=dict)
    build: BuildReport | None = None

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    @property
    def is_table(self) -> bool:
        """Whether the city is a table of travel times between places, without streets."""
        return "travel_times" in self.tables and len(self.tables["travel_times"]) > 0

    @property
    def travel_times(self) -> NDArray[np.float64]:
        """(P, P) seconds of a drive under siren from each place (row) to each, if `is_table`."""
        seconds = self["travel_times"]["seconds"].to_numpy(np.float64)
        n = len(self["places"])
        return seconds.reshape(n, n)
