"""Downtown Seoul on its real OpenStreetMap streets, with the city's published facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from calibration.recipes.exposure import vehicle_km
from calibration.recipes.readers import read_polygons
from calibration.recipes.recipe import (
    Progress,
    Recipe,
    SourceFile,
    assumptions,
)
from calibration.recipes.seoul_downtown.demand import GATE_ZONE, find_gates, trips
from calibration.recipes.streets import zone_streets
from twin.city.bundle import empty_table
from twin.city.model import City, Meta
from twin.city.seoul import emergency
from twin.city.seoul.demand import WEEKDAY, WEEKEND
from twin.city.seoul.facts import fact_table, targets
from twin.core.units import KMH
from twin.network.build import BuildOptions, build_network
from twin.network.geometry import Projection
from twin.network.graph import Network, RoadClass
from twin.network.graphml import read_graphml
from twin.network.locate import Locator

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

NAME = "seoul-downtown"
STREETS = SourceFile(
    "seoul/network/seoul_downtown_osm_drive.graphml.gz",
    "streets of downtown Seoul, an OSMnx drive graph of 2023-12-18",
    "OpenStreetMap by OSMnx: graph_from_bbox(37.544..37.589 N, 126.950..127.007 E, 'drive')",
    "ODbL, (c) OpenStreetMap contributors",
)
DONG = SourceFile(
    "seoul/boundaries/seoul_hangjeongdong_424.geojson.gz",
    "the 424 administrative dong of Seoul, 2025-04-01",
    "https://github.com/vuski/admdongkor",
    "public boundaries of Statistics Korea, free with attribution",
)
FILES = (STREETS, DONG)
LOCAL_SPEED_MPS = 30.0 * KMH
"""Seoul's limit on residential streets."""
LEAST_SHARE = 0.1
"""A dong counts when at least this share of it is on the map."""
REACH_M = 300.0


def make(data_dir: Path, tell: Progress) -> City:
    """Return the city of the files that `RECIPE` names."""
    tell("streets")
    raw = read_graphml(data_dir / STREETS.path)
    local = raw.link_class >= RoadClass.RESIDENTIAL
    raw = replace(
        raw, link_speed=np.where(local, np.fmin(raw.link_speed, LOCAL_SPEED_MPS), raw.link_speed)
    )
    options = BuildOptions(infer_signals=RoadClass.TERTIARY, right_on_red=True)
    network, report = build_network(raw, options=options)
    tell("zones and demand")
    zones, shapes, districts = _zones(data_dir / DONG.path, network)
    gates = find_gates(network)
    zones = pd.concat([zones, _gate_zones(network, gates)], ignore_index=True)
    ends = pd.DataFrame(
        {
            "zone_id": GATE_ZONE + np.arange(2 * len(gates[0])),
            "link": np.stack(gates, axis=1).ravel(),
            "weight": 1.0,
        }
    )
    links = pd.concat([zone_streets(shapes, network), ends], ignore_index=True)
    od = trips(zones, network, gates)
    tell("stations, hospitals, calls")
    tables = {
        "zones": zones,
        "zone_links": links,
        "districts": districts,
        "od": od,
        "history": empty_table("history"),
    } | _emergency(network, zones, vehicle_km(network, od, links))
    meta = Meta(
        name=NAME,
        title={"en": "Downtown Seoul", "ko": "서울 도심"},
        timezone="Asia/Seoul",
        notice={
            "en": "Streets (c) OpenStreetMap contributors, ODbL. Traffic and calls are modelled.",
            "ko": "도로 (c) OpenStreetMap 기여자, ODbL. 통행과 신고는 모형 값입니다.",
        },
        attribution=[f"{file.what}: {file.source} ({file.licence})" for file in FILES],
        built_by="calibration.recipes.seoul_downtown",
        assumptions=assumptions(__file__),
    )
    return City(meta, network, tables, {"": emergency.service()}, report)


