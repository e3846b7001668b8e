"""Differences in a report: what a line says is what its interval allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.report.words import (
    CLEAR,
    amount,
    describe,
    figure,
    gain,
    range_text,
    reading,
    rests_on,
    verdict,
    within,
    without_unchanged,
)
from tests.support.runs import calls_rows
from twin.metrics.compare import Difference, compare
from twin.metrics.pairing import reach
from twin.metrics.summary import heaviest_as


def line(
    difference,
    low,
    high,
    *,
    changed=9,
    n=4,
    statistic="mean",
    gained=None,
    calls=90,
    weighs_as=None,
):
    return Difference(
        group="overall", value="", statistic=statistic, basis="pairs", replications=n,
        calls=calls, base_n=calls, whatif_n=calls, changed=changed,
        weighs_as=calls if weighs_as is None else weighs_as,
        base=400.0, whatif=400.0 + difference, difference=difference, low=low, high=high,
        correlation=None, variance_reduction=gained,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (line(-12.0, -21.0, -3.0), "falls by 12.0 s (95% interval 3.0 to 21.0 s)"),
        (line(12.0, 3.0, 21.0), "rises by 12.0 s (95% interval 3.0 to 21.0 s)"),
        (
            line(-12.0, -30.0, 6.0),
            "No clear difference in the mean response time: the 95% interval, -30.0 to +6.0 s, inc",
        ),
        (line(0.0, 0.0, 0.0, changed=0), "No call was reached sooner or later"),
        (line(0.0, None, None, changed=0, n=1), "in the one replication that was run"),
        (line(0.0, 0.0, 0.0, changed=3), "3 were reached in one of them only"),
        (line(-12.0, None, None, n=1), "One replication cannot tell"),
    ],
)
def test_the_reading_says_what_the_interval_allows(row, said):
    assert said in reading(row)


def test_a_line_says_its_unit_and_whether_anything_changed():
    share = line(0.02, -0.01, 0.05, statistic="share_within_target")
    assert (figure(share, 0.93), amount(share, 0.02)) == ("93.0%", "+2.0 pp")
    assert range_text(share) == "-1.0 to +5.0 pp"
    assert verdict(share) == "no clear difference"
    still = line(0.0, 0.0, 0.0, changed=0)
    assert (figure(still, 281.5), amount(still, -1e-13)) == ("4:42 (281.5)", "0.0 s")
    assert range_text(still) == "-"
    assert (verdict(still), gain(still)) == ("no call changed", "n/a: no call changed")
    assert verdict(line(-5.0, -8.0, -2.0)) == "clear difference"
    assert verdict(line(0.0, -1e-13, -1e-14)) == "no difference in any pair"
    for none in (line(0.0, 0.0, 0.0), line(0.0, -1e-13, -1e-14), line(3.0, None, None)):
        assert range_text(none) == "-"


def test_a_line_of_too_few_calls_is_not_called_clear():
    few = line(-5.0, -8.0, -2.0, calls=19)
    assert (few.shown, few.clear, verdict(few)) == (True, False, "too few calls")
    assert reading(few).startswith("Too few calls to tell (19): ")
    assert verdict(line(-5.0, -8.0, 2.0, calls=19)) == "too few calls"


def test_only_the_mean_of_all_calls_is_a_clear_difference():
    main = line(-5.0, -8.0, -2.0)
    assert verdict(main) == "clear difference"
    for other in (
        replace(main, statistic="p90"),
        replace(main, group="priority", value="1"),
        replace(main, group="kind", value="medical"),
    ):
        assert (other.clear, verdict(other)) == (True, "clear by itself")
    assert verdict(replace(main, group="district", high=2.0)) == "no clear difference"
    assert "Any other line is “clear by itself”" in CLEAR


def test_one_replication_of_few_calls_marks_the_line():
    """Each replication counts the same: the one late call of the last is a fifth of the share."""
    one = [calls_rows(k).assign(priority=1, response_s=300.0) for k in range(5)]
    one[4].loc[1:, "priority"] = 2
    two = [calls.copy() for calls in one]
    two[4].loc[0, "response_s"] = 900.0
    runs = list(zip(one, two, strict=True))
    (line_,) = (row for row in reach(runs, 68_400.0) if (row.group, row.value) == ("priority", "1"))
    assert (line_.base_calls, line_.base_within, line_.whatif_within) == (161, 1.0, 0.8)
    assert (line_.base_weighs_as, line_.whatif_weighs_as) == (5, 5)
    assert within(line_.whatif_within, line_.whatif_weighs_as) == "80.0% †"
    assert within(0.8, 20) == "80.0%"
    assert within(None, 0) == "-"
    # Replications of few calls each are no fault if they are alike: 21 calls in seven of three.
    assert heaviest_as([3] * 7) == 21
    assert heaviest_as([40, 0, 40]) == 80
    assert heaviest_as([]) == 0
    rows = {(row.group, row.value): row for row in compare(runs, 68_400.0)}
    assert (rests_on(rows["priority", "1"]), rows["priority", "1"].weighs_as) == ("161 †", 5)
    assert (rests_on(rows["overall", ""]), rows["overall", ""].few) == ("200", False)
    few = line(-5.0, -8.0, -2.0, weighs_as=19)
    assert (few.shown, few.clear, verdict(few)) == (True, False, "too few calls")
    assert reading(few).startswith(
        "Too few calls to tell (90, of which one weighs as much as one of 19): "
    )
    assert verdict(line(-5.0, -8.0, -2.0, weighs_as=20)) == "clear difference"


@pytest.mark.parametrize(
    ("low", "high", "said", "clear"),
    [
        (-12.5, -0.051, "-12.5 to -0.1 s", True),
        (-8.0, -0.002, "-8.0 to 0.0 s", False),
        (-2.5, 0.022, "-2.5 to 0.0 s", False),
        (-2.5, 0.0, "-2.5 to 0.0 s", False),
        (0.0004, 3.0, "0.0 to +3.0 s", False),
        (0.051, 3.0, "+0.1 to +3.0 s", True),
    ],
)
def test_an_interval_as_printed_agrees_with_what_is_said_of_it(low, high, said, clear):
    row = line((low + high) / 2, low, high)
    assert range_text(row) == said
    assert row.shown == clear
    printed = [float(end) for end in range_text(row).removesuffix(" s").split(" to ")]
    assert (printed[0] * printed[1] > 0) == clear
    head = ("falls by" if high < 0 else "rises by") if clear else "No clear difference"
    assert head in reading(row)
    share = line((low + high) / 200, low / 100, high / 100, statistic="share_within_target")
    assert (share.shown, range_text(share)) == (clear, said.replace(" s", " pp"))
    assert "interval 0.0 " not in reading(row)


def test_districts_where_no_call_changed_are_one_line():
    runs = [
        tuple(
            calls_rows(k).assign(
                district=["", *["far"] * 5, *["east"] * 34],
                response_s=lambda c, f=f: c["response_s"] - f * (c["district"] == "east"),
            )
            for f in (0.0, 5.0)
        )
        for k in range(2)
    ]
    kept, said = without_unchanged(compare(runs, 68_400.0))
    assert [row.value for row in kept if row.group == "district"] == ["east"]
    assert said == "1 district and outside every district: no call changed (far)."
    assert without_unchanged(kept) == (kept, "")


def test_the_calls_behind_a_share_are_those_that_count_in_it():
    runs = [(calls_rows(k), calls_rows(k)) for k in range(2)]
    # Nobody came to the last call of the what-if, which had not waited for long.
    late = runs[0][1]
    late.loc[39, ["response_s", "fate", "t_call"]] = [np.nan, "open", 68_399.0]
    runs[0][0].loc[39, "t_call"] = 68_399.0
    rows = compare(runs, 68_400.0)
    assert [rests_on(row) for row in rows[:4]] == ["79", "79", "79 ‡", "80 and 79"]


def test_the_gain_of_pairing_is_hidden_where_it_means_nothing():
    assert gain(line(5.0, 4.0, 6.0, n=2)) == "n/a: fewer than 3 replications"
    assert gain(line(5.0, 4.0, 6.0, gained=12.34)) == "12.3 times"
    assert gain(line(5.0, 4.0, 6.0, gained=600.0)) == "over 100 times"
    assert gain(line(5.0, 5.0, 5.0)) == "n/a: nearly the same in every replication"
    assert gain(line(5.0, None, None, n=1)) == "n/a: one replication"


def test_calls_outside_every_district_are_named_and_come_last():
    runs = [
        tuple(calls_rows(k, faster_s=f).assign(district=["", *["east"] * 39]) for f in (0.0, 5.0))
        for k in range(2)
    ]
    names = [describe(row) for row in compare(runs, 68_400.0)]
    assert names[-2:] == ["east", "outside every district"]
    assert names[:2] == ["all calls, mean", "all calls, median"]
    assert names[4] == "medical (first ambulance), mean"
