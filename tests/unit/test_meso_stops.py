"""Stops in queues: run time, who waits behind a bus, bays, bus lanes, slow types, equal bits."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.support.roads import make_trips, random_trips, road
from tests.unit.test_bus_stops import BUS, calls
from twin.core.errors import InputError
from twin.demand.stops import Calls
from twin.demand.trips import Trips
from twin.network.generate import grid
from twin.network.graph import Network
from twin.traffic.meso import MesoTraffic, Parameters
from twin.traffic.stopping import Visits
from twin.traffic.types import Kind, Kinds

SPEED, ACCEL, BRAKE = 12.0, 1.2, 1.8
KINDS = Kinds(bus=Kind(12.0, ACCEL, BRAKE, 1.3, 2.5, 1.0, 0.0))
STOP_S = SPEED / (2.0 * BRAKE) + 0.566 * SPEED / ACCEL
EXACT = Parameters(pace=1.0, restart_s_per_mps=0.0)


def drive(
    network: Network, trips: Trips, asked: Calls | None, seconds: int, kinds: Kinds = KINDS
) -> tuple[MesoTraffic, Visits]:
    traffic = MesoTraffic(network, kinds=kinds, parameters=EXACT)
    ids = traffic.add_trips(trips)
    if asked is not None:
        traffic.add_calls(ids[trips.kind == BUS], asked)
    traffic.advance(seconds)
    return traffic, traffic.visits()


@pytest.mark.parametrize("bay", [False, True])
def test_run_time_is_links_and_dwells_and_what_stopping_costs(bay):
    network = road([800.0, 600.0, 800.0], lanes=2, speed=SPEED)
    bus = make_trips([0.0], [[0, 1, 2]], [780.0], [BUS])
    stops = calls((0, 500.0, 20.0), (0, 700.0, 10.0), (1, 300.0, 15.0), (2, 779.0, 5.0), bay=bay)
    traffic, visits = drive(network, bus, stops, 400)
    done = traffic.finished()
    assert done.t_arrive[0] == pytest.approx(2180.0 / SPEED + 50.0 + 4 * STOP_S, abs=0.02)
    assert visits.tag.tolist() == [0, 1, 2, 3]
    first = 500.0 / SPEED + SPEED / (2.0 * BRAKE)
    assert visits.t_arrive[0] == pytest.approx(first, abs=0.01)
    assert (visits.t_depart - visits.t_arrive).tolist() == pytest.approx([20, 10, 15, 5], abs=0.01)
    assert traffic.counters.finished == 1


@pytest.mark.parametrize("bay", [False, True])
def test_a_bus_waits_until_it_is_due(bay):
    network = road([800.0, 800.0], lanes=1, speed=SPEED)
    bus = make_trips([0.0], [[0, 1]], [780.0], [BUS])
    traffic = MesoTraffic(network, kinds=KINDS, parameters=EXACT, start_s=3600.0)
    ids = traffic.add_trips(replace(bus, depart_s=np.array([3600.0])))
    traffic.add_calls(ids, calls((0, 500.0, 20.0), bay=bay, due_s=3750.0))
    traffic.advance(149)
    assert len(traffic.visits().tag) == 0
    traffic.advance(100)
    visits = traffic.visits()
    assert visits.t_depart.tolist() == pytest.approx([3750.0], abs=0.01)
    assert len(traffic.visits().tag) == 0


@pytest.mark.parametrize(
    ("lanes", "bay", "waits"), [(1, False, True), (1, True, False), (2, False, False)]
)
def test_who_comes_behind_a_bus_waits_unless_it_stands_aside_or_there_is_a_lane(lanes, bay, waits):
    network = road([400.0, 400.0], lanes=lanes, speed=SPEED)
    trips = make_trips([0.0, 5.0], [[0, 1], [0, 1]], [390.0, 390.0], [BUS, 0])
    traffic, _ = drive(network, trips, calls((0, 350.0, 60.0), bay=bay), 400)
    done = traffic.finished()
    car = done.t_arrive[done.kind == 0][0] - 5.0
    free = 790.0 / SPEED
    # The car came at 5 s, and leaves the link a bus's headway behind the bus.
    headway = (1.6 + 7.0 / SPEED) * (1.3 + 14.5 / 10.0) / (1.0 + 7.0 / 10.0)
    held = 60.0 + STOP_S - 5.0 + headway
    assert car == pytest.approx(free + (held if waits else 0.0), abs=0.05)


def test_a_bus_in_a_bay_waits_for_room_in_a_full_lane():
    network = road([200.0, 200.0, 200.0], lanes=1, speed=SPEED)
    cars = 60
    trips = make_trips(
        [0.0] + [10.0 + 2.0 * n for n in range(cars)],
        [[0, 1, 2]] * (cars + 1),
        [190.0] * (cars + 1),
        [BUS] + [0] * cars,
    )
    traffic = MesoTraffic(network, kinds=KINDS, parameters=EXACT)
    ids = traffic.add_trips(trips)
    traffic.add_calls(ids[:1], calls((1, 100.0, 60.0), bay=True))
    traffic.close_lanes(2)
    traffic.advance(100)
    # The road beside it is full: it stands in its bay, on no link.
    assert traffic.visits().tag.tolist() == []
    assert ids[0] not in traffic.vehicles.id
    assert traffic.counters.running == len(traffic.vehicles.id) + 1
    traffic.open_lanes(2)
    traffic.advance(600)
    assert traffic.visits().t_depart[0] > 100.0
    assert traffic.counters.finished == cars + 1


def test_a_closed_road_on_the_way_means_a_missed_stop():
    network = grid(3, 3, 200.0, 1, 12.0, signals=False)
    ends = list(zip(network.link_from.tolist(), network.link_to.tolist(), strict=True))
    way = [ends.index(pair) for pair in ((0, 1), (1, 2), (2, 5))]
    around = [ends.index(pair) for pair in ((0, 1), (1, 4), (4, 5), (5, 2), (2, 5))]
    traffic = MesoTraffic(network, kinds=KINDS)
    ids = traffic.add_trips(make_trips([0.0], [way], [150.0], [BUS]))
    traffic.add_calls(ids, calls((way[0], 50.0, 5.0), (way[1], 50.0, 5.0), (way[2], 50.0, 5.0)))
    traffic.advance(5)
    del around[3:4]
    new = np.array([way[0], around[1], around[2]], np.int32)
    assert traffic.set_route(ids, np.array([0, 3], np.int32), new) == 1
    traffic.advance(200)
    traffic.finished()
    visits = traffic.visits()
    assert visits.tag.tolist() == [0, 1, 2]
    assert np.isfinite(visits.t_arrive).tolist() == [True, False, False]


def test_cars_keep_out_of_a_bus_lane_and_a_bus_passes_their_queue():
    network = road([400.0, 400.0], lanes=2, speed=SPEED)
    trips = make_trips(
        [2.5 * n for n in range(32)] + [80.0], [[0, 1]] * 33, [390.0] * 33, [0] * 32 + [BUS]
    )
    traffic = MesoTraffic(network, kinds=KINDS, parameters=EXACT)
    traffic.set_bus_lanes(0, [0])
    traffic.set_bus_lanes(1, [0])
    assert traffic.bus_lanes == {0: (0,), 1: (0,)}
    traffic.add_trips(trips)
    seen = set()
    for _ in range(300):
        traffic.advance(1)
        view = traffic.vehicles
        seen |= set(zip(view.kind.tolist(), view.lane[view.link == 0].tolist(), strict=False))
    done = traffic.finished()
    assert {lane for kind, lane in seen if kind == 0} == {1}
    assert done.t_arrive[done.kind == BUS][0] - 80.0 == pytest.approx(790.0 / SPEED, abs=0.1)


def test_cars_use_a_bus_lane_where_there_is_no_other():
    network = road([400.0, 400.0], lanes=1, speed=SPEED)
    traffic = MesoTraffic(network, parameters=EXACT)
    traffic.set_bus_lanes(0, [0])
    traffic.add_trips(make_trips([0.0], [[0, 1]], [390.0], [0]))
    traffic.advance(100)
    assert traffic.counters.finished == 1


@pytest.mark.parametrize(
    ("kind", "speed"),
    [
        (Kind(9.0, 1.2, 1.8, 1.3, 2.5, 0.8, 0.0), 0.8 * SPEED),
        (Kind(9.0, 1.2, 1.8, 1.3, 2.5, 1.0, 0.0, top_mps=8.0), 8.0),
        (Kind(9.0, 1.2, 1.8, 1.3, 2.5, 1.2, 0.0), SPEED),
    ],
)
def test_slow_types_take_longer_and_nobody_is_faster_than_the_road(kind, speed):
    network = road([600.0, 600.0], lanes=1, speed=SPEED)
    trips = make_trips([0.0], [[0, 1]], [590.0], [BUS])
    traffic, _ = drive(network, trips, None, 300, Kinds(bus=kind))
    assert traffic.finished().t_arrive[0] == pytest.approx(1190.0 / speed, abs=0.01)


def busy(threads: int = 1) -> MesoTraffic:
    network = grid(5, 5, 150.0, 2, 12.0)
    traffic = MesoTraffic(network, threads=threads)
    trips = random_trips(network, 800, 300.0, seed=4)
    kind = np.where(np.arange(len(trips)) % 8 == 0, BUS, 0).astype(np.uint8)
    trips = replace(trips, kind=kind)
    ids = traffic.add_trips(trips)
    traffic.set_bus_lanes(7, [0])
    for lane, bay in ((0, True), (1, False)):
        rows = [n for n in np.flatnonzero(kind == BUS).tolist() if (n // 8) % 2 == lane]
        link = np.array([trips.route_link[trips.route_ptr[n]] for n in rows], np.int32)
        count = len(rows)
        traffic.add_calls(
            ids[rows],
            Calls(
                np.arange(count + 1, dtype=np.int32),
                link,
                np.full(count, 75.0, np.float32),
                np.full(count, lane, np.int32),
                np.full(count, bay),
                np.full(count, 12.0),
                np.full(count, -np.inf),
                np.arange(count, dtype=np.int32),
            ),
        )
    return traffic


def same(one: MesoTraffic, other: MesoTraffic) -> bool:
    """Return whether all is the same; numbers, since what lies between columns is nobody's."""
    a, b = one.checkpoint(), other.checkpoint()
    return a.keys() == b.keys() and all(
        np.array_equal(
            a[name][column], b[name][column], equal_nan=a[name][column].dtype.kind == "f"
        )
        for name in a
        for column in a[name].dtype.names or [...]
    )


