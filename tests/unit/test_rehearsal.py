"""Runs that pause for people: what is asked, what comes of it, what the review says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import FixedModel, inject, plan, run, town
from tests.support.table_city import region, replay_of
from twin.core.errors import InputError
from twin.recording.memory import MemoryRecorder
from twin.rehearsal import Choices, Rehearsal, by_rule
from twin.simulation import CityModel

HEAD = "id,t,place,priority,dispatch_delay_s,scene_s,transport,hospital,handover_s\n"
NEAR, FAR = 100.0, 300.0
TIMES = [[0.0, 250.0, NEAR], [250.0, 0.0, FAR], [NEAR, FAR, 0.0]]
"""Two bases, p0 near to p2 and p1 far from it."""
TABLES = ("calls", "decisions", "hospital_choices", "unit_events", "hospital_status")


def two_units(tmp_path, rows: str, **fields):
    """Return a city in which u0 is 100 s from p2 and u1 300 s, and the scenario of some calls."""
    city = region(tmp_path, TIMES, [0, 1], [0, 1])
    return replay_of(city, tmp_path, HEAD + rows, **fields)


def tables(recorder: MemoryRecorder) -> dict[str, pd.DataFrame]:
    found = {name: recorder.frame(name) for name in TABLES}
    found["decisions"] = found["decisions"].drop(columns="why")
    # What befell two units at one instant may have been written in another order.
    found["unit_events"] = found["unit_events"].sort_values(
        ["t", "unit_id"], kind="stable", ignore_index=True
    )
    return found


def assert_same(one: MemoryRecorder, other: MemoryRecorder) -> None:
    mine, theirs = tables(one), tables(other)
    for name in TABLES:
        pd.testing.assert_frame_equal(mine[name], theirs[name], check_exact=True)


def test_a_person_sends_the_far_unit(tmp_path) -> None:
    city, scenario = two_units(tmp_path, "1,0,p2,1,10,600,no,,\n2,60,p2,2,10,600,no,,\n")
    rehearsal = Rehearsal(scenario, {"dispatcher": "Kim"}, city=city)
    first = rehearsal.next_decision()
    assert first is not None
    assert (first.t, first.seat, first.person, first.call_id) == (10.0, "dispatcher", "Kim", "1")
    assert (first.role, first.priority, first.policy) == ("ambulance-1", 1, "closest-idle")
    assert first.by_rule == "u0"
    assert first.options == ["u0", "u1", "wait"]
    near, far = first.candidates
    assert (near.arrival_s, far.arrival_s) == (NEAR, FAR)
    assert (near.score, far.score) == (NEAR, FAR)
    # The clock stands still until somebody answers.
    assert rehearsal.next_decision() is first
    assert rehearsal.run_until(1e6) is first
    assert rehearsal.t == 10.0
    rehearsal.choose("u1")
    second = rehearsal.next_decision()
    assert second is not None
    assert (second.t, second.options) == (70.0, ["u0", "wait"])
    rehearsal.choose("wait")
    again = rehearsal.next_decision()
    assert again is not None
    assert (again.t, again.call_id) == (130.0, "2")
    rehearsal.choose("u0", again)
    assert rehearsal.next_decision() is None
    calls = rehearsal.recorder.frame("calls").set_index("call_id")
    assert calls["response_s"].to_dict() == {"1": 10.0 + FAR, "2": 70.0 + NEAR}
    assert calls["unit_id"].to_dict() == {"1": "u1", "2": "u0"}
    assert rehearsal.model.summary().queued == 1
    assert rehearsal.choices()["chosen"].tolist() == ["u1", "wait", "u0"]
    kept = rehearsal.recorder.frame("choices")
    assert kept["by_rule"].tolist() == ["u0", "u0", "u0"]
    assert kept["person"].tolist() == ["Kim"] * 3
    why = rehearsal.recorder.frame("decisions").query("chosen")["why"]
    assert why.tolist() == ["person", "person"]


def test_the_review_sets_the_rules_beside(tmp_path) -> None:
    city, scenario = two_units(tmp_path, "1,0,p2,1,10,600,no,,\n2,9000,p2,2,10,600,no,,\n")
    rehearsal = Rehearsal(scenario, ["dispatcher"], city=city, rules=["closest-straight-line"])
    with pytest.raises(InputError, match="not over yet"):
        rehearsal.review()
    rehearsal.finish(lambda d: "u1" if d.call_id == "1" else by_rule(d))
    review = rehearsal.review()
    worse, same = review.taken
    # As the crow flies p1 is nearer: it lies between p0 and p2.
    assert worse.decision.opinions["closest-straight-line"].chosen == "u1"
    assert worse.later_s == FAR - NEAR
    assert (worse.agree, same.agree) == (("closest-straight-line",), ("closest-idle",))
    assert review.agreement() == {"closest-idle": (1, 2), "closest-straight-line": (1, 2)}
    assert [each["clock"] for each in review.minutes()] == ["00:00", "02:30"]
    assert review.minutes()[0] == {
        "clock": "00:00", "decisions": 1, "other": 1, "waits": 0, "later_s": FAR - NEAR
    }  # fmt: skip
    by_name = {each.name: each for each in review.runs}
    assert list(by_name) == ["people", "rules", "closest-straight-line"]
    assert by_name["people"].responses == {"1": 310.0, "2": 110.0}
    assert by_name["rules"].responses == {"1": 110.0, "2": 110.0}
    assert by_name["closest-straight-line"].responses == {"1": 310.0, "2": 310.0}
    assert by_name["people"].mean_s == 210.0
    assert by_name["rules"].share_in_time == 1.0
    plain = review.as_dict()
    assert plain["responses"]["1"] == {
        "people": 310.0, "rules": 110.0, "closest-straight-line": 310.0
    }  # fmt: skip
    assert [each.name for each in rehearsal.review(runs=False).runs] == ["people"]


def test_a_person_chooses_the_hospital(tmp_path) -> None:
    city, scenario = two_units(
        tmp_path, "1,0,p0,1,10,600,yes,,60\n", policy={"hospital": "nearest-suitable"}
    )
    rehearsal = Rehearsal(scenario, ["hospital"], city=city)
    decision = rehearsal.next_decision()
    assert decision is not None
    assert (decision.t, decision.unit_id, decision.by_rule) == (610.0, "u0", "h0")
    assert [c.arrival_s for c in decision.candidates] == [0.0, 250.0]
    assert decision.options == ["h0", "h1"]
    rehearsal.choose("h1")
    assert rehearsal.next_decision() is None
    calls = rehearsal.recorder.frame("calls")
    assert calls["hospital_id"].tolist() == ["h1"]
    assert calls["t_hospital"].tolist() == [860.0]


def test_a_call_taker_says_how_urgent_it_is(tmp_path) -> None:
    rows = "1,0,p2,2,10,600,no,,\n"
    city, scenario = two_units(tmp_path, rows, chain={"siren_to_scene": 2})
    rehearsal = Rehearsal(scenario, ["call-taker"], city=city)
    decision = rehearsal.next_decision()
    assert decision is not None
    assert (decision.t, decision.by_rule, decision.policy) == (10.0, "2", "protocol")
    assert [c.says for c in decision.candidates] == ["1 ambulance"] * 4
    with pytest.raises(InputError, match="'5' cannot be chosen"):
        rehearsal.choose("5")
    rehearsal.choose("4")
    assert rehearsal.next_decision() is None
    calls = rehearsal.recorder.frame("calls")
    assert calls["priority"].tolist() == [4]
    # Without siren the drive takes 1 / 0.95 of the table's time.
    assert calls["response_s"].tolist() == [pytest.approx(10.0 + NEAR / 0.95)]
    assert [each.name for each in rehearsal.review().runs] == ["people", "rules"]


@pytest.mark.parametrize("seat", ["dispatcher", "hospital", "call-taker"])
def test_who_follows_the_rule_changes_nothing(seat: str) -> None:
    scenario = plan(period={"start": "06:00", "end": "09:00"})
    model, plain = run(CityModel, town(medical_per_day=300.0, fire_per_day=40.0), scenario)
    city = town(medical_per_day=300.0, fire_per_day=40.0)
    rehearsal = Rehearsal(scenario, [seat], city=city)
    summary = rehearsal.finish(by_rule)
    assert len(rehearsal.taken) >= 15
    assert_same(plain, rehearsal.recorder)
    assert summary.queued == model.summary().queued > 0


@pytest.mark.parametrize("fidelity", ["meso", "micro"])
def test_the_clock_stands_still_with_traffic_too(fidelity: str) -> None:
    def scenario():
        city = town()
        changes = [inject(city, f"06:0{k}", link=3 * k) for k in range(1, 4)]
        return city, plan(
            period={"start": "06:00", "end": "06:12"}, traffic={"fidelity": fidelity},
            calls={"source": "none", "collisions": False}, changes=changes,
        )  # fmt: skip

    city, wanted = scenario()
    _, plain = run(CityModel, city, wanted)
    city, wanted = scenario()
    rehearsal = Rehearsal(wanted, ["dispatcher"], city=city, rules=[])
    rehearsal.finish(by_rule)
    assert len(rehearsal.taken) == 3
    assert_same(plain, rehearsal.recorder)


def test_the_same_choices_make_the_same_run() -> None:
    scenario = plan(period={"start": "06:00", "end": "10:00"})
    seats = ["dispatcher", "hospital", "call-taker"]

    def rehearsed() -> Rehearsal:
        city = town(medical_per_day=300.0, fire_per_day=40.0)
        return Rehearsal(scenario, seats, city=city, rules=[])

    rng = np.random.default_rng(5)
    made = rehearsed()
    made.finish(lambda d: str(rng.choice(d.options)))
    chosen = made.choices()
    assert {"wait"} < set(chosen["chosen"])
    other = int((chosen["chosen"] != chosen["by_rule"]).sum())
    assert other > 20
    again = rehearsed()
    choices = Choices(chosen.sample(frac=1.0, random_state=1).sort_values("t", kind="stable"))
    assert choices.seats == ["call-taker", "dispatcher", "hospital"]
    again.finish(choices.of)
    choices.check_all_made()
    assert choices.left == 0
    assert_same(made.recorder, again.recorder)
    pd.testing.assert_frame_equal(made.recorder.frame("choices"), again.recorder.frame("choices"))


@pytest.mark.parametrize("first", [0, 1])
def test_who_answers_first_changes_nothing(first: int) -> None:
    city = town(ambulances=2, engines=2)
    change = inject(city, "06:10", incident="collision", patients=1)
    scenario = plan(calls={"source": "none", "collisions": False}, changes=[change])
    rehearsal = Rehearsal(scenario, ["dispatcher"], city=city, rules=[])
    rehearsal.next_decision()
    waiting = rehearsal.waiting()
    assert {d.role.split("-")[0] for d in waiting} == {"ambulance", "engine"}
    assert rehearsal.waiting("hospital") == []
    order = [waiting[first], waiting[1 - first]]
    for decision in order:
        assert decision in rehearsal.waiting()
        rehearsal.choose(decision.candidates[1].id, decision)
        with pytest.raises(InputError, match="taken already"):
            rehearsal.choose(decision.candidates[0].id, decision)
    rehearsal.finish(by_rule)
    made = rehearsal.recorder.frame("choices")
    assert made["role"].tolist()[:2] == [d.role for d in waiting]
    events = rehearsal.recorder.frame("unit_events").query("state == 'turnout'")
    assert sorted(events["unit_id"]) == ["A1", "E1"]


def test_a_wrong_choice_loses_nothing(tmp_path) -> None:
    city, scenario = two_units(tmp_path, "1,0,p2,1,10,600,no,,\n2,60,p2,2,10,600,no,,\n")
    rehearsal = Rehearsal(scenario, ["dispatcher"], city=city)
    with pytest.raises(InputError, match="no decision waits"):
        rehearsal.choose("u0")
    decision = rehearsal.next_decision()
    assert decision is not None
    for wrong in ("u7", "", "h0", "U0"):
        with pytest.raises(InputError, match="cannot be chosen \\(dispatcher, call 1\\)"):
            rehearsal.choose(wrong)
    assert rehearsal.next_decision() is decision
    rehearsal.choose("u0")
    second = rehearsal.next_decision()
    assert second is not None
    with pytest.raises(InputError, match=r"'u0' cannot be chosen.*can be: u1, wait"):
        rehearsal.choose("u0")  # it is on its way to the first call
    rehearsal.choose("u1", second)
    rehearsal.finish(by_rule)
    calls = rehearsal.recorder.frame("calls").set_index("call_id")
    assert calls["response_s"].to_dict() == {"1": 10.0 + NEAR, "2": 10.0 + FAR}


@pytest.mark.parametrize(
    ("seats", "rules", "said"),
    [
        (["dispatch"], None, "there is no seat 'dispatch'.*dispatcher"),
        ([], None, "nobody has a seat"),
        (["dispatcher"], ["closest-idel"], "named 'closest-idel'.*closest-idle"),
        (["hospital"], ["closest-idle"], "named 'closest-idle'"),
        (["dispatcher"], ["closest-free-flow"], "travel times and no streets"),
        (["dispatcher"], ["no_module:Rule"], "no Python module"),
    ],
)
def test_rubbish_is_refused(tmp_path, seats, rules, said: str) -> None:
    city, scenario = two_units(tmp_path, "1,0,p2,1,10,600,no,,\n")
    with pytest.raises(InputError, match=said):
        Rehearsal(scenario, seats, city=city, rules=rules)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("dispatcher", "1", "ambulance-1")], "has no column 'chosen'"),
        ([("driver", "1", "ambulance-1", "u0")], "there is no seat 'driver'"),
        ([("dispatcher", "", "ambulance-1", "u0")], "`call_id` or `chosen` is empty"),
        ([("dispatcher", "1", "ambulance-1", "u9")], "'u9' cannot be chosen"),
        ([("dispatcher", "9", "ambulance-1", "u0")], "no such decision \\(dispatcher, call 9"),
    ],
)
def test_choices_that_cannot_be_made_are_refused(tmp_path, rows, said: str) -> None:
    city, scenario = two_units(tmp_path, "1,0,p2,1,10,600,no,,\n")
    columns = ["seat", "call_id", "role", "chosen"][: len(rows[0])]

    def made() -> None:
        choices = Choices(pd.DataFrame(rows, columns=columns))
        Rehearsal(scenario, choices.seats, city=city).finish(choices.of)
        choices.check_all_made()

    with pytest.raises(InputError, match=said):
        made()


def test_a_model_without_a_rehearsal_does_not_wait_for_ever() -> None:
    city = town()
    scenario = plan(calls={"source": "none"}, changes=[inject(city, "06:01")])
    rehearsal = Rehearsal(scenario, ["dispatcher"], city=city, rules=[])
    with pytest.raises(RuntimeError, match="a decision waits"):
        rehearsal.model.run()
    assert FixedModel(town(), scenario).seats is None


def turning(tmp_path, **fields):
    """Return a city and scenario in which u1 is far on its way when an urgent call comes."""
    rows = "1,0,p0,3,0,600,no,,\n2,10,p2,3,0,600,no,,\n3,50,p1,1,0,600,no,,\n"
    return two_units(tmp_path, rows, policy={"reassign": "by-priority"}, **fields)


def test_a_person_turns_a_unit_on_its_way(tmp_path) -> None:
    city, scenario = turning(tmp_path)
    rehearsal = Rehearsal(scenario, ["dispatcher"], city=city)
    # u0 is at call 1; u1 sets out for call 2 at 10 s and is 40 s down its 300 s at 50 s.
    for call in ("1", "2"):
        decision = rehearsal.next_decision()
        assert decision is not None
        assert decision.call_id == call
        rehearsal.choose(by_rule(decision))
    decision = rehearsal.next_decision()
    assert decision is not None
    assert (decision.t, decision.call_id, decision.options) == (50.0, "3", ["u1", "wait"])
    assert decision.candidates[0].says == "to_scene, call 2"
    assert decision.candidates[0].cover_lost == 0.0
    assert decision.by_rule == "u1"
    rehearsal.choose("u1")
    assert rehearsal.next_decision() is not None  # call 2 again, when u0 is free
    rehearsal.choose("u0")
    assert rehearsal.next_decision() is None
    calls = rehearsal.recorder.frame("calls").set_index("call_id")
    assert calls["unit_id"].to_dict() == {"1": "u0", "2": "u0", "3": "u1"}
    # From 40 / 300 of the way from p1 to p2 back to p1.
    assert calls.loc["3", "response_s"] == pytest.approx(40.0 / 300.0 * 300.0)
    why = rehearsal.recorder.frame("decisions").query("chosen & call_id == '3'")
    assert why[["unit_id", "why", "on_call"]].to_numpy().tolist() == [["u1", "person", "2"]]


def test_a_person_who_turns_by_the_rule_is_the_rule(tmp_path) -> None:
    rng = np.random.default_rng(4)
    rows = "".join(
        f"{k},{t:.1f},p{rng.integers(3)},{rng.integers(1, 4)},10,{rng.uniform(60, 900):.0f},no,,\n"
        for k, t in enumerate(np.sort(rng.uniform(0.0, 60_000.0, 150)))
    )
    city, scenario = two_units(tmp_path, rows, policy={"reassign": "by-priority"})
    alone = MemoryRecorder()
    CityModel(city, scenario, recorder=alone).run()
    rehearsal = Rehearsal(scenario, ["dispatcher"], city=city, rules=[])
    rehearsal.finish(by_rule)
    mine, theirs = (r.frame("calls") for r in (alone, rehearsal.recorder))
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    turned = alone.frame("decisions").query("chosen and why == 'diverted'")
    assert len(turned) > 2
