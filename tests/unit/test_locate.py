"""Places on the road: known answers on a grid."""

import numpy as np
import pytest

from twin.core.errors import InputError, NotFoundError
from twin.network.generate import grid
from twin.network.geometry import Polylines, Projection, wrap
from twin.network.graph import RoadClass
from twin.network.locate import Locator, opposite_links

NETWORK = grid(3, 4, spacing_m=100.0)
LOCATOR = Locator(NETWORK)


def lonlat(x, y):
    return Projection(0.0, 0.0).inverse(x, y)


def link(a, b):
    return int(np.flatnonzero((NETWORK.link_from == a) & (NETWORK.link_to == b))[0])


def test_right_hand_side_decides_the_direction():
    # The street from node 4 to node 5 runs east at y = 0, from x = -150 to x = -50.
    below = LOCATOR.nearest(*lonlat(-120.0, -7.0))
    above = LOCATOR.nearest(*lonlat(-120.0, 7.0))
    assert (below.link, above.link) == (link(4, 5), link(5, 4))
    assert below.pos_m == pytest.approx(30.0, abs=0.01)
    assert above.pos_m == pytest.approx(70.0, abs=0.01)


def test_many_at_once_agree_with_one_by_one():
    rng = np.random.default_rng(5)
    lon, lat = lonlat(*rng.uniform(-200.0, 200.0, (2, 50)))
    links, pos, distance = LOCATOR.nearest_many(lon, lat)
    for k in range(50):
        place = LOCATOR.nearest(lon[k], lat[k])
        assert (place.link, place.pos_m) == (links[k], pos[k])
    x, y = LOCATOR.xy(links, pos)
    px, py = Projection(0.0, 0.0).forward(lon, lat)
    np.testing.assert_allclose(np.hypot(x - px, y - py), distance, atol=1e-3)


def test_nearest_is_nearest_by_brute_force():
    rng = np.random.default_rng(6)
    x, y = rng.uniform(-250.0, 250.0, (2, 40))
    _, _, distance = LOCATOR.nearest_many(*lonlat(x, y))
    along = np.linspace(0.0, 100.0, 401)
    every = np.repeat(np.arange(NETWORK.n_links), len(along))
    gx, gy = LOCATOR.xy(every, np.tile(along, NETWORK.n_links))
    brute = np.hypot(x[:, None] - gx, y[:, None] - gy).min(axis=1)
    np.testing.assert_allclose(distance, brute, atol=0.15)


def test_positions_along_a_link():
    x, y = LOCATOR.xy(link(4, 5), 25.0)
    assert (float(x), float(y)) == pytest.approx((-125.0, 0.0), abs=1e-3)
    lon, lat = LOCATOR.lonlat([link(4, 5)] * 2, [0.0, 1e9])
    np.testing.assert_allclose(lon, NETWORK.node_lon[[4, 5]], atol=1e-9)
    np.testing.assert_allclose(lat, NETWORK.node_lat[[4, 5]], atol=1e-9)


def test_too_far():
    with pytest.raises(NotFoundError, match="no road lies within 500 m"):
        LOCATOR.nearest(0.1, 0.0, max_m=500.0)


@pytest.mark.parametrize("point", [(np.nan, 0.0), (0.0, 200.0), (np.inf, 0.0)])
def test_off_the_globe(point):
    with pytest.raises(InputError, match="not on the globe"):
        LOCATOR.nearest(*point)


def test_no_points_at_all():
    assert [len(part) for part in LOCATOR.nearest_many([], [])] == [0, 0, 0]


def test_only_usable_links_are_found():
    usable = np.zeros(NETWORK.n_links, np.bool_)
    usable[link(0, 1)] = True
    place = Locator(NETWORK, usable=usable).nearest(*lonlat(120.0, 90.0))
    assert place.link == link(0, 1)


def test_opposite_links_are_the_other_direction():
    twin = opposite_links(NETWORK)
    assert (twin >= 0).all()
    assert (NETWORK.link_from[twin] == NETWORK.link_to).all()
    assert (twin[twin] == np.arange(NETWORK.n_links)).all()


def test_projection_is_true_to_length_and_returns():
    seoul = Projection(127.0, 37.55)
    lon, lat = np.asarray([126.8, 127.0, 127.2]), np.asarray([37.4, 37.55, 37.7])
    x, y = seoul.forward(lon, lat)
    back = seoul.inverse(x, y)
    np.testing.assert_allclose(back[0], lon, atol=1e-9)
    np.testing.assert_allclose(back[1], lat, atol=1e-9)
    # One minute of latitude at 37.55 degrees north is 1,849.8 m on WGS84.
    _, (low, high) = seoul.forward([127.0, 127.0], [37.55, 37.55 + 1 / 60])
    assert high - low == pytest.approx(1849.8, abs=0.2)


def test_points_on_bent_lines():
    lines = Polylines(np.asarray([0, 3, 5]), np.asarray([0.0, 3, 3, 0, 10]), np.zeros(5))
    lines = Polylines(lines.ptr, lines.x, np.asarray([0.0, 0, 4, 5, 5]))
    assert lines.length.tolist() == [7.0, 10.0]
    x, y = lines.at(np.asarray([0, 0, 1]), np.asarray([5.0, 99.0, 2.5]))
    assert x.tolist() == [3.0, 3.0, 2.5]
    assert y.tolist() == [2.0, 4.0, 5.0]


def test_wrap_keeps_the_half_turn_positive():
    angles = wrap(np.asarray([np.pi, -np.pi, 3 * np.pi, 0.5]))
    np.testing.assert_allclose(angles, [np.pi, np.pi, np.pi, 0.5])


def test_grid_is_what_it_says():
    assert (NETWORK.n_nodes, NETWORK.n_links) == (12, 34)
    assert NETWORK.node_id.tolist() == list(range(12))
    np.testing.assert_allclose(NETWORK.node_x[:4], [-150, -50, 50, 150], atol=1e-6)
    np.testing.assert_allclose(NETWORK.node_y[::4], [-100, 0, 100], atol=1e-6)
    assert (NETWORK.link_class == RoadClass.SECONDARY).all()
    assert (NETWORK.node_signal < 0).sum() == 4
    assert grid(3, 3, signals=False).n_signals == 0
