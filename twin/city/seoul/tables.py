"""The tables of the built-in city, on its finished network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twin.city.bundle import empty_table
from twin.city.model import TABLES
from twin.city.seoul import emergency
from twin.city.seoul.demand import WEEKDAY, WEEKEND, Demand
from twin.city.seoul.facts import fact_table, records, targets
from twin.city.seoul.geography import Land
from twin.city.seoul.zones import Zones
from twin.network.graph import Network, RoadClass
from twin.network.locate import Locator

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

ACCESS = {RoadClass.SECONDARY: 1.0, RoadClass.TERTIARY: 1.6, RoadClass.RESIDENTIAL: 0.8}
"""How likely a trip starts on a metre of street, by class (assumed)."""
ACCESS_TRIPS = 500.0
"""A zone has about one access link for so many trips a day."""
MIN_ACCESS, MAX_ACCESS = 8, 60
MIN_ACCESS_M = 60.0
GATE_ID = 1_000
"""Zones above this number are gates."""
REACH_M = 600.0
"""A station or hospital further from a street than this is outside the city, metres."""


def city_tables(
    land: Land, zones: Zones, chosen: I64, demand: Demand, network: Network, km: F64
) -> dict[str, pd.DataFrame]:
    """Return all tables of a city.

    Parameters
    ----------
    zones, chosen
        All zones, and which of them are in this city.
    demand
        Its trips; zone k of it is `chosen[k]`.
    km
        Vehicle-km of a weekday by `RoadClass` in the whole city.
    """
    table, fact = fact_table("gu"), targets()
    gates = _gates(demand, network)
    links = pd.concat(
        [_zone_links(zones, chosen, demand, network), gates[["zone_id", "link", "weight"]]],
        ignore_index=True,
    )
    frame = pd.concat(
        [_zone_rows(land, zones, chosen, table), _gate_rows(network, gates)], ignore_index=True
    )
    locator = emergency.door_locator(network)
    stations, units = emergency.place_stations(
        locator, _near(locator, fact_table("safety_centres"))
    )
    weight = zones.population + emergency.JOB_CALL_WEIGHT * zones.jobs
    calls = emergency.call_rates(
        (chosen + 1).astype(np.int32),
        zones.population[chosen],
        zones.jobs[chosen],
        float(weight[chosen].sum() / weight.sum()),
    )
    weekday = np.array(WEEKDAY) / sum(WEEKDAY)
    weekend = np.array(WEEKEND) / sum(WEEKEND) * fact["weekend_count"] / fact["weekday_count"]
    return {name: empty_table(name) for name in TABLES} | {
        "zones": frame,
        "zone_links": links,
        "districts": pd.DataFrame(
            {
                "district": table["en"],
                "name_en": table["en"],
                "name_ko": table["ko"],
                "polygon_wkb": [_wkb(land, shape) for shape in land.gu],
            }
        ).iloc[np.unique(zones.gu[chosen])],
        "stations": stations,
        "units": units,
        "hospitals": emergency.place_hospitals(
            locator, _near(locator, fact_table("emergency_centres"))
        ),
        "od": _od(demand, chosen, gates),
        "trip_profile": pd.DataFrame(
            {"hour": np.arange(24, dtype=np.int32), "weekday": weekday, "weekend": weekend}
        ),
        "call_rates": calls,
        "call_profile": emergency.call_profile(),
        "collision_rates": emergency.collision_rates(km, weekday),
        "published_speeds": _published_speeds(),
    }


def _published_speeds() -> pd.DataFrame:
    """Return the speeds of weekdays that Seoul publishes, each with the roads that it is of."""
    facts = {str(row["key"]): row for row in records(fact_table("targets"))}
    main, streets = (
        " ".join(str(int(k)) for k in classes)
        for classes in (
            (RoadClass.MOTORWAY, RoadClass.TRUNK, RoadClass.PRIMARY, RoadClass.SECONDARY),
            (RoadClass.PRIMARY, RoadClass.SECONDARY),
        )
    )
    rows = [
        ("speed_weekday", "main roads, all day", "주요 도로, 종일", 0.0, 24.0, main, 0.0, ""),
        ("speed_am", "main roads, 7 to 9", "주요 도로, 7~9시", 7.0, 9.0, main, 0.0, ""),
        ("speed_pm", "main roads, 18 to 20", "주요 도로, 18~20시", 18.0, 20.0, main, 0.0, ""),
        ("speed_downtown", "downtown streets, all day", "도심 도로, 종일", 0.0, 24.0, streets, 0.0,
         "Jongno-gu;Jung-gu"),
        ("speed_expressway", "urban expressways, all day", "도시고속도로, 종일", 0.0, 24.0, main,
         70.0, ""),
    ]  # fmt: skip
    columns = ["measure", "title_en", "title_ko", "from_h", "to_h", "classes", "min_free_kmh"]
    table = pd.DataFrame(rows, columns=[*columns, "districts"])
    fact = [facts[name] for name in table["measure"]]
    return table.assign(
        kmh=[float(row["value"]) for row in fact],
        year=np.array([int(row["year"]) for row in fact], np.int32),
        source=[str(row["source"]) for row in fact],
    )


def _wkb(land: Land, shape: BaseGeometry) -> bytes:
    def back(points: F64) -> F64:
        return np.column_stack(land.projection.inverse(points[:, 0], points[:, 1]))

    return bytes(shapely.to_wkb(shapely.transform(shape.simplify(20.0), back)))


def _near(locator: Locator, table: pd.DataFrame) -> list[bool]:
    _, _, away = locator.nearest_many(table["lon"].to_numpy(), table["lat"].to_numpy())
    return [bool(d <= REACH_M) for d in away]


def _gates(demand: Demand, network: Network) -> pd.DataFrame:
    """Return the gates that the network has: zone, end of the demand, way, link.

    A gate is two zones, one to come from and one to go to, each with its own one-way link.
    """
    by_number = {int(number): k for k, number in enumerate(network.link_id.tolist())}
    node = {int(number): k for k, number in enumerate(network.node_id.tolist())}
    size = demand.od.sum(axis=1), demand.od.sum(axis=0)
    rows = []
    for way, table in enumerate((demand.gate_in, demand.gate_out)):
        for g, (number, start, stop) in enumerate(table.tolist()):
            if number < 0 or size[way][demand.n_zones + g] <= 0.0:
                continue
            link = by_number.get(number + 1, -1)
            at = node.get((start if way == 0 else stop) + 1, -1)
            ends = network.link_from if way == 0 else network.link_to
            if link < 0 or ends[link] != at:
                # The clean-up made one link of several; the gate is at its outer end.
                found = np.flatnonzero(ends == at)
                link = int(found[0]) if len(found) else -1
            if link >= 0:
                rows.append((GATE_ID * (way + 1) + g + 1, demand.n_zones + g, way, link, 1.0))
    frame = pd.DataFrame(rows, columns=["zone_id", "end", "way", "link", "weight"])
    return frame.astype({"zone_id": "int32", "link": "int32", "weight": "float32"})


def _zone_links(zones: Zones, chosen: I64, demand: Demand, network: Network) -> pd.DataFrame:
    """Return the links on which the trips of each zone start and end: the likeliest ones."""
    start = network.node_id[network.link_from] - 1
    is_street = (start < len(zones.node_zone)) & (network.link_name < 0)
    worth = np.zeros(network.n_links)
    for kind, value in ACCESS.items():
        here = is_street & (network.link_class == kind) & (network.link_length >= MIN_ACCESS_M)
        worth[here] = value * network.link_length[here]
    links = np.flatnonzero(worth > 0.0)
    zone = zones.node_zone[start[links]]
    trips = demand.od.sum(axis=1)
    parts = []
    for place, k in enumerate(chosen.tolist()):
        mine = links[zone == k]
        count = int(np.clip(trips[place] / ACCESS_TRIPS, MIN_ACCESS, MAX_ACCESS))
        # Every n-th link in order of the network spreads them over the zone.
        step = np.unique(np.linspace(0, len(mine) - 1, min(count, len(mine))).astype(np.int64))
        taken = mine[step]
        parts.append(
            pd.DataFrame(
                {
                    "zone_id": np.int32(k + 1),
                    "link": taken.astype(np.int32),
                    "weight": (worth[taken] / worth[taken].sum()).astype(np.float32),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _zone_rows(land: Land, zones: Zones, chosen: I64, table: pd.DataFrame) -> pd.DataFrame:
    lon, lat = land.projection.inverse(zones.x[chosen], zones.y[chosen])
    gu = zones.gu[chosen]
    order = np.arange(len(zones.gu)) - np.searchsorted(zones.gu, zones.gu) + 1
    english = table["en"].to_numpy()[gu]
    korean = table["ko"].to_numpy()[gu]
    return pd.DataFrame(
        {
            "zone_id": (chosen + 1).astype(np.int32),
            "name": [
                f"{k} {n}동 ({e} {n})"
                for k, e, n in zip(korean, english, order[chosen].tolist(), strict=True)
            ],
            "district": english,
            "lon": lon,
            "lat": lat,
            "x": zones.x[chosen],
            "y": zones.y[chosen],
            "population": zones.population[chosen],
            "jobs": zones.jobs[chosen],
        }
    )


def _gate_rows(network: Network, gates: pd.DataFrame) -> pd.DataFrame:
    link, way = gates["link"].to_numpy(np.int64), gates["way"].to_numpy(np.int64)
    node = np.where(way == 0, network.link_from[link], network.link_to[link])
    return pd.DataFrame(
        {
            "zone_id": gates["zone_id"],
            "name": [
                f"관문 {n} (gate {n}) {'in' if w == 0 else 'out'}"
                for n, w in zip((gates["zone_id"] % GATE_ID).tolist(), way.tolist(), strict=True)
            ],
            "district": "",
            "lon": network.node_lon[node],
            "lat": network.node_lat[node],
            "x": network.node_x[node],
            "y": network.node_y[node],
            "population": 0.0,
            "jobs": 0.0,
        }
    )


def _od(demand: Demand, chosen: I64, gates: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with trips; what a missing gate would have carried is spread over all."""
    number = np.full((2, len(demand.od)), -1, np.int64)
    number[:, : demand.n_zones] = chosen + 1
    number[gates["way"].to_numpy(), gates["end"].to_numpy()] = gates["zone_id"].to_numpy()
    row, col = np.nonzero(demand.od)
    used = (number[0][row] >= 0) & (number[1][col] >= 0)
    trips = demand.od[row[used], col[used]]
    return pd.DataFrame(
        {
            "origin": number[0][row[used]].astype(np.int32),
            "destination": number[1][col[used]].astype(np.int32),
            "trips_per_day": (trips * (demand.od.sum() / trips.sum())).astype(np.float32),
        }
    )
