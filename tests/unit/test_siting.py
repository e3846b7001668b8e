"""Where units should stand: values that JEMSS checks itself by, hand sums, and brute force."""

from __future__ import annotations

from itertools import combinations_with_replacement, permutations

import numpy as np
import pytest

from twin.agents.deployment.programs import covered
from twin.agents.deployment.siting import (
    FARTHEST_S,
    free_shares,
    nest_cover,
    site_cover,
    site_median,
)

COVER = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]], bool)
METHODS = ["exact", "heuristic"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("n", "value", "counts"), [(1, 4.0, [1, 0, 0]), (2, 6.0, [0, 1, 1]), (3, 6.0, None)]
)
def test_the_small_mclp_of_jemss(method, n, value, counts):
    found = site_cover(np.array([2.0, 2.0, 1.0, 1.0]), COVER, n, most=1, method=method)
    assert found.value == value
    assert found.bound >= value - 1e-9
    if counts is not None:
        assert found.counts.tolist() == counts
    assert found.exact == (method == "exact")
    assert (found.gap == 0.0) == (found.exact or found.bound == pytest.approx(value))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rows", "order"), [(None, [0, 1, 2]), ([1.0, 4.0, 1.0], [2, 1, 0])])
def test_the_small_nested_mclp_of_jemss(method, rows, order):
    demand = np.array([5.0, 3.0, 2.0, 1.0])
    found = nest_cover(demand, COVER, 3, rows, method=method)
    assert found.order == order
    assert found.value == (29.0 if rows is None else 61.0)
    assert found.bound >= found.value - 1e-9
    assert found.exact == (method == "exact")


def _instances(n: int, seed: int = 4) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        bases, points = int(rng.integers(3, 7)), int(rng.integers(4, 11))
        seconds = rng.uniform(0.0, 900.0, (bases, points))
        made.append((rng.uniform(0.1, 3.0, points), seconds, seconds <= 400.0, bases - 1))
    return made


@pytest.mark.parametrize("busy", [0.0, 0.3, 0.8])
def test_covering_models_against_every_choice(busy):
    for weight, _, reach, n in _instances(12):
        best = max(
            covered(weight, reach, np.bincount(chosen, minlength=len(reach)), busy)
            for chosen in combinations_with_replacement(range(len(reach)), n)
        )
        exact = site_cover(weight, reach, n, busy=busy, method="exact")
        assert exact.value == pytest.approx(best, rel=1e-9)
        assert exact.counts.sum() == n
        quick = site_cover(weight, reach, n, busy=busy, method="heuristic")
        assert quick.counts.sum() == n
        assert quick.value <= best + 1e-9 <= quick.bound + 2e-9
        # Greedy alone is at least 1 - 1/e of the best (Nemhauser, Wolsey and Fisher 1978).
        assert quick.value >= (1.0 - np.exp(-1.0)) * best


def test_at_most_so_many_stand_at_one_base():
    weight, reach = np.array([9.0, 1.0]), np.array([[True, False], [False, True]])
    assert site_cover(weight, reach, 3, busy=0.5, method="exact").counts.tolist() == [3, 0]
    for method in METHODS:
        found = site_cover(weight, reach, 3, busy=0.5, most=2, method=method)
        assert found.counts.tolist() == [2, 1]
        assert found.value == pytest.approx(9.0 * 0.75 + 0.5)


@pytest.mark.parametrize("method", METHODS)
def test_units_that_stay_where_they_are(method):
    weight = np.array([3.0, 2.0, 1.0])
    reach = np.eye(3, dtype=bool)
    stay = np.array([0, 0, 2])
    found = site_cover(weight, reach, 4, most=1, least=stay, method=method)
    assert found.counts.tolist() == [1, 1, 2]
    assert found.value == 6.0
    for weight, _, reach, n in _instances(6, seed=7):
        stay = np.zeros(len(reach), int)
        stay[-1] = 1
        best = max(
            covered(weight, reach, stay + np.bincount(chosen, minlength=len(reach)), 0.4)
            for chosen in combinations_with_replacement(range(len(reach)), n - 1)
        )
        found = site_cover(weight, reach, n, busy=0.4, least=stay, method=method)
        assert (found.counts >= stay).all()
        assert found.value <= best + 1e-9 <= found.bound + 2e-9
        assert method == "heuristic" or found.value == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("busy", [0.0, 0.5])
