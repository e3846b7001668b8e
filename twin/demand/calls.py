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
"""Columns of a frame of calls; `t_call` is seconds since midnight of the first day.

They are the fields of a `Call`, in their order.
"""

_DRAWS = 6

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
    scale, period = scenario.calls.scale, scenario.period
    shapes: dict[Any, NDArray[np.float64]] = {
        kind: _hours(rows) for kind, rows in city["call_profile"].groupby("kind", sort=True)
    }
    days = range(int(period.begin_s // DAY_S), int(np.ceil(period.end_s / DAY_S)))
    drawn = _Drawn()
    for rate in city["call_rates"].to_dict("records"):
        zone, kind = rate["zone_id"], str(rate["kind"])
        by_hour = float(rate["per_day"]) * shapes.get(kind, np.full(24, 1.0 / 24.0))
        for day in days:
            for layer in range(int(np.ceil(scale))):
                # Layer j holds the calls that appear as the scale grows from j to j + 1. A day is
                # drawn whole, whatever the period: it never shifts a draw.
                entity = f"{kind}/{zone}/{day}/{layer}"
                drawn.add(streams.lent("calls", entity), by_hour, (kind, zone, day, layer))
    if not drawn.parts:
        return pd.DataFrame(columns=list(COLUMNS))
    part, number, hour, u = drawn.calls()
    kinds, zones, of_day, of_layer = (
        np.array(column)[part] for column in zip(*drawn.parts, strict=True)
    )
    t = hour * HOUR_S + u[0] * HOUR_S + of_day * DAY_S
    kept = np.flatnonzero((u[2] < scale - of_layer) & (t >= period.begin_s) & (t < period.end_s))
    if not len(kept):
        return pd.DataFrame(columns=list(COLUMNS))
    u, kinds, zones = u[:, kept], kinds[kept], zones[kept]
    column: dict[str, NDArray[Any]] = {"t_call": t[kept]}
    column["link"], column["pos_m"] = _along(city, zones, u[1])
    column["lon"], column["lat"] = Locator(city.network).lonlat(column["link"], column["pos_m"])
    rows = (kinds, of_layer[kept], zones, of_day[kept], number[kept])
    column["call_id"] = np.array(
        [
            f"{kind[0].upper()}{layer or ''}-{zone}-{day}-{k}"
            for kind, layer, zone, day, k in zip(*(row.tolist() for row in rows), strict=True)
        ],
        object,
    )
    column["kind"] = kinds.astype(object)
    district = city["zones"].set_index("zone_id")["district"]
    column["district"] = district.loc[zones].to_numpy(object)
    n = len(kept)
    column["priority"] = np.ones(n, np.int64)
    column["transported"] = np.zeros(n, np.bool_)
    for each in sorted(set(kinds.tolist())):
        mine = kinds == each
        column["priority"][mine] = priorities(service, each, u[3][mine])
        p = service.p_transport.get(each, P_TRANSPORT)
        column["transported"][mine] = u[4][mine] < p
    column["hospital_id"] = np.full(n, "", object)
    column["patients"] = np.where(kinds == "fire", u[5] < P_FIRE_PATIENT, True)
    return pd.DataFrame({name: column[name] for name in COLUMNS})


class _Drawn:
    """Draws of many days, zones and kinds, kept flat: a year has hundreds of thousands of them."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, Any, int, int]] = []
        self._counts: list[NDArray[np.int64]] = []
        self._uniform: list[NDArray[np.float64]] = []

    def add(
        self,
        rng: np.random.Generator,
        by_hour: NDArray[np.float64],
        part: tuple[str, Any, int, int],
    ) -> None:
        """Draw the calls of a kind, zone, day and layer."""
        counts = rng.poisson(by_hour)
        if n := int(counts.sum()):
            self.parts.append(part)
            self._counts.append(counts)
            # Of each call its time in the hour, its place in the zone, and four more.
            self._uniform.append(rng.random(_DRAWS * n))

    def calls(self) -> tuple[NDArray[np.int64], ...]:
        """Return of every call its part, its number in it, its hour, and (6, N) uniform draws."""
        counts = np.array(self._counts)
        many = counts.sum(axis=1)
        part = np.repeat(np.arange(len(many)), many)
        start = np.cumsum(many) - many
        number = np.arange(len(part)) - start[part]
        hour = np.repeat(np.tile(np.arange(24), len(many)), counts.ravel())
        flat = np.concatenate(self._uniform)
        u = np.stack([flat[_DRAWS * start[part] + j * many[part] + number] for j in range(_DRAWS)])
        return part, number, hour, u


def _along(
    city: City, zone: NDArray[Any], u: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return links and metres of calls from their zones, by the length of the zones' links."""
    network = city.network
    links: dict[Any, NDArray[np.int64]] = {
        name: rows["link"].to_numpy(np.int64)
        for name, rows in city["zone_links"].groupby("zone_id", sort=True)
    }
    zones = city["zones"].set_index("zone_id")
    finder: Locator | None = None
    link, pos = np.empty(len(u), np.int64), np.empty(len(u))
    order = np.argsort(zone, kind="stable")
    names, first = np.unique(zone[order], return_index=True)
    for name, mine in zip(names.tolist(), np.split(order, first[1:]), strict=True):
        if name not in links:
            finder = finder or doors(network)
            at, _, _ = finder.nearest_many(
                *zones.loc[[name], ["lon", "lat"]].to_numpy(np.float64).T
            )
            links[name] = at.astype(np.int64)
        length = network.link_length[links[name]].astype(np.float64)
        edges = np.cumsum(length)
        along = u[mine] * edges[-1]
        which = np.minimum(np.searchsorted(edges, along, side="right"), len(length) - 1)
        link[mine] = links[name][which]
        pos[mine] = np.clip(along - (edges[which] - length[which]), 0.0, length[which])
    return link, pos


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
