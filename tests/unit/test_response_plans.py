"""Response plans, first responders, their clocks, and the call-takers before them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from tests.support.emergency import (
    QUIET,
    FixedModel,
    at,
    inject,
    plan,
    run,
    sure,
    town,
)
from twin.agents.incidents.plans import ResponsePlans
from twin.core.errors import InputError
from twin.metrics.standards import load_standard, scorecard
from twin.recording.memory import MemoryRecorder
from twin.scenarios.care import Care, Sent, read_sent
from twin.scenarios.load import load_scenario


def plans(*own: dict[str, Any]) -> ResponsePlans:
    return ResponsePlans(Care.model_validate({"plans": list(own)}).plans)


def calls_of(recorder: MemoryRecorder) -> pd.DataFrame:
    return recorder.frame("calls").sort_values("t_call", kind="stable", ignore_index=True)


def test_the_lines_of_a_plan() -> None:
    assert read_sent("2 engine") == Sent("engine", 2, per_patient=False)
    assert read_sent("ladder") == Sent("ladder", 1, per_patient=False)
    assert read_sent("ambulance per patient") == Sent("ambulance", 1, per_patient=True)


def test_an_advanced_ambulance_is_waited_for() -> None:
    """Only A1 gives advanced care and is busy until 810 s; A2 stands idle and is not sent."""
    assert read_sent("2 advanced ambulance") == Sent("ambulance", 2, False, advanced=True)
    city = town(ambulances=3, service=sure(0.0))
    first = {"kind": "medical", "priority": 2, "send": ["advanced ambulance per patient"]}
    second = {"kind": "medical", "send": ["ambulance", "advanced ambulance per patient"]}
    care = {"advanced_units": ["A1"], "plans": [first, second]}
    changes = [inject(city, "07:00", priority=2), inject(city, "07:01")]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=care))
    one, two = (call for _, call in calls_of(recorder).iterrows())
    assert one["unit_id"] == "A1"
    assert two["unit_id"] == "A0"
    assert two["t_first"] == two["t_onscene"] == at(7) + 270.0
    assert two["t_capable"] == two["t_full"] == at(7) + 810.0 + 120.0


def test_an_advanced_ambulance_must_be_there() -> None:
    scenario = plan(calls=QUIET, care={"advanced_units": ["A9"]})
    with pytest.raises(InputError, match="no ambulance 'A9'") as caught:
        FixedModel(town(), scenario)
    assert "care.advanced_units" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    ["advanced engine", "", "boat", "0 engine", "-1 engine", "99 engine", "engine per patient",
     "2 ambulance per patient", "engines", "2  engine", "engine\n"],
)  # fmt: skip
def test_what_is_no_line_of_a_plan(line) -> None:
    with pytest.raises(ValidationError):
        plans({"kind": "fire", "send": [line]})


def test_a_plan_says_where_it_is_wrong() -> None:
    setting = 'care.plans=[{kind="fire", send=["3 boat"]}]'
    with pytest.raises(InputError, match="no kind of unit") as caught:
        load_scenario("seoul-evening-peak", [setting])
    assert "care.plans" in str(caught.value)
    with pytest.raises(InputError, match="not a kind of plan"):
        load_scenario("seoul-evening-peak", ['care.plans=[{kind="flood", send=["engine"]}]'])


def test_the_most_particular_plan_holds() -> None:
    usual = plans()
    engines = Sent("engine", 2, per_patient=False)
    assert usual.of("fire", "", 1)[0] == engines
    assert usual.of("fire", "", 2)[0].number == 1
    assert [sent.kind for sent in usual.of("collision", "", 1)] == ["ambulance", "engine"]
    own = plans(
        {"kind": "fire", "send": ["4 engine"]},
        {"kind": "fire", "priority": 3, "send": ["engine"]},
    )
    assert [own.of("fire", "", p)[0].number for p in (1, 2, 3)] == [4, 4, 1]
    assert own.of("medical", "", 1) == usual.of("medical", "", 1)
    typed = {"types": [{"kind": "fire", "name": "car", "share": 0.1}]}
    of_type = ResponsePlans(
        Care.model_validate(
            typed
            | {
                "plans": [
                    {"kind": "fire", "priority": 1, "send": ["3 engine"]},
                    {"kind": "fire", "type": "car", "send": ["engine"]},
                    {"kind": "fire", "alarm": 2, "send": ["7 engine"]},
                    {"kind": "fire", "type": "car", "alarm": 2, "send": ["6 engine"]},
                ]
            }
        ).plans
    )
    assert [of_type.of("fire", name, 1)[0].number for name in ("", "car")] == [3, 1]
    assert [of_type.more(name, 1, 2)[0].number for name in ("", "car")] == [7, 6]
    assert of_type.more("car", 1, 3)[0].number == 2
    only_second = plans({"kind": "fire", "priority": 2, "send": ["5 engine"]})
    assert [only_second.of("fire", "", p)[0].number for p in (1, 2, 3)] == [2, 5, 1]


def with_engine(send: list[str]) -> dict[str, Any]:
    return {"plans": [{"kind": "medical", "priority": 1, "send": send}]}


def test_the_engine_is_there_before_the_ambulance_and_leaves_after_it() -> None:
    """One ambulance is busy until 60+30+120+600 s after its call; the engine comes at once."""
    city = town(ambulances=1, engines=1, service=sure(0.0))
    changes = [inject(city, "07:00", priority=2), inject(city, "07:01")]
    care = with_engine(["ambulance per patient", "engine"])
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=care))
    call = calls_of(recorder).iloc[1]
    # The ambulance is free at 07:00 + 810 s, on the road, and drives 120 s.
    ambulance = at(7) + 810.0 + 120.0
    engine = at(7) + 60.0 + 210.0
    assert call["t_answer"] == at(7) + 60.0
    assert call["t_first"] == pytest.approx(engine)
    # It drove 120 s, and so it is within the 240 s of NFPA 1710; the ambulance set off later.
    assert call["t_first_enroute"] == pytest.approx(engine - 120.0)
    line = scorecard(load_standard("nfpa-1710"), [recorder.frame("calls")], at(12)).lines[6]
    assert (line.n, line.value, line.met) == (2, 1.0, True)
    assert call["t_capable"] == call["t_onscene"] == call["t_full"] == pytest.approx(ambulance)
    events = recorder.frame("unit_events")
    mine = events[events["unit_id"] == "E0"].set_index("state")["t"]
    assert mine["on_scene"] == pytest.approx(engine)
    assert mine["returning"] == pytest.approx(ambulance + 300.0)
    assert call["t_clear"] == pytest.approx(ambulance + 600.0)


def test_an_engine_that_is_not_needed_any_more_turns_back() -> None:
    """Free again at 210 s it sets out for the second call, whose ambulance is there at 270 s."""
    city = town(ambulances=2, engines=1, service=sure(0.0))
    changes = [inject(city, "07:00"), inject(city, "07:01")]
    care = with_engine(["ambulance per patient", "engine"]) | {"first_responder_stay_s": 0.0}
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes, care=care))
    second = calls_of(recorder).iloc[1]
    assert second["t_first"] == second["t_capable"] == second["t_full"] == at(7) + 270.0
    events = recorder.frame("unit_events")
    mine = events[(events["unit_id"] == "E0") & (events["t"] > at(7) + 200.0)]
    assert mine["state"].tolist() == ["on_scene", "returning", "to_scene", "returning", "idle"]
    assert mine["t"].iloc[2:4].tolist() == [at(7) + 210.0, at(7) + 270.0]
    assert set(calls_of(recorder)["fate"]) == {"closed"}


def test_engines_alone_at_a_medical_call_leave_by_themselves() -> None:
    city = town(ambulances=0, engines=1)
    care = with_engine(["engine"]) | {"first_responder_stay_s": 90.0}
    scenario = plan(calls=QUIET, changes=[inject(city, "07:00")], care=care)
    _, recorder = run(FixedModel, city, scenario)
    call = calls_of(recorder).iloc[0]
    assert call["t_first"] == pytest.approx(at(7) + 210.0)
    assert call["t_clear"] == pytest.approx(at(7) + 300.0)
    assert pd.isna(call["t_capable"])
    assert call["fate"] == "closed"


def test_a_ladder_comes_where_the_city_has_one() -> None:
    city = town(engines=2, service=sure(0.0))
    care = {"plans": [{"kind": "fire", "send": ["engine", "ladder", "command"]}]}
    fire = inject(city, "07:00", incident="fire", patients=0)
    _, without = run(FixedModel, city, plan(calls=QUIET, changes=[fire], care=care))
    assert calls_of(without).iloc[0]["fate"] == "closed"
    ladder = {"kind": "add-units", "station": "S1", "unit": "ladder"}
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=[ladder, fire], care=care))
    events = recorder.frame("unit_events")
    there = events[events["state"] == "on_scene"]
    assert sorted(there["kind"]) == ["engine", "ladder"]
    call = calls_of(recorder).iloc[0]
    assert call["fate"] == "closed"
    assert call["t_clear"] == pytest.approx(at(7) + 210.0 + 2400.0)


def test_two_call_takers_answer_three_calls() -> None:
    """Each is busy for the 60 s of the dispatch delay; the third call waits for the first two."""
    city = town(ambulances=3)
    changes = [inject(city, "07:00"), inject(city, "07:00:10"), inject(city, "07:00:20")]
    scenario = plan(calls=QUIET, changes=changes, care={"call_takers": 2})
    _, recorder = run(FixedModel, city, scenario)
    calls = calls_of(recorder)
    assert (calls["t_answer"] - at(7)).tolist() == [0.0, 10.0, 60.0]
    assert (calls["t_dispatch"] - at(7)).tolist() == [60.0, 70.0, 120.0]
    _, plain = run(FixedModel, city, plan(calls=QUIET, changes=changes))
    assert (calls_of(plain)["t_answer"] == calls_of(plain)["t_call"]).all()


@pytest.mark.parametrize("takers", [0, -1, 1.5, "many"])
def test_call_takers_that_cannot_be(takers) -> None:
    with pytest.raises(ValidationError):
        Care.model_validate({"call_takers": takers})
