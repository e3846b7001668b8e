"""Free units wait where a rule wants them: choices by hand, limits, shifts, and the way home."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import DAY, QUIET, FixedModel, inject, plan, sure, town
from tests.support.move_up import FAR, moved, states
from twin.agents.policies.scores import Move
from twin.core.errors import InputError
from twin.recording.memory import MemoryRecorder
from twin.simulation import CityModel


def test_a_freed_unit_goes_where_it_adds_most(tmp_path):
    model, recorder = moved(
        tmp_path, [0, 2, 1], "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n",
        policy={"moveup": "dmexclp"}, coverage={"busy": 0.3},
    )  # fmt: skip
    # u0 goes to point 3, u2 stays with point 5. u0 is clear at 160 s, when u1 at base 2 is the only
    # free one: b0 adds (5 .3 + 3) .7 = 3.15, b1 (3 + 2) .7 = 3.5, b2 5 .7 .3 = 1.05, of 10.
    choice = recorder.frame("moves")
    assert choice["unit_id"].unique().tolist() == ["u0"]
    assert choice["station_id"].tolist() == ["p0", "p1", "p2"]
    assert choice["score"].to_numpy() == pytest.approx([-0.315, -0.35, -0.105])
    assert choice["eta_s"].tolist() == [100.0, FAR, 100.0]
    assert choice["chosen"].tolist() == choice["made"].tolist() == [False, True, False]
    assert set(choice["reason"]) == {"free"}
    assert states(recorder, "u0")[-3:] == [
        (160.0, "returning"), (160.0, "moving_up"), (160.0 + FAR, "idle"),
    ]  # fmt: skip
    assert model.summary().moves == {"made": 1, "units": 1, "most_of_a_unit": 1}
    assert model.units[0].place.link == 1


def test_the_toy_of_three_bases(tmp_path):
    # u0 is free again and u1 idle at base 0, d = 5, 3, 2 and q = .3.
    _, recorder = moved(
        tmp_path, [2, 0, 1], "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n",
        policy={"moveup": "dmexclp"}, coverage={"busy": 0.3},
    )  # fmt: skip
    choice = recorder.frame("moves")
    assert 10.0 * choice["score"].to_numpy() == pytest.approx([-1.68, -2.03, -1.05])
    assert choice.loc[choice["made"], "station_id"].tolist() == ["p1"]


def test_who_moves_up_takes_calls_on_the_way_and_where_it_waits(tmp_path):
    rows = "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n"
    scenario = {"policy": {"moveup": "dmexclp"}, "coverage": {"busy": 0.3}}
    # Half way from point 3 (link 3) to base 1: half of 2000 s from point 3, half from base 1.
    _, recorder = moved(tmp_path, [0, 2, 1], rows + "3,1160,p5,0,60,no,,\n", **scenario)
    calls = recorder.frame("calls").set_index("call_id")
    assert calls.loc["3", ["unit_id", "response_s"]].tolist() == ["u0", 0.5 * FAR + 0.5 * 100.0]
    assert (1160.0, "to_scene") in states(recorder, "u0")
    # After its arrival at base 1 it turns out from there.
    _, recorder = moved(
        tmp_path, [0, 2, 1], rows + "3,3000,p5,0,60,no,,\n", chain={"turnout_s": 30.0}, **scenario
    )
    calls = recorder.frame("calls").set_index("call_id")
    assert calls.loc["3", ["unit_id", "response_s"]].tolist() == ["u0", 130.0]


def test_limits_hold(tmp_path):
    rows = "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n3,1160,p5,0,60,no,,\n"
    scenario = {"policy": {"moveup": "dmexclp"}, "coverage": {"busy": 0.3}}
    for limit in ({"per_hour": 0}, {"per_crew": 0}):
        model, recorder = moved(tmp_path, [0, 2, 1], rows, moves=limit, **scenario)
        assert "moving_up" not in {state for _, state in states(recorder, "u0")}
        assert model.summary().moves == {"made": 0, "units": 0, "most_of_a_unit": 0}
        choice = recorder.frame("moves")
        assert choice.loc[choice["chosen"], "made"].tolist()[0] is False
    model, recorder = moved(tmp_path, [0, 2, 1], rows, moves={"per_crew": 1}, **scenario)
    assert model.summary().moves == {"made": 1, "units": 1, "most_of_a_unit": 1}
    _, recorder = moved(
        tmp_path, [0, 2, 1], rows, moves={"per_hour": 0}, record={"decisions": False}, **scenario
    )
    assert not len(recorder.frame("moves"))


def test_no_move_is_longer_than_it_may_be(tmp_path):
    rows = "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n"
    scenario = {"policy": {"moveup": "dmexclp"}, "coverage": {"busy": 0.3}}
    # Base 1, which gains most, is 2000 s from point 3; home is 100 s away and next best.
    for longest, station in ((FAR, "p1"), (FAR - 1.0, "p0"), (0.0, "p0")):
        for decisions in (True, False):
            _, recorder = moved(
                tmp_path, [0, 2, 1], rows, moves={"longest_s": longest},
                record={"decisions": decisions}, **scenario,
            )  # fmt: skip
            choice = recorder.frame("moves")
            made = choice.loc[choice["made"], "station_id"].tolist()
            assert made == (["p1"] if station == "p1" else [])
            if decisions:
                assert choice.loc[choice["chosen"], "station_id"].tolist() == [station]


@pytest.mark.parametrize(("end", "home"), [("00:20", 1200.0), ("01:00", 3600.0)])
def test_at_the_end_of_its_shift_a_unit_goes_home(tmp_path, end, home):
    # On its way to base 1 at 20 minutes, there since 36 at an hour.
    model, recorder = moved(
        tmp_path, [f"0,00:00,{end}", 2, 1], "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n",
        policy={"moveup": "dmexclp"}, coverage={"busy": 0.3},
    )  # fmt: skip
    *_, turn, off = states(recorder, "u0")
    assert turn == (home, "returning")
    share = min((home - 160.0) / FAR, 1.0)
    assert off == (pytest.approx(home + (1.0 - share) * 100.0 + share * 500.0), "off_shift")
    assert model.units[0].place.link == 0


def test_without_a_rule_nothing_is_asked_or_written(tmp_path):
    model, recorder = moved(tmp_path, [0, 2, 1], "1,0,p3,0,60,no,,\n")
    assert model.summary().moves is None
    assert not len(recorder.frame("moves"))
    assert model.deployer.moves == {}


def test_a_rule_can_come_later(tmp_path):
    rows = "1,0,p3,0,60,no,,\n2,0,p5,0,80000,no,,\n3,3600,p3,0,60,no,,\n"
    change = {"kind": "set-policy", "at": "00:30", "moveup": "dmexclp"}
    model, recorder = moved(tmp_path, [0, 2, 1], rows, changes=[change], coverage={"busy": 0.3})
    assert recorder.frame("moves")["t"].min() == 3760.0
    assert model.summary().moves["made"] == 1


def test_a_rule_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no moveup policy 'dmexcl'"):
        moved(tmp_path, [0], "1,0,p3,0,60,no,,\n", policy={"moveup": "dmexcl"})


class Ring:
    """A rule of one's own: the freed unit goes to the next station."""

    def __init__(self, step: int = 1) -> None:
        self.step = step

    def moves(self, world, units, freed):  # noqa: ARG002
        stations = list(world.stations.values())
        k = (stations.index(freed.base) + self.step) % len(stations)
        zeros = np.zeros(len(stations))
        return [Move(freed, stations[k], stations, zeros, zeros)]


