"""Bus lanes: buses do not wait for cars, cars lose a lane, and who may enter where."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import Group, Link, Turn, make_network, make_trips, random_trips, road
from tests.support.traffic_checks import check_now, digest
from twin.network.generate import grid
from twin.network.graph import Network, Place
from twin.traffic.kernels.bus_lanes import TURN_IN_M
from twin.traffic.micro import Kind, Kinds, MicroTraffic

BUS = 3
SPEED = 12.0
PLAIN = Kinds(
    car=Kind(5.0, 1.5, 2.0, 1.2, 2.0, 1.0, 0.0),
    bus=Kind(12.0, 1.2, 1.8, 1.3, 2.5, 1.0, 0.0),
)


def lit_road(lanes: int) -> Network:
    """Two links with a signal between them that is green for half of 60 s."""
    links = [Link(0, 1, 600.0, lanes, SPEED), Link(1, 2, 400.0, lanes, SPEED)]
    turns = [Turn(0, 1, hi=lanes - 1, group=0)]
    return make_network(links, turns, (Group(60.0, 0.0, 30.0),))


def narrowing_road() -> Network:
    """Return a long road with room for a queue, which loses a lane before the signal."""
    links = [
        Link(0, 1, 1500.0, 3, SPEED),
        Link(1, 2, 600.0, 2, SPEED),
        Link(2, 3, 400.0, 2, SPEED),
    ]
    return make_network(
        links, [Turn(0, 1, hi=2), Turn(1, 2, hi=1, group=0)], (Group(60.0, 0.0, 30.0),)
    )


def drive(
    network: Network, cars_per_h: float, *, bus_lane: bool, seconds: int = 900
) -> tuple[np.ndarray, int, int]:
    """Return (seconds that buses took, cars that finished, most cars in lane 0) of a run."""
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=PLAIN)
    if bus_lane:
        for link in range(network.n_links):
            traffic.set_bus_lanes(link, [0])
    cars = np.arange(1.0, seconds, 3600.0 / cars_per_h) if cars_per_h else np.empty(0)
    buses = np.arange(200.0, 600.0, 90.0)
    departs = np.concatenate([cars, buses])
    kinds = np.repeat([0, BUS], [len(cars), len(buses)])
    order = np.argsort(departs, kind="stable")
    trips = make_trips(
        departs[order].tolist(),
        [list(range(network.n_links))] * len(order),
        [390.0] * len(order),
        kinds[order].tolist(),
    )
    traffic.add_trips(trips)
    intruders = 0
    for _ in range(seconds):
        traffic.advance(1)
        view = traffic.vehicles
        intruders = max(intruders, int(((view.kind == 0) & (view.lane == 0)).sum()))
    done = traffic.finished()
    took = (done.t_arrive - done.t_planned)[done.kind == BUS]
    return took, int((done.kind == 0).sum()), intruders


def test_the_time_of_buses_does_not_depend_on_cars():
    alone, _, _ = drive(narrowing_road(), 0.0, bus_lane=True)
    crowd, _, intruders = drive(narrowing_road(), 1800.0, bus_lane=True)
    mixed, _, _ = drive(narrowing_road(), 1800.0, bus_lane=False)
    assert intruders == 0
    assert len(crowd) == len(alone) == 5
    assert crowd == pytest.approx(alone, abs=2.0)
    assert mixed.mean() > crowd.mean() + 60.0


@pytest.mark.parametrize("lanes", [2, 3])
def test_cars_lose_one_lane_of_capacity(lanes: int):
    """What passes a signal in 900 s of more demand than it carries: as many as on one lane less."""
    _, with_lane, _ = drive(lit_road(lanes), 3600.0, bus_lane=True)
    _, narrower, _ = drive(lit_road(lanes - 1), 3600.0, bus_lane=False)
    _, every, _ = drive(lit_road(lanes), 3600.0, bus_lane=False)
    assert with_lane == pytest.approx(narrower, rel=0.06)
    assert with_lane < every * (lanes - 0.6) / lanes


def junction() -> Network:
    """A road of three lanes of which the one at the kerb alone turns right."""
    links = [
        Link(0, 1, 500.0, 3, SPEED),
        Link(1, 2, 300.0, 3, SPEED),
        Link(1, 3, 300.0, 1, SPEED),
    ]
    return make_network(links, [Turn(0, 1, hi=2), Turn(0, 2, kind=1)])


def test_who_turns_right_enters_the_bus_lane_only_near_the_junction():
    traffic = MicroTraffic(junction(), seed=np.uint64(1), kinds=PLAIN)
    traffic.set_bus_lanes(0, [0])
    traffic.add_trips(
        make_trips(
            [float(t) for t in range(0, 120, 4)],
            [[0, 2] if n % 2 else [0, 1] for n in range(30)],
            [290.0] * 30,
        )
    )
    seen = False
    for _ in range(300):
        traffic.advance(1)
        view = traffic.vehicles
        inside = (view.link == 0) & (view.lane == 0)
        assert (view.pos_m[inside] > 500.0 - TURN_IN_M - SPEED).all()
        seen |= bool(inside.any())
    assert seen
    assert traffic.counters.finished == 30
    assert traffic.counters.strayed == 0


def test_cars_leave_a_lane_that_becomes_a_bus_lane_and_units_and_buses_stay():
    traffic = MicroTraffic(road([2000.0], lanes=2, speed=SPEED), seed=np.uint64(1), kinds=PLAIN)
    traffic.add_trips(make_trips([0.0] * 8, [[0]] * 8, [1990.0] * 8, [BUS] + [0] * 7))
    traffic.insert_unit(
        0, Place(0, 300.0), np.array([0], np.int32), 1990.0, speed_factor=1.0, siren=False
    )
    traffic.advance(20)
    before = traffic.vehicles
    assert ((before.kind == 0) & (before.lane == 0)).any()
    traffic.set_bus_lanes(0, [0])
    traffic.advance(40)
    view = traffic.vehicles
    assert (view.lane[view.kind == 0] == 1).all()
    assert view.lane[view.kind == 4].tolist() == [0]
    traffic.set_bus_lanes(0, [])
    assert not traffic.checkpoint()["link"]["bus_lanes"].any()


def test_an_obstacle_is_passed_through_the_bus_lane():
    traffic = MicroTraffic(road([1000.0], lanes=2, speed=SPEED), seed=np.uint64(1), kinds=PLAIN)
    # The median lane is the bus lane; `block` stands at the kerb.
    traffic.set_bus_lanes(0, [1])
    traffic.block(Place(0, 500.0), 1)
    traffic.add_trips(make_trips([0.0, 5.0], [[0]] * 2, [990.0] * 2))
    traffic.advance(150)
    assert traffic.counters.finished == 2


def test_where_every_open_lane_is_a_bus_lane_all_drive():
    traffic = MicroTraffic(road([1000.0], lanes=1, speed=SPEED), seed=np.uint64(1), kinds=PLAIN)
    traffic.set_bus_lanes(0, [0])
    traffic.add_trips(make_trips([0.0], [[0]], [990.0]))
    traffic.advance(150)
    assert traffic.counters.finished == 1


def lanes_on_grid(threads: int = 1) -> MicroTraffic:
    network = grid(4, 4, 150.0, 3, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(3), threads=threads)
    for link in range(0, network.n_links, 2):
        traffic.set_bus_lanes(link, [0] if link % 4 else [2])
    traffic.add_trips(random_trips(network, 500, 120.0, 7))
    return traffic


def test_threads_and_interruption_change_no_bit():
    one, two = lanes_on_grid(), lanes_on_grid(threads=2)
    for _ in range(100):
        one.advance(1)
        check_now(one)
    two.advance(100)
    assert digest(one) == digest(two)
    other = MicroTraffic(one.network, seed=np.uint64(9))
    other.restore(one.checkpoint())
    one.advance(60)
    other.advance(60)
    assert digest(one) == digest(other)
