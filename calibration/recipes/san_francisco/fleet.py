"""Stations, hospitals, and the units that eight days of dispatch records show on duty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.recipes.readers import read_table
from calibration.recipes.san_francisco.files import HOSPITALS, STATIONS
from twin.core.clock import HOUR_S
from twin.network.graph import Network, RoadClass
from twin.network.locate import Locator

F64 = NDArray[np.float64]

# Long-term care, and two campuses without an emergency department for adults.
EXCLUDED = {"106380865": "Laguna Honda", "106380777": "CPMC West", "106380826": "CPMC East"}
# The region's level I trauma centre.
TRAUMA = "106380939"
IDLE_H = 5
"""Hours without a call that end a duty spell."""
SHORTEST_SHIFT_H = 6
"""Fewer hours in a row are occasional work, not a shift."""
QUICK_S = 300.0
"""A unit that arrives sooner was waiting in the call's station area."""
MOST_AT_STATION = 4


def read_stations(data_dir: Path, network: Network) -> pd.DataFrame:
    """Return the table `stations`; every station houses engines and ambulances."""
    path = data_dir / STATIONS.path
    table = read_table(
        path, {"station": "int64", "name": "str", "lat": "float64", "lon": "float64"}
    )
    link, pos, _ = _doors(network).nearest_many(table["lon"], table["lat"])
    return pd.DataFrame(
        {
            "station_id": [f"S{number:02d}" for number in table["station"]],
            "name": table["name"],
            "kind": "both",
            "lon": table["lon"],
            "lat": table["lat"],
            "link": link,
            "pos_m": pos,
        }
    )


def read_hospitals(data_dir: Path, network: Network) -> pd.DataFrame:
    """Return the table `hospitals`."""
    table = read_table(
        data_dir / HOSPITALS.path,
        {
            "oshpd_id": "str",
            "name": "str",
            "facility_type": "str",
            "lat": "float64",
            "lon": "float64",
        },
    )
    acute = table["facility_type"].str.startswith("General Acute Care")
    table = table[acute & ~table["oshpd_id"].isin(EXCLUDED)].sort_values("oshpd_id")
    link, pos, _ = _doors(network).nearest_many(table["lon"], table["lat"])
    trauma = (table["oshpd_id"] == TRAUMA).to_numpy()
    return pd.DataFrame(
        {
            "hospital_id": "H" + table["oshpd_id"].str[-4:],
            "name": table["name"],
            "lon": table["lon"],
            "lat": table["lat"],
            "link": link,
            "pos_m": pos,
            "level": np.where(trauma, "regional", "local"),
            "capabilities": np.where(trauma, "emergency trauma", "emergency"),
            "open": True,
        }
    ).reset_index(drop=True)


def _doors(network: Network) -> Locator:
    return Locator(network, usable=network.link_class > RoadClass.TRUNK)