def test_a_rule_of_ones_own(tmp_path):
    name = f"{__name__}:Ring"
    policy = {"moveup": name, "parameters": {name: {"step": 2}}}
    rows = "1,0,p3,0,60,no,,\n"
    _, recorder = moved(tmp_path, [0, 1, 2], rows, policy=policy)
    choice = recorder.frame("moves")
    assert choice.loc[choice["made"], "station_id"].tolist() == ["p2"]
    assert choice["policy"].unique().tolist() == [name]


def test_a_unit_that_no_road_leads_to_its_new_station_goes_home():
    city = town(ambulances=1, service=sure(0.0))
    far = city["stations"].assign(station_id="S2", link=0, pos_m=5.0)
    city.tables["stations"] = pd.concat([city["stations"], far], ignore_index=True)
    scenario = plan(
        calls=QUIET, changes=[inject(city, "07:00", 5)], policy={"moveup": f"{__name__}:Ring"}
    )
    recorder = MemoryRecorder()
    model = FixedModel(city, scenario, recorder=recorder)
    model.mobility.cut.add(0)
    model.run()
    assert [state for _, state in states(recorder, "A0")][-4:] == [
        "returning", "moving_up", "returning", "idle",
    ]  # fmt: skip
    assert model.units[0].base is model.units[0].station
    assert model.mobility.place_of(model.units[0].handle) == model.units[0].station.place


def test_a_unit_that_is_sent_away_and_back_in_one_moment_stays():
    city = town(ambulances=1, service=sure(0.0))
    far = city["stations"].assign(station_id="S2", link=0, pos_m=5.0)
    city.tables["stations"] = pd.concat([city["stations"], far], ignore_index=True)
    recorder = MemoryRecorder()
    model = FixedModel(city, plan(calls=QUIET), recorder=recorder)
    model.step()
    unit = model.units[0]
    unit.move_to(model.stations["S2"])
    unit.move_to(model.stations["S1"])
    for _ in range(50):
        model.env.step()
        if model.env.peek() > model.t:
            break
    assert model.env.peek() > model.t
    assert [state for _, state in states(recorder, "A0")] == ["idle"]
    unit.move_to(model.stations["S2"])
    model.run()
    assert [state for _, state in states(recorder, "A0")] == ["idle", "moving_up", "idle"]


@pytest.mark.parametrize("rule", ["dmexclp", "compliance-table", "priority-list", "ddsm"])
def test_what_is_recorded_changes_nothing(rule):
    city = town(ambulances=5, medical_per_day=300.0, rows=6)
    stations = city["stations"]
    corners = [
        stations.assign(station_id=f"S{k}", link=link)
        for k, link in ((2, 0), (3, city.network.n_links - 1))
    ]
    city.tables["stations"] = pd.concat([stations, *corners], ignore_index=True)
    calls = []
    for decisions in (True, False):
        recorder = MemoryRecorder()
        scenario = plan(
            policy={"moveup": rule},
            coverage={"within_s": 70.0},
            record={"decisions": decisions},
            period={"day": DAY, "start": "06:00", "end": "08:00"},
        )
        CityModel(city, scenario, recorder=recorder).run()
        calls.append(recorder.frame("calls"))
        moves = recorder.frame("moves")
        assert moves["made"].any()
        assert decisions or moves["made"].all()
    pd.testing.assert_frame_equal(*calls)
