"""Vehicle trips of a weekday: published district tables, spread over zones and gates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.recipes.readers import read_table
from calibration.recipes.san_francisco.files import DETECTORS, RIDE_HAIL, TRIPS
from calibration.recipes.san_francisco.zones import CITY_DISTRICTS, GATE_ZONE, GATES
from twin.core.errors import InputError

F64 = NDArray[np.float64]

# FHWA, "Summary of Travel Trends: 2017 National Household Travel Survey", table 16: to or from
# work; and between shopping and errands (1.82) and social and recreational (2.10).
OCCUPANCY = {"mandatory": 1.18, "discretionary": 1.85}
LOADED = 0.55
"""Share of the trips that is loaded: what the drawn streets carry (see `corridors`)."""
WEDNESDAY = 2
WEEKEND = (5, 6)
WEEKEND_LEVEL = 0.85
# Regions outside the city: their column in the trip tables.
REGIONS = {"South Bay": "south_bay", "East Bay": "east_bay", "North Bay": "north_bay"}
# Row and column of a district or region in the matrices of this module.
AT = {name: row for row, name in enumerate([*CITY_DISTRICTS, *REGIONS])}
INSIDE = slice(0, len(CITY_DISTRICTS))
# Freeway detectors at the gates: station by direction of travel, in and out.
GATE_STATIONS = {
    "US 101 south": (401472, 401501),
    "I-280 south": (403902, 403902),
    "Bay Bridge": (404918, 402815),
}
MOST_THROUGH = 0.3
LEAST_STREETS = 0.1


def read_demand(data_dir: Path, zones: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables `od` and `trip_profile`."""
    cars = _district_vehicles(data_dir / TRIPS.path)
    flows = _daily_flows(data_dir / DETECTORS.path)
    hail = read_table(
        data_dir / RIDE_HAIL.path,
        {
            "taz": "int64",
            "day_of_week": "int64",
            "hour": "int64",
            "pickups": "float64",
            "dropoffs": "float64",
        },
    )
    inside = zones[zones["zone_id"] < GATE_ZONE].reset_index(drop=True)
    weight = _zone_weights(inside)
    shares = _gate_shares(cars, flows)
    matrix = np.zeros((len(zones), len(zones)))
    n = len(inside)
    spread = {name: weight[inside["district"] == name] for name in CITY_DISTRICTS}
    rows = {name: np.flatnonzero(inside["district"] == name) for name in CITY_DISTRICTS}
    for origin, at in rows.items():
        for destination, to in rows.items():
            trips = cars[AT[origin], AT[destination]]
            matrix[np.ix_(at, to)] += trips * np.outer(spread[origin], spread[destination])
        for g, gate in enumerate(GATES):
            out, into = n + 2 * g + 1, n + 2 * g
            matrix[at, out] += cars[AT[origin], AT[gate.region]] * shares[g] * spread[origin]
            matrix[into, at] += cars[AT[gate.region], AT[origin]] * shares[g] * spread[origin]
    for origin, destination in (
        *(("East Bay", "South Bay"), ("South Bay", "East Bay")),
        *(("North Bay", "South Bay"), ("South Bay", "North Bay")),
    ):
        through = _through(cars, flows, origin, destination)
        for g, start in enumerate(GATES):
            for h, end in enumerate(GATES):
                if start.region == origin and end.region == destination:
                    matrix[n + 2 * g, n + 2 * h + 1] += through * shares[g] * shares[h]
    private = float(matrix.sum())
    matrix[:n, :n] += _ride_hail(data_dir / TRIPS.path, hail, inside)
    row, column = np.nonzero(matrix > 0.0)
    ids = zones["zone_id"].to_numpy()
    od = pd.DataFrame(
        {
            "origin": ids[row].astype(np.int32),
            "destination": ids[column].astype(np.int32),
            "trips_per_day": (LOADED * matrix[row, column]).astype(np.float32),
        }
    )
    return od, _profile(data_dir / DETECTORS.path, hail, private, float(matrix.sum()) - private)


def _persons(path: Path, mode: str, purpose: str) -> F64:
    """(15, 15) person trips of a weekday of 2015 by one mode and for one purpose."""
    columns = [column for column, _ in CITY_DISTRICTS.values()] + list(REGIONS.values())
    table = read_table(
        path,
        {"year": "int64", "group_mode": "str", "group_purpose": "str", "odistrict": "str"}
        | dict.fromkeys(columns, "float64"),
    )
    # The rows "total" of mode and purpose repeat the others and are left alone.
    here = (table["year"] == 2015) & (table["group_mode"] == mode)
    rows = table[here & (table["group_purpose"] == purpose)].set_index("odistrict")[columns]
    if missing := sorted(set(AT) - set(rows.index)):
        raise InputError(f"no {purpose} trips by {mode} from {missing[0]!r}", file=path)
    return rows.loc[list(AT)].to_numpy(np.float64)


def _district_vehicles(path: Path) -> F64:
    """(15, 15) private vehicle trips of a weekday between districts."""
    matrix = np.zeros((len(AT), len(AT)))
    for purpose, persons in OCCUPANCY.items():
        matrix += _persons(path, "drive", purpose) / persons
    return matrix


