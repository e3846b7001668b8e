"""Durations of the chain, shifts, bays, and what of a run must not hang on anything else."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import twin.agents.hospitals.hospital
from tests.support.emergency import QUIET, FixedModel, constant, inject, plan, run, sure, town
from twin.agents.durations import DEFAULTS, Durations
from twin.agents.units.shifts import Shift
from twin.city.model import Distribution, Service
from twin.core.random import Streams
from twin.simulation import CityModel

HOUR = 3600.0


@pytest.mark.parametrize(
    ("shift", "t", "expected"),
    [
        ((0.0, 0.0), 12.0, (-np.inf, np.inf)),
        ((0.0, 24.0), 12.0, (-np.inf, np.inf)),
        ((7.0, 19.0), 6.0, (7.0, 19.0)),
        ((7.0, 19.0), 7.0, (7.0, 19.0)),
        ((7.0, 19.0), 19.0, (31.0, 43.0)),
        ((19.0, 7.0), 6.0, (-5.0, 7.0)),
        ((19.0, 7.0), 7.0, (19.0, 31.0)),
        ((19.0, 7.0), 26.0, (19.0, 31.0)),
    ],
)
def test_shifts_come_every_day(
    shift: tuple[float, float], t: float, expected: tuple[float, float]
) -> None:
    assert Shift(shift[0] * HOUR, shift[1] * HOUR).at(t * HOUR) == tuple(
        hours * HOUR for hours in expected
    )


def test_a_draw_belongs_to_its_call_and_part() -> None:
    service = Service(durations={"scene": Distribution(family="exponential", a=600.0)})
    durations = Durations(service, Streams(3))
    draws = [durations.draw("medical", "scene", 1, f"M-{k}", "ambulance-1") for k in range(4000)]
    assert np.mean(draws) == pytest.approx(600.0, rel=3 / np.sqrt(4000))
    assert draws[7] == durations.draw("fire", "scene", 3, "M-7", "ambulance-1")
    assert draws[7] != durations.draw("medical", "scene", 1, "M-7", "ambulance-2")
    assert draws[7] != Durations(service, Streams(3, 1)).draw(
        "medical", "scene", 1, "M-7", "ambulance-1"
    )
    assert not durations.assumed


def test_defaults_stand_in_and_say_so() -> None:
    durations = Durations(Service(), Streams(3))
    assert durations.draw("medical", "handling", 1, "a") > 0
    assert durations.draw("fire", "scene", 1, "a") > 0
    assert durations.draw("medical", "wrap_up", 1, "a") == 0.0
    assert durations.assumed == {"handling", "fire.scene"}
    assert all("assumed" in default.source for default in DEFAULTS.values())
    model, _ = run(CityModel, town(service=Service()), plan())
    assert {"handling", "turnout", "scene"} <= set(model.summary().assumed)
    assert model.summary().closed > 0


@pytest.mark.parametrize(
    "distribution",
    [
        Distribution(family="lognormal", a=4.0, b=0.5),
        Distribution(family="exponential", a=80.0),
        Distribution(family="gamma", a=3.0, b=30.0),
        constant(75.0),
    ],
)
def test_the_mean_is_that_of_the_draws(distribution: Distribution) -> None:
    durations = Durations(Service(durations={"turnout": distribution}), Streams(5))
    draws = [durations.draw("medical", "turnout", 1, str(k)) for k in range(4000)]
    error = 3 * np.std(draws) / np.sqrt(len(draws))
    assert abs(np.mean(draws) - durations.mean("medical", "turnout", 1)) <= error + 1e-9


def test_another_unit_changes_no_duration_of_any_call() -> None:
    durations = {
        name: Distribution(family="lognormal", a=6.0, b=0.6)
        for name in ("handling", "scene", "scene_transport", "handover")
    }
    service = Service(durations=durations, p_transport={"medical": 0.5})
    frames = []
    for ambulances in (3, 5):
        city = town(ambulances=ambulances, medical_per_day=200, service=service)
        _, recorder = run(CityModel, city, plan())
        frames.append(recorder.frame("calls").set_index("call_id").sort_index())
    few, many = frames
    assert few.index.equals(many.index)
    assert (few["t_dispatch"] - many["t_dispatch"]).abs().max() > 60.0
    for begin, end in (("t_onscene", "t_leave"), ("t_hospital", "t_clear")):
        spans = [(f[end] - f[begin]).reindex(few.index) for f in frames]
        both = spans[0].notna() & spans[1].notna()
        assert both.sum() > 10
        assert np.allclose(spans[0][both], spans[1][both], atol=1e-6)


def test_patients_wait_for_a_bay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin.agents.hospitals.hospital, "BAYS", 1)
    city = town(ambulances=3, service=sure(1.0))
    changes = [inject(city, "07:00", patients=3)]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes))
    events = recorder.frame("unit_events")
    there = events[events["state"] == "at_hospital"]["t"]
    clear = events[events["state"] == "returning"]["t"]
    assert there.nunique() == 1
    assert (clear.to_numpy() - there.iloc[0]).tolist() == pytest.approx([900, 1800, 2700])
    status = recorder.frame("hospital_status")
    assert status["present"].max() == 3


def test_time_in_calls_is_time_of_units() -> None:
    city = town(medical_per_day=300, fire_per_day=0.0)
    _, recorder = run(CityModel, city, plan())
    calls = recorder.frame("calls")
    closed = calls[calls["fate"] == "closed"].set_index("call_id")
    events = recorder.frame("unit_events")
    events["until"] = events.groupby("unit_id")["t"].shift(-1)
    busy = events[events["call_id"].isin(closed.index)]
    worked = (busy["until"] - busy["t"]).groupby(busy["call_id"]).sum()
    assert np.allclose(worked, (closed["t_clear"] - closed["t_dispatch"])[worked.index])
    assert len(worked) > 30


def test_a_finished_model_is_forgotten() -> None:
    model, _ = run(FixedModel, town(), plan())
    assert [a.unique_id for a in model.agents] == sorted({a.unique_id for a in model.agents})
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
