"""What a hook sees between ticks, what it may do there, and that it leaves no trace unused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.roads import make_trips, random_trips, road
from tests.support.traffic_checks import check_now, digest
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.traffic.hook import QUEUE_MPS, View
from twin.traffic.micro import MicroTraffic

NETWORK = grid(4, 4, 150.0, 2, 13.9)
TRIPS = random_trips(NETWORK, 700, 100.0, 3)
GREEN, YELLOW, RED = 0, 1, 2


def _traffic() -> MicroTraffic:
    traffic = MicroTraffic(NETWORK, seed=np.uint64(5))
    traffic.add_trips(TRIPS)
    return traffic


def test_hooks_that_only_look_change_no_bit():
    plain, watched = _traffic(), _traffic()
    seen: list[tuple[int, int]] = []
    watched.every(7, lambda view: seen.append((view.tick, int(view.link_queues.sum()))))
    plain.advance(100)
    watched.advance(40)
    watched.advance(60)
    assert [tick for tick, _ in seen] == list(range(7, 100, 7))
    assert digest(plain) == digest(watched)


def test_a_hook_ends_when_told_and_the_others_go_on_in_order():
    traffic, calls = _traffic(), []
    end = traffic.every(1, lambda _: calls.append("first"))
    traffic.every(2, lambda _: calls.append("second"))
    traffic.advance(2)
    end()
    end()
    traffic.advance(2)
    assert calls == ["first", "first", "second", "second"]
    with pytest.raises(InputError, match="every 0 ticks"):
        traffic.every(0, lambda _: None)


def test_counts_are_those_of_the_columns():
    traffic = _traffic()
    traffic.advance(60)
    view = View(traffic)
    columns = view.vehicles
    n = NETWORK.n_links
    slow = columns.speed_mps < QUEUE_MPS
    assert (view.link_vehicles == np.bincount(columns.link, minlength=n)).all()
    assert (view.link_queues == np.bincount(columns.link[slow], minlength=n)).all()
    lane = view.lane_ptr[columns.link] + columns.lane
    assert (view.lane_vehicles == np.bincount(lane, minlength=view.lane_ptr[-1])).all()
    assert (view.lane_queues == np.bincount(lane[slow], minlength=view.lane_ptr[-1])).all()
    assert 0 < view.link_queues.sum() < view.link_vehicles.sum() == len(columns)


def test_held_signals_turn_by_yellow_and_clear_before_the_next_green():
    traffic, states = _traffic(), []
    traffic.every(1, lambda view: states.append(view.group_states))
    switch = np.random.default_rng(1)

    def control(view: View) -> None:
        for signal in range(NETWORK.n_signals):
            mine = np.flatnonzero(NETWORK.group_signal == signal)
            view.show(signal, switch.choice(mine))

    end = traffic.every(9, control)
    for _ in range(120):
        traffic.advance(1)
        check_now(traffic)
    shown = np.array(states)[20:]
    before, after = shown[:-1], shown[1:]
    assert not ((before == GREEN) & (after == RED)).any()
    assert ((after == GREEN) & (before != GREEN)).any()
    for signal in range(NETWORK.n_signals):
        mine = NETWORK.group_signal == signal
        assert ((shown[:, mine] != RED).sum(axis=1) <= 1).all()
    end()
    View(traffic).release(np.arange(len(NETWORK.group_signal)))
    traffic.advance(120)
    assert not View(traffic).group_held.any()
    free = _traffic()
    free.advance(traffic.tick)
    assert (View(traffic).group_states == View(free).group_states).all()


def test_held_signals_survive_a_checkpoint():
    traffic = _traffic()
    traffic.advance(30)
    View(traffic).show(0, np.flatnonzero(NETWORK.group_signal == 0)[0])
    traffic.advance(1)
    other = MicroTraffic(NETWORK, seed=np.uint64(9))
    other.restore(traffic.checkpoint())
    traffic.advance(40)
    other.advance(40)
    assert digest(traffic) == digest(other)
    assert View(other).group_held.any()


def test_a_plan_set_by_a_hook_rules():
    traffic = _traffic()
    traffic.advance(10)
    mine = np.flatnonzero(NETWORK.group_signal == 3)
    k = len(mine)
    begin = np.arange(k) * 20.0
    View(traffic).set_plan(
        3, cycle_s=20.0 * k, offset_s=0.0, green_from=begin, green_to=begin + 12.0
    )
    shown = []
    traffic.every(1, lambda view: shown.append(view.group_states[mine]))
    for _ in range(60 * k):
        traffic.advance(1)
    assert traffic.counters.red_run == 0
    green = (np.array(shown)[20 * k :] == GREEN).mean(axis=0)
    assert green == pytest.approx(np.full(k, 12.0 / (20.0 * k)), abs=0.02)


def test_a_hook_closes_lanes_and_reroutes_by_mask_and_what_it_does_is_kept():
    traffic = _traffic()
    traffic.commands = []
    traffic.advance(50)
    view = View(traffic)
    there = int(np.argmax(view.link_vehicles))
    chosen = view.vehicles.link == there
    turn = int(NETWORK.turn_ptr[there])
    path = np.array([there, NETWORK.turn_to[turn]], np.int32)
    count = int(chosen.sum())
    ptr = np.arange(count + 1, dtype=np.int32) * 2
    assert view.reroute(chosen, ptr, np.tile(path, count)) == count
    view.close_lanes(there)
    assert there in traffic.closed
    view.open_lanes(there)
    view.show(0, np.flatnonzero(NETWORK.group_signal == 0)[0])
    assert [c.kind for c in traffic.commands] == [
        "reroute",
        "close-lanes",
        "open-lanes",
        "hold-signal",
    ]
    assert {c.t for c in traffic.commands} == {50.0}
    goal = int(NETWORK.link_id[path[-1]])
    assert traffic.commands[0].detail == {
        "vehicles": view.vehicles.id[chosen].tolist(),
        "goals": [goal] * count,
        "taken": count,
    }
    assert json.loads(json.dumps(traffic.commands[0].detail)) == traffic.commands[0].detail
    traffic.advance(60)
    check_now(traffic)


@pytest.mark.parametrize("links", [[], np.zeros(0), np.zeros(0, np.int32)])
def test_routes_for_nobody_are_none(links):
    traffic = _traffic()
    traffic.commands = []
    view = View(traffic)
    nobody = np.zeros(len(view.vehicles.id), np.bool_)
    for chosen in (nobody, []):
        assert view.reroute(chosen, [0], links) == 0
    detail = {"vehicles": [], "goals": [], "taken": 0}
    assert [c.detail for c in traffic.commands] == [detail, detail]


def test_routes_are_taken_as_lists_and_as_whole_floats():
    traffic = _traffic()
    traffic.advance(50)
    view = View(traffic)
    there = int(np.argmax(view.link_vehicles))
    chosen = view.vehicles.id[view.vehicles.link == there][:1]
    path = [there, int(NETWORK.turn_to[NETWORK.turn_ptr[there]])]
    assert view.reroute(chosen.tolist(), [0, 2], path) == 1
    assert view.reroute(chosen, [0, 2], np.array(path, np.float64)) == 1


def test_impossible_commands_are_refused():
    view = View(_traffic())
    with pytest.raises(InputError, match="signal groups 0 to"):
        view.hold([99_999], green=True)
    for green in ([True, False], [], [[True]]):
        with pytest.raises(InputError, match=r"green.*values for 1 signal groups"):
            view.hold([0], green=green)
    with pytest.raises(InputError, match="no such groups"):
        view.show(0, np.flatnonzero(NETWORK.group_signal == 1))
    with pytest.raises(InputError, match="no link -1"):
        view.close_lanes(-1)
    with pytest.raises(InputError, match="-1 lanes"):
        view.close_lanes(0, -1)
    with pytest.raises(InputError, match="no signal 999"):
        view.show(999, [])
    with pytest.raises(InputError, match="as many routes"):
        view.reroute(np.array([1, 2]), np.array([0, 1], np.int32), np.array([0], np.int32))
    with pytest.raises(InputError, match="mask of 3"):
        view.reroute(np.ones(3, np.bool_), np.arange(4, dtype=np.int32), np.zeros(3, np.int32))
    for rows in ([0, 0], [0, 9], [-1, 1], [1, 0]):
        with pytest.raises(InputError, match="holds no link, or links that are not given"):
            view.reroute(np.array([1]), np.array(rows, np.int32), np.array([0], np.int32))
    k = int((NETWORK.group_signal == 0).sum())
    for change, message in (
        ({"signal": 9999}, "no signal"),
        ({"green_to": [1.0]}, "groups"),
        ({"cycle_s": 0.0}, "cycle"),
        ({"offset_s": np.inf}, "cycle"),
        ({"green_from": [-1.0] * k}, "within the cycle"),
        ({"green_to": [61.0] * k}, "within the cycle"),
    ):
        plan = {"signal": 0, "cycle_s": 60.0, "offset_s": 0.0}
        plan |= {"green_from": [0.0] * k, "green_to": [20.0] * k}
        with pytest.raises(InputError, match=message):
            view.set_plan(**(plan | change))


@pytest.mark.pyfunc
def test_holding_in_plain_python():
    traffic = MicroTraffic(grid(3, 3, 80.0, 2, 13.9), seed=np.uint64(4))
    traffic.add_trips(random_trips(traffic.network, 60, 20.0, 2, most_links=6))

    def control(view: View) -> None:
        for signal in range(view.network.n_signals):
            mine = np.flatnonzero(view.network.group_signal == signal)
            view.show(signal, mine[(view.tick // 8) % len(mine)])

    traffic.every(8, control)
    for _ in range(40):
        traffic.advance(1)
        check_now(traffic)
    assert traffic.counters.inserted == 60


def test_a_road_without_signals_takes_hooks():
    traffic = MicroTraffic(road([300.0, 300.0]), seed=np.uint64(1))
    traffic.add_trips(make_trips([0.0], [[0, 1]], [250.0]))
    seen = []
    traffic.every(5, lambda view: seen.append(view.link_vehicles.tolist()))
    traffic.advance(25)
    assert seen[0] == [1, 0]
    assert seen[-1] == [0, 1]
