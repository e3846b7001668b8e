"""Emergency rooms: beds, teams, walk-ins, diversion, what is known of them, who is refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

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
from tests.support.emergency_rooms import FLAT, clinic, diverted, hours, time_mean
from twin.agents.hospitals.emergency_room import WalkIns, still_there
from twin.agents.hospitals.hospital import HospitalStatus
from twin.agents.units.telemetry import MEANS, OTHERS
from twin.city.model import City
from twin.core.errors import InputError
from twin.core.news2 import news2
from twin.queueing.erlang import erlang_b, erlang_c
from twin.scenarios.spec import Scenario

# In `FixedModel`, a call at 07:00 is dispatched at 07:01; the unit rolls at 07:01:30, is there at
# 07:03:30, leaves at 07:08:30, and every drive takes 120 s: it is at the door at 07:10:30.
LEFT = at(7) + 510.0
DOOR = LEFT + 120.0


def two(city: City | None = None, **columns: Any) -> City:
    """Return a town of which all patients go to hospital, with these columns of its hospitals."""
    city = city or town(service=sure(1.0))
    city.tables["hospitals"] = city["hospitals"].assign(**columns)
    return city


def quiet(city: City, *, calls: list[str], **fields: Any) -> Scenario:
    """Return a scenario with a call at each of these times and no other."""
    changes = [*fields.pop("changes", ()), *(inject(city, t, priority=1) for t in calls)]
    return plan(calls=QUIET, changes=changes, **fields)


def patients(city: City, scenario: Scenario) -> pd.DataFrame:
    _, recorder = run(FixedModel, city, scenario)
    return recorder.frame("hospital_patients").sort_values("t_door", ignore_index=True)


def test_a_crew_waits_for_a_bed_and_the_patient_for_the_team() -> None:
    city = two(beds=np.array([1, 0], np.int32), open=[True, False])
    rooms = {"stay_min": 60, "stay_cv": 0.0, "preparation_min": 0}
    got = patients(city, quiet(city, calls=["07:00", "07:10"], hospitals=rooms))
    # The handover of 15 minutes begins when there is a bed; the first leaves it after an hour.
    assert got["t_door"].tolist() == [DOOR, DOOR + 600.0]
    assert got["t_bed"].tolist() == [DOOR, DOOR + 3600.0]
    assert got["t_treatment"].tolist() == got["t_bed"].tolist()
    assert got["t_released"].tolist() == [DOOR + 900.0, DOOR + 4500.0]


@pytest.mark.parametrize(
    ("rooms", "wait"),
    [
        ({"preparation_min": 1.5}, 0.0),
        ({"preparation_min": 2.0}, 0.0),
        ({"preparation_min": 10.0}, 480.0),
        ({"preparation_min": 10.0, "prealert": False}, 600.0),
        ({"preparation_min": 10.0, "prepared_priority": 0}, 0.0),
    ],
)
def test_the_team_prepares_while_the_ambulance_is_on_its_way(rooms, wait) -> None:
    city = two(beds=np.array([5, 5], np.int32))
    got = patients(city, quiet(city, calls=["07:00"], hospitals=rooms))
    assert got["door_to_treatment_s"].tolist() == [pytest.approx(wait, abs=1e-6)]


def test_a_team_treats_one_patient_after_the_other_and_the_urgent_first() -> None:
    city = two(beds=np.array([9, 0], np.int32), open=[True, False])
    rooms = {"teams": 1, "treatment_min": 60.0, "preparation_min": 0.0}
    calls = [inject(city, "07:00", priority=p) for p in (2, 2, 1)]
    _, recorder = run(FixedModel, city, plan(calls=QUIET, changes=calls, hospitals=rooms))
    got = recorder.frame("hospital_patients").sort_values("t_treatment")
    assert got["priority"].tolist() == [2, 1, 2]
    assert got["t_treatment"].is_monotonic_increasing
    assert got["t_treatment"].nunique() == 3
    assert got["t_bed"].tolist() == [DOOR] * 3


def test_crews_leave_at_the_latest_when_they_are_to_be_released() -> None:
    city = two(beds=np.array([1, 0], np.int32), open=[True, False])
    rooms = {"stay_min": 600, "stay_cv": 0.0, "release_after_min": 45}
    got = patients(city, quiet(city, calls=["07:00", "07:10"], hospitals=rooms))
    assert got["t_released"].tolist() == [DOOR + 900.0, DOOR + 600.0 + 2700.0]
    assert got["t_bed"].isna().tolist() == [False, True]
    rooms["release_after_min"] = 5
    got = patients(city, quiet(city, calls=["07:00"], hospitals=rooms))
    assert got["t_released"].tolist() == [DOOR + 300.0]  # in the middle of the handover


def test_a_hospital_that_is_full_diverts_and_opens_with_hysteresis() -> None:
    city = two(beds=np.array([2, 0], np.int32))
    rooms = {"stay_min": 60, "stay_cv": 0.0, "divert_at": 1.0, "reopen_at": 0.0}
    scenario = quiet(city, calls=["07:00", "07:20", "07:40", "08:25", "09:00"], hospitals=rooms)
    _, recorder = run(FixedModel, city, scenario)
    # Full from 07:30:30; one bed is free at 08:10:30, which is not enough; both at 08:30:30.
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["hospital_id"].tolist() == ["H0", "H0", "H1", "H0", "H0"]
    assert calls["t_hospital"].tolist()[3] == at(8) + 2130.0
    status = recorder.frame("hospital_status")
    mine = status[(status["hospital_id"] == "H0")]
    turns = mine[mine["status"] != mine["status"].shift()]
    assert turns["status"].tolist()[:3] == ["open", "divert", "open"]
    assert turns["t"].tolist()[1:3] == [DOOR + 1200.0, DOOR + 4800.0]


def test_ambulances_on_their_way_choose_again_when_it_fills_up() -> None:
    city = two(beds=np.array([1, 0], np.int32))
    rooms: dict[str, Any] = {"stay_min": 60, "divert_at": 1.0}
    both = ["07:00:00", "07:01:00"]  # the second is on its way when the first is at the door
    _, recorder = run(FixedModel, city, quiet(city, calls=both, hospitals=rooms))
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["hospital_id"].tolist() == ["H0", "H1"]
    assert calls["t_hospital"].tolist() == [DOOR, DOOR + 120.0]
    rooms["turn_back"] = False
    _, recorder = run(FixedModel, city, quiet(city, calls=both, hospitals=rooms))
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["hospital_id"].tolist() == ["H0", "H0"]
    assert calls["t_hospital"].tolist() == [DOOR, DOOR + 60.0]


@pytest.mark.parametrize(("door", "hospital"), [("take", "H0"), ("turn-away", "H1")])
def test_what_is_known_is_as_old_as_the_last_report(door, hospital) -> None:
    city = two(beds=np.array([1, 0], np.int32))
    rooms = {"stay_min": 600, "divert_at": 1.0, "report_every_min": 30, "at_door": door}
    # The bed is taken at 07:10:30 and it is reported at 07:30: the crew that sets off at 07:18:30
    # does not know it and stands at the door at 07:20:30; the one of 07:24 does.
    scenario = quiet(city, calls=["07:00", "07:10", "07:24"], hospitals=rooms)
    _, recorder = run(FixedModel, city, scenario)
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["hospital_id"].tolist() == ["H0", hospital, "H1"]
    late = 0.0 if door == "take" else 120.0
    assert calls["t_hospital"].tolist() == [DOOR, DOOR + 600.0 + late, DOOR + 1440.0]
    choices = recorder.frame("hospital_choices")
    asked = choices[choices["chosen"]].groupby("call_id", sort=False)["hospital_id"].agg(list)
    assert asked.tolist() == [["H0"], ["H0"] if door == "take" else ["H0", "H1"], ["H1"]]


def test_a_hospital_that_closed_is_left_at_the_door() -> None:
    city = town(service=sure(1.0))
    closing = {"kind": "close-hospital", "hospital": "H0", "at": "07:09:00"}
    scenario = quiet(city, calls=["07:00"], changes=[closing], hospitals={"report_every_min": 600})
    _, recorder = run(FixedModel, city, scenario)
    call = recorder.frame("calls").iloc[0]
    assert call["hospital_id"] == "H1"
    assert call["t_hospital"] == DOOR + 120.0


def test_where_all_are_full_all_are_open() -> None:
    city = two(town(service=sure(1.0), ambulances=5), beds=np.array([1, 1], np.int32))
    rooms = {"stay_min": 60, "stay_cv": 0.0, "divert_at": 1.0, "at_door": "turn-away"}
    scenario = quiet(city, calls=["07:00", "07:05", "07:10", "07:15"], hospitals=rooms)
    _, recorder = run(FixedModel, city, scenario)
    calls = recorder.frame("calls").sort_values("t_call")
    assert calls["hospital_id"].tolist() == ["H0", "H1", "H0", "H0"]
    assert calls["t_hospital"].tolist() == [DOOR + 300.0 * k for k in range(4)]


def test_patients_go_where_they_can_be_treated() -> None:
    needs = {"needs": {"medical": {"pci": 1.0}}}
    city = two(capabilities=["emergency", "emergency pci"], beds=np.array([5, 5], np.int32))
    got = patients(city, quiet(city, calls=["07:00"], hospitals=needs))
    assert got[["hospital_id", "need", "able"]].to_numpy().tolist() == [["H1", "pci", True]]
    # It is full: they go there all the same. It is closed: they go where they are taken.
    full = needs | {"stay_min": 600, "divert_at": 0.2, "reopen_at": 0.1}
    got = patients(city, quiet(city, calls=["07:00", "08:00"], hospitals=full))
    assert got["hospital_id"].tolist() == ["H1", "H1"]
    closing = {"kind": "close-hospital", "hospital": "H1"}
    got = patients(city, quiet(city, calls=["07:00"], hospitals=needs, changes=[closing]))
    assert got[["hospital_id", "able"]].to_numpy().tolist() == [["H0", False]]


def test_needs_are_drawn_in_their_shares_and_no_rule_shifts_them() -> None:
    city = two(town(service=sure(1.0), medical_per_day=2400, ambulances=60))
    rooms = {"beds": 500, "needs": {"medical": {"pci": 0.2, "stroke": 0.3}}}
    found = []
    for rule in ("nearest-suitable", "soonest-treatment"):
        scenario = plan(hospitals=rooms, policy={"hospital": rule}, record={"decisions": False})
        _, recorder = run(InstantModel, city, scenario)
        found.append(recorder.frame("hospital_patients").set_index("call_id")["need"].sort_index())
    assert found[0].equals(found[1])
    n = len(found[0])
    assert n > 400
    shares = found[0].value_counts() / n
    for need, share in {"pci": 0.2, "stroke": 0.3, "": 0.5}.items():
        assert shares[need] == pytest.approx(share, abs=3.0 * np.sqrt(share * (1 - share) / n))


def test_the_same_patient_stays_as_long_wherever_they_are_taken(monkeypatch) -> None:
    from twin.agents.hospitals.emergency_room import EmergencyRoom

    admit = EmergencyRoom.admit
    city = two(town(service=sure(1.0), medical_per_day=600, ambulances=60))
    seen: list[dict[str, tuple[float, float]]] = []

    def noted(self, task, t_door, t_alert):
        patient = admit(self, task, t_door, t_alert)
        seen[-1][task.incident.call_id] = (patient.stay_s, patient.treatment_s)
        return patient

    monkeypatch.setattr(EmergencyRoom, "admit", noted)
    closing = {"kind": "close-hospital", "hospital": "H0"}
    for changes in ([], [closing]):
        seen.append({})
        rooms = {"beds": 20, "walk_ins_per_bed": 2.0}
        run(InstantModel, city, plan(hospitals=rooms, changes=changes))
    both = seen[0].keys() & seen[1].keys()
    assert len(both) > 80
    assert {call: seen[0][call] for call in both} == {call: seen[1][call] for call in both}


def test_the_record_streams_ahead_every_second_to_the_hospital_that_is_meant() -> None:
    city = town(service=sure(1.0))
    closing = {"kind": "close-hospital", "hospital": "H0", "at": "07:09:30"}
    rooms = {"vitals_every_s": 1.0}
    _, recorder = run(
        FixedModel, city, quiet(city, calls=["07:00"], changes=[closing], hospitals=rooms)
    )
    got = recorder.frame("vitals")
    # A minute to the one that closes, then two to the other, without a gap.
    assert got["t"].tolist() == [LEFT + k for k in range(181)]
    assert got["hospital_id"].tolist() == ["H0"] * 61 + ["H1"] * 120
    assert got["saturation"].max() <= 100.0
    _, plain = run(FixedModel, city, quiet(city, calls=["07:00"], changes=[closing]))
    assert plain.frame("calls").equals(recorder.frame("calls"))
    assert not len(plain.frame("vitals"))


@pytest.mark.parametrize(("priority", "low", "high"), [(1, 7, 20), (2, 5, 6), (3, 0, 4)])
def test_the_score_is_of_the_priority(priority, low, high) -> None:
    respiration, saturation, systolic, pulse = MEANS.get(priority, OTHERS)
    score = news2(respiration=respiration, saturation=saturation, systolic=systolic, pulse=pulse)
    assert low <= score <= high


def test_news2_by_its_chart() -> None:
    well = {"respiration": 12, "saturation": 96, "systolic": 111, "pulse": 51}
    assert news2(**well) == 0
    for sign, values in {
        "respiration": {8: 3, 9: 1, 11: 1, 20: 0, 21: 2, 24: 2, 25: 3},
        "saturation": {91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 100: 0},
        "systolic": {90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 219: 0, 220: 3},
        "pulse": {40: 3, 41: 1, 50: 1, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3},
    }.items():
        for value, points in values.items():
            assert news2(**{**well, sign: value}) == points, (sign, value)


def test_hospitals_that_refuse_are_asked_in_turn_and_asking_takes_time() -> None:
    city = town(service=sure(1.0))
    rooms = {"refusal": 1.0, "enquiry_s": 90.0, "most_refusals": 3}
    _, recorder = run(FixedModel, city, quiet(city, calls=["07:00"], hospitals=rooms))
    asked = recorder.frame("hospital_enquiries")
    # Both refuse, then a minute passes; the third refusal is the last.
    assert asked["hospital_id"].tolist() == ["H0", "H1", "H0"]
    assert asked["refused"].all()
    assert asked["t"].tolist() == [LEFT + 90.0, LEFT + 180.0, LEFT + 330.0]
    call = recorder.frame("calls").iloc[0]
    assert call["hospital_id"] == "H1"
    assert call["t_leave"] == LEFT + 330.0


def test_every_patient_ends_somewhere_though_most_are_refused_and_little_is_known() -> None:
    city = two(town(service=sure(1.0), medical_per_day=300, ambulances=80))
    rooms = {
        "beds": 3, "walk_ins_per_bed": 3.0, "refusal": 0.58, "refusal_when_full": 0.95,
        "enquiry_s": 60.0, "report_every_min": 45.0, "divert_at": 1.0, "at_door": "turn-away",
        "release_after_min": 45.0,
    }  # fmt: skip
    for rule in ("nearest-suitable", "by-class", "soonest-treatment", "recorded"):
        scenario = plan(hospitals=rooms, policy={"hospital": rule})
        _, recorder = run(FixedModel, city, scenario)
        calls = recorder.frame("calls")
        early = calls[(calls["kind"] == "medical") & (calls["t_call"] < at(9))]
        assert len(early) > 20
        assert (early["fate"] == "closed").all()
        assert early["transported"].all()
        status = recorder.frame("hospital_status")
        assert (status["occupied"] <= status["beds"]).all()
        assert not ((status["waiting"] > 0) & (status["occupied"] < status["beds"])).any()
        asked = recorder.frame("hospital_enquiries")
        refused = asked.loc[~asked["full"], "refused"]
        assert refused.mean() == pytest.approx(0.58, abs=3 * np.sqrt(0.58 * 0.42 / len(refused)))
        assert (asked["full"] != asked["known_full"]).any()


def test_severe_patients_go_to_centres_and_others_to_local_hospitals() -> None:
    city = two(level=["local", "regional"])
    for priority, hospital in ((1, "H1"), (2, "H0")):
        scenario = plan(
            calls=QUIET,
            changes=[inject(city, "07:00", priority=priority)],
            policy={"hospital": "by-class"},
        )
        _, recorder = run(FixedModel, city, scenario)
        assert recorder.frame("calls")["hospital_id"].tolist() == [hospital]
        swapped = two(level=["regional", "local"])
        _, recorder = run(FixedModel, swapped, scenario)
        assert recorder.frame("calls")["hospital_id"].tolist() == [{"H0": "H1"}.get(hospital, "H0")]
    near = plan(
        calls=QUIET,
        changes=[inject(city, "07:00", priority=1)],
        policy={"hospital": "by-class", "parameters": {"by-class": {"detour_min": 0.0}}},
    )
    _, recorder = run(FixedModel, city, near)
    assert recorder.frame("calls")["hospital_id"].tolist() == ["H0"]


def test_the_soonest_treatment_counts_who_is_there_and_who_is_on_the_way() -> None:
    city = two(beds=np.array([2, 2], np.int32))
    rooms = {"stay_min": 60, "stay_cv": 0.0}
    times = ["07:00:00", "07:00:10", "07:00:20", "07:00:30", "07:00:40"]
    scenario = quiet(
        city, calls=times, hospitals=rooms, policy={"hospital": "soonest-treatment"},
        changes=[{"kind": "add-units", "station": "S1", "count": 3}],
    )  # fmt: skip
    _, recorder = run(FixedModel, city, scenario)
    assert recorder.frame("calls").sort_values("t_call")["hospital_id"].tolist() == [
        "H0", "H0", "H1", "H1", "H0",
    ]  # fmt: skip
    choices = recorder.frame("hospital_choices")
    last = choices[choices["t"] == choices["t"].max()]
    # Two on the way to each of two beds: one must leave, at the rate of two an hour.
    assert last["score"].tolist() == [120.0 + 1800.0] * 2


def test_the_expected_wait_counts_who_goes_before() -> None:
    city = two(town(service=sure(1.0), ambulances=8), beds=np.array([2, 0], np.int32))
    calls = [inject(city, "07:00", priority=p) for p in (2, 2, 3, 3, 2)]
    closing = {"kind": "close-hospital", "hospital": "H1"}
    rooms = {"stay_min": 60, "stay_cv": 0.0}
    model = FixedModel(city, plan(calls=QUIET, changes=[closing, *calls], hospitals=rooms))
    while model.t < DOOR - 60.0:
        model.step()
    hospital = model.hospitals["H0"]
    # Five are on their way to two beds, of whom three go before one more of priority 2; then two
    # are in beds, and of the rest one goes before.
    for until in (DOOR - 60.0, DOOR + 60.0):
        while model.t < until:
            model.step()
        waits = [hospital.expected_wait_s(priority) for priority in (1, 2, 3, 4)]
        assert waits[1:] == [2 * 1800.0, 4 * 1800.0, 4 * 1800.0]
    assert waits[0] == 1800.0
    assert model.hospitals["H1"].expected_wait_s(1) == 0.0


def test_to_ask_in_the_order_of_the_score_is_best() -> None:
    """Against every order of four hospitals: the mean time from the first question to the end."""
    rng = np.random.default_rng(3)
    for _ in range(30):
        cost, until = 120.0, rng.uniform(300.0, 3000.0, 4)
        chance = rng.uniform(0.1, 1.0, 4)
        chance[np.argmax(until)] = 1.0

        def mean(order: tuple[int, ...]) -> float:
            left, total = 1.0, 0.0
            for k in order:
                total += left * (cost + chance[k] * until[k])  # noqa: B023
                left *= 1.0 - chance[k]  # noqa: B023
                if left == 0.0:
                    break
            return total if left == 0.0 else np.inf

        best = min(itertools.permutations(range(4)), key=mean)
        score = until + cost / chance
        assert mean(tuple(np.argsort(score).tolist())) == pytest.approx(mean(best))


def test_beds_are_as_full_at_the_start_as_after_a_day_of_the_run() -> None:
    """Who came before the run is there at its start exactly as if it had begun earlier."""
    city = two(beds=np.array([6, 4], np.int32), walk_ins_per_day=[40.0, 30.0])
    rooms = {"stay_min": 200}
    kept = ["t", "hospital_id", "occupied", "waiting"]
    found = []
    for start, filled in (("00:00", 0.0), ("12:00", 12.0)):
        period = {"start": start, "end": "20:00"}
        scenario = plan(calls=QUIET, period=period, hospitals=rooms | {"filled_h": filled})
        _, recorder = run(FixedModel, city, scenario)
        status = recorder.frame("hospital_status")[kept]
        found.append(status[status["t"] > at(12)].reset_index(drop=True))
    assert len(found[0]) > 30
    assert found[0]["waiting"].max() > 0
    assert found[0].equals(found[1])


def test_who_of_a_queue_is_still_there() -> None:
    come = WalkIns(np.array([0.0, 1.0, 2.0, 3.0]), np.array([10.0, 2.0, 4.0, 1.0]), np.zeros(4))
    # Two beds: the third waits from 2 until 3 and stays until 7, the fourth waits until 7.
    assert still_there(come, 2, 3.0) == [(0, 0.0), (2, 3.0), (3, None)]
    assert still_there(come, 2, 7.5) == [(0, 0.0), (3, 7.0)]
    assert still_there(come, 2, 10.0) == []


def test_walk_ins_come_by_the_hour_and_not_to_a_closed_hospital() -> None:
    city = two(beds=np.array([400, 400], np.int32), open=[True, False])
    weights = [0.0] * 24
    weights[8], weights[10] = 3.0, 1.0
    rooms = {"walk_ins_per_bed": 2.0, "walk_in_hours": weights, "stay_min": 1.0, "filled_h": 0.0}
    _, recorder = run(FixedModel, city, plan(calls=QUIET, hospitals=rooms))
    status = recorder.frame("hospital_status")
    assert status.loc[status["hospital_id"] == "H1", "occupied"].max() == 0
    mine = status[status["hospital_id"] == "H0"]
    came = mine[mine["occupied"].diff() > 0]["t"].to_numpy()
    by_hour = np.bincount((came // 3600).astype(int), minlength=24)
    assert set(np.flatnonzero(by_hour)) == {8, 10}
    assert by_hour[8] == pytest.approx(600, abs=3 * np.sqrt(600))
    assert by_hour[10] == pytest.approx(200, abs=3 * np.sqrt(200))


def test_walk_ins_wait_as_erlang_says() -> None:
    load, beds = 2.0, 4
    city = two(beds=np.array([beds, 0], np.int32))
    per_day = load * 1440.0
    rooms = {
        "walk_ins_per_bed": None, "stay_min": 1.0, "stay_cv": 1.0, "walk_in_hours": FLAT,
    }  # fmt: skip
    city.tables["hospitals"] = city["hospitals"].assign(walk_ins_per_day=[per_day, 0.0])
    found = []
    for replication in range(6):
        _, recorder = run(
            FixedModel, city, hours(24, calls=QUIET, hospitals=rooms), replication=replication
        )
        status = recorder.frame("hospital_status")
        mine = status[status["hospital_id"] == "H0"]
        busy = mine.assign(all=mine["occupied"] == beds)
        means = [time_mean(busy, c, 0.0, at(24)) for c in ("occupied", "waiting", "all")]
        found.append(means)
    mean, error = np.mean(found, 0), np.std(found, 0, ddof=1) / np.sqrt(len(found))
    waits = erlang_c(load, beds)
    expected = np.array([load, waits * load / (beds - load), waits])
    assert (np.abs(mean - expected) < 3.0 * error + 1e-9).all()
    assert (error < 0.1 * expected).all()


def test_the_share_that_is_diverted_is_erlangs() -> None:
    load, beds = 3.0, 4
    city = clinic(load, beds=beds, second=True)
    rooms = {"stay_min": 1.0, "stay_cv": 1.0, "divert_at": 1.0, "reopen_at": 0.99}
    _, recorder = run(InstantModel, city, hours(6, hospitals=rooms))
    calls = recorder.frame("calls")
    share = (calls["hospital_id"] == "H1").mean()
    assert len(calls) > 900
    assert share == pytest.approx(erlang_b(load, beds), abs=0.04)
    assert (recorder.frame("hospital_patients")["t_bed"].notna()).all()  # nobody waits
    # With hysteresis the balance equations give the share of time.
    assert diverted(load, beds, beds - 1) == pytest.approx(erlang_b(load, beds))


def test_littles_law_holds_to_the_last_digit() -> None:
    city = clinic(2.0, beds=3)
    calls = {"collisions": False, "scale": 0.2}
    _, recorder = run(InstantModel, city, hours(8, calls=calls, hospitals={"stay_min": 7.0}))
    status = recorder.frame("hospital_status")
    mine = status[status["hospital_id"] == "H0"]
    got = recorder.frame("hospital_patients")
    assert len(got) > 150
    waited = got["t_bed"].fillna(at(8)) - got["t_door"]
    assert waited.max() > 60.0
    assert time_mean(mine, "waiting", 0.0, at(8)) * at(8) == pytest.approx(waited.sum(), rel=1e-9)
    # Crews wait with their patients, and nothing else keeps them.
    assert time_mean(mine, "present", 0.0, at(8)) * at(8) == pytest.approx(waited.sum(), rel=1e-9)


def test_without_beds_there_is_no_emergency_room_and_nothing_is_asked() -> None:
    model, recorder = run(FixedModel, town(), plan())
    assert all(h.room is None for h in model.hospitals.values())
    assert all(h.known.status is HospitalStatus.OPEN for h in model.hospitals.values())
    assert not len(recorder.frame("hospital_patients"))
    assert not len(recorder.frame("hospital_enquiries"))
    assert recorder.frame("hospital_status")["beds"].isna().all()


@pytest.mark.parametrize(
    ("rooms", "said"),
    [
        ({"beds": 0}, "beds"),
        ({"beds": 2.5}, "beds"),
        ({"beds": "many"}, "beds"),
        ({"stay_min": -1}, "stay_min"),
        ({"stay_cv": float("nan")}, "stay_cv"),
        ({"refusal": 1.5}, "refusal"),
        ({"walk_in_hours": [1.0] * 23}, "walk_in_hours"),
        ({"walk_in_hours": [0.0] * 24}, "walk_in_hours are all 0"),
        ({"divert_at": 0.8, "reopen_at": 0.8}, "reopen_at 0.8 is not less than divert_at 0.8"),
        ({"at_door": "shout"}, "at_door"),
        ({"needs": {"medical": {"pci": 0.7, "burns": 0.7}}}, "add up to 1.4"),
        ({"needs": {"medical": {"magic": 0.1}}}, "magic"),
        ({"needs": {"storm": {"pci": 0.1}}}, "storm"),
        ({"bed": 3}, "bed"),
    ],
)
def test_rubbish_is_refused_by_name(rooms, said) -> None:
    with pytest.raises(ValueError, match=said):
        plan(hospitals=rooms)


def test_beds_close_as_they_are_free_and_open_again() -> None:
    city = two(beds=np.array([2, 0], np.int32), open=[True, False])
    rooms = {"stay_min": 60, "stay_cv": 0.0, "preparation_min": 0}
    close = {"kind": "close-beds", "hospital": "H0", "beds": 1, "at": "07:11:00"}
    calls = ["07:00", "07:05", "07:20", "08:20"]

    def beds(**until: str) -> pd.DataFrame:
        return patients(city, quiet(city, calls=calls, hospitals=rooms, changes=[close | until]))

    # At 07:11 one bed is taken (since 07:10:30), the other one closes: the second patient has the
    # first bed from 08:10:30, the third from 09:10:30, the fourth from 10:10:30.
    alone = beds()
    assert alone["t_bed"].tolist() == [DOOR + 3600.0 * k for k in range(4)]
    # Open again at 08:00: the second patient has it at once, the third the other at 08:10:30, and
    # the fourth comes at 08:30:30, before the bed of the second is free at 09:00.
    again = beds(until="08:00")
    assert again["t_bed"].tolist() == [DOOR, at(8), DOOR + 3600.0, at(9)]
    # Taken in full, none closes before somebody has left; nobody overtakes the closing.
    later = patients(
        city, quiet(city, calls=calls, hospitals=rooms, changes=[close | {"at": "07:16:00"}])
    )
    assert later["t_bed"].tolist() == [DOOR, DOOR + 300.0, DOOR + 3900.0, DOOR + 7500.0]


def test_a_closed_hospital_opens_for_a_time() -> None:
    city = two(open=[True, False])
    city.tables["hospitals"].loc[0, "capabilities"] = ""
    opening = {"kind": "open-hospital", "hospital": "H1", "at": "07:00", "until": "08:00"}
    _, recorder = run(
        FixedModel, city, quiet(city, calls=["06:30", "07:10", "08:10"], changes=[opening])
    )
    taken = recorder.frame("calls").set_index("t_call")["hospital_id"]
    # The first waits for a hospital until one opens; after 08:00 there is none again.
    assert taken.fillna("").to_dict() == {at(6.5): "H1", at(7) + 600.0: "H1", at(8) + 600.0: ""}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"beds": 2}, "2 of 2 beds cannot be closed; one stays in use"),
        ({"hospital": "H1"}, "no emergency room of 'H1' is simulated"),
        ({"hospital": "H7"}, "H7"),
    ],
)
def test_beds_that_cannot_be_closed_are_told(change: dict[str, Any], said: str) -> None:
    city = two(beds=np.array([2, 0], np.int32))
    close = {"kind": "close-beds", "hospital": "H0", "beds": 1} | change
    with pytest.raises(InputError, match=rf"changes\.1\..*{said}"):
        run(FixedModel, city, quiet(city, calls=[], changes=[close]))
