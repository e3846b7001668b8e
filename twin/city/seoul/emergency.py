"""Stations, units, hospitals, how often people call, and how long the work takes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.model import Distribution, Service
from twin.city.seoul.facts import both_names, fact_table, records, targets
from twin.network.graph import Network, RoadClass
from twin.network.locate import Locator

F64 = NDArray[np.float64]

DAYS = 365.0
JOB_CALL_WEIGHT = 0.35
"""A job makes so much of a resident's calls by day, because people fall ill at work (assumed)."""
CLASS_RISK = {
    # Injury collisions per vehicle-km relative to a primary street (assumed).
    RoadClass.MOTORWAY: 0.25,
    RoadClass.TRUNK: 0.25,
    RoadClass.PRIMARY: 1.0,
    RoadClass.SECONDARY: 1.2,
    RoadClass.TERTIARY: 1.4,
    RoadClass.RESIDENTIAL: 1.4,
    RoadClass.SERVICE: 1.4,
}
LEVEL = {"regional": "regional", "local": "local", "institution/local": "local"}
CAPABILITIES = {
    "regional": "emergency trauma pci stroke burns paediatric",
    "local": "emergency pci stroke paediatric",
    "basic": "emergency",
}


def place_stations(
    locator: Locator, inside: list[bool] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the stations (119 safety centres) and their units.

    Every centre has its published ambulances and one engine; the centre that houses a fire
    station's headquarters has two engines (assumed). Its district is that of its fire station.

    Parameters
    ----------
    inside
        Centres to keep, in the order of the facts; all if left out.
    """
    table = fact_table("safety_centres")
    stations = fact_table("fire_stations")
    english = dict(zip(stations["ko"], stations["en"], strict=True))
    gu = dict(zip(stations["ko"], stations["gu"], strict=True))
    seat = _headquarters(table, stations)
    if inside is not None:
        table = table[inside]
    link, pos, _ = locator.nearest_many(table["lon"].to_numpy(), table["lat"].to_numpy())
    ids = [f"c{row + 1:03d}" for row in table.index]
    names = [
        both_names(str(centre), str(english[station]))
        for centre, station in zip(table["centre_ko"], table["station_ko"], strict=True)
    ]
    placed = pd.DataFrame(
        {
            "station_id": ids,
            "name": names,
            "kind": "both",
            "lon": table["lon"].to_numpy(float),
            "lat": table["lat"].to_numpy(float),
            "link": link,
            "pos_m": pos,
            "district": [gu[station] for station in table["station_ko"]],
        }
    )
    units = []
    for row, station, count in zip(table.index, ids, table["ambulances"], strict=True):
        crews = [("ambulance", "A", int(count)), ("engine", "E", 2 if row in seat else 1)]
        units += [
            (f"{station}-{letter}{n + 1}", kind, station, 0.0, 0.0)
            for kind, letter, total in crews
            for n in range(total)
        ]
    columns = ["unit_id", "kind", "station_id", "on_s", "off_s"]
    return placed, pd.DataFrame(units, columns=columns)


def _headquarters(centres: pd.DataFrame, stations: pd.DataFrame) -> set[int]:
    """Return the row of the centre nearest to each fire station among its own."""
    seats = set()
    for row in records(stations):
        own = centres[centres["station_ko"] == row["ko"]]
        away = np.hypot(
            (own["lon"].to_numpy(float) - float(row["lon"])) * 0.79,
            own["lat"].to_numpy(float) - float(row["lat"]),
        )
        seats.add(int(own.index[int(away.argmin())]))
    return seats


def place_hospitals(locator: Locator, inside: list[bool] | None = None) -> pd.DataFrame:
    """Return the emergency centres; their level decides what they can treat (assumed)."""
    table = fact_table("emergency_centres")
    ids = np.array([f"h{k + 1:02d}" for k in range(len(table))])
    if inside is not None:
        ids, table = ids[inside], table[inside]
    link, pos, _ = locator.nearest_many(table["lon"].to_numpy(), table["lat"].to_numpy())
    level = [LEVEL.get(str(text), "basic") for text in table["level"]]
    return pd.DataFrame(
        {
            "hospital_id": ids,
            "name": [both_names(k, e) for k, e in zip(table["ko"], table["en"], strict=True)],
            "lon": table["lon"].to_numpy(float),
            "lat": table["lat"].to_numpy(float),
            "link": link,
            "pos_m": pos,
            "level": level,
            "capabilities": [CAPABILITIES[name] for name in level],
            "open": True,
            "district": table["gu"].to_numpy(object),
        }
    )


def door_locator(network: Network) -> Locator:
    """Return a locator that finds ordinary streets only: no expressway, bridge, tunnel or ramp."""
    usable = (network.link_class >= RoadClass.PRIMARY) & (network.link_name < 0)
    return Locator(network, usable=usable & (network.link_class <= RoadClass.RESIDENTIAL))


def call_rates(
    zone_id: NDArray[np.int32], population: F64, jobs: F64, share: float
) -> pd.DataFrame:
    """Return calls a day by zone; `share` is the part of the city's calls that these zones have."""
    fact = targets()
    weight = population + JOB_CALL_WEIGHT * jobs
    weight = weight / weight.sum() * share
    kinds = {"medical": fact["ems_year"] / DAYS, "fire": fact["fires_year"] / DAYS}
    # Runs to collisions come from exposure, not from these rates.
    kinds["medical"] -= fact["accidents_year"] / DAYS
    return pd.concat(
        [
            pd.DataFrame({"zone_id": zone_id, "kind": kind, "per_day": weight * rate})
            for kind, rate in kinds.items()
        ],
        ignore_index=True,
    )


def call_profile() -> pd.DataFrame:
    """Return the share of calls by hour: published two-hour shares, smoothed between them."""
    fact = targets()
    ems = hourly(
        {h: fact[k] for h, k in ((0, "ems_00_02"), (2, "ems_02_04"), (4, "ems_04_06"))}
        | {h: fact[k] for h, k in ((8, "ems_08_10"), (10, "ems_10_12"), (12, "ems_12_14"))}
        | {h: fact[k] for h, k in ((14, "ems_14_16"), (18, "ems_18_20"), (20, "ems_20_22"))}
    )
    hours = np.arange(24)
    # Fires follow the waking hours; no hourly shares were found (assumed).
    fire = 1.0 + 0.45 * np.cos(2.0 * np.pi * (hours + 0.5 - 16.0) / 24.0)
    return pd.concat(
        [
            pd.DataFrame({"hour": hours.astype(np.int32), "kind": kind, "share": share})
            for kind, share in (("medical", ems), ("fire", fire / fire.sum()))
        ],
        ignore_index=True,
    )


def hourly(known: dict[int, float]) -> F64:
    """Return 24 shares of a day that sum to 1 and keep the known shares of two-hour bins.

    Unknown bins share what is left evenly. Inside a bin the two hours follow the slope of its
    neighbours, which keeps the sum of the bin.
    """
    missing = [h for h in range(0, 24, 2) if h not in known]
    rest = (1.0 - sum(known.values())) / max(len(missing), 1)
    bins = np.array([known.get(h, rest) for h in range(0, 24, 2)])
    slope = (np.roll(bins, -1) - np.roll(bins, 1)) / 16.0
    limit = 0.2 * bins
    slope = np.clip(slope, -limit, limit)
    return np.stack([0.5 * bins - slope, 0.5 * bins + slope], axis=1).ravel()


def collision_rates(km_by_class: F64, trips_by_hour: F64) -> pd.DataFrame:
    """Return injury collisions per million vehicle-km by class and hour.

    Chosen so that the expected number a day is the published one, and so that each
    hour has its published share of them.

    Parameters
    ----------
    km_by_class
        Vehicle-km of a weekday by `RoadClass`.
    trips_by_hour
        Share of the day's trips in each hour.
    """
    fact = targets()
    by_hour = hourly(
        {h: fact[k] for h, k in ((2, "accidents_02_04"), (4, "accidents_04_06"))}
        | {h: fact[k] for h, k in ((8, "accidents_08_10"), (16, "accidents_16_18"))}
        | {h: fact[k] for h, k in ((18, "accidents_18_20"), (20, "accidents_20_22"))}
        | {22: fact["accidents_22_24"]}
    )
    risk = np.array([CLASS_RISK[kind] for kind in RoadClass])
    scale = fact["accidents_year"] / DAYS / float((risk * km_by_class).sum())
    hours = np.arange(24, dtype=np.int32)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "road_class": np.int32(kind),
                    "hour": hours,
                    "per_mvkm": 1e6 * scale * risk[kind] * by_hour / trips_by_hour,
                }
            )
            for kind in RoadClass
        ],
        ignore_index=True,
    )


