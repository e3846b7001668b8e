"""Fires that grow with the square of time, against the water that comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from tests.support.emergency import (
    QUIET,
    SERVICE,
    FixedModel,
    at,
    constant,
    inject,
    plan,
    run,
    town,
)
from twin.agents.incidents.fire_growth import GROWTH_S, Growth, alpha, water_lps
from twin.scenarios.care import Care
from twin.scenarios.care_fire import FireGrowth

ENGINE_KW = 9.5 * 2600.0 * 0.33
"""What the water of one engine takes up by default."""


def test_published_growth_coefficients() -> None:
    known = {"slow": 0.00293, "medium": 0.01172, "fast": 0.0469, "ultra-fast": 0.1876}
    for rate, value in known.items():
        assert alpha(rate) == pytest.approx(value, rel=1e-3)
        assert Growth(alpha(rate), 1e9, 1e12).heat_kw(GROWTH_S[rate]) == pytest.approx(1055.0)


def test_a_fire_alone_grows_stays_and_burns_out() -> None:
    fire = Growth(alpha=0.01, peak_kw=1000.0, fuel_kj=1e6)
    assert fire.peak_s == pytest.approx(316.2278)
    assert fire.heat_kw(100.0) == pytest.approx(100.0)
    assert fire.heat_kw(1e4) == 1000.0
    assert fire.released_kj(fire.peak_s) == pytest.approx(0.01 * 316.2278**3 / 3, rel=1e-6)
    t = np.linspace(0.0, 900.0, 9001)
    numeric = np.trapezoid([fire.heat_kw(s) for s in t], t)
    assert fire.released_kj(900.0) == pytest.approx(numeric, rel=1e-5)
    assert fire.released_kj(fire.burns_out_s) == pytest.approx(1e6)
    small = Growth(alpha=0.01, peak_kw=1000.0, fuel_kj=1e3)
    assert small.burns_out_s < small.peak_s
    assert small.released_kj(small.burns_out_s) == pytest.approx(1e3)


def test_the_water_that_a_megawatt_needs() -> None:
    assert water_lps(2600.0, 1.0) == pytest.approx(1.0)
    assert water_lps(1000.0, 0.33) == pytest.approx(1.1655, abs=1e-4)


def fire(
    engines: int, *, handling: float = 60.0, **rules: Any
) -> tuple[pd.Series, pd.Series, pd.DataFrame]:
    """Return the fire, its stages by time since the call, and the calls; engines drive 120 s."""
    durations = SERVICE.durations | {"handling": constant(handling)}
    city = town(engines=engines, service=SERVICE.model_copy(update={"durations": durations}))
    scenario = plan(
        calls=QUIET,
        changes=[inject(city, "07:00", incident="fire", patients=0)],
        care={"fire": {"enabled": True} | rules.pop("fire", {})} | rules,
    )
    _, recorder = run(FixedModel, city, scenario)
    stages = recorder.frame("incident_events").set_index("stage")["t"] - at(7)
    return recorder.frame("fires").iloc[0], stages, recorder.frame("calls")


def test_two_engines_hold_a_fire_of_medium_growth() -> None:
    """Water 300 s after the call, 420 s after ignition, when the fire needs 2.4 l/s."""
    row, stages, calls = fire(2)
    heat = alpha("medium") * 420.0**2
    assert row["heat_kw"] == pytest.approx(heat)
    assert row["burnt_m2"] == pytest.approx(heat / 250.0)
    assert (row["alarm"], row["engines"]) == (1, 2)
    assert stages["activity_start"] == stages["under_control"] == 300.0
    assert stages["out"] == pytest.approx(300.0 + heat / 250.0 * 60.0 / 2)
    assert calls.iloc[0]["fate"] == "closed"


def test_a_fire_that_outgrows_two_engines_is_held_with_the_second_alarm() -> None:
    """25 MW take more than three engines; the others turn out at 300 s and work 240 s later."""
    row, stages, calls = fire(5, fire={"rate": "ultra-fast"})
    assert 3 * ENGINE_KW < 25_000.0 < 4 * ENGINE_KW
    assert (row["alarm"], row["engines"]) == (2, 4)
    assert stages["activity_start"] == 300.0
    assert stages["under_control"] == 540.0
    assert row["burnt_m2"] == pytest.approx(100.0)
    assert calls.iloc[0]["t_full"] == at(7) + 210.0


def test_the_plan_of_an_alarm_says_what_comes() -> None:
    plans = [{"kind": "fire", "alarm": 2, "send": ["engine"]},
             {"kind": "fire", "alarm": 3, "send": ["3 engine"]}]  # fmt: skip
    row, stages, _ = fire(6, fire={"rate": "ultra-fast"}, plans=plans)
    # One more at 300 s is one too few; 120 s later three more.
    assert (row["alarm"], row["engines"]) == (3, 6)
    assert stages["under_control"] == 300.0 + 120.0 + 240.0


def test_without_water_enough_it_burns_out() -> None:
    row, stages, calls = fire(1, fire={"rate": "ultra-fast", "alarms": 1})
    gone = Growth.of(FireGrowth(), "ultra-fast").burns_out_s
    assert stages["under_control"] == pytest.approx(gone - 120.0)
    assert row["burnt_m2"] == pytest.approx(100.0)
    assert row["engines"] == 1
    # The second engine of the plan never came, and is not needed any more.
    assert calls.iloc[0]["fate"] == "closed"
    assert calls.iloc[0]["t_full"] == at(7) + 210.0


def test_coming_late_costs() -> None:
    burnt = [fire(4, handling=handling)[0]["burnt_m2"] for handling in (0.0, 120.0, 600.0)]
    assert burnt == sorted(burnt)
    assert burnt[2] > 3 * burnt[0]
    alarms = [fire(8, handling=h, fire={"rate": "fast"})[0]["alarm"] for h in (0.0, 600.0)]
    assert alarms[0] < alarms[1]


def test_engines_still_under_way_turn_back_when_it_is_over() -> None:
    """Weak engines: the second alarm at 300 s is on the road when the fuel is gone at 400 s."""
    fuel = Growth(alpha("medium"), 1e9, 1e12).released_kj(520.0) / 1000.0 / 100.0
    rules = {"engine_lps": 1.0, "fuel_mj_per_m2": fuel}
    row, stages, calls = fire(4, fire=rules)
    assert (row["alarm"], row["engines"]) == (2, 2)
    assert stages["under_control"] == pytest.approx(400.0)
    assert calls.iloc[0]["t_full"] == at(7) + 210.0
    assert calls.iloc[0]["fate"] == "closed"


def test_a_type_says_how_its_fires_grow() -> None:
    waste = {"kind": "fire", "name": "waste", "share": 1.0, "rate": "slow"}
    row, *_ = fire(2, types=[waste])
    assert row["rate"] == "slow"
    assert row["heat_kw"] == pytest.approx(alpha("slow") * 420.0**2)


def test_a_false_alarm_is_no_fire() -> None:
    nothing = {"kind": "fire", "name": "toast", "share": 1.0, "p_false": 1.0, "check_s": 30.0}
    city = town(engines=2)
    scenario = plan(
        calls=QUIET,
        changes=[inject(city, "07:00", incident="fire", patients=0)],
        care={"fire": {"enabled": True}, "types": [nothing]},
    )
    _, recorder = run(FixedModel, city, scenario)
    assert recorder.frame("fires").empty
    assert "activity_start" not in set(recorder.frame("incident_events")["stage"])


@pytest.mark.parametrize(
    "wrong",
    [{"rate": "explosive"}, {"largest_m2": 0.0}, {"water_efficiency": 1.5}, {"review_s": 0.0},
     {"alarms": 0}, {"engine_lps": -1.0}],
)  # fmt: skip
def test_fires_that_cannot_be(wrong) -> None:
    with pytest.raises(ValidationError):
        Care.model_validate({"fire": wrong})


def test_patients_are_asked_for_with_the_first_alarm() -> None:
    plans = [{"kind": "fire", "alarm": 2, "send": ["ambulance per patient"]}]
    with pytest.raises(ValidationError, match="first alarm"):
        Care.model_validate({"plans": plans})
