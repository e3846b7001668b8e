"""Formulas of queues and distances: the books' own figures."""

from __future__ import annotations

import numpy as np
import pytest

from twin.queueing.distance import NEW_YORK_1975, SQUARE_ROOT, kth_nearest, mean_distance
from twin.queueing.erlang import erlang_b, erlang_c, mean_wait, waits_by_class
from twin.queueing.hypercube import MOST_EXACT, approximate, corrections, exact

# Larson and Odoni 1981, Urban Operations Research, 5.4.3 and 5.5.3: three units, four areas.
RATES = [0.50, 0.25, 0.35, 0.40]
LISTS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 0, 1]]


@pytest.mark.parametrize(
    ("load", "servers", "lost", "waits"),
    [
        (1.5, 3, 0.134328, 0.236842),
        (2.0, 4, 0.095238, 0.173913),
        (5.0, 8, 0.070048, 0.167267),
        (8.0, 10, 0.121661, 0.409180),
        (16.0, 20, 0.064411, 0.256078),
        (18.0, 20, 0.109213, 0.550769),
        (8.75, 16, 0.009020, 0.019691),
    ],
)
def test_tables_of_erlang(load, servers, lost, waits):
    assert erlang_b(load, servers) == pytest.approx(lost, abs=5e-7)
    assert erlang_c(load, servers) == pytest.approx(waits, abs=5e-7)


def test_waits_of_a_service_of_sixteen_ambulances_and_of_three_classes():
    assert 45.0 * mean_wait(8.75, 16) == pytest.approx(0.1222, abs=5e-5)
    assert 45.0 * mean_wait(8.75, 16) / erlang_c(8.75, 16) == pytest.approx(6.2069, abs=5e-5)
    known = [0.181941, 0.404313, 1.132075]
    assert waits_by_class([1.2, 1.0, 0.8], 4) == pytest.approx(known, abs=5e-7)
    assert waits_by_class([3.0], 4) == pytest.approx([mean_wait(3.0, 4)])


def test_nothing_settles_without_enough_servers():
    with pytest.raises(ValueError, match="too much for 3"):
        erlang_c(3.0, 3)
    with pytest.raises(ValueError, match="not negative"):
        erlang_b(-1.0, 3)
    with pytest.raises(ValueError, match="at least one"):
        erlang_b(1.0, 0)


def test_three_units_of_the_book():
    found = exact(RATES, LISTS, 1.0)
    assert found.busy == pytest.approx([0.557364, 0.473372, 0.469264], abs=1e-6)
    assert found.all_busy == pytest.approx(erlang_c(1.5, 3))
    lost = exact(RATES, LISTS, 1.0, queue=False)
    assert lost.busy == pytest.approx([0.497905, 0.402631, 0.397971], abs=1e-6)
    assert lost.all_busy == pytest.approx(erlang_b(1.5, 3))
    near = approximate(RATES, LISTS, 1.0)
    assert near.busy == pytest.approx([0.562631, 0.471704, 0.465665], abs=1e-6)
    assert corrections(1.5, 3) == pytest.approx([1.0, 0.736842, 0.631579], abs=1e-6)
    # The unit of time is nobody's business.
    minutes = exact(np.array(RATES) / 2700.0, LISTS, 2700.0)
    assert minutes.busy == pytest.approx(found.busy)


@pytest.mark.parametrize("queue", [True, False])
@pytest.mark.parametrize("units", [2, 4, 7, 10])
def test_the_approximation_is_near_the_exact_chain(units, queue):
    rng = np.random.default_rng(units)
    lists = np.array([rng.permutation(units) for _ in range(3 * units)])
    rates = rng.random(3 * units)
    rates *= 0.55 * units / rates.sum()
    true, near = (solve(rates, lists, 1.0, queue=queue) for solve in (exact, approximate))
    assert near.all_busy == pytest.approx(true.all_busy)
    assert near.busy.sum() == pytest.approx(true.busy.sum())
    assert np.abs(near.busy - true.busy).max() < 0.03 * true.busy.mean()
    for one in (true, near):
        assert one.sent.sum(axis=1) == pytest.approx(1.0)
    # All work that is done is done by somebody: no unit's share is made up.
    if not queue:
        done = rates @ true.sent * (1.0 - true.all_busy)
        assert done == pytest.approx(true.busy)
    times = rng.random(lists.shape)
    assert near.mean_travel(rates, times) == pytest.approx(true.mean_travel(rates, times), rel=0.02)


def test_units_without_preferences_are_equally_busy():
    cyclic = [np.roll(np.arange(6), -k) for k in range(6)]
    for solve in (exact, approximate):
        found = solve(np.ones(6), cyclic, 0.5)
        assert found.busy == pytest.approx(0.5)
    many = approximate(np.ones(160), [np.roll(np.arange(160), -k) for k in range(160)], 0.5)
    assert many.busy == pytest.approx(0.5)
    assert many.sent.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rates", "lists", "said"),
    [
        ([1.0], [[0, 1], [1, 0]], "each area"),
        ([1.0, -1.0], [[0, 1], [1, 0]], "not negative"),
        ([1.0, 1.0], [[0, 0], [1, 0]], "every unit once"),
        ([1.0, 1.0], [[0, 1], [1, 0]], "too much for 2"),
    ],
)
def test_rubbish_is_refused(rates, lists, said):
    for solve in (exact, approximate):
        with pytest.raises(ValueError, match=said):
            solve(rates, lists, 1.0)


def test_too_many_units_for_the_exact_chain():
    n = MOST_EXACT + 1
    with pytest.raises(ValueError, match="too many to solve exactly"):
        exact([1.0], [np.arange(n)], 1.0)


def test_laws_of_distance():
    known = {
        ("poisson", "euclid"): 0.5,
        ("poisson", "grid"): 0.626657,
        ("square", "euclid"): 0.382598,
        ("square", "grid"): 0.5,
        ("hexagon", "euclid"): 0.377197,
        ("diamond", "grid"): 0.471405,
    }
    assert known == pytest.approx(SQUARE_ROOT, abs=5e-7)
    assert mean_distance(4.0) == pytest.approx(0.25)
    assert mean_distance(0.25, stations="square", streets="grid") == pytest.approx(1.0)
    assert [kth_nearest(1.0, k) for k in (1, 2, 3, 4)] == pytest.approx(
        [0.5, 0.75, 0.9375, 1.09375]
    )
    assert NEW_YORK_1975([0.25, 0.5, 1.0, 2.0]) == pytest.approx([1.05, 1.5, 2.35, 4.05], abs=0.002)
    a, v = NEW_YORK_1975.acceleration, NEW_YORK_1975.cruising
    join = v * v / a
    assert NEW_YORK_1975(join) == pytest.approx(2.0 * v / a)
    assert NEW_YORK_1975(join + 1e-9) == pytest.approx(NEW_YORK_1975(join))
