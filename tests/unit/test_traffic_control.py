"""Closures, obstacles, emergency units, new routes, and what others read of the traffic."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import (
    CALM,
    Group,
    Link,
    Turn,
    make_network,
    make_trips,
    random_trips,
    road,
)
from tests.support.traffic_checks import check_now
from twin.core.errors import InputError, TwinError
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.micro import MicroTraffic


def _steps(traffic: MicroTraffic, ticks: int) -> None:
    for _ in range(ticks):
        traffic.advance(1)
        check_now(traffic)


def test_closed_link_is_not_entered_and_all_still_arrive():
    network = grid(4, 4, 120.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    every = random_trips(network, 300, 100.0, 3)
    closed = int(np.bincount(every.route_link).argmax())
    paths = [
        every.route_link[a:b].tolist()
        for a, b in zip(every.route_ptr[:-1], every.route_ptr[1:], strict=True)
    ]
    paths = [path for path in paths if closed not in (path[0], path[-1])]
    trips = make_trips([0.5 * i for i in range(len(paths))], paths, [90.0] * len(paths))
    traffic.close_lanes(closed)
    traffic.add_trips(trips)
    assert list(traffic.closed) == [closed]
    assert len(traffic.vehicles_with(closed)) > 0
    for _ in range(1500):
        traffic.advance(1)
        assert len(traffic.vehicles.select(link=closed)) == 0
    count = traffic.counters
    assert (count.finished, count.removed) == (len(paths), 0)
    assert count.strayed > 0


def test_who_is_on_a_closed_bridge_drives_on_to_its_end():
    """Its links are closed one by one, and no other way leads off it."""
    network = road([300.0] * 4)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([4.0 * i for i in range(30)], [[0, 1, 2, 3]] * 30, [290.0] * 30))
    traffic.advance(60)
    traffic.close_lanes(1)
    traffic.close_lanes(2)
    on_it = len(traffic.vehicles.select(link=1)) + len(traffic.vehicles.select(link=2))
    before = traffic.counters.finished + len(traffic.vehicles.select(link=3))
    assert on_it > 3
    _steps(traffic, 120)
    assert traffic.counters.finished == before + on_it
    assert len(traffic.vehicles.select(link=1)) == len(traffic.vehicles.select(link=2)) == 0
    assert len(traffic.vehicles.select(link=0)) > 0
    traffic.open_lanes(1)
    traffic.open_lanes(2)
    _steps(traffic, 300)
    assert (traffic.counters.finished, traffic.counters.removed) == (30, 0)


def test_a_closure_that_grows_lets_nobody_into_the_street_that_was_closed_before():
    network = road([300.0] * 4)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([4.0 * i for i in range(60)], [[0, 1, 2, 3]] * 60, [290.0] * 60))
    traffic.close_lanes(2)
    traffic.advance(110)
    assert len(traffic.vehicles.select(link=1)) > 10
    traffic.close_lanes(1)
    _steps(traffic, 60)
    assert len(traffic.vehicles.select(link=2)) == len(traffic.vehicles.select(link=3)) == 0


def test_who_waits_in_a_jam_within_a_closure_is_not_taken_out_though_his_goal_is_closed():
    network = road([300.0] * 4)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([4.0 * i for i in range(12)], [[0, 1, 2]] * 12, [290.0] * 12))
    token = traffic.block(Place(2, 30.0), 1)
    traffic.advance(100)
    on_it = [len(traffic.vehicles.select(link=k)) for k in (0, 1, 2)]
    assert on_it[1] > 3
    traffic.close_lanes(1)
    traffic.close_lanes(2)
    _steps(traffic, 300)
    assert traffic.counters.removed == on_it[0]
    traffic.unblock(token)
    _steps(traffic, 200)
    assert traffic.counters.finished == on_it[1] + on_it[2]


def test_trip_to_a_closed_link_is_removed_and_counted():
    network = grid(3, 3, 120.0, 1, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    a = int(network.turn_ptr[1]) - 1
    traffic.add_trips(make_trips([0.0], [[0, int(network.turn_to[a])]], [50.0]))
    traffic.close_lanes(int(network.turn_to[a]))
    traffic.advance(100)
    assert (traffic.counters.removed, traffic.counters.running) == (1, 0)
    done = traffic.finished()
    assert not done.reached.any()
    traffic.open_lanes(int(network.turn_to[a]))
    assert len(traffic.closed) == 0


def test_partly_closed_road_is_left_by_merging():
    network = road([400.0, 400.0, 400.0], lanes=3)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([3.0 * i for i in range(100)], [[0, 1, 2]] * 100, [390.0] * 100))
    traffic.advance(60)
    traffic.close_lanes(1, 2)
    _steps(traffic, 60)
    assert (traffic.vehicles.select(link=1).lane == 2).all()
    _steps(traffic, 300)
    assert traffic.counters.finished == 100
    assert traffic.counters.strayed == 0


def test_obstacle_is_passed_on_the_free_lane():
    network = road([500.0, 200.0], lanes=2)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([3.0 * i for i in range(100)], [[0, 1]] * 100, [190.0] * 100))
    traffic.advance(30)
    token = traffic.block(Place(0, 300.0), 1)
    _steps(traffic, 100)
    near = traffic.vehicles.select(link=0)
    assert not ((near.pos_m > 290) & (near.pos_m < 304) & (near.lane == 0)).any()
    assert traffic.counters.finished > 20
    traffic.unblock(token)
    _steps(traffic, 300)
    assert traffic.counters.finished == 100
    with pytest.raises(KeyError):
        traffic.unblock(token)


def test_blocked_road_holds_everybody_until_it_is_cleared():
    network = road([500.0, 200.0], lanes=2)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    token = traffic.block(Place(0, 300.0), 2)
    traffic.add_trips(make_trips([3.0 * i for i in range(20)], [[0, 1]] * 20, [190.0] * 20))
    _steps(traffic, 150)
    assert traffic.counters.finished == 0
    traffic.unblock(token)
    _steps(traffic, 150)
    assert traffic.counters.finished == 20


def test_unit_arrives_at_the_exact_time_of_crossing():
    network = road([1000.0], speed=20.0)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    path = np.array([0], np.int32)
    traffic.insert_unit(4, Place(0, 100.0), path, 907.3, speed_factor=1.5, siren=True)
    places = []
    while not (arrived := traffic.arrivals()):
        traffic.advance(1)
        if traffic.unit_running(4):
            places.append(traffic.unit_place(4).pos_m)
    unit, t = arrived[0]
    assert unit == 4
    # Crossed between the last two ticks, in proportion to the way driven.
    speed = places[-1] - places[-2]
    assert t == pytest.approx(len(places) + (907.3 - places[-1]) / speed, abs=0.02)
    assert traffic.unit_place(4).link == 0
    assert traffic.unit_place(4).pos_m == pytest.approx(907.3)
    assert traffic.arrivals() == []


@pytest.mark.parametrize("back_m", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
def test_unit_that_waits_beside_a_queue_enters_when_it_moves_and_holds_nobody_for_ever(back_m):
    network = road([500.0, 200.0], lanes=1)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    token = traffic.block(Place(0, 400.0), 1)
    traffic.add_trips(make_trips([2.0 * i for i in range(30)], [[0, 1]] * 30, [190.0] * 30))
    _steps(traffic, 120)
    path = np.array([0, 1], np.int32)
    place = Place(0, 370.0 - back_m)
    traffic.insert_unit(0, place, path, 150.0, speed_factor=1.3, siren=True)
    _steps(traffic, 20)
    traffic.unblock(token)
    _steps(traffic, 120)
    assert [unit for unit, _ in traffic.arrivals()] == [0]
    assert traffic.counters.finished == 30


def test_unit_enters_a_stream_and_can_turn_round_in_mid_road():
    network = road([600.0, 300.0], speed=15.0)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([2.0 * i for i in range(150)], [[0, 1]] * 150, [290.0] * 150))
    traffic.advance(80)
    path = np.array([0, 1], np.int32)
    traffic.insert_unit(0, Place(0, 300.0), path, 200.0, speed_factor=1.3, siren=True)
    for _ in range(40):
        _steps(traffic, 1)
        if traffic.vehicles.select(kind=4).link.size:
            break
    assert len(traffic.vehicles.select(kind=4)) == 1
    with pytest.raises(TwinError, match="on the road already"):
        traffic.insert_unit(0, Place(0, 300.0), path, 200.0, speed_factor=1.3, siren=True)
    _steps(traffic, 5)
    place = traffic.remove_unit(0)
    assert place.link == 0
    assert place.pos_m > 300.0
    assert not traffic.unit_running(0)
    traffic.insert_unit(0, place, path, 250.0, speed_factor=1.3, siren=False)
    traffic.reroute_unit(0, path, 100.0)
    _steps(traffic, 120)
    assert [unit for unit, _ in traffic.arrivals()] == [0]
    assert traffic.unit_place(0) == (1, pytest.approx(100.0))


@pytest.mark.parametrize("red", [False, True])
def test_unit_alone_takes_the_time_of_its_parameters(red):
    # Lost time of a change of speed from u to v0 at the rate a(v): integral of (v0 - v) / (v0 a).
    # It starts from rest; at each red light it brakes at 3 m/s² to 5.5 m/s and gathers speed again,
    # a(v) = 2.5 (1 - (v / v0)^4) (IDM on an open road).
    junctions, length = 5, 600.0
    links = [Link(i, i + 1, length, 2, 13.9) for i in range(junctions + 1)]
    turns = [Turn(i, i + 1, hi=1, group=i) for i in range(junctions)]
    never, always = Group(10_000.0, 9_000.0, 9_010.0), Group(10_000.0, 0.0, 9_990.0)
    network = make_network(links, turns, (never if red else always,) * junctions)
    v0 = 1.4 * 13.9

    def gathering(low: float) -> float:
        v = np.linspace(low, v0, 100_001)[:-1] + (v0 - low) / 200_000
        return float(((v0 - v) / (v0 * 2.5 * (1.0 - (v / v0) ** 4))).mean() * (v0 - low))

    known = (junctions * length + 500.0 - 20.0) / v0 + gathering(0.0)
    if red:
        known += junctions * ((v0 - 5.5) ** 2 / (2.0 * 3.0 * v0) + gathering(5.5))
    traffic = MicroTraffic(network, seed=np.uint64(1), dt_s=0.1)
    path = np.arange(junctions + 1, dtype=np.int32)
    traffic.insert_unit(0, Place(0, 20.0), path, 500.0, speed_factor=1.4, siren=True)
    traffic.advance(2500)
    ((_, arrived),) = traffic.arrivals()
    assert arrived == pytest.approx(known, rel=0.005)


def test_new_routes_are_taken_by_those_still_on_their_link():
    network = make_network(
        [Link(0, 1, 300.0), Link(1, 2, 300.0), Link(1, 3, 300.0)], [Turn(0, 1), Turn(0, 2)]
    )
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    ids = traffic.add_trips(make_trips([0.0, 8.0, 500.0], [[0, 1]] * 3, [200.0] * 3))
    traffic.advance(20)
    running = traffic.running_routes()
    assert running.vehicle.tolist() == [1, 0]
    assert running.link.tolist() == [0, 1]
    assert sorted(traffic.vehicles_with(1)) == [1, 2]
    taken = traffic.set_route(ids, np.array([0, 2, 4, 6], np.int32), np.array([0, 2] * 3, np.int32))
    assert taken == 2
    traffic.advance(600)
    done = traffic.finished()
    assert dict(zip(done.vehicle.tolist(), done.destination.tolist(), strict=True)) == {
        0: 1,
        1: 2,
        2: 2,
    }


def test_informed_drivers_are_a_growing_set():
    network = grid(4, 4, 120.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(random_trips(network, 400, 30.0, 3))
    traffic.advance(40)
    few = set(traffic.running_routes(share=0.1).vehicle.tolist())
    more = set(traffic.running_routes(share=0.4).vehicle.tolist())
    assert few < more < set(traffic.running_routes().vehicle.tolist())
    assert 0.25 < len(more) / traffic.counters.running < 0.55


def test_long_runs_reuse_slots_and_route_space_but_never_numbers():
    network = grid(3, 3, 100.0, 1, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    seen: list[int] = []
    for hour in range(8):
        trips = random_trips(network, 150, 200.0, hour)
        shifted = make_trips(
            (trips.depart_s + traffic.t).tolist(),
            [
                trips.route_link[a:b].tolist()
                for a, b in zip(trips.route_ptr[:-1], trips.route_ptr[1:], strict=True)
            ],
            trips.end_pos_m.tolist(),
        )
        traffic.add_trips(shifted)
        traffic.advance(400)
        seen += traffic.finished().vehicle.tolist()
    traffic.advance(1000)
    seen += traffic.finished().vehicle.tolist()
    assert sorted(seen) == list(range(1200))
    assert len(traffic._state.vehicle) <= 2048


def test_view_reads_positions_and_selects():
    network = grid(3, 3, 100.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(random_trips(network, 100, 20.0, 3))
    traffic.advance(25)
    view = traffic.vehicles
    east = np.flatnonzero(np.diff(network.geom_x[network.geom_ptr[:-1]]) == 0)
    assert len(east)
    for row in range(len(view)):
        k = int(view.link[row])
        a, b = network.geom_ptr[k], network.geom_ptr[k + 1]
        ends = np.array(
            [[network.geom_x[a], network.geom_y[a]], [network.geom_x[b - 1], network.geom_y[b - 1]]]
        )
        way = ends[1] - ends[0]
        share = view.pos_m[row] / network.link_length[k]
        right = np.array([way[1], -way[0]]) / np.hypot(*way)
        aside = (2 - view.lane[row] - 0.5) * 3.2
        assert [view.x[row], view.y[row]] == pytest.approx(
            ends[0] + share * way + aside * right, abs=0.6
        )
    assert len(view.select(link=int(view.link[0]))) == (view.link == view.link[0]).sum()
    assert (view.select(min_speed=5.0).speed_mps >= 5.0).all()
    box = view.select(box=(-60.0, -60.0, 60.0, 60.0))
    assert 0 < len(box) < len(view)
    assert (np.abs(box.x) <= 60).all()


def test_bad_input_is_refused():
    network = road([100.0, 100.0])
    traffic = MicroTraffic(network, seed=np.uint64(1))
    with pytest.raises(InputError, match="trip 1: its route holds two links that no turn joins"):
        traffic.add_trips(make_trips([0.0, 0.0], [[0, 1], [1, 0]], [10.0] * 2))
    with pytest.raises(InputError, match=r"outside 0\.\.1"):
        traffic.add_trips(make_trips([0.0], [[7]], [10.0]))
    with pytest.raises(InputError, match="does not start"):
        traffic.insert_unit(
            0, Place(1, 0.0), np.array([0, 1], np.int32), 5.0, speed_factor=1.0, siren=True
        )
    with pytest.raises(InputError, match="behind"):
        traffic.insert_unit(
            0, Place(0, 50.0), np.array([0], np.int32), 5.0, speed_factor=1.0, siren=True
        )
    with pytest.raises(InputError, match=r"0\.1\.\.1 s"):
        MicroTraffic(network, seed=np.uint64(1), dt_s=3.0)
    assert len(traffic.add_trips(make_trips([], [], []))) == 0
