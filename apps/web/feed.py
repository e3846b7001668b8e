"""One run as the page sees it: read once, kept, and shared by everybody who looks at it.

A run that is still being written is read again as it grows; `refresh` tells whether it did.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.web.changes import change_list
from apps.web.headline import headline
from apps.web.incidents import incident_list, received_and_closed
from apps.web.kpis import KMH, counted, figures
from apps.web.runs import is_side
from apps.web.scene import districts, notices, places, street_arrays
from apps.web.wire import pack
from twin.agents.roster import roster
from twin.agents.states import UnitState
from twin.city.library import get_city
from twin.city.model import City
from twin.metrics.summary import FEW_CALLS
from twin.recording.provenance import city_checksum
from twin.recording.reader import RunReader

STATES = [state.value for state in UnitState]
ABSENT = 255
"""Speed of a vehicle that is not in a keyframe, and of a link on which nothing was seen."""
KEYFRAMES_PER_WINDOW = 12
SHORTEST_WINDOW_S = 60.0
_WINDOWS_KEPT = 256


@lru_cache(maxsize=4)
def _city(name: str) -> tuple[City, str]:
    city = get_city(name, renew=False)
    return city, city_checksum(city)


class RunFeed:
    """Turns the tables of a run into messages for the map.

    Parameters
    ----------
    folder
        The run.

    Raises
    ------
    TwinError
        If the run or its city cannot be read; the text is one clear sentence.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = RunReader(folder)
        self.scenario = self.reader.scenario
        self.city, checksum = _city(self.scenario.city)
        # Street speeds are kept by link index, which another build of the city may have changed.
        self.same_city = self.reader.meta["inputs"]["city"] == checksum
        self.version = 0
        self._lock = threading.Lock()
        self._windows: dict[int, bytes] = {}
        self._speeds: dict[int, bytes] = {}
        self._signature: tuple[Any, ...] = ()
        self._load()

    @property
    def status(self) -> str:
        """running, finished or failed, as of the last refresh."""
        return self._status

    @property
    def first_t(self) -> float:
        """First recorded moment, s."""
        return float(self.pulse["t"].iloc[0]) if len(self.pulse) else self.scenario.period.start_s

    @property
    def last_t(self) -> float:
        """Last recorded moment, s."""
        return float(self.pulse["t"].iloc[-1]) if len(self.pulse) else self.first_t

    @property
    def window_s(self) -> float:
        """Length of a window of vehicles: some keyframes, so that each holds about as much."""
        return max(SHORTEST_WINDOW_S, KEYFRAMES_PER_WINDOW * self.scenario.record.frame_every_s)

    @property
    def opening_t(self) -> float:
        """Moment to show first.

        A run of a comparison, and one without vehicles, opens when most is to be seen: just after
        that call that counts was reached at which most calls were open, else after one came in.
        Any other run opens at its start.
        """
        compared = is_side(self.folder.name)
        if not compared and self.scenario.traffic.fidelity != "table":
            return self.first_t
        since = max(self.first_t, self.scenario.period.start_s)
        stamps = received_and_closed(self.incidents)
        for stamp in ("t_onscene", "t_call"):
            moments = np.sort(self.calls[stamp].dropna().to_numpy(np.float64))
            moments = moments[(moments >= since) & (moments < self.last_t)]
            if len(moments):
                after = np.minimum(np.floor(moments) + 1.0, self.last_t)
                received, closed = (stamps[which].to_numpy() for which in ("t_call", "t_closed"))
                opened = counted(after, received) - counted(after, closed)
                return float(after[np.argmax(opened)])
        return self.first_t

    def refresh(self) -> bool:
        """Read a run that is still being written again; return whether there was more."""
        if self._status != "running":
            return False
        with self._lock:
            if self._signature == self._sign():
                return False
            self._load()
            self.version += 1
        return True

    def _sign(self) -> tuple[Any, ...]:
        parts = self.folder / "parts"
        names = sorted(path.name for path in parts.glob("*.parquet")) if parts.is_dir() else []
        return (self.reader.status, *names)

    def _load(self) -> None:
        self._signature = self._sign()
        self._status = self.reader.status
        table = self.reader.table
        self.pulse = table("pulse").sort_values("t", kind="stable", ignore_index=True)
        self.calls = table("calls")
        self.incident_events = table("incident_events")
        self.unit_events = table("unit_events").sort_values("t", kind="stable", ignore_index=True)
        self.decisions = table("decisions")
        links = self.reader.query("SELECT DISTINCT t FROM links ORDER BY t")["t"]
        self.link_times = links.to_numpy(np.float64)[: None if self.same_city else 0]
        self.incidents = incident_list(self.city.network, self.calls, self.incident_events)
        self.units = self._units()

    def _units(self) -> pd.DataFrame:
        """Return `unit_id`, `kind`, `station_id` of the run's units, in order of id.

        `changed` tells whether the scenario "added" or "moved" the unit.
        """
        columns = ["unit_id", "kind", "station_id"]
        before = self.city["units"][columns].astype(str).drop_duplicates("unit_id")
        listed = roster(self.city, self.scenario.changes)[columns].astype(str)
        listed = listed.drop_duplicates("unit_id")
        old = listed["unit_id"].map(before.set_index("unit_id")["station_id"])
        listed["changed"] = np.select(
            [old.isna(), old != listed["station_id"]], ["added", "moved"], ""
        )
        seen = self.unit_events[["unit_id", "kind"]].drop_duplicates("unit_id")
        if len(seen):
            listed = seen.merge(listed.drop(columns="kind"), on="unit_id", how="left")
        listed = listed.fillna({"station_id": "", "changed": ""})
        return listed.sort_values("unit_id", ignore_index=True)

    def scene(self, run_id: str) -> bytes:
        """Return what stands still, and what the map must know to ask for the rest."""
        city, scenario = self.city, self.scenario
        meta = {
            "run": run_id,
            "status": self._status,
            "day": scenario.period.day.isoformat(),
            "title": dict(scenario.title) or {"en": scenario.name},
            "city": dict(city.meta.title) or {"en": city.meta.name},
            "fidelity": scenario.traffic.fidelity,
            "t_start": self.first_t,
            "t_open": self.opening_t,
            "t_known": self.last_t,
            "t_end": max(scenario.period.end_s, self.last_t),
            "frame_every_s": scenario.record.frame_every_s,
            "windows": {"t0": self.first_t, "length": self.window_s},
            "lon0": city.network.lon0,
            "lat0": city.network.lat0,
            "box": self._box(),
            "states": STATES,
            "units": self.units.rename(columns={"unit_id": "id", "station_id": "station"}).to_dict(
                "records"
            ),
            "districts": districts(city),
            "notice": notices(city),
            "same_city": self.same_city,
            "attribution": list(city.meta.attribution),
            "changes": change_list(scenario, city),
            "headline": headline(self.folder, city),
            "few_calls": FEW_CALLS,
            **places(city, scenario),
        }
        return pack(meta, street_arrays(city.network))

    def _box(self) -> dict[str, float]:
        box = self.reader.meta["box"]
        return {"x0": float(box["x0"]), "y0": float(box["y0"]), "side": float(box["side_m"])}

    def figures(self, run_id: str) -> bytes:
        """Return the key figures over time, and every incident with its stages."""
        stamps = received_and_closed(self.incidents)
        meta = {
            "kind": "figures",
            "run": run_id,
            "status": self._status,
            "t_known": self.last_t,
            "link_times": self.link_times.tolist(),
            "incidents": self.incidents,
        }
        return pack(meta, figures(self.pulse, stamps, self.unit_events))

    def window(self, run_id: str, number: int) -> bytes:
        """Return the vehicles of one window: keyframes (K,) by vehicles (N,).

        `t` (K,) s, `xy` (K * N * 2,) in 65535ths of the box, `speed` (K * N,) in 0.25 m/s, where
        `ABSENT` stands for a vehicle that is not there.
        """
        with self._lock:
            if number in self._windows:
                return self._windows[number]
            start = self.first_t + number * self.window_s
            end = start + self.window_s
            rows = self.reader.query(
                "SELECT t, vehicle, x, y, speed FROM frames WHERE t >= ? AND t <= ?",
                [start - 1e-6, end + 1e-6],
            )
            t, xy, speed = keyframes(rows)
            last = float(t[-1]) if len(t) else min(end, self.last_t)
            complete = self._status != "running" or last >= end - 1e-3
            meta = {
                "kind": "window",
                "run": run_id,
                "window": number,
                "n": int(xy.shape[1]),
                "end": last,
                "complete": complete,
            }
            message = pack(meta, {"t": t, "xy": xy, "speed": speed})
            if complete:
                self._windows[number] = message
                if len(self._windows) > _WINDOWS_KEPT:
                    self._windows.pop(next(iter(self._windows)))
            return message

    def speeds(self, run_id: str, interval: int) -> bytes:
        """Return the speed of every link in one interval: `kmh` (L,), `ABSENT` where none."""
        with self._lock:
            if interval in self._speeds:
                return self._speeds[interval]
            rows = self.reader.query(
                "SELECT link, speed_mps FROM links WHERE t = ?", [float(self.link_times[interval])]
            )
            kmh = np.full(self.city.network.n_links, ABSENT, np.uint8)
            seen = np.nan_to_num(rows["speed_mps"].to_numpy(np.float64)) * KMH
            kmh[rows["link"].to_numpy(np.int64)] = np.clip(np.rint(seen), 0, ABSENT - 1)
            meta = {"kind": "speeds", "run": run_id, "interval": interval}
            message = pack(meta, {"kmh": kmh})
            self._speeds[interval] = message
            return message

    def tracks(self, run_id: str, after: float) -> tuple[bytes, float]:
        """Return where the units were after a moment, and the last moment that it holds."""
        rows = self.reader.query(
            "SELECT t, unit_id, x, y, state FROM unit_frames WHERE t > ? ORDER BY unit_id, t",
            [after],
        )
        known = dict(zip(self.units["unit_id"], range(len(self.units)), strict=True))
        unit = rows["unit_id"].map(known).to_numpy(np.float64)
        keep = ~np.isnan(unit)
        ptr, arrays = sparse_tracks(unit[keep].astype(np.int64), len(self.units), rows[keep])
        meta = {"kind": "tracks", "run": run_id}
        last = float(rows["t"].max()) if len(rows) else after
        return pack(meta, {"ptr": ptr, **arrays}), last


