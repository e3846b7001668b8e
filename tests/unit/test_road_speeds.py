"""Speeds of groups of roads: known answers on made tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from tests.support.cities import grid_city
from twin.city.model import City
from twin.core.units import KMH
from twin.metrics.road_speeds import (
    link_speeds,
    published_beside_simulated,
    roads_speed,
)


def rows(*entries: tuple[float, int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(entries, columns=["t", "link", "vehicles", "speed_mps"])


def test_intervals_count_by_their_vehicles_and_belong_to_the_span_in_which_they_end() -> None:
    # Interval ends at 0 (before) and 900 (after) are outside; 3 x 4 m/s and 9 x 1 m/s are inside.
    table = rows(
        (0.0, 1, 50.0, 12.0), (300.0, 1, 3.0, 4.0), (600.0, 1, 9.0, 1.0), (900.0, 1, 7.0, 9.0)
    )
    speeds = link_speeds(table, 3, 0.0, 600.0)
    assert speeds[1] == pytest.approx((3 * 4 + 9 * 1) / 12)
    assert np.isnan(speeds[[0, 2]]).all()


def test_roads_are_driven_once_each() -> None:
    # 100 m at 10 m/s and 300 m at 5 m/s take 70 s.
    assert roads_speed(np.array([100.0, 300.0]), np.array([10.0, 5.0])) == pytest.approx(400 / 70)
    # 100 m of 400 m say too little.
    assert roads_speed(np.array([100.0, 300.0]), np.array([10.0, np.nan])) is None
    assert roads_speed(np.array([100.0, 50.0]), np.array([10.0, np.nan])) == pytest.approx(10.0)
    assert roads_speed(np.array([]), np.array([])) is None


def published(city: City, **changes: object) -> City:
    row = {
        "measure": "speed",
        "title_en": "roads",
        "title_ko": "도로",
        "from_h": 18.0,
        "to_h": 20.0,
        "classes": "2 3",
        "min_free_kmh": 0.0,
        "districts": "",
        "kmh": 19.8,
        "year": 2025,
        "source": "a paper",
    }
    city.tables["published_speeds"] = pd.DataFrame([row | changes])
    return city


def city_of_two_districts() -> City:
    """Return a grid of links of class 2, six of class 4, whose west is a district."""
    city = grid_city(4, 4)
    net = city.network
    kind = np.full(net.n_links, 2, net.link_class.dtype)
    kind[:6] = 4
    city.network = replace(net, link_class=kind)
    lon, lat = net.node_lon, net.node_lat
    half = 0.5 * (lon.min() + lon.max())
    west = shapely.box(lon.min() - 0.01, lat.min() - 0.01, half, lat.max() + 0.01)
    city.tables["districts"] = pd.DataFrame(
        {
            "district": ["west side"],
            "name_en": ["west side"],
            "name_ko": ["서쪽"],
            "polygon_wkb": [shapely.to_wkb(west)],
        }
    )
    return city


def all_links(city: City, t: float, speed: np.ndarray) -> pd.DataFrame:
    n = city.network.n_links
    return pd.DataFrame({"t": t, "link": np.arange(n), "vehicles": 2.0, "speed_mps": speed})


def test_classes_districts_and_the_part_of_the_span_that_was_run() -> None:
    city = published(city_of_two_districts())
    net = city.network
    middle = 0.5 * (net.node_lon[net.link_from] + net.node_lon[net.link_to])
    west = middle < 0.5 * (net.node_lon.min() + net.node_lon.max())
    speed = np.where(net.link_class == 4, 1.0, np.where(west, 5.0, 10.0))
    table = all_links(city, 18.5 * 3600, speed)
    main = net.link_class == 2
    seconds = (net.link_length[main] / speed[main]).sum()
    [row] = published_beside_simulated(city, table, 17.0 * 3600, 19.0 * 3600)
    assert row["simulated_kmh"] == pytest.approx(net.link_length[main].sum() / seconds / KMH)
    assert (row["from_h"], row["to_h"]) == (18.0, 19.0)
    [row] = published_beside_simulated(published(city, districts="west side"), table, 0.0, 86_400.0)
    assert row["simulated_kmh"] == pytest.approx(5.0 / KMH)
    # Nothing is that fast, and a run before the span covers none of it.
    [row] = published_beside_simulated(published(city, min_free_kmh=200.0), table, 0.0, 86_400.0)
    assert row["simulated_kmh"] is None
    [row] = published_beside_simulated(published(city), table, 6.0 * 3600, 18.0 * 3600)
    assert (row["simulated_kmh"], row["from_h"], row["published_kmh"]) == (None, None, 19.8)


def test_a_city_that_publishes_nothing_has_no_rows() -> None:
    city = grid_city(3, 3)
    assert published_beside_simulated(city, rows(), 0.0, 3600.0) == []