def _zones(
    path: Path, network: Network
) -> tuple[pd.DataFrame, dict[int, shapely.Geometry], pd.DataFrame]:
    """Return zones (dong on the map), their shapes by zone number, and the gu as districts."""
    dong = read_polygons(path, "adm_nm")
    area = shapely.box(
        *(float(v.min()) for v in (network.node_lon, network.node_lat)),
        *(float(v.max()) for v in (network.node_lon, network.node_lat)),
    )
    gu = fact_table("gu").set_index("ko")
    english = gu["en"].astype(str).to_dict()
    residents = gu["population"].astype(float).to_dict()
    jobs = (1_000.0 * gu["jobs_thousand"].astype(float)).to_dict()
    of_gu = {name: str(name).split()[1] for name in dong}
    sizes = pd.Series(of_gu).value_counts()
    rows: list[dict[str, object]] = []
    shapes: dict[int, shapely.Geometry] = {}
    parts: dict[str, list[shapely.Geometry]] = {}
    for name in sorted(dong):
        inside = shapely.intersection(dong[name], area)
        share = inside.area / dong[name].area
        if share < LEAST_SHARE:
            continue
        home = of_gu[name]
        part = share / float(sizes[home])
        here = shapely.point_on_surface(inside)
        zone = len(rows) + 1
        shapes[zone] = inside
        parts.setdefault(home, []).append(inside)
        rows.append(
            {
                "zone_id": zone,
                "name": str(name).removeprefix("서울특별시 "),
                "district": english[home],
                "lon": here.x,
                "lat": here.y,
                "population": part * residents[home],
                "jobs": part * jobs[home],
            }
        )
    zones = _with_xy(pd.DataFrame(rows), network)
    zones["population_share"] = zones["population"] / sum(residents.values())
    zones["job_share"] = zones["jobs"] / sum(jobs.values())
    districts = pd.DataFrame(
        [
            {
                "district": english[name],
                "name_en": english[name],
                "name_ko": name,
                "polygon_wkb": shapely.to_wkb(shapely.union_all(shape)),
            }
            for name, shape in sorted(parts.items())
        ]
    )
    return zones, shapes, districts


def _with_xy(zones: pd.DataFrame, network: Network) -> pd.DataFrame:
    x, y = Projection(network.lon0, network.lat0).forward(zones["lon"], zones["lat"])
    return zones.assign(x=x, y=y)


def _gate_zones(network: Network, gates: tuple[I64, I64]) -> pd.DataFrame:
    node = np.stack([network.link_from[gates[0]], network.link_to[gates[1]]], axis=1).ravel()
    zones = pd.DataFrame(
        {
            "zone_id": GATE_ZONE + np.arange(len(node)),
            "name": [f"gate {k // 2 + 1} {('in', 'out')[k % 2]}" for k in range(len(node))],
            "district": "outside",
            "lon": network.node_lon[node],
            "lat": network.node_lat[node],
        }
    )
    nobody = dict.fromkeys(("population", "jobs", "population_share", "job_share"), 0.0)
    return _with_xy(zones.assign(**nobody), network)


def _emergency(network: Network, zones: pd.DataFrame, km_by_class: F64) -> dict[str, pd.DataFrame]:
    """Return stations, units, hospitals, rates and profiles by the built-in city's facts."""
    doors = Locator(network, usable=network.link_class > RoadClass.TRUNK)

    def on_map(table: pd.DataFrame) -> list[bool]:
        _, _, away = doors.nearest_many(table["lon"].to_numpy(), table["lat"].to_numpy())
        return [bool(metres <= REACH_M) for metres in away]

    stations, units = emergency.place_stations(doors, on_map(fact_table("safety_centres")))
    inner = zones[zones["zone_id"] < GATE_ZONE]
    share = 0.5 * float(inner["population_share"].sum() + inner["job_share"].sum())
    weekday = np.array(WEEKDAY) / sum(WEEKDAY)
    fact = targets()
    weekend = np.array(WEEKEND) / sum(WEEKEND) * fact["weekend_count"] / fact["weekday_count"]
    # The facts count the whole city's collisions; so its vehicle-km, as if all were like here.
    return {
        "stations": stations,
        "units": units,
        "hospitals": emergency.place_hospitals(doors, on_map(fact_table("emergency_centres"))),
        "trip_profile": pd.DataFrame(
            {"hour": np.arange(24, dtype=np.int32), "weekday": weekday, "weekend": weekend}
        ),
        "call_rates": emergency.call_rates(
            inner["zone_id"].to_numpy(np.int32),
            inner["population"].to_numpy(np.float64),
            inner["jobs"].to_numpy(np.float64),
            share,
        ),
        "call_profile": emergency.call_profile(),
        "collision_rates": emergency.collision_rates(km_by_class / share, weekday),
    }


RECIPE = Recipe(NAME, FILES, make)