def test_threads_and_checkpoints_change_no_bit_and_all_arrive():
    one, two = busy(), busy(2)
    one.advance(250)
    two.advance(250)
    assert same(one, two)
    kept = io.BytesIO()
    np.savez(kept, **one.checkpoint())
    kept.seek(0)
    again = MesoTraffic(one.network)
    again.restore(dict(np.load(kept)))
    one.advance(1500)
    again.advance(1500)
    assert same(one, again)
    assert one.counters.finished == 800
    assert len(one.visits().tag) == 100


def test_a_stop_off_its_link_is_refused():
    network = road([400.0, 400.0], lanes=1, speed=SPEED)
    traffic = MesoTraffic(network)
    ids = traffic.add_trips(make_trips([0.0], [[0, 1]], [390.0], [BUS]))
    with pytest.raises(InputError, match="lies off its link"):
        traffic.add_calls(ids, calls((0, 500.0, 5.0)))


def behind_a_queue(cars: int, *, bay: bool) -> MesoTraffic:
    """Let a bus with a stop 50 m before the end of a link come to cars that stand there."""
    network = road([400.0, 400.0], lanes=1, speed=SPEED)
    trips = make_trips(
        [3.0 * n for n in range(cars)] + [65.0],
        [[0, 1]] * (cars + 1), [390.0] * (cars + 1), [0] * cars + [BUS],
    )  # fmt: skip
    traffic = MesoTraffic(network, kinds=KINDS, parameters=EXACT)
    ids = traffic.add_trips(trips)
    traffic.add_calls(ids[cars:], calls((0, 350.0, 20.0), bay=bay))
    traffic.close_lanes(1)
    traffic.advance(90)
    return traffic


