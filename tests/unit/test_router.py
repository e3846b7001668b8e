from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from twin.core.random import Streams
from twin.network.generate import grid
from twin.network.graph import Network, Place, TurnKind
from twin.traffic.costs import SIREN_DELAY_SHARE, RoadCosts
from twin.traffic.kernels.both_sides import HERE_M
from twin.traffic.road_graph import LEFT_S, RIGHT_S, new_tree, turn_costs
from twin.traffic.unit_router import UnitRouter


@pytest.fixture(scope="module")
def network() -> Network:
    return grid(5, 6, 200.0, 2, 10.0, signals=False)


def oracle(router: UnitRouter) -> np.ndarray:
    """(L, L) seconds from the end of a link to the start of another, by SciPy.

    Vertex k is the end of link k; vertex L + k its start, entered by a turn.
    """
    n, graph = router.network.n_links, router.graph
    usable = np.isfinite(router.costs)
    ok = usable[graph.turn_to]
    rows = np.concatenate([graph.turn_from[ok], n + np.flatnonzero(usable)])
    cols = np.concatenate([n + graph.turn_to[ok], np.flatnonzero(usable)])
    # SciPy takes an explicit zero for a missing arc in some forms.
    weight = np.concatenate([graph.turn_cost[ok].astype(float), router.costs[usable]]) + 1e-9
    matrix = csr_matrix((weight, (rows, cols)), shape=(2 * n, 2 * n))
    return dijkstra(matrix)[:n, n:]


def noisy(network: Network, seed: int, share_closed: float = 0.0) -> UnitRouter:
    rng = np.random.default_rng(seed)
    router = UnitRouter(network)
    router.set_costs((network.free_flow_s * rng.uniform(1.0, 3.0, network.n_links)).astype("f4"))
    router.set_closed(rng.random(network.n_links) < share_closed)
    return router


def check_path(router: UnitRouter, path: np.ndarray, seconds: float) -> None:
    network = router.network
    total = 0.0
    for i, (a, b) in enumerate(itertools.pairwise(path.tolist())):
        turns = range(network.turn_ptr[a], network.turn_ptr[a + 1])
        turn = next(t for t in turns if network.turn_to[t] == b)
        total += float(router.graph.turn_cost[turn]) + (float(router.costs[a]) if i else 0.0)
    assert total == pytest.approx(seconds, rel=1e-4, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), closed=st.sampled_from([0.0, 0.1, 0.4]))
def test_every_search_agrees_with_scipy(network, seed, closed):
    router = noisy(network, seed, closed)
    truth = oracle(router)
    rng = np.random.default_rng(seed)
    goal = int(rng.integers(network.n_links))
    label, _ = router.tree_to(goal)
    np.testing.assert_allclose(label, truth[:, goal], rtol=1e-4, atol=1e-3)
    origins = rng.integers(0, network.n_links, 30)
    goals = rng.integers(0, network.n_links, 30)
    ptr, links = router.routes(origins, goals)
    times = router.times_of(ptr, links)
    for i, (a, b) in enumerate(zip(origins, goals, strict=True)):
        path = links[ptr[i] : ptr[i + 1]]
        best = router.route(int(a), int(b))
        if a == b:
            assert path.tolist() == [a]
        elif np.isinf(truth[a, b]):
            assert len(path) == len(best) == 0
        else:
            assert path[0] == best[0] == a
            assert path[-1] == best[-1] == b
            assert times[i] == pytest.approx(truth[a, b], rel=1e-4, abs=1e-3)
            check_path(router, path, truth[a, b])
            check_path(router, best, truth[a, b])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_predictions_agree_with_scipy(network, seed):
    router = noisy(network, seed, 0.05)
    truth = oracle(router)
    rng = np.random.default_rng(seed)
    links, along = rng.integers(network.n_links, size=9), rng.uniform(0, 200, 9)
    places = [Place(int(k), float(x)) for k, x in zip(links, along, strict=True)]
    goal = places.pop()

    def one_way(a: Place, b: Place) -> float:
        if a.link == b.link and b.pos_m >= a.pos_m - HERE_M:
            return max(b.pos_m - a.pos_m, 0.0) / 200.0 * router.times[a.link]
        rest = (1 - a.pos_m / 200.0) * router.times[a.link]
        return rest + truth[a.link, b.link] + b.pos_m / 200.0 * router.times[b.link]

    def sides(a: Place, *, start: bool) -> list[Place]:
        back = Place(int(router.across[a.link]), 200.0 - a.pos_m)
        return [a] if start and router.closed[back.link] else [a, back]

    def expected(a: Place, b: Place) -> float:
        ends = itertools.product(sides(a, start=True), sides(b, start=False))
        return min(one_way(*each) for each in ends)

    np.testing.assert_allclose(
        router.etas(places, goal), [expected(p, goal) for p in places], rtol=1e-4, atol=0.04
    )
    np.testing.assert_allclose(
        router.travel_times(goal, places), [expected(goal, p) for p in places], rtol=1e-4, atol=0.04
    )


