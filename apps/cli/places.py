"""`twin city places`: what a scenario can name in a city."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import shapely
import typer
from numpy.typing import ArrayLike, NDArray
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json, load
from twin.city.model import City


def places(
    name: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    as_json: AsJson = False,
) -> None:
    """List the stations, hospitals and named streets that a scenario can change."""
    found = named(load(name, renew=False))
    if as_json:
        end_with_json(found)
        return
    console = answers()
    for title, columns in (
        (
            "stations",
            ("station_id", "name", "kind", "district", "ambulances", "engines", "lon", "lat"),
        ),
        ("hospitals", ("hospital_id", "name", "level", "district", "capabilities", "lon", "lat")),
    ):
        table = Table(*columns, title=title)
        for row in found[title]:
            table.add_row(*(_cell(row[column]) for column in columns))
        console.print(table)
    console.print(
        f"streets: {'; '.join(found['streets']) or 'none has a name: close them by link'}"
    )


def named(city: City) -> dict[str, Any]:
    """Return the stations with their units, the hospitals and the street names of a city."""
    units = city["units"].groupby(["station_id", "kind"]).size()
    stations = _rows(city, "stations", ["station_id", "name", "kind"])
    for row in stations:
        for kind in ("ambulance", "engine"):
            row[f"{kind}s"] = int(units.get((row["station_id"], kind), 0))
    used = np.unique(city.network.link_name)
    return {
        "city": city.meta.name,
        "stations": stations,
        "hospitals": _rows(city, "hospitals", ["hospital_id", "name", "level", "capabilities"]),
        "streets": sorted(city.network.names[k] for k in used if k >= 0),
    }


def districts_at(city: City, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.object_]:
    """Return (P,) the district in which each point lies.

    A point in no district's outline is in that of the zone whose middle is nearest; without zones
    it is in none, an empty text.

    Parameters
    ----------
    city
        A city.
    lon, lat
        (P,) degrees.
    """
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    found = np.full(len(east), "", object)
    zones = city["zones"][city["zones"]["district"] != ""]
    if len(zones):
        narrow = np.cos(np.deg2rad(city.network.lat0))
        apart = np.hypot(
            (east[:, None] - zones["lon"].to_numpy()[None, :]) * narrow,
            north[:, None] - zones["lat"].to_numpy()[None, :],
        )
        found[:] = zones["district"].to_numpy(object)[apart.argmin(axis=1)]
    outlines = shapely.from_wkb(city["districts"]["polygon_wkb"].to_numpy(object))
    point, outline = shapely.STRtree(outlines).query(shapely.points(east, north), "intersects")
    found[point] = city["districts"]["district"].to_numpy(object)[outline]
    return found


def _rows(city: City, table: str, columns: list[str]) -> list[dict[Any, Any]]:
    places = city[table]
    where = places.assign(district=districts_at(city, places["lon"], places["lat"]))
    return where[[*columns, "district", "lon", "lat"]].to_dict("records")


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
