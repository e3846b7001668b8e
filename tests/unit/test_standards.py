"""Scorecards: each rule of counting by hand, and what is no standard is refused by its field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from apps.report.service import standard_cells
from apps.report.words import verdict
from twin.core.errors import InputError, NotFoundError
from twin.metrics.standards import NAMES, Standard, differences, load_standard, scorecard

NONE = np.nan


def calls(rows: list[tuple[str, int, float, float, float, str]]) -> pd.DataFrame:
    """Return calls of kind, priority, call, dispatch, on scene, fate; the rest is not known."""
    names = ["kind", "priority", "t_call", "t_dispatch", "t_onscene", "fate"]
    table = pd.DataFrame(rows, columns=names)
    others = ("t_answer", "t_enroute", "t_first_enroute", "t_first", "t_full", "t_leave")
    others += ("t_hospital", "t_clear")
    return table.assign(**dict.fromkeys(others, NONE))


def standard(**line: object) -> Standard:
    """Return a standard of one line on the response."""
    fields = {
        "title": {"en": "x", "ko": "x"},
        "from": "t_call",
        "to": "t_onscene",
        "statistic": "share",
        "seconds": 480.0,
        **line,
    }
    title = {"en": "Own", "ko": "own"}
    return Standard.model_validate(
        {"name": "own", "source": "us", "title": title, "line": [fields]}
    )


DAY = calls(
    [
        ("medical", 1, 0.0, 30.0, 400.0, "closed"),
        ("medical", 1, 100.0, 130.0, 580.0, "closed"),  # 480 s: within
        ("medical", 2, 200.0, 230.0, 800.0, "closed"),  # 600 s
        ("fire", 1, 300.0, 330.0, 600.0, "closed"),
        ("medical", 1, 400.0, NONE, NONE, "open"),  # 600 s by the end: late
        ("medical", 1, 900.0, NONE, NONE, "open"),  # 100 s: nobody knows
        ("medical", 1, 0.0, NONE, NONE, "cancelled"),
    ]
)


def score(of: Standard, *runs: pd.DataFrame, **more: float):
    (line,) = scorecard(of, runs or [DAY], 1000.0, **more).lines
    return line


def test_who_counts_in_a_share() -> None:
    line = score(standard(share=0.6))
    assert (line.n, line.unended, line.value, line.met) == (5, 1, 0.6, True)
    assert score(standard(share=0.61)).met is False
    assert score(standard()).met is None
    medical = score(standard(kinds=["medical"], priorities=[1], share=0.5))
    assert (medical.n, medical.value) == (3, pytest.approx(2 / 3))
    assert medical.few
    assert score(standard(priorities=[4], share=0.5)).value is None


def test_a_standard_may_ask_for_the_time_at_the_patient() -> None:
    there = DAY.assign(t_patient=DAY["t_onscene"] + 100.0)
    line = score(standard(to="t_patient", share=0.5), there)
    # 500, 580, 700 and 400 s; one is late by the end.
    assert (line.n, line.value, line.met) == (5, pytest.approx(1 / 5), False)
    way = score(standard(**{"from": "t_onscene", "to": "t_patient", "statistic": "mean"}), there)
    assert (way.n, way.value) == (4, 100.0)


def test_a_mean_holds_what_goes_on_beyond_the_limit_and_is_a_lower_bound() -> None:
    line = score(standard(statistic="mean", kinds=["medical"], priorities=[1]))
    assert line.value == pytest.approx((400.0 + 480.0 + 600.0) / 3)
    assert line.met is False
    p90 = score(standard(statistic="p90", seconds=700.0))
    # 300, 400, 480, 600; the open one of 600 s is under 700.
    assert (p90.n, p90.value, p90.met) == (4, pytest.approx(564.0), True)


def test_calls_of_the_warm_up_are_left_out() -> None:
    assert score(standard(), from_s=150.0).n == 3
    assert score(standard(), from_s=1e6).value is None


def test_replications_give_an_interval() -> None:
    late = DAY.assign(t_onscene=DAY["t_onscene"] + 1000.0)
    line = score(standard(share=0.5), DAY, late, DAY)
    assert (line.n, line.value) == (15, pytest.approx(0.4))
    assert (line.low, line.high) == (0.0, 1.0)
    assert (line.met, line.unclear) == (None, True)
    assert standard_cells(line)[2:] == ["40.0% (0.0% to 100.0%)", "at least 50%", "too few calls"]
    assert standard_cells(replace(line, few=False))[-1] == "unclear"
    every = score(standard(share=1.0), DAY, late, DAY)
    assert (every.met, every.unclear) == (False, False)
    assert score(standard()).low is None
    mean = score(standard(statistic="mean", kinds=["fire"]), DAY, DAY)
    assert (mean.low, mean.high, mean.met) == (None, None, True)
    assert standard_cells(mean)[2] == "5:00 (-)"
    assert standard_cells(score(standard(statistic="mean", kinds=["fire"])))[2] == "5:00"


def test_a_comparison_pairs_the_replications_of_a_line() -> None:
    runs = [DAY.assign(call_id=range(len(DAY))) for _ in range(3)]
    better = [runs[0].assign(t_onscene=runs[0]["t_onscene"] - 200.0), *runs[1:]]
    (row,) = differences(standard(share=0.9), list(zip(runs, better, strict=True)), 1000.0)
    # 3 of 5 within 480 s, and of the first what-if 4 of 5: the open one stays late.
    assert (row.base, row.whatif) == pytest.approx((0.6, (0.8 + 0.6 + 0.6) / 3))
    half = 4.3026527 * np.std([0.2, 0.0, 0.0], ddof=1) / np.sqrt(3)
    assert (row.low, row.high) == pytest.approx((0.2 / 3 - half, 0.2 / 3 + half), abs=1e-6)
    assert (row.base_n, row.changed) == (15, 4)
    assert verdict(row) == "too few calls"
    (same,) = differences(standard(), list(zip(runs, runs, strict=True)), 1000.0)
    assert (same.changed, verdict(same)) == (0, "no call changed")
    assert differences(standard(priorities=[4]), [(runs[0], runs[0])], 1000.0) == []


@pytest.mark.parametrize("name", NAMES)
def test_standards_that_ship_can_be_read(name) -> None:
    read = load_standard(name)
    assert read.name == name
    assert len({line.title.ko for line in read.lines}) == len(read.lines)
    assert scorecard(read, [DAY], 1000.0).as_dict()["name"] == name


def test_published_limits_are_those_of_the_standards() -> None:
    limits = {
        name: [(line.statistic, line.seconds, line.share) for line in load_standard(name).lines]
        for name in NAMES
    }
    assert limits["nhs-arp"][:6] == [
        ("mean", 420.0, None), ("p90", 900.0, None), ("mean", 1080.0, None),
        ("p90", 2400.0, None), ("p90", 7200.0, None), ("p90", 10_800.0, None),
    ]  # fmt: skip
    assert [line[1:] for line in limits["nfpa-1710"]] == [
        (15.0, 0.95), (40.0, 0.99), (64.0, 0.9), (60.0, 0.9), (80.0, 0.9), (240.0, 0.9),
        (240.0, 0.9), (480.0, 0.9), (480.0, 0.9),
    ]  # fmt: skip
    assert limits["us-8-59"][0] == ("share", 539.0, 0.9)
    assert [line[1] for line in limits["korea-7-min"]] == [420.0, 120.0, 300.0, 420.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('to = "t_onscene"', 'to = "t_call"'), "t_call does not come after t_call"),
        (('statistic = "share"', 'statistic = "mode"'), "line.1.statistic"),
        (("seconds = 539.0", "seconds = 0"), "line.1.seconds"),
        (("share = 0.9", "share = 90"), "line.1.share"),
        (('statistic = "share"', 'statistic = "mean"'), "share goes with"),
        (('name = "us-8-59"', 'name = ""'), "needs a name"),
        (('name = "us-8-59"', "nom = 1"), "field 'name'"),
        (("[title]", "[title"), "not a TOML file"),
    ],
)
def test_what_is_no_standard_names_its_field(tmp_path, change, said) -> None:
    from twin.metrics import standards

    text = (standards._HERE / "us-8-59.toml").read_text("utf-8")
    file = tmp_path / "own.toml"
    file.write_text(text.replace(*change, 1), "utf-8")
    with pytest.raises(InputError, match=rf"own\.toml.*{said}"):
        load_standard(file)


def test_a_standard_that_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'nfpa-1710'"):
        load_standard("nfpa-1720")
    with pytest.raises(NotFoundError, match="no such file"):
        load_standard("nowhere.toml")
