"""Timed changes, commands, fixed changes, and rules by name."""

from __future__ import annotations

import json
import threading

import pytest
from pydantic import TypeAdapter

from tests.support.emergency import (
    QUIET,
    FixedModel,
    InstantModel,
    at,
    inject,
    plan,
    run,
    sure,
    town,
)
from twin.agents.policies import find, known
from twin.core.errors import InputError
from twin.recording.memory import MemoryRecorder
from twin.scenarios.change_kinds import Change
from twin.simulation import CityModel

change = TypeAdapter(Change).validate_python


def test_overlapping_closures_end_one_by_one() -> None:
    city = town()
    link = int(city.network.link_id[4])
    other = int(city.network.link_id[9])
    changes = [
        {"kind": "close-links", "links": [link, other], "lanes": 1, "until": "09:00"},
        {"kind": "close-links", "links": [link], "at": "07:00:30", "until": "08:00"},
        {"kind": "close-links", "links": [other], "lanes": 2, "at": "10:00"},
    ]
    model, recorder = run(FixedModel, city, plan(calls=QUIET, changes=changes))
    assert model.mobility.calls == [
        ("close", at(6), (4, 9), 1),
        ("open", at(7) + 30.0, (4,)),
        ("close", at(7) + 30.0, (4,), None),
        ("open", at(8), (4,)),
        ("close", at(8), (4,), 1),
        ("open", at(9), (4, 9)),
        ("close", at(10), (9,), None),
    ]
    rows = recorder.frame("changes")
    assert rows["kind"].tolist() == [
        "close-links",
        "close-links",
        "end of close-links",
        "end of close-links",
        "close-links",
    ]
    assert json.loads(rows["detail"].iloc[0])["links"] == [link, other]


def test_demand_factors_multiply() -> None:
    changes = [
        {"kind": "scale-demand", "factor": 0.5, "until": "08:00"},
        {"kind": "scale-demand", "factor": 3.0, "at": "07:00"},
    ]
    model, _ = run(FixedModel, town(), plan(calls=QUIET, changes=changes))
    assert model.mobility.calls == [
        ("scale", at(6), 0.5),
        ("scale", at(7), 1.5),
        ("scale", at(8), 3.0),
    ]


def test_a_rule_holds_while_its_change_does() -> None:
    city = town(service=sure(0.0))
    changes = [
        {
            "kind": "set-policy",
            "dispatch": "closest-straight-line",
            "at": "07:00",
            "until": "08:00",
        },
        inject(city, "06:30"),
        inject(city, "07:30"),
        inject(city, "08:30"),
    ]
    _, recorder = run(CityModel, city, plan(calls=QUIET, changes=changes))
    rules = recorder.frame("decisions").drop_duplicates("call_id")["policy"].tolist()
    assert rules == ["closest-idle", "closest-straight-line", "closest-idle"]


@pytest.mark.parametrize("rule", ["closest-idle", "closest-free-flow", "closest-straight-line"])
def test_each_dispatch_rule_serves_the_calls(rule: str) -> None:
    model, recorder = run(CityModel, town(rows=6), plan(policy={"dispatch": rule}))
    calls = recorder.frame("calls")
    assert (calls["fate"] == "closed").mean() > 0.8
    decisions = recorder.frame("decisions")
    assert set(decisions["policy"]) == {rule}
    chosen = decisions[decisions["chosen"]].set_index(["t", "call_id"])["score"]
    assert (decisions.groupby(["t", "call_id"])["score"].min() == chosen.sort_index()).all()
    assert model.summary().on_scene == calls["t_onscene"].notna().sum()


def test_unknown_rules_are_refused_by_name() -> None:
    with pytest.raises(
        InputError, match=r"policy.dispatch.*no dispatch policy 'closest-idel'.*'closest-idle'"
    ):
        FixedModel(town(), plan(policy={"dispatch": "closest-idel"}))
    with pytest.raises(
        InputError, match=r"no hospital policy 'x'; known: by-class, nearest-suitable"
    ):
        find("hospital", "x")
    wrong = {"kind": "set-policy", "queue": "last-come", "at": "07:00"}
    with pytest.raises(InputError, match="no queue policy 'last-come'"):
        FixedModel(town(), plan(changes=[wrong]))
    assert known("queue") == ["ageing", "first-come", "priority"]


