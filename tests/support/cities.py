"""A small city on a grid, for tests of demand and movement."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.city.model import TABLES, City, Meta
from twin.network.generate import grid
from twin.network.graph import Network

SHARES = np.array([1, 1, 1, 1, 1, 2, 4, 7, 8, 6, 5, 5, 5, 5, 5, 6, 7, 8, 8, 5, 4, 3, 2, 1], float)


def two_zone_city(network: Network, origin: int, goal: int, trips_per_hour: float) -> City:
    """Return a city in which all trips go from one link to another, evenly over the day."""
    tables = {
        name: pd.DataFrame({column: [] for column in columns}) for name, columns in TABLES.items()
    }
    ids = np.array([1, 2], np.int32)
    tables["zones"] = pd.DataFrame(
        {
            "zone_id": ids,
            "name": ["a", "b"],
            "district": "d",
            "lon": 0.0,
            "lat": 0.0,
            "x": 0.0,
            "y": 0.0,
            "population": 1.0,
            "jobs": 1.0,
        }
    )
    tables["zone_links"] = pd.DataFrame(
        {
            "zone_id": ids,
            "link": np.array([origin, goal], np.int32),
            "weight": np.ones(2, np.float32),
        }
    )
    per_day = np.array([24.0 * trips_per_hour], np.float32)
    tables["od"] = pd.DataFrame(
        {"origin": ids[:1], "destination": ids[1:], "trips_per_day": per_day}
    )
    even = np.full(24, 1.0 / 24.0)
    tables["trip_profile"] = pd.DataFrame({"hour": np.arange(24), "weekday": even, "weekend": even})
    meta = Meta(name="two-zones", title={"en": "Two"}, timezone="UTC", synthesised=True)
    return City(meta, network, tables)


def grid_city(
    rows: int = 6,
    cols: int = 6,
    *,
    trips_per_day: float = 20_000.0,
    network: Network | None = None,
) -> City:
    """Return a city of four zones, the quarters of a grid, all pairs of which have trips."""
    roads = grid(rows, cols, 200.0) if network is None else network
    tables = {
        name: pd.DataFrame({column: [] for column in columns}) for name, columns in TABLES.items()
    }
    end = roads.link_to
    zone = 2 * (roads.node_y[end] > 0) + (roads.node_x[end] > 0)
    tables["zones"] = pd.DataFrame(
        {
            "zone_id": np.array([10, 11, 20, 21], np.int32),
            "name": list("abcd"),
            "district": ["west", "east", "west", "east"],
            "lon": 0.0,
            "lat": 0.0,
            "x": 0.0,
            "y": 0.0,
            "population": 1000.0,
            "jobs": 500.0,
        }
    )
    ids = tables["zones"]["zone_id"].to_numpy()
    tables["zone_links"] = pd.DataFrame(
        {
            "zone_id": ids[zone],
            "link": np.arange(roads.n_links, dtype=np.int32),
            "weight": np.where(np.arange(roads.n_links) % 3 == 0, 2.0, 1.0).astype(np.float32),
        }
    )
    pairs = [(a, b) for a in ids for b in ids]
    tables["od"] = pd.DataFrame(
        {
            "origin": np.array([a for a, _ in pairs], np.int32),
            "destination": np.array([b for _, b in pairs], np.int32),
            "trips_per_day": np.full(len(pairs), trips_per_day / len(pairs), np.float32),
        }
    )
    share = SHARES / SHARES.sum()
    tables["trip_profile"] = pd.DataFrame(
        {"hour": np.arange(24), "weekday": share, "weekend": 0.8 * np.roll(share, 2)}
    )
    meta = Meta(name="grid", title={"en": "Grid"}, timezone="UTC", synthesised=True)
    return City(meta, roads, tables)
