"""`twin city places`: what a scenario can name in a city."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import shapely
import typer
from numpy.typing import ArrayLike, NDArray
from rich.columns import Columns
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json, load
from twin.city.model import City

DRAWN = "drawn_district"
WHERE = ("district", DRAWN)
HEADINGS = {DRAWN: "drawn in"}


def places(
    name: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    as_json: AsJson = False,
) -> None:
    """List the stations, units, hospitals and named streets that a scenario can change."""
    found = named(load(name, renew=False))
    if as_json:
        end_with_json(found)
        return
    console = answers()
    for title, columns in (
        (
            "stations",
            ("station_id", "name", "kind", *WHERE, "ambulances", "engines", "lon", "lat"),
        ),
        ("hospitals", ("hospital_id", "name", "level", *WHERE, "capabilities", "lon", "lat")),
    ):
        shown = [c for c in columns if c != DRAWN or any(map(_astray, found[title]))]
        table = Table(*(HEADINGS.get(column, column) for column in shown), title=title)
        for row in found[title]:
            cells = {**row, DRAWN: (row[DRAWN] or "none") if _astray(row) else ""}
            table.add_row(*(_cell(cells[column]) for column in shown))
        console.print(table)
        if title == "stations":
            console.print(_units(found["units"]))
    if found["streets"]:
        console.print(f"{len(found['streets'])} streets with a name:")
        console.print(Columns(found["streets"], column_first=True, padding=(0, 3)))
    else:
        console.print("No street has a name: close roads by link.")
    console.print(
        "In a change of a scenario: station_id goes in `station` (add-units, remove-units) or `to` "
        "(move-units), unit ids in `units` (move-units, remove-units, off-road) or `unit` "
        "(choose-unit), hospital_id in `hospital` (close-hospital, choose-hospital), a street in "
        "`street` (close-links, toll); either language of a street's name will do."
    )


def named(city: City) -> dict[str, Any]:
    """Return the stations, the units, the hospitals and the street names of a city."""
    units = city["units"].groupby(["station_id", "kind"]).size()
    stations = _rows(city, "stations", ["station_id", "name", "kind"])
    for row in stations:
        for kind in ("ambulance", "engine"):
            row[f"{kind}s"] = int(units.get((row["station_id"], kind), 0))
    used = np.unique(city.network.link_name)
    return {
        "city": city.meta.name,
        "stations": stations,
        "units": city["units"][["unit_id", "kind", "station_id"]].to_dict("records"),
        "hospitals": _rows(city, "hospitals", ["hospital_id", "name", "level", "capabilities"]),
        "streets": sorted(city.network.names[k] for k in used if k >= 0),
    }


def _units(units: list[dict[str, Any]]) -> Table:
    """Return the ids of the units of each base and kind."""
    ids: dict[tuple[str, str], list[str]] = {}
    for unit in units:
        ids.setdefault((unit["station_id"], unit["kind"]), []).append(unit["unit_id"])
    table = Table("based at", "kind", "unit ids", title="units")
    for (station, kind), there in sorted(ids.items()):
        table.add_row(station, kind, ", ".join(there))
    return table


def outlines_at(city: City, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.object_]:
    """Return (P,) the district in whose outline each point lies; an empty text if in none.

    Parameters
    ----------
    city
        A city.
    lon, lat
        (P,) degrees.
    """
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    found = np.full(len(east), "", object)
    outlines = shapely.from_wkb(city["districts"]["polygon_wkb"].to_numpy(object))
    point, outline = shapely.STRtree(outlines).query(shapely.points(east, north), "intersects")
    found[point] = city["districts"]["district"].to_numpy(object)[outline]
    return found


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
    found = outlines_at(city, east, north)
    outside = found == ""
    zones = city["zones"][city["zones"]["district"] != ""]
    if len(zones) and outside.any():
        narrow = np.cos(np.deg2rad(city.network.lat0))
        apart = np.hypot(
            (east[outside, None] - zones["lon"].to_numpy()[None, :]) * narrow,
            north[outside, None] - zones["lat"].to_numpy()[None, :],
        )
        found[outside] = zones["district"].to_numpy(object)[apart.argmin(axis=1)]
    return found


def _rows(city: City, table: str, columns: list[str]) -> list[dict[Any, Any]]:
    places = city[table]
    district = districts_at(city, places["lon"], places["lat"])
    drawn = district.copy()
    if "district" in places.columns:
        true = places["district"].fillna("").to_numpy(object)
        known = true != ""
        district[known] = true[known]
        drawn[known] = outlines_at(city, places["lon"], places["lat"])[known]
    where = places.assign(**{"district": district, DRAWN: drawn})
    return where[[*columns, *WHERE, "lon", "lat"]].to_dict("records")


def _astray(row: dict[str, Any]) -> bool:
    """Return whether a place whose district is known is drawn in another, or in none."""
    return bool(row[DRAWN] != row["district"])


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
