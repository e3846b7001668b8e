"""`twin city places`: what a scenario can name in a city."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json, notes
from twin.city.library import get_city
from twin.city.model import City


def places(
    name: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    as_json: AsJson = False,
) -> None:
    """List the stations, hospitals and named streets that a scenario can change."""
    found = named(get_city(name, progress=notes.print))
    if as_json:
        end_with_json(found)
        return
    console = answers()
    for title, columns in (
        ("stations", ("station_id", "name", "kind", "ambulances", "engines", "lon", "lat")),
        ("hospitals", ("hospital_id", "name", "level", "capabilities", "lon", "lat")),
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
    stations = city["stations"][["station_id", "name", "kind", "lon", "lat"]].to_dict("records")
    for row in stations:
        for kind in ("ambulance", "engine"):
            row[f"{kind}s"] = int(units.get((row["station_id"], kind), 0))
    columns = ["hospital_id", "name", "level", "capabilities", "lon", "lat"]
    used = np.unique(city.network.link_name)
    return {
        "city": city.meta.name,
        "stations": stations,
        "hospitals": city["hospitals"][columns].to_dict("records"),
        "streets": sorted(city.network.names[k] for k in used if k >= 0),
    }


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
