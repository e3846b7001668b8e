"""What stands still while a run plays: streets, places, districts, words about the city."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from apps.rows import rows_of
from apps.stations import station_names
from apps.web.texts import LANGUAGES, pick, words
from twin.city.model import City
from twin.city.names import by_language, district_names
from twin.network.geometry import Projection
from twin.network.graph import Network
from twin.scenarios.change_kinds import AddStation
from twin.scenarios.spec import Scenario

KMH = 3.6
OUTLINE_M = 25.0
"""District outlines are drawn to this tolerance."""


def street_arrays(network: Network) -> dict[str, NDArray[Any]]:
    """Return the links as the map draws them.

    Returns
    -------
    dict
        `geom_ptr` (L + 1,), `geom_x`, `geom_y` (V,) metres, `link_class`, `link_lanes`, `link_kmh`
        (L,) free-flow speed in km/h, `link_paired` (L,) 1 where the opposite direction exists.
    """
    nodes = network.n_nodes
    start, end = network.link_from.astype(np.int64), network.link_to.astype(np.int64)
    return {
        "geom_ptr": network.geom_ptr.astype(np.uint32),
        "geom_x": network.geom_x.astype(np.float32),
        "geom_y": network.geom_y.astype(np.float32),
        "link_class": network.link_class.astype(np.uint8),
        "link_lanes": network.link_lanes.astype(np.uint8),
        "link_kmh": (network.link_speed * KMH).astype(np.float32),
        "link_paired": np.isin(start * nodes + end, end * nodes + start).astype(np.uint8),
    }


def places(city: City, scenario: Scenario) -> dict[str, list[dict[str, Any]]]:
    """Return stations and hospitals with their position in local metres.

    Stations that the scenario opens are among them, marked `added`.
    """
    names = station_names(city, scenario.changes)
    stations = [
        {
            "id": row.station_id,
            "name": names[row.station_id],
            "kind": row.kind,
            "x": row.x,
            "y": row.y,
        }
        for row in rows_of(_placed(city, "stations"))
    ]
    for change in scenario.changes:
        if isinstance(change, AddStation):
            x, y = local(city.network, np.array([change.lon]), np.array([change.lat]))
            at = {"x": float(x[0]), "y": float(y[0])}
            name, kind = names[change.station_id], change.serves
            about = {"id": change.station_id, "name": name, "kind": kind}
            stations.append({**about, "added": True, **at})
    hospitals = [
        {
            "id": row.hospital_id,
            "name": by_language(row.name),
            "level": row.level,
            "x": row.x,
            "y": row.y,
        }
        for row in rows_of(_placed(city, "hospitals"))
    ]
    return {"stations": stations, "hospitals": hospitals}


def notices(city: City) -> dict[str, str]:
    """Return what must be known of a city before anything is looked at, by language."""
    said = dict(city.meta.notice)
    if len(city["hospitals"]) or not (city["units"]["kind"] == "ambulance").any():
        return said
    return {
        lang: f"{pick(said, lang)} {words(lang)['page']['no_hospitals']}".strip()
        for lang in LANGUAGES
    }


def _placed(city: City, table: str) -> pd.DataFrame:
    frame = city[table]
    x, y = local(city.network, frame["lon"].to_numpy(), frame["lat"].to_numpy())
    return frame.assign(x=x, y=y)


def local(
    network: Network, lon: NDArray[Any], lat: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return local metres, to the decimetre, of WGS84 degrees."""
    x, y = Projection(network.lon0, network.lat0).forward(lon, lat)
    return np.round(x, 1), np.round(y, 1)


def districts(city: City) -> list[dict[str, Any]]:
    """Return the outlines of the districts in local metres, with their names."""
    out = []
    names = district_names(city["districts"])
    projection = Projection(city.network.lon0, city.network.lat0)
    for row in rows_of(city["districts"]):
        shape = shapely.from_wkb(row.polygon_wkb)
        if shape is None or shape.is_empty:
            continue
        shape = shapely.transform(
            shape, lambda at: np.column_stack(projection.forward(at[:, 0], at[:, 1]))
        )
        shape = shape.simplify(OUTLINE_M)
        parts = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon"]
        centre = shape.representative_point()
        out.append(
            {
                "id": row.district,
                "name": names[str(row.district)],
                "centre": [round(centre.x, 1), round(centre.y, 1)],
                "rings": [np.round(shapely.get_coordinates(p.exterior)).tolist() for p in parts],
            }
        )
    return out
