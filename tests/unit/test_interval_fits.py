"""Fitted durations: the truth comes back, and a held-out day is not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calibration.feeds.cad import read_cad
from calibration.feeds.calls import calls_of
from calibration.feeds.mapping import load_mapping
from calibration.intervals import (
    FEWEST,
    durations,
    fit_duration,
    fit_held_out,
    fit_service,
    fit_table,
    median,
)


@pytest.mark.parametrize(
    ("family", "a", "b"),
    [("lognormal", 6.0, 0.5), ("gamma", 4.0, 300.0), ("exponential", 500.0, 0.0)],
)
def test_the_true_family_and_its_parameters_come_back(family: str, a: float, b: float) -> None:
    rng = np.random.Generator(np.random.Philox(7))
    draw = {
        "lognormal": lambda: rng.lognormal(a, b, 20_000),
        "gamma": lambda: rng.gamma(a, b, 20_000),
        "exponential": lambda: rng.exponential(a, 20_000),
    }[family]
    fit = fit_duration(draw(), source="drawn")
    assert fit.distribution.family == family
    assert fit.distribution.a == pytest.approx(a, rel=0.03)
    assert fit.distribution.b == pytest.approx(b, rel=0.03, abs=1e-12)
    assert fit.ks < 0.01


def test_gamma_is_the_maximum_of_the_likelihood() -> None:
    from scipy import stats

    x = np.random.Generator(np.random.Philox(3)).gamma(2.5, 100.0, 500)
    fit = fit_duration(x, source="drawn")
    shape, _, scale = stats.gamma.fit(x, floc=0)
    assert fit.distribution.family == "gamma"
    assert fit.distribution.a == pytest.approx(shape, rel=1e-4)
    assert fit.distribution.b == pytest.approx(scale, rel=1e-4)


@pytest.mark.parametrize("seconds", [[1.0], [1.0, 1.0], [0.0, 5.0], [1.0, np.inf]])
def test_what_cannot_be_fitted_is_refused(seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="two different positive, finite"):
        fit_duration(np.array(seconds), source="none")


def table_of(day: str, count: int, *, scene_s: float, kind: str = "medical") -> pd.DataFrame:
    """Return `count` transported calls of one day, all stamps spread a little."""
    spread = np.linspace(0.8, 1.2, count)
    start = pd.Timestamp(f"{day} 12:00", tz="UTC") + pd.to_timedelta(np.arange(count), unit="min")
    steps = {"t_call": 0, "t_dispatch": 60, "t_enroute": 90, "t_onscene": 400}
    table = pd.DataFrame(
        {k: start + pd.to_timedelta(v * spread, unit="s") for k, v in steps.items()}
    )
    table["t_first_dispatch"] = table["t_dispatch"]
    table["t_leave"] = table["t_onscene"] + pd.to_timedelta(scene_s * spread, unit="s")
    table["t_hospital"] = table["t_leave"] + pd.to_timedelta(600 * spread, unit="s")
    table["t_clear"] = table["t_hospital"] + pd.to_timedelta(1800 * spread, unit="s")
    return table.assign(kind=kind, priority=2, transported=True, unit_kind="ambulance")


def test_a_held_out_day_is_not_seen() -> None:
    calls = pd.concat(
        [table_of("2017-01-03", 60, scene_s=500.0), table_of("2017-01-04", 60, scene_s=5000.0)],
        ignore_index=True,
    )
    service, _ = fit_held_out(calls, timezone="America/Los_Angeles", source="test")
    assert sorted(service) == ["", "2017-01-03", "2017-01-04"]
    seen = service["2017-01-04"].duration("medical", "scene_transport", 2)
    assert median(seen) == pytest.approx(500.0, rel=0.05)
    assert seen.high < 700.0
    assert median(service["2017-01-03"].duration("medical", "scene_transport", 2)) > 4500.0
    assert service[""].p_transport == {"medical": 1.0}
    assert service[""].p_priority == {"medical": {"2": 1.0}}


def test_what_does_not_count_is_left_out() -> None:
    calls = table_of("2017-01-04", 10, scene_s=600.0)
    calls.loc[0, "t_first_dispatch"] = calls.loc[0, "t_call"]
    calls.loc[1, "t_first_dispatch"] = calls.loc[1, "t_call"] + pd.Timedelta(hours=5)
    calls.loc[2, "unit_kind"] = "engine"
    calls.loc[3, "t_first_dispatch"] = pd.NaT
    assert durations(calls, "handling").index.tolist() == [4, 5, 6, 7, 8, 9]
    calls.loc[4, "t_enroute"] = calls.loc[4, "t_dispatch"]
    assert durations(calls, "turnout")[4] == 0.5


def test_small_strata_fall_back_to_their_kind_and_all_ambulances() -> None:
    calls = pd.concat(
        [
            table_of("2017-01-04", 60, scene_s=600.0),
            table_of("2017-01-05", FEWEST - 1, scene_s=900.0, kind="collision"),
        ],
        ignore_index=True,
    )
    calls.loc[:9, "priority"] = 1
    service, fits = fit_service(calls, source="test")
    assert "medical.handover.1" not in fits
    assert "collision.handover" not in fits
    assert service.duration("medical", "handover", 1) == service.durations["medical.handover"]
    assert service.duration("collision", "handover", 2) == service.durations["handover"]
    assert service.duration("medical", "wrap_up", 1).a == 0.0
    assert fit_table(fits).set_index("key").loc["handover", "n"] == 60 + FEWEST - 1


@pytest.mark.data
def test_san_francisco_service(twin_data: Path) -> None:
    mapping = load_mapping("san-francisco")
    feed = read_cad(
        twin_data / "san_francisco/ems/sffd_calls_2016-12-31_2017-01-07.csv.gz", mapping
    )
    service, _ = fit_held_out(calls_of(feed), timezone=mapping.timezone, source="CAD")
    assert len(service) == 9
    everything, held_out = service[""], service["2017-01-04"]
    assert everything != held_out
    for interval, low, high in (
        ("handling", 80.0, 140.0),
        ("turnout", 8.0, 30.0),
        ("scene_transport", 900.0, 1200.0),
        ("handover", 1700.0, 2100.0),
    ):
        fitted = held_out.duration("medical", interval, 2)
        assert low < median(fitted) < high
        assert fitted.n < everything.duration("medical", interval, 2).n
    assert 0.75 < held_out.p_transport["medical"] < 0.9