def test_commands_from_another_thread_are_applied_and_recorded() -> None:
    city = town(service=sure(1.0))
    recorder = MemoryRecorder()
    model = InstantModel(city, plan(calls=QUIET), recorder=recorder)
    while model.t < at(7):
        model.step()
    commands = [
        change({"kind": "close-hospital", "hospital": "H0"}),
        change(inject(city, "07:30")),
    ]
    sender = threading.Thread(target=lambda: [model.submit(c) for c in commands])
    sender.start()
    sender.join()
    model.run()
    rows = recorder.frame("changes")
    assert rows["t"].tolist() == [at(7), at(7.5)]
    call = recorder.frame("calls").iloc[0]
    assert (call["hospital_id"], call["t_call"]) == ("H1", at(7.5))


def test_commands_that_cannot_happen_are_refused_and_change_nothing() -> None:
    model = FixedModel(town(), plan(calls=QUIET))
    for wrong, message in (
        ({"kind": "close-hospital", "hospital": "H7"}, "no hospital 'H7'"),
        ({"kind": "close-links", "links": [999_999]}, "no link 999999"),
        ({"kind": "set-policy", "dispatch": "nearest"}, "no dispatch policy"),
        ({"kind": "add-units", "station": "S1"}, "cannot be made while a run goes on"),
    ):
        with pytest.raises(InputError, match=message):
            model.submit(change(wrong))
    model.step()
    assert not model.mobility.calls


def test_a_command_that_is_over_is_refused_and_one_over_by_the_next_step_ends_in_it() -> None:
    city = town()
    recorder = MemoryRecorder()
    model = FixedModel(city, plan(calls=QUIET), recorder=recorder)
    while model.t < at(7):
        model.step()
    link = int(city.network.link_id[4])
    over = {"kind": "close-links", "links": [link], "until": "07:00"}
    with pytest.raises(InputError, match="over at 07:00, it is 07:00:00 already") as refused:
        model.submit(change(over))
    assert refused.value.field == "until"

    def hasty():
        yield model.env.timeout(0.5)
        model.submit(change(over | {"until": "07:00:01"}))

    model.env.process(hasty())
    while model.t < at(7) + 300.0:
        model.step()
    assert [call[0] for call in model.mobility.calls] == ["close", "open"]
    rows = recorder.frame("changes")
    assert rows["kind"].tolist() == ["close-links", "end of close-links"]
    assert rows["t"].nunique() == 1


def test_fixed_changes_shape_the_roster() -> None:
    city = town(ambulances=2, engines=1)
    node = 0
    changes = [
        {
            "kind": "add-station",
            "station_id": "S9",
            "lon": float(city.network.node_lon[node]),
            "lat": float(city.network.node_lat[node]),
        },
        {"kind": "add-units", "station": "S9", "count": 2, "on": "07:00", "off": "09:00"},
        {"kind": "move-units", "units": ["A0"], "to": "S9"},
        {"kind": "remove-units", "units": ["A1"]},
        {"kind": "remove-units", "station": "S1", "unit": "engine"},
    ]
    model = FixedModel(city, plan(calls=QUIET, changes=changes))
    assert [(u.unit_id, u.station.station_id) for u in model.units] == [
        ("A0", "S9"),
        ("S9-new-ambulance-1", "S9"),
        ("S9-new-ambulance-2", "S9"),
    ]
    assert [u.unit_id for u in model.stations["S9"].units] == [u.unit_id for u in model.units]
    while model.t < at(6.5):
        model.step()
    assert [u.available for u in model.units] == [True, False, False]
    while model.t < at(7.5):
        model.step()
    assert all(u.available for u in model.units)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "add-units", "station": "S11"}, r"no station 'S11'.*did you mean 'S1'"),
        ({"kind": "remove-units", "units": ["A9"]}, "no unit 'A9'"),
        ({"kind": "move-units", "units": ["A0"], "to": "S8"}, "no station 'S8'"),
        ({"kind": "close-hospital", "hospital": "H"}, "no hospital 'H'"),
        ({"kind": "close-links", "street": "Nowhere"}, "no street or bridge named 'Nowhere'"),
    ],
)
def test_fixed_changes_that_cannot_happen_are_errors(
    wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        FixedModel(town(), plan(changes=[wrong]))
