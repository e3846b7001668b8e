"""In lane-level traffic too, one more unit leaves every call but the collisions untouched.

Collisions (`X-...`) arise from the metres that vehicles drive, so they are an outcome: a unit more
on the road may move them. Everything else that is drawn must be the same bits in both runs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import DAY, plan, run, town
from twin.agents.durations import Durations
from twin.city.model import Distribution
from twin.simulation import CityModel

ASKED = ["call_id", "kind", "priority", "lon", "lat", "district", "t_call"]
MORE = {"kind": "add-units", "station": "S1", "count": 1}

Draws = dict[tuple[object, ...], float]


def micro(monkeypatch, changes) -> tuple[CityModel, pd.DataFrame, Draws]:
    """Run twenty minutes of a small town; return its calls and every service time drawn."""
    draws: Draws = {}
    draw = Durations.draw

    def noted(self, kind, interval, priority, call_id, role=""):
        value = draw(self, kind, interval, priority, call_id, role)
        draws[kind, interval, priority, call_id, role] = value
        return value

    monkeypatch.setattr(Durations, "draw", noted)
    city = town(medical_per_day=700, fire_per_day=600)
    city.tables["collision_rates"] = city["collision_rates"].assign(per_mvkm=12_000.0)
    varied = {
        name: Distribution(family="lognormal", a=np.log(fixed.a), b=0.3)
        for name, fixed in city.service[""].durations.items()
    }
    city.service[""] = city.service[""].model_copy(update={"durations": varied})
    scenario = plan(
        period={"day": DAY, "start": "08:00", "end": "08:20", "warm_up_min": 5},
        traffic={"fidelity": "micro"},
        calls={"collisions": True},
        changes=changes,
    )
    model, recorder = run(CityModel, city, scenario)
    monkeypatch.undo()
    return model, recorder.frame("calls"), draws


def arising(calls: pd.DataFrame) -> pd.Series:
    return calls["call_id"].str.startswith("X-")


def bits(calls: pd.DataFrame) -> dict[str, bytes]:
    """Return each column's bytes, calls in order of their names."""
    ordered = calls.sort_values("call_id", kind="stable")
    return {
        name: "\n".join(column).encode()
        if pd.api.types.is_string_dtype(column.dtype)
        else column.to_numpy().tobytes()
        for name, column in ordered.items()
    }


@pytest.fixture(scope="module")
def sides():
    with pytest.MonkeyPatch.context() as monkeypatch:
        return micro(monkeypatch, []), micro(monkeypatch, [MORE])


def test_the_calls_are_the_same_bytes(sides):
    (_, base, _), (_, whatif, _) = sides
    one, two = (calls.loc[~arising(calls), ASKED] for calls in (base, whatif))
    assert len(one) > 10
    assert {"medical", "fire"} <= set(one["kind"])
    assert bits(one) == bits(two)
    # The runs are not the same run: the unit was sent, and there were collisions that could move.
    assert arising(base).any()
    times = [calls.set_index("call_id")["response_s"] for calls in (base, whatif)]
    assert not times[0].equals(times[1])


def test_what_was_drawn_before_the_run_is_the_same_bytes(sides):
    (base, *_), (whatif, *_) = sides
    assert bits(base.calls) == bits(whatif.calls)
    assert len(base.calls) > len(sides[0][1]) - arising(sides[0][1]).sum()  # the warm-up's too


def test_service_times_are_the_same_bits(sides):
    (_, _, base), (_, _, whatif) = sides
    both = [key for key in base.keys() & whatif.keys() if not str(key[3]).startswith("X-")]
    intervals = {key[1] for key in both}
    assert {"handling", "turnout", "scene", "scene_transport", "handover"} <= intervals
    assert len({base[key] for key in both}) == len(both)
    assert {key: base[key] for key in both} == {key: whatif[key] for key in both}
    # Every call of the period was handled in both runs, whoever was sent to it.
    handled = {key[3] for key in both if key[1] == "handling"}
    named = set(sides[0][1].loc[~arising(sides[0][1]), "call_id"])
    assert named - handled == set()