def _daily_flows(path: Path) -> dict[int, float]:
    """Return the vehicles of a typical weekday of 2017 by detector station."""
    table = read_table(path, {"station": "int64", "year": "float64", "median_flow": "float64"})
    flows = table[table["year"] == 2017].groupby("station")["median_flow"].sum()
    if missing := sorted({n for pair in GATE_STATIONS.values() for n in pair} - set(flows.index)):
        raise InputError(f"no flows of station {missing[0]} in 2017", file=path, field="station")
    return dict(zip(flows.index.tolist(), flows.tolist(), strict=True))


def _counted(flows: dict[int, float], gate: str) -> float:
    """Return the vehicles of a weekday at a gate, the mean of both directions."""
    return sum(flows[station] for station in GATE_STATIONS[gate]) / 2.0


def _zone_weights(inside: pd.DataFrame) -> F64:
    """(Z,) share of its district's trips that a zone has."""
    weight = np.zeros(len(inside))
    for column in ("population", "jobs"):
        total = inside.groupby("district")[column].transform("sum")
        weight += 0.5 * (inside[column] / total).to_numpy()
    return weight


def _gate_shares(cars: F64, flows: dict[int, float]) -> F64:
    """(G,) share of its region's trips that a gate takes.

    The southern freeways take what their detectors count, the streets share the rest equally.
    """
    total = float(cars[INSIDE, AT["South Bay"]].sum())
    total += sum(_through(cars, flows, there, "South Bay") for there in ("East Bay", "North Bay"))
    shares = np.ones(len(GATES))
    southern = [g for g, gate in enumerate(GATES) if gate.region == "South Bay"]
    streets = [g for g in southern if GATES[g].name not in GATE_STATIONS]
    counted = {g: _counted(flows, GATES[g].name) / total for g in southern if g not in streets}
    rest = max(1.0 - sum(counted.values()), LEAST_STREETS)
    for g in southern:
        shares[g] = counted.get(g, rest / len(streets))
    shares[southern] /= shares[southern].sum()
    return shares


def _through(cars: F64, flows: dict[int, float], origin: str, destination: str) -> float:
    """Return vehicle trips of a weekday between two regions that pass through the city."""
    a, b, east = AT[origin], AT[destination], AT["East Bay"]
    between = float(cars[a, b] + cars[b, a]) / 2.0
    if east not in {a, b}:
        return between
    own = float(cars[east, INSIDE].sum() + cars[INSIDE, east].sum()) / 2.0
    return min(max(_counted(flows, "Bay Bridge") - own, 0.0), MOST_THROUGH * between)


def _ride_hail(path: Path, hail: pd.DataFrame, inside: pd.DataFrame) -> F64:
    """(Z, Z) ride-hail vehicle trips of a Wednesday inside the city.

    Pick-ups of each zone go to the districts as the modelled trips by ride-hail do, and there to
    zones by their drop-offs.
    """
    day = hail[hail["day_of_week"] == WEDNESDAY].groupby("taz")[["pickups", "dropoffs"]].sum()
    day = day.reindex(inside["zone_id"]).fillna(0.0)
    up, down = day["pickups"].to_numpy(np.float64), day["dropoffs"].to_numpy(np.float64)
    persons = np.zeros((len(AT), len(AT)))
    for purpose in OCCUPANCY:
        persons += _persons(path, "uber/lyft", purpose)
    persons = persons[INSIDE, INSIDE]
    towards = persons / persons.sum(axis=1, keepdims=True)
    at = np.array([AT[name] for name in inside["district"]])
    within = down / np.bincount(at, weights=down)[at]
    spread: F64 = up[:, None] * towards[at[:, None], at[None, :]] * within[None, :]
    return spread


def _profile(path: Path, hail: pd.DataFrame, private: float, hailed: float) -> pd.DataFrame:
    table = read_table(
        path, {"hour": "float64", "year": "float64", "type": "str", "median_flow": "float64"}
    )
    mainline = table[(table["year"] == 2017) & (table["type"] == "ML")]
    road = _by_hour(mainline["hour"], mainline["median_flow"])
    # Hours 24 to 26 are the small hours that belong to the evening before.
    day = hail["day_of_week"]
    weekday, weekend = (hail[day == WEDNESDAY], hail[day.isin(WEEKEND)])
    mixed = private * road + hailed * _by_hour(weekday["hour"], weekday["pickups"])
    return pd.DataFrame(
        {
            "hour": np.arange(24, dtype=np.int32),
            "weekday": mixed / mixed.sum(),
            "weekend": WEEKEND_LEVEL * _by_hour(weekend["hour"], weekend["pickups"]),
        }
    )


def _by_hour(hour: pd.Series, weight: pd.Series) -> F64:
    """(24,) share of the weight in each hour of the day."""
    total = np.bincount(hour.to_numpy(np.int64) % 24, weights=weight, minlength=24)
    share: F64 = total / total.sum()
    return share
