"""What the reports read of a run's `run.json`, checked when it is read."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from twin.recording.damage import damaged
from twin.recording.reader import RunReader

_Model = TypeVar("_Model", bound=BaseModel)


class Quantiles(BaseModel):
    """Median, 90th percentile and number of some durations; seconds."""

    p50: float | None
    p90: float | None
    n: int


class SideOfInterval(Quantiles):
    """One side of an interval, and the calls that only this side has (`twin.metrics.intervals`)."""

    alone: int


class Interval(BaseModel):
    """One interval of the chain; nothing is observed where calls were generated."""

    observed: SideOfInterval | None
    simulated: SideOfInterval
    ks: float | None = None


class Sent(BaseModel):
    """How often a replay sent what was sent then (`twin.metrics.sent`)."""

    calls: int
    same_type: float
    based: int
    same_station: float | None
    same_unit: float | None
    by_chance: float | None
    drive_then_s: float | None
    drive_s: float | None


class Vehicles(BaseModel):
    """Vehicles of ordinary traffic; runs of older versions did not count the last four."""

    inserted: int
    removed: int
    detoured: int | None = None
    cleared_red: int | None = None
    turned_on_red: int | None = None
    without_route: int | None = None


class Buses(BaseModel):
    """Buses of lines (`twin.traffic.buses`)."""

    runs_ended: int
    stops_served: int
    stops_missed: int
    punctual_share: float | None
    mean_late_s: float | None
    mean_speed_mps: float | None
    left_out: dict[str, int]


class RoadSpeed(BaseModel):
    """A published speed beside the run's, km/h (`twin.metrics.road_speeds`)."""

    title_en: str
    published_kmh: float
    simulated_kmh: float | None
    from_h: float | None
    to_h: float | None
    year: int
    source: str


class Unasked(BaseModel):
    """An order for which no choice came (`twin.agents.orders`)."""

    change: int
    call: str
    unit: str | None = None
    hospital: str | None = None


class WithoutHospital(BaseModel):
    """Patients whom no hospital could take (`twin.simulation.Summary`); older runs lack it."""

    patients: int = 0
    left: int = 0
    hospitals: int = 0


class Summary(BaseModel):
    """Figures of a finished run."""

    calls: int
    open: int
    response: Quantiles
    share_within_480_s: float | None
    intervals: dict[str, Interval]
    vehicles: Vehicles
    assumed_intervals: list[str] = []
    speeds: list[RoadSpeed] = []
    sent: dict[str, Sent] = {}
    buses: Buses | None = None
    unasked_orders: list[Unasked] = []
    without_hospital: WithoutHospital = WithoutHospital()
    preemptions: dict[str, int] | None = None


class Inputs(BaseModel):
    """Checksums of what was run."""

    city: str
    scenario: str


class TableMark(BaseModel):
    """Checksum of a table."""

    sha256: str


class Origin(BaseModel):
    """Where a run comes from."""

    seed: int
    replication: int
    inputs: Inputs
    versions: dict[str, str]
    started_utc: str
    command: list[str] = []
    tables: dict[str, TableMark] = {}


class Stored(Origin):
    """A finished run's `run.json`."""

    summary: Summary


def read_stored(reader: RunReader) -> Stored:
    """Return what a finished run's `run.json` says.

    Raises
    ------
    InputError
        If something that a report needs is missing or malformed; names file and field.
    """
    return _read(reader, Stored)


def read_origin(reader: RunReader) -> Origin:
    """Return where a run comes from; raises as `read_stored` does."""
    return _read(reader, Origin)


def _read(reader: RunReader, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(reader.meta)
    except ValidationError as error:
        raise damaged(error, reader.folder / "run.json") from error
