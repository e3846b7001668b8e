from __future__ import annotations

import numpy as np
import pytest

from twin.network.generate import grid
from twin.network.graph import Network
from twin.traffic.congestion import STREET_CURVE
from twin.traffic.loading import WAVES, Loading, green_share
from twin.traffic.router import Router


@pytest.fixture(scope="module")
def network() -> Network:
    return grid(6, 6, 200.0, 1, 10.0)


def slice_of(network: Network, n: int = 160) -> tuple[np.ndarray, ...]:
    """Return trips across the city, from the links of one corner to those of the opposite one."""
    rng = np.random.default_rng(1)
    x, y = network.node_x, network.node_y
    south_west = np.flatnonzero((x + y)[network.link_from] < -600)
    north_east = np.flatnonzero((x + y)[network.link_to] > 600)
    goal = rng.choice(north_east, n)
    return rng.choice(south_west, n), goal, np.arange(n) % 16


def test_delay_at_capacity_is_that_of_the_curve(network):
    loading = Loading(Router(network), network.free_flow_s)
    capacity = network.link_capacity * green_share(network)
    assert loading.expected(np.zeros(network.n_links)) == pytest.approx(network.free_flow_s)
    assert loading.expected(capacity) == pytest.approx(network.free_flow_s * (1 + STREET_CURVE[0]))


def test_green_share_is_one_without_signals_and_below_with(network):
    share = green_share(network)
    signalled = network.node_signal[network.link_to] >= 0
    assert (share[~signalled] == 1).all()
    assert ((share[signalled] > 0.2) & (share[signalled] < 0.7)).all()


def test_waves_spread_the_load(network):
    origin, goal, area = slice_of(network)
    router = Router(network)
    measured = router.times.copy()
    loading = Loading(router, network.free_flow_s)
    _, links = router.routes(origin, goal, areas=area)
    alone = np.bincount(links, minlength=network.n_links) * 12.0
    total = np.zeros(network.n_links)
    for turn in range(8):
        ptr, links = loading.routes(origin, goal, area, len(origin), 300.0, turn=turn)
        assert (links[ptr[:-1]] == origin).all()
        assert (links[ptr[1:] - 1] == goal).all()
        total += np.bincount(links, minlength=network.n_links) * 12.0 / 8
    assert np.array_equal(router.times, measured)
    assert total.max() < 0.9 * alone.max()
    assert loading.expected(total) @ total < 0.95 * loading.expected(alone) @ alone


def test_flow_is_that_of_the_departing_trips_alone(network):
    origin, goal, area = slice_of(network, 100)
    loading = Loading(Router(network), network.free_flow_s)
    ptr, links = loading.routes(origin, goal, area, 40, 300.0, turn=3)
    expected = np.bincount(links[: ptr[40]], minlength=network.n_links) * 12.0
    assert loading.flow == pytest.approx(expected)
    loading.routes(origin, goal, area, 0, 0.0, turn=4)
    assert loading.flow == pytest.approx(expected)
    assert WAVES > 1
