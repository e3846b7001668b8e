"""Where calls come from on average: points on the road with weights, for questions of cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.city.model import City
from twin.core.errors import InputError
from twin.demand.recorded import MAX_SNAP_M, doors
from twin.network.graph import Place
from twin.network.locate import Locator

CELL_M = 500.0
"""Recorded calls of a city with streets and without rates are counted by squares of this side."""


@dataclass(frozen=True, slots=True)
class DemandPoints:
    """P points.

    Attributes
    ----------
    places
        Where they are on the road.
    weight
        (P,) share of the calls that come from each; they sum to 1.
    names
        What they are called: a zone's name, a place's id, or a square's number.
    districts
        The district of each; empty where there is none.
    """

    places: tuple[Place, ...]
    weight: NDArray[np.float64]
    names: tuple[str, ...]
    districts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.places)


def demand_points(city: City, kind: str = "medical") -> DemandPoints:
    """Return where calls of a kind come from.

    They are the city's zones by their rates of calls of that kind, each at its street nearest to
    the middle of its streets; where the city has no such rates, those of all calls; and where it
    has none at all, the places (or squares of `CELL_M`) of its recorded calls.

    Raises
    ------
    InputError
        If the city knows neither rates nor recorded calls.
    """
    rates = city["call_rates"]
    if not (rates["per_day"] > 0).any():
        return _recorded(city, kind)
    mine = rates[rates["kind"] == kind]
    if not (mine["per_day"] > 0).any():
        mine = rates
    per_day = mine.groupby("zone_id", sort=True)["per_day"].sum()
    per_day = per_day[per_day > 0]
    zones = city["zones"].set_index("zone_id").loc[per_day.index]
    return DemandPoints(
        places=tuple(_middles(city, zones)),
        weight=_shares(per_day),
        names=tuple(zones["name"].astype(str)),
        districts=tuple(zones["district"].astype(str)),
    )


def _middles(city: City, zones: pd.DataFrame) -> list[Place]:
    """Return the middle of the street that is nearest to the middle of each zone's streets."""
    network = city.network
    finder: Locator | None = None
    links = dict(tuple(city["zone_links"].groupby("zone_id", sort=True)["link"]))
    locator = Locator(network)
    found: list[Place] = []
    for zone, row in zip(zones.index, zones.to_dict("records"), strict=True):
        if zone not in links:
            finder = finder or doors(network)
            found.append(finder.nearest(float(row["lon"]), float(row["lat"]), max_m=np.inf))
            continue
        own = links[zone].to_numpy(np.int64)
        length = network.link_length[own].astype(np.float64)
        x, y = locator.xy(own, length / 2.0)
        apart = np.hypot(x - np.average(x, weights=length), y - np.average(y, weights=length))
        best = int(np.argmin(apart))
        found.append(Place(int(own[best]), float(length[best] / 2.0)))
    return found


def _shares(counts: pd.Series[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (counts / counts.sum()).to_numpy(np.float64)
    return found


def _recorded(city: City, kind: str) -> DemandPoints:
    history = city["history"]
    rows = history[history["kind"] == kind]
    if not len(rows):
        rows = history
    if not len(rows):
        raise InputError(
            f"city {city.meta.name} does not say where calls come from",
            field="city",
            hint="cover needs call rates by zone, or recorded calls",
        )
    if city.is_table and "link" in rows:
        counts = rows["link"].astype(int).value_counts().sort_index()
        ids = city["places"]["place_id"].astype(str)
        return DemandPoints(
            places=tuple(Place(int(link), 0.0) for link in counts.index),
            weight=_shares(counts),
            names=tuple(ids.iloc[link] for link in counts.index),
            districts=("",) * len(counts),
        )
    rows = rows[rows[["lon", "lat"]].notna().all(axis=1)]
    link, pos, distance = doors(city.network).nearest_many(rows["lon"], rows["lat"])
    near = distance <= MAX_SNAP_M
    if not near.any():
        raise InputError(f"no recorded call of city {city.meta.name} is near its streets")
    x, y = Locator(city.network).xy(link, pos)
    cells = pd.DataFrame(
        {
            "cell": [f"{a},{b}" for a, b in zip(x // CELL_M, y // CELL_M, strict=True)],
            "link": link,
            "pos_m": pos,
            "x": x,
            "y": y,
            "district": rows["district"].astype(str).to_numpy(),
        }
    )[near].reset_index(drop=True)
    by_cell = cells.groupby("cell", sort=True)
    off = np.hypot(
        cells["x"] - by_cell["x"].transform("mean"), cells["y"] - by_cell["y"].transform("mean")
    )
    middle = cells.loc[pd.Series(off).groupby(cells["cell"], sort=True).idxmin()]
    counts = by_cell.size()
    return DemandPoints(
        places=tuple(
            Place(int(a), float(b)) for a, b in zip(middle["link"], middle["pos_m"], strict=True)
        ),
        weight=_shares(counts),
        names=tuple(counts.index),
        districts=tuple(middle["district"]),
    )
