"""Laws of distance: by counting, and through replays in cities of travel times."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from tests.support.queueing import close
from tests.support.table_city import region, replayed
from twin.queueing.distance import NEW_YORK_1975, SQUARE_ROOT, kth_nearest, mean_distance

pytestmark = pytest.mark.verify

NORM = {"euclid": 2, "grid": 1}


@pytest.mark.parametrize("streets", NORM)
def test_stations_at_random(streets):
    # On a torus, so that no place lies at an edge.
    means: list[list[float]] = [[], [], [], []]
    for seed in range(400):
        rng = np.random.default_rng(seed)
        n = int(rng.poisson(2500))
        tree = cKDTree(rng.random((n, 2)), boxsize=1.0)
        far, _ = tree.query(rng.random((4000, 2)), k=4, p=NORM[streets])
        for k in range(4):
            means[k].append(float(far[:, k].mean()))
    assert close(means[0], mean_distance(2500.0, stations="poisson", streets=streets))
    if streets == "euclid":
        for k in range(4):
            assert close(means[k], kth_nearest(2500.0, k + 1))


@pytest.mark.parametrize(
    ("stations", "streets", "first", "second"),
    [
        ("square", "euclid", (1.0, 0.0), (0.0, 1.0)),
        ("square", "grid", (1.0, 0.0), (0.0, 1.0)),
        ("hexagon", "euclid", (1.0, 0.0), (0.5, math.sqrt(0.75))),
        ("diamond", "grid", (1.0, 1.0), (1.0, -1.0)),
    ],
)
def test_stations_in_cells(stations, streets, first, second):
    lattice = np.array([first, second])
    density = 1.0 / abs(np.linalg.det(lattice))
    around = np.arange(-3, 4)
    points = np.array([a * lattice[0] + b * lattice[1] for a in around for b in around])
    tree = cKDTree(points)
    means = []
    for seed in range(20):
        at = np.random.default_rng(seed).random((100_000, 2)) @ lattice
        means.append(float(tree.query(at, p=NORM[streets])[0].mean()))
    assert close(means, mean_distance(density, stations=stations, streets=streets))


@pytest.mark.parametrize("streets", NORM)
def test_nearest_units_of_a_replay_stand_as_far_as_the_square_root_law_says(tmp_path, streets):
    # Four stations in the cells of a torus of 2 by 2 km, a call from every 125 m, far apart in
    # time: what is driven is the distance to the nearest station.
    stations = [(500.0 + 1000.0 * a, 500.0 + 1000.0 * b) for a in range(2) for b in range(2)]
    side = np.arange(62.5, 2000.0, 125.0)
    places = np.array([*stations, *((x, y) for x in side for y in side)])
    gap = np.abs(places[:, None] - places)
    far = np.linalg.norm(np.minimum(gap, 2000.0 - gap), ord=NORM[streets], axis=2)
    mps = 10.0
    city = region(tmp_path, (far / mps).tolist(), [0, 1, 2, 3], [0], xy=places.tolist())
    text = "id,t,place,dispatch_delay_s,scene_s,transport\n" + "".join(
        f"{k},{1200 * k},p{k + 4},0,0,no\n" for k in range(len(side) ** 2)
    )
    calls, _ = replayed(city, tmp_path, text)
    known = 1000.0 * SQUARE_ROOT["square", streets]
    assert mps * calls["response_s"].mean() == pytest.approx(known, rel=0.01)


def test_drives_of_a_replay_follow_kolesars_curve(tmp_path):
    miles = np.linspace(0.0, 3.0, 61)
    gap = np.abs(miles[:, None] - miles)
    minutes = NEW_YORK_1975(gap)
    city = region(tmp_path, (60.0 * minutes).tolist(), [0], [0])
    text = "id,t,place,dispatch_delay_s,scene_s,transport\n" + "".join(
        f"{k},{3600 * k},p{k},0,0,no\n" for k in range(len(miles))
    )
    calls, _ = replayed(city, tmp_path, text)
    driven = calls["response_s"].to_numpy() / 60.0
    for far, known in ((0.25, 1.05), (0.5, 1.5), (1.0, 2.35), (2.0, 4.05)):
        assert driven[round(far / 0.05)] == pytest.approx(known, rel=0.01)
    assert driven == pytest.approx(minutes[0], abs=1e-6)
