"""Recorded calls of a city's history as calls of a run."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.clock import Calendar
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.network.graph import Network, RoadClass
from twin.network.locate import Locator

P_TRANSPORT = 0.63
"""Share of patients taken to hospital where a city says none: 348,025 of 551,600 in Seoul."""
RESERVED = r"[IX]-\d+"
"""Ids of injected incidents and of collisions that arise from exposure."""
MAX_SNAP_M = 2_000.0
"""Recorded calls farther than this from every street cannot be replayed."""
INTERVALS = {
    "handling": "dispatch_delay_s",
    "turnout": "turnout_s",
    "scene": "scene_s",
    "handover": "handover_s",
}
"""Columns of recorded seconds, by interval; nan where not known."""


class Period(Protocol):
    """What is simulated."""

    @property
    def day(self) -> date:
        """First day."""

    @property
    def begin_s(self) -> float:
        """First simulated second."""

    @property
    def start_s(self) -> float:
        """First second that counts."""

    @property
    def end_s(self) -> float:
        """End."""


def recorded_calls(
    city: City,
    period: Period,
    streams: Streams,
    p_transport: dict[str, float],
    *,
    intervals: bool,
) -> pd.DataFrame:
    """Return the calls of the history that fall in a period, in their order there.

    Parameters
    ----------
    city
        The city.
    period
        Calls from `begin_s` to `end_s` of it.
    streams
        Say whether a patient was taken where that is not recorded.
    p_transport
        Share of patients taken to hospital by kind, for those.
    intervals
        Whether the recorded seconds of `INTERVALS` are kept as well.

    Raises
    ------
    InputError
        If there are none from `start_s` on, or one has no place or a name that is not free.
    """
    history = city["history"]
    calendar = Calendar(period.day, city.meta.timezone)
    begin = pd.Timestamp(calendar.utc(period.begin_s))
    end = pd.Timestamp(calendar.utc(period.end_s))
    stamps = pd.to_datetime(history["t_call"], utc=True)
    rows = history[(stamps >= begin) & (stamps < end)].reset_index(drop=True)
    if not (stamps[stamps < end] >= pd.Timestamp(calendar.utc(period.start_s))).any():
        raise InputError(
            f"city {city.meta.name} has no recorded calls on {period.day} in the period",
            field="calls.source",
            hint='choose a recorded day, or calls.source = "generated"',
        )
    taken = rows["call_id"].astype(str).str.fullmatch(RESERVED)
    if taken.any():
        raise InputError(
            "the name is kept for incidents that arise in a run",
            row=f"call {rows.loc[taken, 'call_id'].iloc[0]}",
            field="history.call_id",
            hint="give the call another id",
        )
    link, pos = _places(city, rows)
    since = pd.to_datetime(rows["t_call"], utc=True) - pd.Timestamp(calendar.midnight_utc)
    transported = _transported(rows, streams, p_transport)
    calls = {
        "call_id": rows["call_id"],
        "kind": rows["kind"],
        "priority": rows["priority"],
        "t_call": since.dt.total_seconds(),
        "lon": rows["lon"],
        "lat": rows["lat"],
        "link": link,
        "pos_m": pos,
        "district": rows["district"],
        "transported": transported,
        "patients": ((rows["kind"] != "fire") | transported).astype(np.int64),
        "hospital_id": rows.get("hospital_id", ""),
    }
    if intervals:
        calls |= _intervals(rows)
    return pd.DataFrame(calls)


def doors(network: Network) -> Locator:
    """Return a finder of places that people call from: on any street but motorways and trunks."""
    usable = network.link_class > RoadClass.TRUNK
    return Locator(network, usable=usable if usable.any() else None)


def _places(city: City, rows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if city.is_table and "link" in rows:
        return rows["link"].to_numpy(np.int64), np.zeros(len(rows))
    lost = np.flatnonzero(rows[["lon", "lat"]].isna().any(axis=1))
    if len(lost):
        call_id = rows["call_id"].iloc[lost[0]]
        raise InputError("the call has no position", row=f"call {call_id}", field="history.lon")
    link, pos, distance = doors(city.network).nearest_many(rows["lon"], rows["lat"])
    off = np.flatnonzero(~(distance <= MAX_SNAP_M))
    if len(off):
        raise InputError(
            f"the call lies {distance[off[0]]:.0f} m from the nearest street",
            row=f"call {rows['call_id'].iloc[off[0]]}",
            field="history.lon",
        )
    return link.astype(np.int64), pos.astype(np.float64)


def _transported(
    rows: pd.DataFrame, streams: Streams, p_transport: dict[str, float]
) -> NDArray[np.bool_]:
    taken = rows["transported"].to_numpy(np.bool_).copy()
    if "transport_unknown" in rows:
        for k in np.flatnonzero(rows["transport_unknown"].to_numpy(np.bool_)):
            p = p_transport.get(str(rows["kind"].iloc[k]), P_TRANSPORT)
            draw = streams.stream("transport", str(rows["call_id"].iloc[k])).random()
            taken[k] = draw < p
    return taken


def _intervals(rows: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """Return the recorded seconds: those of the columns, else of the stamps; no negative ones."""

    def between(start: str, end: str) -> pd.Series[float]:
        span = (rows[end] - rows[start]).dt.total_seconds()
        return span.where(span >= 0)

    left = between("t_onscene", "t_leave")
    of_stamps = {
        "dispatch_delay_s": between("t_call", "t_dispatch"),
        "turnout_s": between("t_dispatch", "t_enroute"),
        "scene_s": left.where(rows["transported"], between("t_onscene", "t_clear")),
        "handover_s": between("t_hospital", "t_clear"),
    }
    return {
        name: rows[name].fillna(span) if name in rows else span for name, span in of_stamps.items()
    }