def test_nested_models_against_every_order(busy):
    for weight, _, reach, _ in _instances(6, seed=8):
        n = min(3, len(reach))
        rows = free_shares(n, 0.4)

        def worth(order, weight=weight, reach=reach, rows=rows):
            return sum(
                w * covered(weight, reach, np.bincount(order[: k + 1], minlength=len(reach)), busy)
                for k, w in enumerate(rows)
            )

        best = max(worth(order) for order in permutations(range(len(reach)), n))
        exact = nest_cover(weight, reach, n, rows, busy=busy, method="exact")
        assert exact.value == pytest.approx(best, rel=1e-9)
        assert worth(exact.order) == pytest.approx(best, rel=1e-9)
        quick = nest_cover(weight, reach, n, rows, busy=busy, method="heuristic")
        assert worth(quick.order) == pytest.approx(quick.value, rel=1e-9)
        assert 0.9 * best <= quick.value <= best + 1e-9 <= quick.bound + 2e-9


def test_the_median_against_every_choice():
    for weight, seconds, _, n in _instances(12, seed=2):
        share = weight / weight.sum()
        best = min(
            float(share @ seconds[list(set(chosen))].min(axis=0))
            for chosen in combinations_with_replacement(range(len(seconds)), n)
        )
        exact = site_median(weight, seconds, n, method="exact")
        assert exact.value == pytest.approx(best, rel=1e-9)
        quick = site_median(weight, seconds, n, method="heuristic")
        assert quick.counts.sum() == exact.counts.sum() == n
        assert best - 1e-9 <= quick.value <= 1.2 * best
        assert quick.bound <= best + 1e-9


def test_a_point_that_nobody_reaches_counts_as_a_day():
    seconds = np.array([[100.0, np.inf], [50.0, np.inf]])
    for method in METHODS:
        found = site_median(np.array([3.0, 1.0]), seconds, 1, method=method)
        assert found.counts.tolist() == [0, 1]
        assert found.value == 0.75 * 50.0 + 0.25 * FARTHEST_S


def test_chances_of_free_units():
    assert free_shares(2, 0.25) == pytest.approx([2 * 0.75 * 0.25, 0.75**2])
    assert free_shares(9, 0.3).sum() == pytest.approx(1.0 - 0.3**9)
    assert free_shares(3, 0.0) == pytest.approx([0.0, 0.0, 1.0])
    assert free_shares(5000, 0.4).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("method", METHODS)
def test_optima_that_are_known_in_closed_form(method):
    # 36 points on a ring, each a base that reaches two neighbours on both sides.
    apart = np.abs(np.arange(36)[:, None] - np.arange(36)[None, :])
    apart = np.minimum(apart, 36 - apart)
    even = np.full(36, 1 / 36)
    for n in (3, 7, 8):
        assert site_cover(even, apart <= 2, n, method=method).value == pytest.approx(
            min(36, 5 * n) / 36
        )
    # 9 units reach each of 45 points of a ring once, 18 twice: 1 - q and 1 - q^2 of the demand.
    ring = np.abs(np.arange(45)[:, None] - np.arange(45)[None, :])
    reach = np.minimum(ring, 45 - ring) <= 2
    for n, expected in ((9, 1 - 0.3), (18, 1 - 0.3**2)):
        found = site_cover(np.full(45, 1 / 45), reach, n, busy=0.3, method=method)
        assert found.value <= expected + 1e-9
        assert found.value == pytest.approx(expected, rel=1e-9 if method == "exact" else 0.03)
    # On a line of p stretches of w points, w odd, the middles are best: mean (w^2 - 1) / (4 w).
    line = np.abs(np.arange(35.0)[:, None] - np.arange(35.0)[None, :])
    median = site_median(np.ones(35), line, 5, method=method)
    exact = (7.0**2 - 1.0) / (4.0 * 7.0)
    assert median.bound <= exact + 1e-9
    assert median.value == pytest.approx(exact, rel=1e-9 if method == "exact" else 0.05)