def corner(network: Network) -> tuple[int, int, int]:
    """Return a link, the next one straight on, and one that a right turn leads to."""
    for k in range(network.n_links):
        turns = range(network.turn_ptr[k], network.turn_ptr[k + 1])
        to = {int(network.turn_kind[t]): int(network.turn_to[t]) for t in turns}
        if TurnKind.THROUGH in to and TurnKind.RIGHT in to:
            return k, to[TurnKind.THROUGH], to[TurnKind.RIGHT]
    raise AssertionError


def test_predictions_along_a_street(network):
    router = UnitRouter(network)
    a, straight, right = corner(network)
    turn = {int(network.turn_to[t]): t for t in range(*network.turn_ptr[a : a + 2])}
    straight_s, right_s = (float(router.graph.turn_cost[turn[b]]) for b in (straight, right))
    assert right_s >= straight_s + RIGHT_S
    got = router.etas([Place(a, 50.0), Place(straight, 20.0)], Place(straight, 100.0))
    assert got == pytest.approx([15.0 + straight_s + 10.0, 8.0])
    assert router.etas([Place(a, 150.0)], Place(right, 10.0)) == pytest.approx([6.0 + right_s])


def test_a_goal_behind_is_reached_by_going_round_where_the_side_is_kept(network):
    router = UnitRouter(network)
    a, _, _ = corner(network)
    moving = np.array([True])
    round_trip = router.etas([Place(a, 150.0)], Place(a, 50.0), moving=moving)[0]
    # Nobody turns round at these corners: the rest of the link, three sides of a block, 50 m.
    assert 5.0 + 60.0 + 5.0 < round_trip < 10.0 + 60.0 + 4 * 10.0
    way = router.way(Place(a, 150.0), Place(a, 50.0), moving=True)
    assert way.links[0] == a
    assert len(way.links) >= 2
    assert way.stop == Place(a, 50.0)
    way = router.way(Place(a, 60.0), Place(a, 50.0), moving=True)
    assert way.links.tolist() == [a]
    assert way.stop == Place(a, 60.0)


def test_a_closed_link_may_be_left_but_not_entered(network):
    router = UnitRouter(network)
    a, straight, _ = corner(network)
    closed = np.zeros(network.n_links, np.bool_)
    closed[straight] = True
    router.set_closed(closed)
    assert straight not in router.route(a, int(network.turn_to[network.turn_ptr[straight]]))
    closed[router.across[straight]] = True
    router.set_closed(closed)
    assert np.isinf(router.etas([Place(a, 0.0)], Place(straight, 50.0))[0])
    assert np.isfinite(router.etas([Place(straight, 10.0)], Place(a, 50.0))[0])
    assert router.etas([Place(straight, 10.0)], Place(straight, 50.0)) == pytest.approx([4.0])
    ptr = np.array([0, 2, 3], np.int32)
    assert router.through_closed(ptr, np.array([a, straight, straight])).tolist() == [True, False]


def test_trips_to_an_area_reach_their_link_at_little_more_than_the_least_time(network):
    rng = np.random.default_rng(5)
    router = noisy(network, 5)
    truth = oracle(router)
    area = (network.node_x[network.link_to] > 0).astype(int)
    near = np.flatnonzero(np.hypot(network.node_x, network.node_y)[network.link_to] < 250.0)
    origins = rng.integers(0, network.n_links, 400)
    goals = rng.choice(near, 400)
    ptr, links = router.routes(origins, goals, areas=area[goals])
    times = router.times_of(ptr, links)
    assert (links[ptr[:-1]] == origins).all()
    assert (links[ptr[1:] - 1] == goals).all()
    drives = origins != goals
    best = truth[origins, goals][drives]
    assert np.isfinite(times).all()
    assert (times[drives] >= best * (1 - 1e-4) - 1e-3).all()
    # The stated bound: the way is longer by at most the time between two links of the area.
    spread = max(
        router.costs[a] + truth[a, b]
        for zone in (0, 1)
        for a in near[area[near] == zone]
        for b in near[area[near] == zone]
        if a != b
    )
    assert (times[drives] <= best + spread + 1e-3).all()
    assert times[drives].sum() / best.sum() < 1.05