def service() -> Service:
    """Return the durations of the work, round log-normals that add up to the published total.

    The published field time of a run is 42 minutes; travel there, to the hospital and back takes
    about 15 of them, and the rest is shared between scene and handover (assumed).
    """
    text = "Assumed; adds up to the published 42 min of field time a run (2019)"

    def minutes(mean: float, spread: float, *, low: float, high: float, why: str) -> Distribution:
        mu = math.log(mean * 60.0) - 0.5 * spread**2
        return Distribution(family="lognormal", a=mu, b=spread, low=low, high=high, n=0, source=why)

    golden = "Golden rule: intake and dispatch within 60 s (Seoul fire service); spread assumed"
    crew = "Assumed 45 s; no published figure found"
    fire = "Assumed; no published figure found"
    return Service(
        durations={
            "handling": minutes(0.75, 0.4, low=15.0, high=180.0, why=golden),
            "turnout": minutes(0.75, 0.35, low=15.0, high=180.0, why=crew),
            "scene": minutes(14.0, 0.6, low=120.0, high=7200.0, why=text),
            "scene_transport": minutes(11.0, 0.5, low=120.0, high=5400.0, why=text),
            "handover": minutes(12.0, 0.6, low=120.0, high=7200.0, why=text),
            "wrap_up": minutes(4.0, 0.5, low=30.0, high=1800.0, why=text),
            "fire.scene": minutes(35.0, 0.8, low=300.0, high=14_400.0, why=fire),
            "collision.scene": minutes(18.0, 0.5, low=180.0, high=7200.0, why=fire),
        },
        p_transport=_transport(),
        p_priority={
            "medical": {"1": 0.12, "2": 0.38, "3": 0.50},
            "collision": {"1": 0.10, "2": 0.60, "3": 0.30},
            "fire": {"1": 1.0},
        },
    )


def _transport() -> dict[str, float]:
    fact = targets()
    share = fact["ems_transported_year"] / fact["ems_year"]
    return {"medical": share, "collision": share, "fire": 0.05}
