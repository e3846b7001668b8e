"""MSER-5 against series whose beginning is known, and against the formula written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twin.metrics.warm_up import mser5, settled_from


def written_out(series: np.ndarray) -> int | None:
    k = len(series) // 5
    means = [float(np.mean(series[5 * j : 5 * j + 5])) for j in range(k)]
    values = []
    for d in range(k - 4):
        left = means[d:]
        middle = sum(left) / len(left)
        values.append(sum((z - middle) ** 2 for z in left) / len(left) ** 2)
    best = values.index(min(values))
    return 5 * best if 2 * best <= k else None


def test_a_known_beginning_is_cut() -> None:
    # Ten values of 100, then 0 and 1 in turn: two batches go.
    assert mser5([100.0] * 10 + [0.0, 1.0] * 45) == 10
    # Twelve of them spoil a third batch.
    assert mser5([100.0] * 12 + [0.0, 1.0] * 44) == 15
    assert mser5([3.0] * 100) == 0


def test_a_series_that_has_not_settled_says_so() -> None:
    assert mser5(np.arange(200.0)) is None
    assert mser5([1.0] * 49) is None
    assert mser5([]) is None


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_formula(seed) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(403).cumsum() * 0.2 + rng.standard_normal(403)
    series = noise + 1e6 + 8.0 * np.exp(-np.arange(403) / (10.0 + 20.0 * seed))
    assert mser5(series) == written_out(series - 1e6)


def test_what_remains_has_the_mean_that_it_settles_to() -> None:
    rng = np.random.default_rng(5)
    beginning = 20.0 * np.exp(-np.arange(1500) / 40.0)
    whole, cut = [], []
    for _ in range(40):
        series = beginning + rng.exponential(1.0, 1500)
        drop = mser5(series)
        assert drop is not None
        assert drop >= 80
        whole.append(series.mean())
        cut.append(series[drop:].mean())
    assert np.mean(whole) > 1.5
    assert np.mean(cut) == pytest.approx(1.0, abs=0.02)


def test_calls_are_taken_in_the_order_in_which_they_came() -> None:
    response = np.array([900.0] * 10 + [400.0, 410.0] * 45)
    calls = pd.DataFrame({"t_call": 60.0 * np.arange(100), "response_s": response})
    calls.loc[100] = [30.0, np.nan]
    assert settled_from(calls.sample(frac=1.0, random_state=1), 0.0) == 600.0
    assert settled_from(calls[10:], -5.0) == -5.0
    assert settled_from(calls[:20], 0.0) is None
