"""Recorded calls as tables of the city: history, rates by zone and hour, collisions by exposure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from calibration.recipes.exposure import vehicle_km
from calibration.recipes.readers import read_polygons
from calibration.recipes.san_francisco.files import ZONES
from calibration.recipes.san_francisco.zones import GATE_ZONE, district_of
from twin.city.model import TABLES
from twin.network.graph import Network, RoadClass
from twin.network.locate import Locator

PRIOR_DAYS = 8.0
"""Weight of a zone's expected rate, as days of observation."""
PRIOR_COLLISIONS = 10.0
"""Weight of the city's collision rate, as observed collisions in each road class."""


def read_history(calls: pd.DataFrame, units: pd.DataFrame, districts: pd.DataFrame) -> pd.DataFrame:
    """Return the table `history`; calls of kinds that Twin does not run are left out."""
    run = calls[calls["kind"] != "other"].reset_index(drop=True)
    base = units.set_index("unit_id")["station_id"]
    table = run.assign(
        station_id=run["unit_id"].map(base).fillna("").astype(str),
        district=district_of(run["lon"].to_numpy(), run["lat"].to_numpy(), districts),
    )
    return table[list(TABLES["history"])]


def call_rates(
    data_dir: Path, history: pd.DataFrame, zones: pd.DataFrame, n_days: int
) -> pd.DataFrame:
    """Return the table `call_rates` of medical calls and fires."""
    inside = zones[zones["zone_id"] < GATE_ZONE].reset_index(drop=True)
    shapes = read_polygons(data_dir / ZONES.path, "TAZ")
    tree = shapely.STRtree([shapes[zone] for zone in inside["zone_id"]])
    size = inside["population"] + inside["jobs"]
    parts = []
    for kind in ("medical", "fire"):
        ours = history[history["kind"] == kind]
        where = tree.nearest(shapely.points(ours["lon"], ours["lat"]))
        count = pd.Series(np.bincount(where, minlength=len(inside)), dtype="float64")
        per_day = count.groupby(inside["district"]).transform("sum") / n_days
        prior = per_day * size / size.groupby(inside["district"]).transform("sum")
        rate = (count + PRIOR_DAYS * prior) / (n_days + PRIOR_DAYS)
        parts.append(pd.DataFrame({"zone_id": inside["zone_id"], "kind": kind, "per_day": rate}))
    table = pd.concat(parts, ignore_index=True)
    return table[table["per_day"] > 0.0].reset_index(drop=True)


def call_profile(history: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Return the table `call_profile`: share of the day's calls in each hour."""
    hour = history["t_call"].dt.tz_convert(timezone).dt.hour
    parts = []
    for kind in ("medical", "fire"):
        counts = hour[history["kind"] == kind].value_counts().reindex(range(24), fill_value=0)
        share = (counts / counts.sum()).to_numpy()
        parts.append(pd.DataFrame({"hour": range(24), "kind": kind, "share": share}))
    return pd.concat(parts, ignore_index=True)


def collision_rates(
    network: Network,
    history: pd.DataFrame,
    od: pd.DataFrame,
    zone_links: pd.DataFrame,
    n_days: int,
) -> pd.DataFrame:
    """Return the table `collision_rates`.

    A class's rate is (n + k) / (days * v + k / r): n collisions in `n_days`, v million vehicle-km a
    day, r the rate of the city and k = `PRIOR_COLLISIONS`, the mean of a gamma posterior.
    """
    driven = vehicle_km(network, od, zone_links) / 1e6
    hit = history[history["kind"] == "collision"]
    link, _, _ = Locator(network).nearest_many(hit["lon"], hit["lat"])
    count = np.bincount(network.link_class[link], minlength=len(RoadClass)).astype(float)
    overall = count.sum() / (n_days * driven.sum())
    rate = (count + PRIOR_COLLISIONS) / (n_days * driven + PRIOR_COLLISIONS / overall)
    road_class, hour = np.divmod(np.arange(len(RoadClass) * 24), 24)
    return pd.DataFrame({"road_class": road_class, "hour": hour, "per_mvkm": rate[road_class]})