def keyframes(
    rows: pd.DataFrame,
) -> tuple[NDArray[np.float32], NDArray[np.uint16], NDArray[np.uint8]]:
    """Return frames as keyframes by vehicles: `t` (K,), `xy` (K, N, 2), `speed` (K, N)."""
    t, row = np.unique(rows["t"].to_numpy(np.float64), return_inverse=True)
    vehicles, column = np.unique(rows["vehicle"].to_numpy(np.int64), return_inverse=True)
    xy = np.zeros((len(t), len(vehicles), 2), np.uint16)
    speed = np.full((len(t), len(vehicles)), ABSENT, np.uint8)
    xy[row, column, 0] = rows["x"].to_numpy(np.uint16)
    xy[row, column, 1] = rows["y"].to_numpy(np.uint16)
    speed[row, column] = np.minimum(rows["speed"].to_numpy(np.uint8), ABSENT - 1)
    return t.astype(np.float32), xy, speed


def sparse_tracks(
    unit: NDArray[np.int64], units: int, rows: pd.DataFrame
) -> tuple[NDArray[np.uint32], dict[str, NDArray[Any]]]:
    """Return tracks without the points in which nothing changes, neither before nor after.

    Parameters
    ----------
    unit
        (N,) index of the unit of each row, ascending.
    units
        Number of units U.
    rows
        `t`, `x`, `y`, `state`; ascending in `t` for each unit.

    Returns
    -------
    tuple
        Row pointer (U + 1,), and `t`, `x`, `y`, `state` (index into `STATES`) of the points kept.
    """
    states = {name: number for number, name in enumerate(STATES)}
    columns = {
        "t": rows["t"].to_numpy(np.float32),
        "x": rows["x"].to_numpy(np.uint16),
        "y": rows["y"].to_numpy(np.uint16),
        "state": rows["state"].map(states).fillna(0).to_numpy(np.uint8),
    }
    same = np.zeros(len(unit) + 1, bool)
    if len(unit) > 1:
        same[1:-1] = unit[1:] == unit[:-1]
        for name in ("x", "y", "state"):
            same[1:-1] &= columns[name][1:] == columns[name][:-1]
    keep = ~(same[:-1] & same[1:])
    ptr = np.searchsorted(unit[keep], np.arange(units + 1)).astype(np.uint32)
    return ptr, {name: column[keep] for name, column in columns.items()}