@pytest.mark.parametrize("bay", [False, True])
def test_a_bus_comes_to_its_stop_when_the_queue_over_it_lets_it(bay):
    cars = 20
    traffic = behind_a_queue(cars, bay=bay)
    assert len(traffic.visits().tag) == 0
    traffic.open_lanes(1)
    traffic.advance(400)
    done, visits = traffic.finished(), traffic.visits()
    left = np.sort(done.t_arrive[done.kind == 0]) - 390.0 / SPEED
    # So many stand between the stop and the line; the gap of the next one lets the bus come.
    net = traffic._net
    beyond = int(50.0 / net.spacing)
    assert beyond == 7
    wave = float(net.link["lag"][0]) / 1000.0 * 50.0 / 400.0
    came = left[cars - beyond - 1] + wave
    assert visits.t_arrive.tolist() == pytest.approx([came], abs=0.01)
    assert visits.t_depart[0] == pytest.approx(came + 20.0, abs=1.0 if bay else 0.01)
    assert traffic.counters.finished == cars + 1
    bus = done.t_arrive[done.kind == BUS][0]
    again = 0.566 * SPEED / ACCEL
    assert bus == pytest.approx(visits.t_depart[0] + again + 440.0 / SPEED, abs=0.02)


@pytest.mark.parametrize("bay", [False, True])
def test_a_queue_that_ends_beyond_the_stop_holds_up_nobody(bay):
    traffic = behind_a_queue(7, bay=bay)
    came = 65.0 + 350.0 / SPEED + SPEED / (2.0 * BRAKE)
    traffic.open_lanes(1)
    traffic.advance(300)
    assert traffic.visits().t_arrive.tolist() == pytest.approx([came], abs=0.01)


def test_the_way_of_who_is_on_the_last_link_is_that_link():
    network = road([400.0, 400.0, 400.0], lanes=1, speed=SPEED)
    trips = make_trips([0.0, 0.0, 20.0], [[0, 1, 2], [0, 1], [0, 1, 2]], [390.0] * 3)
    traffic = MesoTraffic(network, kinds=KINDS, parameters=EXACT)
    ids = traffic.add_trips(trips)
    traffic.advance(50)
    ptr, links = traffic.ways_ahead(ids)
    ways = [links[a:b].tolist() for a, b in pairwise(ptr)]
    assert ways == [[1, 2], [1], [0, 1, 2]]
    traffic.advance(36)
    ptr, links = traffic.ways_ahead(ids)
    ways = [links[a:b].tolist() for a, b in pairwise(ptr)]
    assert ways == [[2], [], [1, 2]]
