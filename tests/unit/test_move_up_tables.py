"""Compliance tables, priority lists and the double standard: by hand and by brute force."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from tests.support.emergency import add_corner_stations, plan, run, town
from tests.support.move_up import moved, states
from twin.agents.policies.moveup_double import (
    Positions,
    positions_by_moves,
    positions_by_solver,
    worth,
)
from twin.agents.policies.moveup_tables import assigned, assigned_by_learning
from twin.core.errors import InputError
from twin.simulation import CityModel

# Six places on a line, 100 s apart: bases at 0, 300 and 500 s.
LINE = [[100.0 * abs(a - b) for b in range(6)] for a in range(6)]


def table(**parameters: Any) -> dict[str, Any]:
    return {"policy": {"moveup": "compliance-table",
                       "parameters": {"compliance-table": parameters}}}  # fmt: skip


def made(recorder: Any) -> list[tuple[float, str, str, str]]:
    rows = recorder.frame("moves")
    rows = rows[rows["made"]]
    columns = ("t", "unit_id", "station_id", "reason")
    return list(zip(*(rows[name].tolist() for name in columns), strict=True))


def test_a_nested_table_by_hand(tmp_path):
    # p3 is to be manned first, then p0, then p5. At 0 s all three are free and at home.
    # u1 leaves p3 for a call at p3 at 1000 s: u0 is 300 s away, u2 at p5 200 s: u2 fills p3.
    # u1 is clear at 1060 s at p3: two slots of three are open, p3 (u2 drives there) and p5.
    model, recorder = moved(
        tmp_path, [0, 3, 5], "1,1000,p3,0,60,no,,\n", times=LINE, demand={"p3": 1},
        **table(nested=["p3", "p0", "p5"]),
    )  # fmt: skip
    # u2 is 60 s on its way to p3 (200 s): u1 stays at p3 and u2 goes back, 60 s in all; the other
    # way round it is 140 + 200 s.
    assert made(recorder) == [
        (1000.0, "u2", "p3", "dispatch"),
        (1060.0, "u2", "p5", "free"),
    ]
    assert states(recorder, "u2") == [
        (0.0, "idle"), (1000.0, "moving_up"), (1060.0, "returning"), (1120.0, "idle"),
    ]  # fmt: skip
    assert model.summary().moves == {"made": 2, "units": 1, "most_of_a_unit": 2}


def test_rows_that_are_not_nested_by_hand(tmp_path):
    # With three free p0, p3 and p5 are manned; with two p3 is, twice.
    rows = [["p3"], ["p3", "p3"], ["p0", "p3", "p5"]]
    _, recorder = moved(
        tmp_path, [0, 3, 5], "1,1000,p0,0,1000,no,,\n", times=LINE, demand={"p3": 1},
        **table(rows=rows),
    )  # fmt: skip
    assert made(recorder) == [
        (1000.0, "u2", "p3", "dispatch"),
        (2000.0, "u2", "p5", "free"),
    ]


def test_a_table_is_filled_as_far_as_drives_may_be_long(tmp_path):
    # As by hand above, but p3 is 200 s from u2 and 300 s from u0.
    for longest, to in ((200.0, ["p3"]), (199.0, [])):
        _, recorder = moved(
            tmp_path, [0, 3, 5], "1,1000,p3,0,60,no,,\n", times=LINE, demand={"p3": 1},
            moves={"longest_s": longest}, **table(nested=["p3", "p0", "p5"]),
        )  # fmt: skip
        assert [row[2] for row in made(recorder) if row[3] == "dispatch"] == to


def test_limits_take_the_most_important_first(tmp_path):
    # All three stand at p0; the table wants one at p5 first, then one at p3.
    rows = "1,1000,p0,0,7000,no,,\n"
    wanted = table(nested=["p5", "p3", "p0", "p0"])
    _, recorder = moved(tmp_path, [0, 0, 0, "3,05:00,06:00", "5,05:00,06:00"], rows, times=LINE,
                        demand={"p3": 1}, moves={"per_hour": 1}, **wanted)  # fmt: skip
    assert [row[2] for row in made(recorder)][:2] == ["p5", "p3"]
    assert made(recorder)[0][0] == 0.0
    assert made(recorder)[0][3] == "shift"
    # The next one has to wait until the hour is over and something happens.
    assert made(recorder)[1][0] >= 3600.0


def test_the_longest_drive_or_their_sum():
    # Sum: 1 + 9 = 10 against 6 + 6 = 12; longest: 9 against 6.
    cost = np.array([[1.0, 6.0], [6.0, 9.0]])
    assert assigned(cost, longest=False) == [(0, 0), (1, 1)]
    assert assigned(cost, longest=True) == [(0, 1), (1, 0)]
    apart = np.array([[np.inf, 5.0], [np.inf, 2.0], [np.inf, 3.0]])
    for longest in (False, True):
        assert assigned(apart, longest=longest) == [(1, 1)]
        assert assigned(np.full((2, 2), np.inf), longest=longest) == []


@pytest.mark.parametrize("longest", [False, True])
def test_assignments_against_every_other(longest):
    rng = np.random.default_rng(5)
    for _ in range(30):
        units, slots = int(rng.integers(2, 6)), int(rng.integers(1, 5))
        cost = np.round(rng.uniform(0.0, 100.0, (units, slots)))
        found = assigned(cost, longest=longest)
        drives = [cost[pair] for pair in found]
        n = min(units, slots)
        assert len(found) == len({u for u, _ in found}) == len({s for _, s in found}) == n
        wide = cost if units >= slots else cost.T
        every = [
            [wide[u, s] for s, u in enumerate(chosen)]
            for chosen in permutations(range(len(wide)), n)
        ]
        if longest:
            key = min((max(each), sum(each)) for each in every)
            assert (max(drives), sum(drives)) == key
        else:
            assert sum(drives) == min(map(sum, every))


class Hidden:
    """Drives of which only what they take at least is known at first."""

    def __init__(self, true: Any, least: Any) -> None:
        self._true, self.seconds = true, least.copy()
        self.known = np.zeros(true.shape, bool)

    def learn(self, pairs: Any) -> bool:
        new = [pair for pair in pairs if not self.known[pair]]
        for pair in new:
            self.known[pair], self.seconds[pair] = True, self._true[pair]
        return bool(new)


@pytest.mark.parametrize("longest", [False, True])
def test_an_assignment_that_asks_for_few_drives_is_that_of_all(longest):
    rng = np.random.default_rng(7)
    asked = drives = 0
    for _ in range(60):
        units, stations, slots = rng.integers(1, 12, 3).tolist()
        true = rng.uniform(60.0, 900.0, (units, stations))
        true[rng.random(true.shape) < 0.1] = np.inf
        least = np.where(np.isinf(true), 100.0, true) * rng.uniform(0.85, 1.0, true.shape)
        column = rng.integers(stations, size=slots)
        hidden: Any = Hidden(true, least)
        found = assigned_by_learning(hidden, column, longest=longest)
        every = assigned(true[:, column], longest=longest)
        got, want = ([true[u, column[s]] for u, s in pairs] for pairs in (found, every))
        assert len(got) == len(want)
        assert sum(got) == pytest.approx(sum(want), rel=1e-12)
        assert not longest or max(got, default=0.0) == max(want, default=0.0)
        asked, drives = asked + int(hidden.known.sum()), drives + true.size
    assert asked < 0.5 * drives


def test_drives_that_are_learned_are_those_of_the_streets():
    scenario = plan(policy={"moveup": "compliance-table"}, record={"decisions": True})
    city = town(ambulances=4, rows=6)
    add_corner_stations(city)
    model, _ = run(CityModel, city, scenario)
    stations = list(model.stations.values())
    learned = model.deployer.drives.to_learn(model.units[:4], stations)
    true = model.deployer.drives.seconds(model.units[:4], stations)
    assert (learned.seconds <= true + 1e-9).all()
    assert learned.learn([(0, 1)])
    assert not learned.learn([(0, 1)])
    assert learned.seconds[0, 1] == pytest.approx(true[0, 1])
    assert learned.row(1, whole=True) == pytest.approx(true[1])
    assert np.isnan(learned.row(2, whole=False)[~learned.known[2]]).all()


def test_a_table_is_computed_from_the_expected_cover(tmp_path):
    # Within 150 s: p0 reaches demand 5 at p1, p3 demand 1 at p2 and 3 at p4, p5 those 3.
    for how in ("nested", "each"):
        model, _ = moved(
            tmp_path, [0, 3, 5], "1,1000,p2,0,60,no,,\n", times=LINE,
            demand={"p1": 5, "p2": 1, "p4": 3},
            coverage={"within_s": 150.0, "busy": 0.3}, **table(computed=how),
        )  # fmt: skip
        rule: Any = model.moveup_policy
        assert rule.row(model, 1) == ["p0"]
        assert rule.row(model, 2) == ["p0", "p3"]
        # 5 (1 - q) q = 1.05 for a second at p1 against 4 (1 - q) q = 0.84 for one more at p3.
        assert sorted(rule.row(model, 3)) == ["p0", "p0", "p3"]


def test_a_priority_list_by_hand(tmp_path):
    # p5 first, then p3 twice. u0 is clear at p1 at 1060 s and finds u2 at p5 and u1 at p3.
    parameters = {"priority-list": {"stations": ["p5", "p3", "p3"]}}
    policy = {"moveup": "priority-list", "parameters": parameters}
    _, recorder = moved(
        tmp_path, [0, 3, 5], "1,900,p1,0,60,no,,\n", times=LINE, demand={"p3": 1}, policy=policy
    )
    assert made(recorder) == [(1060.0, "u0", "p3", "free")]
    parameters = {"priority-list": {"stations": ["p5", "p3"]}}
    policy = {"moveup": "priority-list", "parameters": parameters}
    _, recorder = moved(
        tmp_path, [0, 3, 5], "1,900,p1,0,60,no,,\n", times=LINE, demand={"p3": 1}, policy=policy
    )
    assert made(recorder) == []


def test_the_double_standard_moves_a_unit_by_hand(tmp_path):
    # Within 150 s: p0 reaches p1, p3 and p5 reach p4. Two at p4 cover it twice; when u1 goes to a
    # call, u0 leaves p0 if the demand at p4 is worth more than its drive of 5 minutes.
    rows = "1,1000,p3,0,3000,no,,\n"
    for cost, wanted in ((0.01, [(1000.0, "u0", "p3", "dispatch")]), (0.3, [])):
        parameters = {"ddsm": {"share": 0.5, "minute_cost": cost, "far_s": 600.0}}
        for solver in ("exact", "swaps"):
            parameters["ddsm"]["solver"] = solver
            _, recorder = moved(
                tmp_path, [0, 3, 5], rows, times=LINE, demand={"p1": 1, "p4": 9},
                coverage={"within_s": 150.0},
                policy={"moveup": "ddsm", "parameters": parameters},
            )  # fmt: skip
            assert made(recorder)[:1] == wanted


def test_the_double_standard_against_every_choice():
    rng = np.random.default_rng(3)
    for _ in range(15):
        units, bases, points = int(rng.integers(1, 4)), int(rng.integers(2, 5)), 5
        seconds = rng.uniform(0.0, 900.0, (bases, points))
        weight = rng.uniform(0.1, 1.0, points)
        wanted = Positions(
            rng.uniform(0.0, 0.05, (units, bases)), weight / weight.sum(),
            seconds <= 400.0, seconds <= 700.0, 0.8,
        )  # fmt: skip
        best = max(worth(wanted, np.array(at)) for at in product(range(bases), repeat=units))
        assert worth(wanted, positions_by_solver(wanted)) == pytest.approx(best, abs=1e-6)
        begin = rng.integers(0, bases, units)
        quick = worth(wanted, positions_by_moves(wanted, begin))
        assert worth(wanted, begin) <= quick <= best + 1e-9


def test_a_unit_that_can_go_nowhere_stays():
    cost = np.array([[np.inf, np.inf], [0.0, 0.1]])
    reach = np.eye(2, dtype=bool)
    wanted = Positions(cost, np.array([0.5, 0.5]), reach, reach, 1.0)
    assert positions_by_solver(wanted)[0] == -1
    assert positions_by_moves(wanted, np.array([-1, 0]))[0] == -1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"compliance-table": {"rows": [["p0"], ["p0"]]}}, "row 2 has 1 stations, not 2"),
        ({"compliance-table": {"nested": ["p0", "p4"]}}, "the city has no station 'p4'"),
        ({"compliance-table": {"rows": [], "nested": []}}, "a table has `rows` or is `nested`"),
        ({"compliance-table": {"nest": ["p0"]}}, "no parameter 'nest'"),
        ({"compliance-table": {"assignment": "best"}}, "assignment"),
        ({"priority-list": {"stations": ["p9"]}}, "the city has no station 'p9'"),
        ({"ddsm": {"share": 2.0}}, "share"),
    ],
)
def test_what_cannot_be_is_named(tmp_path, parameters, said):
    policy = {"moveup": next(iter(parameters)), "parameters": parameters}
    with pytest.raises(InputError, match=said) as error:
        moved(tmp_path, [0, 3], "1,0,p3,0,60,no,,\n", times=LINE, demand={"p3": 1}, policy=policy)
    assert "policy.parameters." in str(error.value)
