"""Searches that end when the least is known: what they leave out can never be the least."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.random import Streams
from twin.network.generate import grid
from twin.network.graph import Network, Place
from twin.network.sides import both_sides
from twin.traffic.anchors import (
    MORE,
    ROUGH_SEARCHES_A_TREE,
    SEARCHES_A_TREE,
    Anchors,
    AnchorsByTraffic,
)
from twin.traffic.kernels.anchored import NOTHING
from twin.traffic.unit_router import UnitRouter


@pytest.fixture(scope="module")
def network() -> Network:
    return grid(8, 7, 200.0, 2, 10.0)


def noisy(network: Network, seed: int) -> UnitRouter:
    rng = np.random.default_rng(seed)
    router = UnitRouter(network)
    router.set_costs((network.free_flow_s * rng.uniform(0.5, 3.0, network.n_links)).astype("f4"))
    router.set_closed(rng.random(network.n_links) < 0.1)
    router.set_banned(rng.choice(network.n_turns, 30, replace=False).astype(np.int32))
    return router


def places(network: Network, rng: np.random.Generator, n: int) -> list[Place]:
    links = rng.integers(network.n_links, size=n).tolist()
    return [Place(k, float(x)) for k, x in zip(links, rng.uniform(0, 200, n), strict=True)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_least_sum_is_the_same_and_what_is_found_is_exact(network, seed):
    rng = np.random.default_rng(seed)
    router = noisy(network, seed)
    for n in (1, 2, 12):
        units, goal = places(network, rng, n), places(network, rng, 1)[0]
        units[-1] = Place(goal.link, units[-1].pos_m)
        beside = rng.choice([0.0, 30.0], n)
        for whole, early in (
            (router.etas(units, goal), router.etas(units, goal, beside)),
            (router.travel_times(goal, units), router.travel_times(goal, units, beside)),
        ):
            found = np.isfinite(early)
            assert (early[found] == whole[found]).all()
            if np.isfinite(whole).any():
                assert np.argmin(early + beside) == np.argmin(whole + beside)
            else:
                assert not found.any()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_anchors_change_neither_the_first_nor_its_way(network, seed):
    rng = np.random.default_rng(seed)
    plain, anchored = noisy(network, seed), noisy(network, seed)
    plain.keeps_way = anchored.keeps_way = True
    least = (np.float32(0.5) * network.free_flow_s).astype("f4")
    links = rng.integers(network.n_links, size=5)
    for name, towards in (("near", False), ("far", True)):
        for router in (plain, anchored):
            setattr(router, name, Anchors(network, least, links, towards=towards))
        getattr(anchored, name).known(anchored._rows.row_of, at_once=True)
    for n in (1, 2, 12):
        units, goal = places(network, rng, n), places(network, rng, 1)[0]
        units[0] = Place(int(links[0]), units[0].pos_m)
        units[-1] = Place(goal.link, units[-1].pos_m)
        beside = rng.choice([0.0, 30.0], n)
        on_the_move = rng.random(n) < 0.5
        for ask, ends, moving in (
            ("etas", (units, goal), None),
            ("etas", (units, goal), on_the_move),
            ("travel_times", (goal, units), False),
            ("travel_times", (goal, units), True),
        ):
            want, got = (
                getattr(router, ask)(*ends, beside, moving=moving) for router in (plain, anchored)
            )
            both = np.isfinite(got) & np.isfinite(want)
            assert (got[both] == want[both]).all()
            assert np.argmin(got + beside) == np.argmin(want + beside)
    assert plain._found.keys() == anchored._found.keys()
    assert plain.near.known(plain._rows.row_of) is NOTHING
    for ends, way in plain._found.items():
        assert way.tolist() == anchored._found[ends].tolist()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_way_that_is_driven_is_the_one_that_was_found_for_the_first(network, seed):
    rng = np.random.default_rng(seed)
    keeps, seeks = noisy(network, seed), noisy(network, seed)
    keeps.keeps_way = True
    links = rng.integers(network.n_links, size=5)
    for router in (keeps, seeks):
        router.near = Anchors(network, router.times, links, towards=False)
    units, goal = places(network, rng, 8), places(network, rng, 1)[0]
    units[0] = Place(int(links[0]), units[0].pos_m)
    beside, moving = rng.choice([0.0, 30.0], 8), rng.random(8) < 0.5
    keeps.etas(units, goal, beside, moving=moving)
    for (start, end, on_the_move), way in keeps._found.items():
        assert end == goal
        assert seeks.way(start, goal, moving=on_the_move).links.tolist() == way.tolist()
    assert len(keeps._found) <= 1
    seeks.etas(units, goal, beside, moving=moving)
    assert not seeks._found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit=st.floats(0.0, 400.0))
def test_what_is_found_within_a_limit_is_all_and_exact(network, seed, limit):
    rng = np.random.default_rng(seed)
    router = noisy(network, seed)
    units, goal = places(network, rng, 9), places(network, rng, 1)[0]
    units[0] = Place(goal.link, units[0].pos_m)
    whole, near = router.etas(units, goal), router.etas(units, goal, within_s=limit)
    assert (near[whole <= limit] == whole[whole <= limit]).all()
    assert ((near == whole) | np.isinf(near)).all()


def test_anchors_are_worked_out_when_searches_have_cost_as_much(network):
    rows = UnitRouter(network)._rows
    anchors = Anchors.of(network, network.free_flow_s, np.array([3, 40, 3]), towards=True)
    for _ in range(2 * SEARCHES_A_TREE):
        assert anchors.known(rows.row_of) is NOTHING
    known = anchors.known(rows.row_of)
    assert known.anchor_of[[3, 40, 5]].tolist() == [0, 1, -1]
    tree, _ = UnitRouter(network).tree_to(40)
    away = known.bounds[rows.row_of[7], 1]
    assert away == pytest.approx(tree[7] + network.free_flow_s[7])
    again = Anchors.of(network, network.free_flow_s.copy(), np.array([3, 40, 3]), towards=True)
    assert again is anchors
    other = Anchors.of(network, network.free_flow_s, np.array([3, 40, 3]), towards=False)
    assert other is not anchors
    none = Anchors(network, network.free_flow_s, np.empty(0, np.int32), towards=True)
    assert none.known(rows.row_of) is NOTHING


@pytest.mark.parametrize("seed", range(15))
def test_the_way_that_is_kept_is_a_fastest_way_until_costs_change(network, seed):
    rng = np.random.default_rng(seed)
    router = noisy(network, seed)
    origin, *goals = places(network, rng, 6)

    def seconds(of: UnitRouter, goal: Place) -> float:
        links, begin_m, end_m, stop = of.way(origin, goal)
        assert stop in {goal, origin}
        return of.seconds_of(links, begin_m, end_m)

    plain = {goal: seconds(router, goal) for goal in goals}
    router.keeps_way, usual = True, router.times.copy()
    for beside in (None, np.zeros(len(goals))):
        etas = router.travel_times(origin, goals, beside)
        if not np.isfinite(etas).any():
            continue
        best = goals[int(np.argmin(etas))]
        assert seconds(router, best) == pytest.approx(plain[best], rel=1e-5, abs=0.04)
        assert etas.min() == pytest.approx(plain[best], rel=1e-5, abs=0.04)
        way = router.way(origin, best).links
        slow = np.array([way[len(way) // 2]])
        router.set_costs_of(slow, np.array([500.0], np.float32))
        other = noisy(network, seed)
        other.set_costs_of(slow, np.array([500.0], np.float32))
        assert seconds(router, best) == pytest.approx(seconds(other, best), rel=1e-5, abs=0.04)
        router.set_costs(usual)


def test_costs_of_some_links_are_those_of_all(network):
    some, every = UnitRouter(network), UnitRouter(network)
    rng = np.random.default_rng(2)
    times = (network.free_flow_s * rng.uniform(0.3, 3.0, network.n_links)).astype("f4")
    every.set_costs(times)
    some.set_costs_of(np.arange(network.n_links), times)
    for a, b in rng.integers(network.n_links, size=(20, 2)).tolist():
        assert some.route(a, b).tolist() == every.route(a, b).tolist()


def test_bounds_of_empty_streets_serve_until_those_of_the_hour_are_worth_their_while(network):
    rows = UnitRouter(network)._rows
    least = network.free_flow_s
    kept = AnchorsByTraffic(network, least, np.array([3, 40], np.int32), towards=True)
    busy = kept.at(np.float32(1.5) * least)
    always = kept.at(least)
    known = [busy.known(rows.row_of) for _ in range(2 * ROUGH_SEARCHES_A_TREE + 1)]
    assert known[0] is NOTHING
    assert known[-2].bounds.size
    assert known[-2] is always.known(rows.row_of)
    assert (known[-1].bounds >= known[-2].bounds).all()
    assert (known[-1].bounds > known[-2].bounds).any()


def test_bounds_keep_up_with_traffic_and_always_hold(network):
    least = network.free_flow_s
    kept = AnchorsByTraffic(network, least, np.array([3, 40], np.int32), towards=True)
    quiet, busy = kept.at(least), kept.at(np.float32(1.5) * least)
    assert quiet.valid(least)
    assert busy.valid(np.float32(1.5) * least)
    assert not busy.valid(least)
    assert busy.total_s == pytest.approx(1.45 * quiet.total_s, rel=1e-6)
    assert kept.at(np.float32(1.47) * least) is busy
    # One street without a queue, and the bounds of the busy hour do not hold.
    but_one = np.float32(1.5) * least
    but_one[7] = least[7]
    assert kept.at(but_one) is not busy
    # However the traffic changes, there are few sets.
    sets = {id(kept.at(np.float32(factor) * least)) for factor in np.arange(1.0, 9.0, 0.25)}
    assert 1 < len(sets) <= 1 + MORE


def test_a_lent_stream_is_the_stream():
    streams = Streams(5, 2)
    for k in range(20):
        lent = streams.lent("turnout", k)
        fresh = streams.stream("turnout", k)
        assert (lent.standard_normal(3) == fresh.standard_normal(3)).all()
        assert lent.integers(9, dtype=np.uint32) == fresh.integers(9, dtype=np.uint32)
        assert lent.random() == fresh.random()


def test_least_times_are_near_where_streets_are_as_anchors_know_them(network):
    rng = np.random.default_rng(4)
    router = UnitRouter(network)
    router.set_costs(network.free_flow_s)
    units, goals = places(network, rng, 20), places(network, rng, 8)
    links = np.array([goal.link for goal in goals], np.int32)
    router.home = Anchors(
        network, network.free_flow_s, both_sides(links, router.across), towards=True
    )
    least = router.least_times(units, goals, np.zeros(20, np.bool_))
    assert least is not None
    for unit, row in zip(units, least, strict=True):
        found = router.travel_times(unit, goals)
        # Anchors do not tell how long it takes round the block to a goal behind on the same link.
        told = np.array([goal.link not in both_sides([unit.link], router.across) for goal in goals])
        assert (row <= found).all()
        assert (row >= found - 0.11)[told].all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_times_to_anchors_are_those_of_trees(network, seed):
    rng = np.random.default_rng(seed)
    plain, anchored = noisy(network, seed), noisy(network, seed)
    least = (np.float32(0.5) * network.free_flow_s).astype("f4")
    units, goals = places(network, rng, 9), places(network, rng, 6)
    units[0] = Place(goals[0].link, units[0].pos_m)
    links = np.array([goal.link for goal in goals], np.int32)
    anchored.home = Anchors(network, least, both_sides(links, plain.across), towards=True)
    assert anchored._to_anchors(links) is not None
    for unit in units:
        want, got = (router.travel_times(unit, goals) for router in (plain, anchored))
        assert got.tolist() == want.tolist()
    moving = rng.random(len(units)) < 0.5
    at_least = anchored.least_times(units, goals, moving)
    assert plain.least_times(units, goals, moving) is None
    assert at_least is not None
    for unit, m, row in zip(units, moving, at_least, strict=True):
        assert (row <= anchored.travel_times(unit, goals, moving=bool(m))).all()
    for goal in goals:
        want, got = (router.etas(units, goal) for router in (plain, anchored))
        assert got == pytest.approx(want, rel=1e-6)
        each = [
            anchored.travel_times(unit, [goal], moving=bool(m))[0]
            for unit, m in zip(units, moving, strict=True)
        ]
        assert anchored.etas(units, goal, moving=moving).tolist() == each
        for unit in units:
            ways = [router.way(unit, goal).links.tolist() for router in (plain, anchored)]
            assert ways[0] == ways[1]
