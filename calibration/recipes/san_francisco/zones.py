"""Zones, districts, and the gates through which traffic enters and leaves the city."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from calibration.recipes.readers import read_polygons, read_table
from calibration.recipes.san_francisco.files import DISTRICTS, PEOPLE, ZONES
from calibration.recipes.san_francisco.roads import BOX
from calibration.recipes.streets import link_towards, zone_streets
from twin.core.errors import InputError
from twin.network.geometry import Projection
from twin.network.graph import Network

GATE_ZONE = 10_000
"""Gate g has the zones `GATE_ZONE + 2 g` (in) and `GATE_ZONE + 2 g + 1` (out)."""

# District of the trip tables: its column there, its Korean name.
CITY_DISTRICTS: dict[str, tuple[str, str]] = {
    "Downtown": ("downtown", "다운타운"),
    "SoMa": ("soma", "소마"),
    "N. Beach/Chinatown": ("n_beach_and_chinatown", "노스비치/차이나타운"),
    "Western Market": ("western_market", "웨스턴 마켓"),
    "Mission/Potrero": ("mission_and_potrero", "미션/포트레로"),
    "Noe/Glen/Bernal": ("noe_and_glen_and_bernal", "노이/글렌/버널"),
    "Marina/N. Heights": ("marina_and_n_heights", "마리나/노스하이츠"),
    "Richmond": ("richmond", "리치먼드"),
    "Bayshore": ("bayshore", "베이쇼어"),
    "Outer Mission": ("outer_mission", "아우터 미션"),
    "Hill Districts": ("hill_districts", "힐 디스트릭트"),
    "Sunset": ("sunset", "선셋"),
}


@dataclass(frozen=True, slots=True)
class Gate:
    """A road out of the city, where trips from and to a region outside start and end.

    Attributes
    ----------
    name, region
        Its name; `South Bay`, `East Bay` or `North Bay`.
    inbound, outbound
        Longitude, latitude and bearing (degrees from north) of the link on which trips start
        when they come in, and of that on which they end when they leave.
    """

    name: str
    region: str
    inbound: tuple[float, float, float]
    outbound: tuple[float, float, float]


GATES = (
    Gate("US 101 south", "South Bay", (-122.3951, 37.7093, -10), (-122.3928, 37.6980, 170)),
    Gate("I-280 south", "South Bay", (-122.4708, 37.6960, -8), (-122.4717, 37.6988, 180)),
    Gate("Skyline Blvd", "South Bay", (-122.4957, 37.7004, -20), (-122.4960, 37.7004, 160)),
    Gate("Mission St south", "South Bay", (-122.4641, 37.6972, 10), (-122.4643, 37.6972, 190)),
    Gate("Bayshore Blvd", "South Bay", (-122.4066, 37.6967, -20), (-122.4066, 37.6967, 160)),
    Gate("Bay Bridge", "East Bay", (-122.3658, 37.8095, 220), (-122.3791, 37.7970, 40)),
    Gate("Golden Gate Bridge", "North Bay", (-122.4785, 37.8200, 180), (-122.4780, 37.8200, 0)),
)


def read_zones(data_dir: Path, network: Network) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables `zones` and `districts`; the gates' zones come last and hold nobody."""
    shapes = read_polygons(data_dir / ZONES.path, "TAZ")
    people = read_table(
        data_dir / PEOPLE.path, {"taz": "int64", "pop2015": "float64", "tot2015": "float64"}
    ).set_index("taz")
    districts = read_districts(data_dir)
    points = [shapely.point_on_surface(shape) for shape in shapes.values()]
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    if missing := sorted(set(shapes) - set(people.index)):
        raise InputError(
            f"zone {missing[0]} has no population", file=data_dir / PEOPLE.path, field="taz"
        )
    here = people.loc[list(shapes)]
    zones = pd.DataFrame(
        {
            "zone_id": np.array(list(shapes), np.int32),
            "name": [f"TAZ {taz}" for taz in shapes],
            "district": district_of(lon, lat, districts),
            "lon": lon,
            "lat": lat,
            "population": here["pop2015"].to_numpy(),
            "jobs": here["tot2015"].to_numpy(),
        }
    ).sort_values("zone_id")
    gates = pd.DataFrame(
        [
            {
                "zone_id": GATE_ZONE + 2 * g + way,
                "name": f"{gate.name} {('in', 'out')[way]}",
                "district": gate.region,
                "lon": (gate.outbound if way else gate.inbound)[0],
                "lat": (gate.outbound if way else gate.inbound)[1],
                "population": 0.0,
                "jobs": 0.0,
            }
            for g, gate in enumerate(GATES)
            for way in (0, 1)
        ]
    )
    table = pd.concat([zones, gates], ignore_index=True)
    table["x"], table["y"] = Projection(network.lon0, network.lat0).forward(
        table["lon"], table["lat"]
    )
    return table, districts


def read_districts(data_dir: Path) -> pd.DataFrame:
    """Return the table `districts`: the twelve inside the city."""
    shapes = read_polygons(data_dir / DISTRICTS.path, "DIST15NAME")
    land = {str(name).strip("'"): shape for name, shape in shapes.items()}
    if missing := sorted(set(CITY_DISTRICTS) - set(land)):
        raise InputError(f"there is no district {missing[0]!r}", file=data_dir / DISTRICTS.path)
    return pd.DataFrame(
        [
            {
                "district": name,
                "name_en": name,
                "name_ko": korean,
                # The Farallon islands are in the district's polygon and far off the map.
                "polygon_wkb": shapely.to_wkb(shapely.clip_by_rect(land[name], *BOX)),
            }
            for name, (_, korean) in CITY_DISTRICTS.items()
        ]
    )


def district_of(
    lon: NDArray[np.float64], lat: NDArray[np.float64], districts: pd.DataFrame
) -> list[str]:
    """Return the district of each point, the nearest one for points outside all of them."""
    shapes = shapely.from_wkb(districts["polygon_wkb"].to_numpy())
    which = shapely.STRtree(shapes).nearest(shapely.points(lon, lat))
    names = districts["district"].tolist()
    return [str(names[k]) for k in which]


def zone_links(data_dir: Path, network: Network) -> pd.DataFrame:
    """Return the table `zone_links`: the streets of each zone, and the link of each gate."""
    streets = zone_streets(read_polygons(data_dir / ZONES.path, "TAZ"), network)
    gates = [
        {
            "zone_id": GATE_ZONE + 2 * g + way,
            "link": link_towards(network, *where, name=gate.name),
            "weight": 1.0,
        }
        for g, gate in enumerate(GATES)
        for way, where in enumerate((gate.inbound, gate.outbound))
    ]
    table = pd.concat([streets, pd.DataFrame(gates)], ignore_index=True)
    return table.astype({"zone_id": np.int32, "link": np.int32, "weight": np.float32})