def test_areas_with_closures_never_lose_a_trip_that_has_a_way(network):
    router = noisy(network, 8, 0.25)
    truth = oracle(router)
    rng = np.random.default_rng(8)
    origins, goals = rng.integers(0, network.n_links, (2, 600))
    ptr, links = router.routes(origins, goals, areas=np.zeros(600, int))
    reachable = np.isfinite(truth[origins, goals]) | (origins == goals)
    assert ((np.diff(ptr) > 0) == reachable).all()
    assert not router.through_closed(ptr, links).any()


def test_threads_do_not_change_the_routes(network):
    rng = np.random.default_rng(2)
    origins, goals = rng.integers(0, network.n_links, (2, 500))
    one = UnitRouter(network, streams=Streams(3)).routes(origins, goals, areas=goals % 7, turn=2)
    two = UnitRouter(network, streams=Streams(3), threads=2).routes(
        origins, goals, areas=goals % 7, turn=2
    )
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])


def test_perception_spreads_trips_over_parallel_streets(network):
    a, b = 0, network.n_links - 2
    router = UnitRouter(network, streams=Streams(3))
    ways = {tuple(router.routes([a], [b], turn=turn)[1].tolist()) for turn in range(8)}
    assert len(ways) > 1
    again = {tuple(router.routes([a], [b], turn=turn)[1].tolist()) for turn in range(4, 12)}
    assert ways == again
    exact = UnitRouter(network)
    assert len({tuple(exact.routes([a], [b], turn=t)[1].tolist()) for t in range(8)}) == 1


def test_turn_costs_are_by_kind(network):
    cost = turn_costs(network)
    gives_way = network.turn_yield > 0
    left = network.turn_kind == TurnKind.LEFT
    assert (cost[left & ~gives_way] == LEFT_S).all()
    assert (cost[left & gives_way] > LEFT_S).all()
    assert (cost[(network.turn_kind == TurnKind.THROUGH) & ~gives_way] == 0).all()


def test_no_trips_and_scratch_of_the_right_size(network):
    router = UnitRouter(network)
    ptr, links = router.routes([], [])
    assert ptr.tolist() == [0]
    assert not len(links)
    assert len(new_tree(router.graph).heap) > network.n_turns


def test_delays_of_turns_are_avoided_and_bans_stay(network):
    router = UnitRouter(network)
    way = router.route(0, network.n_links - 2)
    used = _turn(network, way)
    before = float(router.times_of(np.array([0, len(way)], np.int32), way)[0])
    delay = np.zeros(network.n_turns, np.float32)
    delay[used[0]] = 7.0
    router.set_turn_delays(delay)
    assert router.times_of(np.array([0, len(way)], np.int32), way)[0] == pytest.approx(before + 7)
    delay[used[0]] = 10_000.0
    router.set_turn_delays(delay)
    other = router.route(0, network.n_links - 2)
    assert used[0] not in _turn(network, other)
    banned = _turn(network, other)[:1]
    router.set_banned(banned)
    router.set_turn_delays(np.zeros(network.n_turns, np.float32))
    assert not np.isfinite(router.times_of(np.array([0, len(other)], np.int32), other)[0])
    router.set_banned(banned[:0])
    assert router.times_of(np.array([0, len(way)], np.int32), way)[0] == pytest.approx(before)


def test_a_siren_loses_less_at_a_turn_than_others(network):
    costs = RoadCosts(network)
    delay = np.full(network.n_turns, 10.0, np.float32)
    costs.set_times(costs.undisturbed_s, delay)
    plain = turn_costs(network)
    assert costs.ordinary.graph.turn_cost == pytest.approx(plain + 10.0)
    assert costs.siren.graph.turn_cost == pytest.approx(plain + 10.0 * SIREN_DELAY_SHARE)


def _turn(network, way):
    return np.array(
        [
            np.flatnonzero((network.turn_from == a) & (network.turn_to == b))[0]
            for a, b in itertools.pairwise(way.tolist())
        ],
        np.int32,
    )