def read_units(responses: pd.DataFrame, stations: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Return the table `units`: ambulances with their shifts, engines always in service."""
    ambulances = responses[responses["unit_kind"] == "ambulance"]
    bases = base_stations(ambulances, set(stations["station_id"]))
    rows = [
        {
            "unit_id": unit,
            "kind": "ambulance",
            "station_id": bases[unit],
            "on_s": on * HOUR_S,
            "off_s": off * HOUR_S,
        }
        for unit, (on, off) in shifts(duty(ambulances, timezone)).items()
    ]
    known = set(stations["station_id"])
    engines = responses.loc[responses["unit_kind"] == "engine", "unit_id"]
    for unit in sorted(engines.unique()):
        station = f"S{unit[1:]}"
        if station in known:
            rows.append(
                {
                    "unit_id": unit,
                    "kind": "engine",
                    "station_id": station,
                    "on_s": 0.0,
                    "off_s": 0.0,
                }
            )
    return pd.DataFrame(rows)


def duty(responses: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Return the share of days on which each unit was on duty in each hour of the day.

    Returns
    -------
    DataFrame
        Index: units, in order; columns: hours 0 to 23; values from 0 to 1.
    """
    start = responses["t_dispatch"].dt.tz_convert(timezone).dt.tz_localize(None)
    end = responses["t_clear"].dt.tz_convert(timezone).dt.tz_localize(None).fillna(start)
    first_day = start.min().normalize()
    n_days = int((start.max().normalize() - first_day).days) + 1
    from_h = ((start - first_day).dt.total_seconds() // HOUR_S).astype(int)
    to_h = ((end - first_day).dt.total_seconds() // HOUR_S).astype(int)
    rows = {}
    for unit, calls in responses.groupby("unit_id", sort=True):
        on = np.zeros(n_days * 24, dtype=bool)
        last = None
        for a, b in sorted(zip(from_h[calls.index], to_h[calls.index], strict=True)):
            # A crew comes on, on average, about an hour before its first call.
            begin = max(a - 1, 0) if last is None or a - last > IDLE_H else last
            on[begin : b + 1] = True
            last = b if last is None else max(last, b)
        rows[unit] = on.reshape(n_days, 24).mean(axis=0)
    return pd.DataFrame.from_dict(rows, orient="index", columns=range(24))


def shifts(on_duty: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Return each unit's daily shift as hours (on, off); equal hours mean always.

    A unit's shift is the circular stretch of hours that gathers the most of (share on duty - cut);
    a unit without a stretch of `SHORTEST_SHIFT_H` hours has none and is left out. The cut is the
    one, in hundredths, at which the unit-hours of all shifts come closest to the observed ones.
    """
    observed = float(on_duty.to_numpy().sum())
    best: dict[str, tuple[int, int]] = {}
    least = np.inf
    for cut in np.arange(1, 100) / 100.0:
        found = {
            str(unit): stretch
            for unit, share in on_duty.iterrows()
            if (stretch := _stretch(share.to_numpy() - cut)) is not None
            and _length(stretch) >= SHORTEST_SHIFT_H
        }
        hours = sum(_length(stretch) for stretch in found.values())
        if abs(hours - observed) < least:
            best, least = found, abs(hours - observed)
    return best


def _length(stretch: tuple[int, int]) -> int:
    return (stretch[1] - stretch[0]) % 24 or 24


def _stretch(gain: F64) -> tuple[int, int] | None:
    """Return the circular stretch [on, off) of 24 values with the largest positive sum."""
    best, stretch = 0.0, None
    for on in range(24):
        sums = np.cumsum(np.roll(gain, -on))
        length = int(sums.argmax()) + 1
        if sums[length - 1] > best + 1e-12:
            best, stretch = float(sums[length - 1]), (on, (on + length) % 24)
    return stretch


def base_stations(responses: pd.DataFrame, stations: set[str]) -> dict[str, str]:
    """Return the base of each ambulance by its quick arrivals.

    The units with the most quick arrivals choose first; one without any takes the least taken of
    the station areas that it was sent to.
    """
    area = "S" + responses["station_area"].str.zfill(2)
    known = responses.assign(area=area)[area.isin(stations)]
    travel = (known["t_onscene"] - known["t_enroute"]).dt.total_seconds()
    counts = (
        known.assign(quick=(travel <= QUICK_S).astype(int))
        .groupby(["unit_id", "area"])["quick"]
        .agg(["sum", "size"])
        .reset_index()
        .sort_values(["sum", "size", "unit_id", "area"], ascending=[False, False, True, True])
    )
    order = counts.groupby("unit_id")["sum"].sum().sort_values(ascending=False, kind="stable").index
    taken = dict.fromkeys(sorted(stations), 0)
    bases = {}
    for unit in order:
        wishes = counts.loc[counts["unit_id"] == unit, "area"].tolist()
        free = [station for station in wishes if taken[station] < MOST_AT_STATION]
        base = free[0] if free else min(taken, key=taken.__getitem__)
        taken[base] += 1
        bases[unit] = base
    return bases
