"""The calls of a run: drawn from rates, or read from the recorded history.

They are drawn before the run, from streams of their own, so no unit, policy or closure shifts them.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.model import City, Service
from twin.core.clock import DAY_S, HOUR_S
from twin.core.random import Streams
from twin.demand.recorded import P_TRANSPORT, Period, doors, recorded_calls
from twin.network.graph import Network
from twin.network.locate import Locator

COLUMNS: dict[str, str] = {
    "call_id": "str",
    "kind": "str",
    "priority": "int64",
    "t_call": "float64",
    "lon": "float64",
    "lat": "float64",
    "link": "int64",
    "pos_m": "float64",
    "district": "str",
    "transported": "bool",
    "patients": "int64",
    "hospital_id": "str",
}
"""Columns of a frame of calls; `t_call` is seconds since midnight of the first day."""

P_FIRE_PATIENT = 0.07
"""Chance that a fire has a patient (assumption)."""


class _Calls(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def scale(self) -> float: ...
    @property
    def intervals(self) -> str: ...


class CallSettings(Protocol):
    """What of a scenario shapes its calls; a `twin.scenarios.spec.Scenario` has it."""

    @property
    def period(self) -> Period:
        """Day, start and end."""

    @property
    def calls(self) -> _Calls:
        """Source and scale."""


def draw_calls(
    city: City, scenario: CallSettings, streams: Streams, service: Service | None = None
) -> pd.DataFrame:
    """Return the calls of the scenario's warm-up and period, in order of time.

    Parameters
    ----------
    city
        Rates, zones and history.
    scenario
        Period and `calls`: `generated` draws a Poisson process per zone, kind and hour; scaling it
        by 0.5 keeps half of the calls of 1.0, and by 2.0 all of them. `recorded` takes the history
        rows of the period, with their recorded seconds (see `twin.demand.recorded.INTERVALS`) if
        `calls.intervals` says so. `none` gives no calls.
    streams
        Random streams of the replication.
    service
        Shares of priorities and of transport; the city's fit on all days if left out.

    Returns
    -------
    DataFrame
        With `COLUMNS`.

    Raises
    ------
    InputError
        If recorded calls are asked for and the period has none, or one lies off the streets.
    """
    if scenario.calls.source == "recorded":
        frame = recorded_calls(
            city,
            scenario.period,
            streams,
            (service or city.service.get("", Service())).p_transport,
            intervals=scenario.calls.intervals == "recorded",
        )
        # Calls of one moment come in the order of the record.
        return frame.astype(COLUMNS).sort_values("t_call", kind="stable", ignore_index=True)
    if scenario.calls.source == "generated":
        frame = _generated(city, scenario, streams, service or city.service.get("", Service()))
    else:
        frame = pd.DataFrame(columns=list(COLUMNS))
    frame = frame.astype(COLUMNS).sort_values(["t_call", "call_id"], kind="stable")
    return frame.reset_index(drop=True)


def _generated(
    city: City, scenario: CallSettings, streams: Streams, service: Service
) -> pd.DataFrame:
    network, scale = city.network, scenario.calls.scale
    period = scenario.period
    zones = {row["zone_id"]: row for row in city["zones"].to_dict("records")}
    links: dict[Any, NDArray[np.int64]] = {
        zone: rows["link"].to_numpy(np.int64)
        for zone, rows in city["zone_links"].groupby("zone_id", sort=True)
    }
    shapes: dict[Any, NDArray[np.float64]] = {
        kind: _hours(rows) for kind, rows in city["call_profile"].groupby("kind", sort=True)
    }
    finder: Locator | None = None
    parts: list[dict[str, NDArray[Any]]] = []
    for rate in city["call_rates"].to_dict("records"):
        zone, kind = rate["zone_id"], str(rate["kind"])
        if zone not in links:
            finder = finder or doors(network)
            at, _, _ = finder.nearest_many([zones[zone]["lon"]], [zones[zone]["lat"]])
            links[zone] = at.astype(np.int64)
        by_hour = float(rate["per_day"]) * shapes.get(kind, np.full(24, 1.0 / 24.0))
        for day in range(int(period.begin_s // DAY_S), int(np.ceil(period.end_s / DAY_S))):
            for layer in range(int(np.ceil(scale))):
                # Layer j holds the calls that appear as the scale grows from j to j + 1.
                entity = f"{kind}/{zone}/{day}/{layer}"
                part = _zone_day(streams.stream("calls", entity), network, links[zone], by_hour)
                t = part["t_call"] + day * DAY_S
                inside = (t >= period.begin_s) & (t < period.end_s)
                kept = np.flatnonzero((part.pop("mark") < scale - layer) & inside)
                if not len(kept):
                    continue
                prefix = f"{kind[0].upper()}{layer or ''}-{zone}-{day}"
                parts.append(
                    {name: column[kept] for name, column in part.items()}
                    | {
                        "t_call": t[kept],
                        "call_id": np.array([f"{prefix}-{k}" for k in kept], object),
                        "kind": np.full(len(kept), kind, object),
                        "district": np.full(len(kept), zones[zone]["district"], object),
                    }
                )
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    column = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    column["lon"], column["lat"] = Locator(network).lonlat(column["link"], column["pos_m"])
    n = len(column["link"])
    column["priority"] = np.ones(n, np.int64)
    column["transported"] = np.zeros(n, np.bool_)
    for kind in sorted(set(column["kind"])):
        mine = column["kind"] == kind
        column["priority"][mine] = priorities(service, kind, column["u_priority"][mine])
        p = service.p_transport.get(kind, P_TRANSPORT)
        column["transported"][mine] = column["u_transport"][mine] < p
    fire = column["kind"] == "fire"
    column["hospital_id"] = np.full(n, "", object)
    column["patients"] = np.where(fire, column["u_patients"] < P_FIRE_PATIENT, True)
    return pd.DataFrame({name: column[name] for name in COLUMNS})


def priorities(service: Service, kind: str, u: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (N,) priorities of incidents of a kind from (N,) uniform draws; 1 if not known."""
    shares = service.p_priority.get(kind)
    if not shares:
        return np.ones(len(u), np.int64)
    names = sorted(shares, key=int)
    bounds = np.cumsum([shares[name] for name in names])
    which = np.minimum(np.searchsorted(bounds / bounds[-1], u, side="right"), len(names) - 1)
    return np.array([int(name) for name in names], np.int64)[which]


def _hours(rows: pd.DataFrame) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.zeros(24)
    share[rows["hour"].to_numpy(np.int64)] = rows["share"].to_numpy(np.float64)
    share /= share.sum()
    return share


def _zone_day(
    rng: np.random.Generator,
    network: Network,
    links: NDArray[np.int64],
    by_hour: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    """Return one day's calls of a zone and kind, whatever the period: it never shifts a draw."""
    counts = rng.poisson(by_hour)
    n = int(counts.sum())
    t = np.repeat(np.arange(24) * HOUR_S, counts) + rng.random(n) * HOUR_S
    length = network.link_length[links].astype(np.float64)
    edges = np.cumsum(length)
    along = rng.random(n) * edges[-1]
    which = np.minimum(np.searchsorted(edges, along, side="right"), len(links) - 1)
    u = rng.random((4, n))
    return {
        "t_call": t,
        "link": links[which],
        "pos_m": np.clip(along - (edges[which] - length[which]), 0.0, length[which]),
        "mark": u[0],
        "u_priority": u[1],
        "u_transport": u[2],
        "u_patients": u[3],
    }
