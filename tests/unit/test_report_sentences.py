"""What a scenario changes and what was set, said in sentences."""

from __future__ import annotations

from typing import get_args

import pytest

from apps.cli.tables import run_tables
from apps.report.changes import change_sentences
from apps.report.differences import fields_apart, settings_of
from tests.support.runs import small_city, small_run, small_scenario
from twin.agents.policies.registry import meaning
from twin.recording.reader import RunReader
from twin.scenarios.care import Care
from twin.scenarios.change_kinds import Change
from twin.scenarios.parts import SignalMode


def said(*changes, first=0):
    return change_sentences(small_scenario(changes=list(changes)), small_city(), first)


CASES = [
    (
        {"kind": "close-links", "street": "Mapo Bridge"},
        "“Mapo Bridge”, both directions, is closed for the whole run.",
    ),
    (
        {"kind": "close-links", "links": [100, 101], "lanes": 1, "at": "18:00", "until": "19:00"},
        "One lane of links 100, 101 is closed from 18:00 to 19:00.",
    ),
    (
        {"kind": "close-links", "links": list(range(100, 109)), "at": "18:00"},
        "Links 100, 101, 102, 103, 104, 105 and 3 more are closed from 18:00 to the end.",
    ),
    (
        {"kind": "scale-demand", "factor": 1.2, "until": "18:30"},
        "Drivers set out on 20% more trips until 18:30.",
    ),
    (
        {"kind": "scale-demand", "factor": 0.5},
        "Drivers set out on 50% fewer trips for the whole run.",
    ),
    (
        {"kind": "add-station", "station_id": "n", "name": "New", "lon": 127.0, "lat": -37.5},
        "A new station for ambulances, New (n), opens at 37.5000° S, 127.0000° E.",
    ),
    (
        {"kind": "add-units", "station": "s1", "count": 2},
        "2 more ambulances are based at One (s1), around the clock.",
    ),
    (
        {"kind": "add-units", "station": "s2", "unit": "engine", "on": "08:00", "off": "20:00"},
        "One more fire engine is based at Two (s2), on duty from 08:00 to 20:00.",
    ),
    (
        {"kind": "remove-units", "units": ["a1", "a2"]},
        "Units a1 and a2 are taken out of service.",
    ),
    (
        {"kind": "remove-units", "station": "s1"},
        "One ambulance is taken away from One (s1).",
    ),
    (
        {"kind": "move-units", "units": ["a1"], "to": "s2"},
        "Unit a1 is based at Two (s2) instead.",
    ),
    (
        {"kind": "close-hospital", "hospital": "h1", "mode": "divert", "at": "18:00"},
        "General (h1) takes no further ambulances from 18:00 to the end.",
    ),
    (
        {"kind": "set-policy", "dispatch": "closest-idle"},
        "Units are dispatched by the rule “closest-idle” for the whole run.",
    ),
    (
        {
            "kind": "inject-incident", "at": "18:10", "incident": "collision", "lon": 127.0,
            "lat": 37.5, "priority": 2, "patients": 3,
        },
        "At 18:10 a collision of priority 2 with 3 patients happens at 37.5000° N, 127.0000° E.",
    ),
    (
        {"kind": "preempt-signals", "junctions": [3], "detection_m": 300, "at": "18:00"},
        ("The signals at junction 3 turn green for units under siren that are nearer than 300 m "
        "from 18:00 to the end."),
    ),
    (
        {"kind": "retime-signals", "mode": "max-pressure", "cycle_s": 90},
        "All signals are run by the pressure of queues and get a cycle of 90 s for the whole run.",
    ),
    (
        {
            "kind": "work-zone", "links": [100], "lanes": 2, "speed_limit_kmh": 50,
            "reason": "new asphalt", "at": "18:00",
        },
        (
            "Work (new asphalt) on link 100 closes 2 lanes, sets a limit of 50 km/h and lets an "
            "open lane carry 1600 cars an hour at most from 18:00 to the end."
        ),
    ),
    (
        {"kind": "work-zone", "links": [100], "lanes": 0},
        "Work on link 100 lets an open lane carry 1600 cars an hour at most for the whole run.",
    ),
    (
        {"kind": "weather", "sky": "snow-heavy", "until": "18:30"},
        "Heavy snow until 18:30: free-flow speeds are 12% lower, lanes carry 22% less.",
    ),
    (
        {"kind": "toll", "street": "Mapo Bridge", "charge_per_km": 2.5, "value_of_time": 20},
        (
            "Driving on “Mapo Bridge” costs 2.5 a kilometre for the whole run; an hour is worth 20 "
            "to drivers."
        ),
    ),
    (
        {"kind": "toll", "links": [100], "charge": 3, "value_of_time": 15, "at": "18:00"},
        "Driving on link 100 costs 3 a link from 18:00 to the end; an hour is worth 15 to drivers.",
    ),
    (
        {"kind": "ban-turn", "turns": [[100, 101], [101, 102]]},
        "Turns 100 to 101 and 101 to 102 (link to link) are banned for the whole run.",
    ),
    (
        {"kind": "choose-unit", "call": "I-1", "unit": "A0"},
        "Unit A0 goes to call I-1.",
    ),
    (
        {"kind": "choose-hospital", "call": "I-1", "hospital": "H9", "role": "ambulance-2"},
        "The patient of ambulance-2 of call I-1 is taken to H9.",
    ),
    (
        {"kind": "bus-lane", "links": [100], "until": "09:00"},
        "The lane at the kerb of link 100 is for buses and emergency units only until 09:00.",
    ),
    (
        {"kind": "open-hospital", "hospital": "h1", "at": "18:00"},
        "General (h1) is open from 18:00 to the end.",
    ),
    (
        {"kind": "close-beds", "hospital": "h1", "beds": 3, "until": "18:30"},
        "3 beds are closed at General (h1) until 18:30.",
    ),
    (
        {"kind": "off-road", "units": ["a1", "a2"], "until": "18:30"},
        "Units a1 and a2 are kept off the road until 18:30.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), CASES)
def test_a_change_is_one_sentence(change, sentence):
    assert said(change) == [sentence]


def test_every_kind_of_change_has_a_sentence():
    kinds = [member.model_fields["kind"].annotation for member in get_args(get_args(Change)[0])]
    assert {change["kind"] for change, _ in CASES} == {get_args(kind)[0] for kind in kinds}


def test_changes_before_the_first_are_left_out_but_their_stations_known():
    station = next(change for change, _ in CASES if change["kind"] == "add-station")
    units = {"kind": "add-units", "station": "n"}
    assert said(station, units, first=1) == [
        "One more ambulance is based at New (n), around the clock."
    ]


@pytest.mark.parametrize("mode", get_args(SignalMode))
def test_every_mode_of_signals_is_told_in_words(mode):
    one, two = (small_scenario(traffic={"signals": each}) for each in ("fixed", mode))
    said = fields_apart(one, two)
    assert len(said) == (mode != "fixed")
    assert "traffic." not in "".join(said)


def test_fields_that_differ_are_named():
    base = small_scenario()
    whatif = small_scenario(traffic={"demand_scale": 1.5}, record={"trips": False}, seed=9)
    assert fields_apart(base, base) == []
    assert fields_apart(base, whatif) == ["traffic.demand_scale is 1.5; in the base it is 1.0."]
    lights = small_scenario(traffic={"signals": "max-pressure", "right_on_red": False})
    on_red, signals = fields_apart(base, lights)
    assert on_red == (
        "Nobody turns right on red; in the base drivers may turn right on red where the city "
        "allows it."
    )
    assert (
        signals == "Signals run by queues (max-pressure); in the base signals run by fixed plans."
    )
    beds = small_scenario(hospitals={"beds": 4})
    assert fields_apart(base, beds) == ["hospitals.beds is 4; in the base it is not set."]
    ready = base.model_copy(
        update={
            "policy": base.policy.model_copy(update={"dispatch": "preparedness", "queue": "a:B"})
        }
    )
    dispatch, queue = fields_apart(base, ready)
    assert dispatch.startswith("Which unit answers a call: “preparedness” (urgent calls have the ")
    assert ". In the base: “closest-idle” (the free unit that is expected on scene" in dispatch
    does = meaning("queue", "priority").rstrip(".")
    assert queue.startswith(
        "Which waiting call a free unit takes: “a:B”. In the base: “priority” ("
    )
    assert queue.endswith(f"{does[1:]}).")
    care = Care.model_validate(
        {"mass": {"order": "first-come"}, "plans": [{"kind": "fire", "send": ["engine"]}]}
    )
    assert fields_apart(base, base.model_copy(update={"care": care})) == [
        "care.mass.order is first-come; in the base it is start.",
        "care.plans differ: 1 in the what-if, 0 in the base.",
    ]


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ([], []),
        (["twin", "run", "x", "--seed", "4"], []),
        (["twin", "run", "x", "--set", "a.b=1", "--set=c=d=e"], ["a.b = 1", "c = d=e"]),
        (["twin", "run", "--set"], []),
    ],
)
def test_what_was_set_is_read_from_the_command(command, settings):
    assert settings_of(command) == settings


def test_a_run_without_traffic_says_nothing_of_vehicles(tmp_path):
    summary = RunReader(small_run(tmp_path / "r")).meta["summary"] | {
        "speeds": [],
        "survivors": None,
        "fires": None,
    }
    lines = [line for line in run_tables(summary) if isinstance(line, str)]
    said = "1 vehicles entered, 1 arrived, 0 removed, 6 found no open road; 7 detours"
    assert any(line.startswith(said) for line in lines)
    still = summary | {"vehicles": dict.fromkeys(summary["vehicles"], 0)}
    lines = [line for line in run_tables(still) if isinstance(line, str)]
    assert "10.0 times real time, 100 MB." in lines
    assert not any("vehicles" in line or "junction" in line for line in lines)
