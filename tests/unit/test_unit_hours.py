"""Hours of units, hours lost at hospitals, kilometres and fairness: worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import inject, plan, run, sure, town
from twin.metrics.summary import fairness, gini, response_by
from twin.metrics.units import kilometres, lost_at_hospital, unit_hours, utilisation
from twin.simulation import CityModel


def events(rows: list[tuple[float, str, str, str | None]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["t", "unit_id", "state", "call_id"])
    return table.assign(kind="ambulance")


LIVES = events(
    [
        (0.0, "a", "idle", None),
        (600.0, "a", "turnout", "c1"),
        (660.0, "a", "to_scene", "c1"),
        (900.0, "a", "on_scene", "c1"),
        (1500.0, "a", "transporting", "c1"),
        (1800.0, "a", "at_hospital", "c1"),
        (3600.0, "a", "returning", None),
        (0.0, "b", "off_shift", None),
        (3600.0, "b", "idle", None),
        (4000.0, "b", "at_hospital", "c2"),
    ]
)


def test_hours_of_a_kind() -> None:
    units = utilisation(LIVES, 0.0, 7200.0)
    got = unit_hours(units)["ambulance"]
    # a: 3000 s of 7200 on a call; b: the last 3200 of the 3600 s that it is staffed.
    expected = {
        "units": 2,
        "staffed_h": 3.0,
        "committed_h": 6200.0 / 3600.0,
        "utilisation": 6200.0 / 10_800.0,
        "jobs": 2,
        "transports": 1,
        "transports_per_staffed_h": 1.0 / 3.0,
    }
    assert got == pytest.approx(expected)
    assert unit_hours(utilisation(LIVES.iloc[:0], 0.0, 7200.0)) == {}


def test_hours_without_a_vehicle_are_no_unit_hours() -> None:
    off = [(0.0, "c", "idle", None), (900.0, "c", "off_road", None), (1800.0, "c", "idle", None)]
    got = utilisation(pd.concat([LIVES, events(off)]), 0.0, 7200.0).set_index("unit_id")
    assert got.loc["c", "on_shift_s"] == 6300.0


def test_hours_lost_at_hospital() -> None:
    # 30 min, of which 15 are lost, and one that goes on for 3200 s at the end of the run.
    got = lost_at_hospital(LIVES, 0.0, 7200.0)
    assert got == {
        "stays": 2,
        "over": 2,
        "standard_s": 900.0,
        "hours": pytest.approx((900.0 + 2300.0) / 3600.0),
    }
    assert lost_at_hospital(LIVES, 0.0, 4500.0)["hours"] == pytest.approx(0.25)
    assert lost_at_hospital(LIVES, 2000.0, 7200.0)["stays"] == 1
    assert lost_at_hospital(LIVES.iloc[:0], 0.0, 7200.0)["hours"] == 0.0


def test_kilometres_between_frames() -> None:
    frames = pd.DataFrame(
        {
            "t": [0.0, 0.0, 10.0, 10.0, 20.0],
            "unit_id": ["a", "b", "a", "b", "a"],
            "x": np.array([0, 65_535, 300, 65_535, 300], np.uint16),
            "y": np.array([0, 65_535, 400, 65_535, 0], np.uint16),
        }
    )
    assert kilometres(frames, 65_535.0) == {"a": pytest.approx(0.9), "b": 0.0}
    assert kilometres(frames.iloc[:0], 65_535.0) == {}


def test_gini_of_known_shares() -> None:
    one = np.ones(4)
    assert gini(np.array([5.0, 5.0, 5.0, 5.0]), one) == 0.0
    assert gini(np.array([0.0, 0.0, 0.0, 1.0]), one) == pytest.approx(0.75)
    # Weights are as good as repetition.
    pair = gini(np.array([1.0, 3.0]), np.array([1.0, 3.0]))
    assert pair == pytest.approx(gini(np.array([1.0, 3.0, 3.0, 3.0]), one))
    assert gini(np.zeros(4), one) is None


def made_calls(districts: dict[str, tuple[int, float]]) -> pd.DataFrame:
    rows = [
        {"district": name, "response_s": seconds, "t_call": 3600.0 * (k % 48), "fate": "closed"}
        for name, (n, seconds) in districts.items()
        for k in range(n)
    ]
    return pd.DataFrame(rows)


def test_fairness_leaves_out_small_districts_and_calls_outside_all() -> None:
    calls = made_calls({"a": (20, 300.0), "b": (60, 600.0), "c": (19, 9000.0), "": (30, 1.0)})
    got = fairness(calls, 1e9)
    assert got["districts"] == 2
    mean = got["mean_response"]
    assert mean["best"] == {"district": "a", "s": 300.0}
    assert mean["worst"] == {"district": "b", "s": 600.0}
    assert mean["ratio"] == 2.0
    # 2 * 20 * 60 * 300 / (2 * 80^2 * 525)
    assert mean["gini"] == pytest.approx(720_000.0 / 6_720_000.0)
    assert got["share_within_480_s"]["apart"] == 1.0
    alone = fairness(made_calls({"a": (20, 300.0)}), 1e9)
    assert (alone["districts"], alone["mean_response"]["gini"]) == (1, None)


def test_hours_are_those_of_the_day() -> None:
    calls = made_calls({"a": (48, 300.0), "b": (24, 600.0)})
    got = response_by(calls, "hour", 1e9)
    assert list(got) == [str(hour) for hour in range(24)]
    assert got["7"]["n"] == 3
    assert got["7"]["mean"] == pytest.approx(400.0)
    assert got["7"]["share_within_480_s"] == pytest.approx(2.0 / 3.0)


@pytest.mark.parametrize("per_day", [20.0, 150.0, 900.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_little_holds_to_machine_precision(seed, per_day) -> None:
    # Little 1961, on a closed window: the time that units are busy is the time that calls keep
    # them, whatever is still going on at its ends.
    city = town(
        ambulances=3, engines=0, medical_per_day=per_day, fire_per_day=0.0, service=sure(0.5)
    )
    _, recorder = run(CityModel, city, plan(changes=[inject(city, "11:50")], seed=seed))
    calls, lives = recorder.frame("calls"), recorder.frame("unit_events")
    start, end = 21_600.0, 43_200.0
    assert (calls["fate"] == "open").any()
    kept = calls["t_clear"].fillna(end).clip(upper=end) - calls["t_dispatch"].fillna(end)
    busy = utilisation(lives, start, end)
    assert busy["busy_s"].sum() == pytest.approx(kept.sum(), rel=1e-12)
    assert busy["jobs"].sum() == calls["t_dispatch"].notna().sum()
    # L = lambda W with lambda the calls that were served and W what each kept of a unit.
    served = int(calls["t_dispatch"].notna().sum())
    mean_busy = busy["busy_s"].sum() / (end - start)
    assert mean_busy == pytest.approx(served / (end - start) * (kept.sum() / served), rel=1e-12)
