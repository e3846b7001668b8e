"""How rules are put in order, and how alike two orders are: `benchmarks.ranking`."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.policies import Run, read, spans, write
from benchmarks.ranking import agreement, differences, interval, order


def calls(seconds: list[float], first: int = 0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "call_id": [f"M-{first + k}" for k in range(len(seconds))],
            "t_call": [float(first + k) for k in range(len(seconds))],
            "kind": "medical",
            "fate": "closed",
            "response_s": seconds,
        }
    )


def test_interval_is_student_s() -> None:
    # Mean 2, s = 1, t(0.975, 2) = 4.3027: 2 +- 4.3027 / sqrt(3).
    found = interval(np.array([1.0, np.nan, 2.0, 3.0]))
    assert (found.n, found.mean) == (3, 2.0)
    assert found.low == pytest.approx(2.0 - 4.302653 / np.sqrt(3.0), abs=1e-5)
    assert interval(np.array([5.0])).sign == 0
    assert interval(np.array([5.0, 5.1, 4.9])).sign == 1
    assert interval(np.array([-5.0, -5.1, -4.9])).sign == -1


def test_differences_are_over_calls_that_both_reached() -> None:
    one = [calls([100.0, 200.0, np.nan]), calls([300.0, 500.0])]
    two = [calls([110.0, 230.0, 60.0]), None]
    found = differences([one, two], end_s=10_000.0)
    assert found["mean"][1, 0].tolist() == pytest.approx([20.0, np.nan], nan_ok=True)
    assert found["mean"][0, 1, 0] == -20.0
    # All calls count in the share; the one that nobody reached is late.
    assert found["share"][1, 0, 0] == pytest.approx(100.0 * (1.0 - 2.0 / 3.0))


def test_differences_pair_calls_by_name() -> None:
    found = differences([[calls([100.0, 200.0])], [calls([205.0, 900.0], first=1)]], 10_000.0)
    assert found["mean"][1, 0, 0] == 5.0


def three_rules(noise: float) -> np.ndarray:
    """Differences of rules that are 0, 5 and -3 from the first, in four replications."""
    level = np.array([0.0, 5.0, -3.0])
    wobble = noise * np.array([[0, 0, 0, 0], [1, -1, 1, -1], [-1, 1, 1, -1]])
    each = level[:, None] + wobble
    return each[:, None, :] - each[None, :, :]


def test_order_puts_the_best_first_and_says_what_is_clear() -> None:
    found = order(three_rules(0.1), less_is_better=True, together=True)
    assert found.rules == [2, 0, 1]
    assert found.figure.tolist() == pytest.approx([0.0, 5.0, -3.0])
    assert found.signs.tolist() == [[0, -1, 1], [1, 0, 1], [-1, -1, 0]]
    assert order(three_rules(0.1), less_is_better=False, together=True).rules == [1, 0, 2]


def test_all_pairs_together_ask_for_more_than_each_alone() -> None:
    # Of rules 2 and 0: s = 1.617, so t = 3 / (1.617 / 2) = 3.7; each alone asks for t(3) = 3.18,
    # three together for 4.86.
    apart = three_rules(1.4)
    assert order(apart, less_is_better=True, together=False).signs[0, 2] == 1
    assert order(apart, less_is_better=True, together=True).signs[0, 2] == 0


def test_rules_that_were_not_run_are_left_out() -> None:
    apart = three_rules(0.1)
    apart[1, :], apart[:, 1] = np.nan, np.nan
    assert order(apart, less_is_better=True, together=True).rules == [2, 0]


def test_agreement_counts_clear_pairs() -> None:
    sure = order(three_rules(0.1), less_is_better=True, together=False)
    turned = order(-three_rules(0.1), less_is_better=True, together=False)
    vague = order(three_rules(50.0), less_is_better=True, together=False)
    same = agreement(sure, sure)
    assert (same.tau, same.gamma, same.clear, same.pairs) == (1.0, 1.0, 3, 3)
    opposite = agreement(sure, turned)
    assert (opposite.tau, opposite.gamma, opposite.opposite) == (-1.0, -1.0, 3)
    unsure = agreement(sure, vague)
    assert (unsure.tau, unsure.clear, unsure.only_one) == (1.0, 0, 3)
    assert np.isnan(unsure.gamma)


def test_a_run_is_kept_and_another_one_is_not_taken_for_it(tmp_path) -> None:
    file = tmp_path / "rule" / "000.parquet"
    assert read(file, "a") is None
    write(file, "a", Run(calls([1.0, np.nan]), 2.5))
    kept = read(file, "a")
    assert kept is not None
    assert kept.cpu_s == 2.5
    pd.testing.assert_frame_equal(kept.calls, calls([1.0, np.nan]))
    assert read(file, "b") is None
    assert [each.name for each in file.parent.iterdir()] == ["000.parquet"]


def test_numbers_in_a_row_are_a_span() -> None:
    assert list(spans([2, 3, 4, 7])) == ["2-4", "7"]
    assert list(spans([])) == []
