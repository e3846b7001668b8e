"""Vehicles that stop on their way: time lost, doors, bays, who waits behind them, equal bits."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.support.roads import Link, Turn, make_network, make_trips, random_trips, road
from tests.support.traffic_checks import digest, smallest_gap
from twin.core.errors import InputError, TwinError
from twin.demand.stops import Calls
from twin.demand.trips import Trips
from twin.network.generate import grid
from twin.network.graph import Network
from twin.traffic.micro import Kind, Kinds, MicroTraffic
from twin.traffic.stopping import Visits

BUS = 3
ACCEL, BRAKE, SPEED = 1.2, 1.8, 12.0
PLAIN = Kinds(
    car=Kind(5.0, 1.5, 2.0, 1.2, 2.0, 1.0, 0.0),
    bus=Kind(12.0, ACCEL, BRAKE, 1.3, 2.5, 1.0, 0.0),
)


def calls(
    *stops: tuple[int, float, float],
    vehicles: int = 1,
    bay: bool = False,
    due_s: float = -np.inf,
    lane: int = 0,
) -> Calls:
    """Return the same stops, each (link, metres, dwell), for each of some vehicles."""
    n = len(stops)
    link, pos, dwell = (np.tile([stop[c] for stop in stops], vehicles) for c in range(3))
    return Calls(
        (n * np.arange(vehicles + 1)).astype(np.int32),
        link.astype(np.int32),
        pos.astype(np.float32),
        np.full(n * vehicles, lane, np.int32),
        np.full(n * vehicles, bay),
        dwell.astype(np.float64),
        np.full(n * vehicles, due_s),
        np.tile(np.arange(n, dtype=np.int32), vehicles),
    )


def drive(
    network: Network, trips: Trips, asked: Calls | None, seconds: int
) -> tuple[MicroTraffic, Visits]:
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    ids = traffic.add_trips(trips)
    if asked is not None:
        traffic.add_calls(ids[trips.kind == BUS], asked)
    for _ in range(seconds):
        traffic.advance(1)
        assert smallest_gap(traffic) >= -1e-4
    return traffic, traffic.visits()


def one_bus(end: float = 790.0) -> Trips:
    return make_trips([0.0], [[0, 1]], [end], [BUS])


@pytest.mark.parametrize("bay", [False, True])
def test_a_stop_costs_its_dwell_and_what_braking_and_setting_off_cost(bay: bool):
    """Braking at b loses v/2b; the free acceleration of the model, a (1 - (v/v0)^4), loses
    v0/a times the integral of 1/((1+u)(1+u^2)) from 0 to 1, which is 0.566."""
    network = road([800.0, 800.0], lanes=2, speed=SPEED)
    free, _ = drive(network, one_bus(), None, 200)
    held, visits = drive(
        network, one_bus(), calls((0, 500.0, 20.0), (1, 300.0, 15.0), bay=bay), 200
    )
    lost = held.finished().t_arrive[0] - free.finished().t_arrive[0]
    setting_off = np.log(2.0) / 2.0 - np.log(2.0) / 4.0 + np.pi / 8.0
    each = SPEED / (2.0 * BRAKE) + setting_off * SPEED / ACCEL
    assert lost == pytest.approx(35.0 + 2.0 * each, abs=2.5)
    assert visits.tag.tolist() == [0, 1]
    assert (visits.t_depart - visits.t_arrive).tolist() == [20.0, 15.0]


def test_a_bus_stands_at_its_stop_in_the_lane_of_the_kerb():
    network = road([800.0, 800.0], lanes=3, speed=SPEED)
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    traffic.add_calls(traffic.add_trips(one_bus()), calls((1, 400.0, 60.0)))
    traffic.advance(140)
    view = traffic.vehicles
    assert view.link.tolist() == [1]
    assert view.lane.tolist() == [0]
    assert view.speed_mps.tolist() == [0.0]
    assert view.pos_m[0] == pytest.approx(400.0, abs=0.3)


def test_who_is_early_waits_until_it_is_due():
    network = road([800.0, 800.0], speed=SPEED)
    _, visits = drive(network, one_bus(), calls((0, 400.0, 10.0), due_s=150.0), 200)
    assert visits.t_depart.tolist() == [150.0]
    assert visits.t_arrive[0] < 60.0


def test_headways_of_a_line_are_kept_on_an_empty_road():
    network = road([800.0, 800.0], speed=SPEED)
    trips = make_trips([0.0, 120.0, 240.0], [[0, 1]] * 3, [790.0] * 3, [BUS] * 3)
    _, visits = drive(network, trips, calls((0, 400.0, 20.0), (1, 400.0, 20.0), vehicles=3), 500)
    assert np.diff(visits.t_depart[visits.tag == 1]) == pytest.approx([120.0, 120.0], abs=1.0)


def queue_behind_bus(*, bay: bool, lanes: int = 1) -> int:
    """Cars at 900 veh/h on a road whose bus stands for 120 s; return those that stand then."""
    network = road([1000.0, 400.0], lanes=lanes, speed=SPEED)
    cars = np.arange(0.0, 200.0, 4.0)
    trips = make_trips(
        [0.0, *(cars + 8.0)],
        [[0, 1]] * (len(cars) + 1),
        [390.0] * (len(cars) + 1),
        [BUS] + [0] * 50,
    )
    traffic, _ = drive(network, trips, calls((0, 800.0, 120.0), bay=bay), 190)
    return int((traffic.vehicles.speed_mps < 1.0).sum())


def test_cars_queue_behind_a_bus_in_the_lane_at_the_rate_at_which_they_come():
    """The bus stands from 72 s; those of the headways of 4 s that reach the queue's end by 190 s.

    The queue grows backwards at q / (k_jam - q / v): the n-th car to stand comes 8 + 4 n s after
    the bus and has 800 - 7 n metres to go.
    """
    standing = queue_behind_bus(bay=False) - 1
    expected = sum(12.0 + 4.0 * n + (788.0 - 7.0 * (n + 1)) / SPEED < 188.0 for n in range(50))
    assert standing == pytest.approx(expected, abs=2)


def test_nobody_waits_behind_a_bay_and_two_lanes_pass():
    assert queue_behind_bus(bay=True) == 0
    assert queue_behind_bus(bay=False, lanes=2) <= 3


def test_a_bus_leaves_its_bay_into_a_dense_stream():
    network = road([1000.0, 400.0], speed=SPEED)
    cars = np.arange(0.0, 400.0, 2.5)
    trips = make_trips(
        [0.0, *(cars + 8.0)],
        [[0, 1]] * (len(cars) + 1),
        [390.0] * (len(cars) + 1),
        [BUS] + [0] * len(cars),
    )
    _, visits = drive(network, trips, calls((0, 500.0, 60.0), bay=True), 300)
    assert len(visits.tag) == 1
    # 60 s of dwell, and no longer than it takes the next driver to make room.
    assert 60.0 <= visits.t_depart[0] - visits.t_arrive[0] <= 100.0


def test_two_buses_are_served_at_once_behind_each_other():
    network = road([800.0, 800.0], speed=SPEED)
    trips = make_trips([0.0, 10.0], [[0, 1]] * 2, [790.0] * 2, [BUS] * 2)
    _, visits = drive(network, trips, calls((0, 500.0, 60.0), vehicles=2), 200)
    assert visits.t_arrive[1] < visits.t_depart[0]


def test_a_stop_on_a_way_that_is_closed_is_missed_and_those_after_it_are_served():
    #  0 -> 1 -> 4 and 0 -> 2 -> 3 -> 4, where 1 is closed.
    links = [
        Link(0, 1, 300.0, 1, SPEED),
        Link(1, 3, 300.0, 1, SPEED),
        Link(1, 2, 200.0, 1, SPEED),
        Link(2, 3, 200.0, 1, SPEED),
        Link(3, 4, 400.0, 1, SPEED),
    ]
    turns = [Turn(0, 1), Turn(0, 2, kind=1), Turn(1, 4), Turn(2, 3), Turn(3, 4)]
    network = make_network(links, turns)
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    ids = traffic.add_trips(make_trips([0.0], [[0, 1, 4]], [390.0], [BUS]))
    traffic.add_calls(ids, calls((0, 100.0, 5.0), (1, 150.0, 5.0), (4, 200.0, 5.0)))
    traffic.close_lanes(1)
    traffic.advance(300)
    visits = traffic.visits()
    assert visits.tag.tolist() == [0, 1, 2]
    assert np.isnan(visits.t_arrive).tolist() == [False, True, False]
    assert traffic.counters.finished == 1


def test_drivers_who_serve_stops_are_not_sent_another_way():
    network = road([800.0, 800.0], speed=SPEED)
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    traffic.add_calls(traffic.add_trips(one_bus()), calls((1, 400.0, 5.0)))
    traffic.add_trips(make_trips([0.0], [[0, 1]], [790.0]))
    traffic.advance(20)
    assert traffic.running_routes().vehicle.tolist() == [1]


def test_who_stands_in_a_bay_takes_no_route_that_begins_elsewhere():
    network = road([800.0, 800.0], lanes=2, speed=SPEED)
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    ids = traffic.add_trips(one_bus())
    traffic.add_calls(ids, calls((1, 300.0, 60.0), bay=True))
    traffic.advance(120)
    assert traffic.counters.waiting_to_insert + len(traffic.vehicles.id) == 0
    assert traffic.set_route(ids, np.array([0, 2], np.int32), np.array([0, 1], np.int32)) == 0
    traffic.advance(200)
    assert traffic.counters.finished == 1


GRID = grid(4, 4, 150.0, 2, 13.9)


def random_buses(count: int) -> tuple[Trips, Calls]:
    """Return buses that stop on every other link of a random way, some of them in bays."""
    trips = random_trips(GRID, count, 100.0, 5)
    ptr, link, bay = [0], [], []
    for n in range(count):
        route = trips.route_link[trips.route_ptr[n] : trips.route_ptr[n + 1]]
        link += route[:-1:2].tolist()
        bay += [n % 3 == 0] * len(route[:-1:2])
        ptr.append(len(link))
    size = len(link)
    asked = Calls(
        np.array(ptr, np.int32),
        np.array(link, np.int32),
        np.full(size, 70.0, np.float32),
        np.zeros(size, np.int32),
        np.array(bay),
        np.full(size, 12.0),
        np.full(size, -np.inf),
        np.arange(size, dtype=np.int32),
    )
    kinds = np.full(count, BUS, np.uint8)
    return Trips(trips.depart_s, kinds, trips.route_ptr, trips.route_link, trips.end_pos_m), asked


def busy_grid(threads: int = 1) -> MicroTraffic:
    traffic = MicroTraffic(GRID, seed=np.uint64(3), threads=threads)
    traffic.add_trips(random_trips(GRID, 500, 150.0, 7))
    trips, asked = random_buses(60)
    traffic.add_calls(traffic.add_trips(trips), asked)
    return traffic


def test_threads_and_interruption_change_no_bit():
    one, two = busy_grid(), busy_grid(threads=2)
    one.advance(160)
    two.advance(160)
    assert digest(one) == digest(two)
    saved = io.BytesIO()
    np.savez(saved, **one.checkpoint())
    saved.seek(0)
    with np.load(saved) as parts:
        other = MicroTraffic(GRID, seed=np.uint64(9))
        other.restore(dict(parts))
    one.advance(80)
    other.advance(80)
    assert digest(one) == digest(other)
    for mine, its in zip(one.visits(), other.visits(), strict=True):
        assert np.array_equal(mine, its, equal_nan=mine.dtype.kind == "f")


def test_every_stop_is_served_or_missed_once_and_what_was_told_is_forgotten():
    traffic = busy_grid()
    seen: list[int] = []
    for _ in range(20):
        traffic.advance(40)
        seen += traffic.visits().tag.tolist()
        # What was told is forgotten when others come.
        traffic.add_calls(np.empty(0, np.int64), calls((0, 1.0, 1.0), vehicles=0))
    assert sorted(seen) == list(range(len(random_buses(60)[1].link)))
    assert len(traffic.checkpoint()["call"]) == 0


def small_buses() -> MicroTraffic:
    """Return a short run whose buses stop in the lane and in bays."""
    traffic = MicroTraffic(GRID, seed=np.uint64(3))
    trips, asked = random_buses(12)
    traffic.add_calls(traffic.add_trips(trips), asked)
    traffic.advance(200)
    return traffic


@pytest.mark.pyfunc
def test_stops_in_plain_python():
    traffic = small_buses()
    served = traffic.visits()
    assert (len(served.tag), traffic.counters.lane_changes, traffic.counters.updates) == (
        18,
        18,
        1125,
    )


def test_a_stop_off_its_link_and_a_vehicle_under_way_are_refused():
    network = road([800.0, 800.0], speed=SPEED)
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    ids = traffic.add_trips(one_bus())
    with pytest.raises(InputError, match="lies off its link"):
        traffic.add_calls(ids, calls((0, 900.0, 5.0)))
    with pytest.raises(InputError, match="lies off its link"):
        traffic.add_calls(ids, calls((0, np.nan, 5.0)))
    traffic.advance(3)
    with pytest.raises(TwinError, match="does not wait"):
        traffic.add_calls(ids, calls((0, 400.0, 5.0)))
