"""Corridor speeds: where they run, how fast, and how far from the observed."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from calibration.speeds import corridor_links, corridor_speed, score
from twin.network.generate import grid
from twin.network.geometry import Projection


def test_a_corridor_finds_the_links_of_its_own_direction() -> None:
    network = grid(3, 4, 300.0, 1, 13.9)
    x = np.unique(network.node_x.round(3))
    y = float(np.unique(network.node_y.round(3))[1])
    lon, lat = Projection(network.lon0, network.lat0).inverse(x[[0, -1]], np.array([y, y]) + 8.0)
    east = corridor_links(shapely.LineString(np.stack([lon, lat], axis=-1)), network)
    west = corridor_links(shapely.LineString(np.stack([lon, lat], axis=-1)[::-1]), network)
    assert (east >= 0).all()
    run = network.node_x[network.link_to[east]] - network.node_x[network.link_from[east]]
    assert (run > 0.0).all()
    assert len(np.unique(east)) == len(x) - 1
    assert not set(east) & set(west)


def test_a_corridor_speed_is_the_harmonic_mean_of_what_is_known() -> None:
    speed = np.array([5.0, 20.0, np.nan])
    assert corridor_speed(np.array([0, 1]), speed) == pytest.approx(8.0)
    assert corridor_speed(np.array([0, 1, 1, -1]), speed) == pytest.approx(3 / (0.2 + 0.1))
    assert np.isnan(corridor_speed(np.array([0, 2, -1]), speed))


def test_score_of_known_differences() -> None:
    observed = np.array([10.0, 10.0, 5.0, np.nan])
    simulated = np.array([10.5, 8.0, 5.0, 3.0])
    found = score(observed, simulated)
    assert found.corridors == 3
    assert found.bias_mps == pytest.approx(-0.5)
    assert found.rmse_mps == pytest.approx(np.sqrt((0.25 + 4.0) / 3.0))
    assert found.within_15_percent == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no corridor"):
        score(np.array([np.nan]), np.array([1.0]))
