"""Units under siren pass queues between lanes and over the oncoming lane, and touch nobody."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.support.roads import CALM, Group, Link, Turn, make_network, make_trips, road
from tests.support.traffic_checks import check_now, digest
from twin.core.errors import InputError
from twin.network.graph import Place
from twin.scenarios.spec import Traffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.sirens import Sirens, opposite_links

RED = Group(10_000.0, 9_000.0, 9_900.0)
"""A light that shows red for as long as these tests last."""
OFF = Sirens(corridor=False, oncoming=False)


def queue_road(lanes: int, *, back: bool = False):
    """Return a road that ends at a red light and goes on behind it, maybe with its way back."""
    links = [Link(0, 1, 400.0, lanes, 14.0), Link(1, 2, 400.0, lanes, 14.0)]
    turns = [Turn(0, 1, hi=lanes - 1, group=0)]
    if back:
        links += [Link(2, 1, 400.0, lanes, 14.0), Link(1, 0, 400.0, lanes, 14.0)]
        turns += [Turn(2, 3, hi=lanes - 1)]
    return make_network(links, turns, (RED,))


def with_queue(network, cars: int, *, sirens: Sirens | None = None, threads: int = 1):
    """Return traffic with `cars` cars that have come to stand at the red light."""
    traffic = MicroTraffic(network, seed=np.uint64(3), kinds=CALM, sirens=sirens, threads=threads)
    lanes = int(network.link_lanes[0])
    departs = [3.0 * (n // lanes) for n in range(cars)]
    traffic.add_trips(make_trips(departs, [[0, 1]] * cars, [390.0] * cars))
    traffic.advance(200)
    assert (traffic.vehicles.speed_mps == 0.0).all()
    return traffic


def send(traffic: MicroTraffic, unit: int = 0, pos: float = 20.0) -> None:
    path = np.array([0, 1], np.int32)
    traffic.insert_unit(unit, Place(0, pos), path, 390.0, speed_factor=1.5, siren=True)


def arrival(traffic: MicroTraffic, ticks: int = 300) -> float:
    """Return the second, from now, at which the unit arrives; check every tick."""
    begin = traffic.t
    for _ in range(ticks):
        traffic.advance(1)
        check_now(traffic)
        if done := traffic.arrivals():
            return done[0][1] - begin
    return np.inf


def test_a_unit_passes_a_standing_queue_between_its_lanes():
    traffic = with_queue(queue_road(2), 40)
    cars = traffic.vehicles
    send(traffic)
    tail = float(cars.pos_m.min())
    seconds, passing = 0, []
    while traffic.unit_place(0).link == 0:
        traffic.advance(1)
        check_now(traffic)
        seconds += 1
        view = traffic.vehicles.select(kind=4)
        if view.link[0] == 0 and view.pos_m[0] > tail + 5.0:
            assert traffic._state.unit["band"][0] == 0
            passing.append(float(view.speed_mps[0]))
    # 20 cars in each lane stand on 140 m: 25 s at 20 km/h, and 260 m at up to 21 m/s.
    assert max(passing) == pytest.approx(5.5)
    assert len(passing) == pytest.approx(135.0 / 5.5, abs=4)
    assert seconds < 55
    # Nobody of the queue changed lanes, moved, or passed the red light.
    after = traffic.vehicles
    same = after.id < after.UNIT_ID
    assert (after.id[same] == cars.id).all()
    assert (after.lane[same] == cars.lane).all()
    assert (after.pos_m[same] == cars.pos_m).all()
    assert np.isfinite(arrival(traffic))


def test_without_the_corridor_the_same_unit_waits_with_the_others():
    assert arrival(with_unit(with_queue(queue_road(2), 40, sirens=OFF))) == np.inf
    assert arrival(with_unit(with_queue(queue_road(2), 40))) < 100.0


def with_unit(traffic: MicroTraffic) -> MicroTraffic:
    send(traffic)
    return traffic


def test_one_lane_has_no_corridor_but_maybe_an_oncoming_lane():
    assert arrival(with_unit(with_queue(queue_road(1), 20))) == np.inf
    both = queue_road(1, back=True)
    assert opposite_links(both).tolist() == [3, 2, 1, 0]
    assert arrival(with_unit(with_queue(both, 20))) < 100.0
    assert arrival(with_unit(with_queue(both, 20, sirens=Sirens(oncoming=False)))) == np.inf


def test_the_oncoming_lane_is_taken_only_where_nobody_comes():
    traffic = with_queue(queue_road(1, back=True), 20)
    departs = np.arange(200.0, 440.0, 6.0)
    trips = make_trips(departs.tolist(), [[2, 3]] * len(departs), [390.0] * len(departs))
    oncoming = set(traffic.add_trips(trips).tolist())
    traffic.advance(40)
    send(traffic)
    met = 0
    for _ in range(400):
        traffic.advance(1)
        check_now(traffic)
        unit = traffic._state.unit[0]
        if not traffic.unit_running(0):
            break
        view = traffic.vehicles
        if unit.band < 0:
            continue
        comes = np.isin(view.id, list(oncoming)) & (view.link == (3 if unit.link == 0 else 2))
        front = 400.0 - view.pos_m[comes]
        touching = (front < unit.pos) & (front + 5.0 > unit.pos - 6.0)
        met += int(touching.sum())
        mine = float(view.speed_mps[view.id >= view.UNIT_ID][0])
        # Who is beside it stands at the edge, and it goes at a walk; or it stands.
        assert mine <= 2.0 or not touching.any()
    assert met > 0
    assert not traffic.unit_running(0)


def test_an_obstacle_over_the_whole_road_stops_a_unit_between_lanes():
    traffic = with_queue(queue_road(2), 40)
    traffic.block(Place(0, 300.0), 2)
    send(traffic)
    assert arrival(traffic) == np.inf
    assert traffic.unit_place(0).pos_m < 300.0


def test_two_units_keep_apart_between_the_same_lanes():
    traffic = with_queue(queue_road(2), 40)
    send(traffic, 0)
    traffic.advance(6)
    send(traffic, 1)
    in_band = 0
    for _ in range(150):
        traffic.advance(1)
        check_now(traffic)
        in_band = max(in_band, int((traffic._state.unit["band"] >= 0).sum()))
    assert in_band == 2
    assert not traffic.unit_running(0)
    assert not traffic.unit_running(1)


def test_a_unit_between_lanes_can_be_sent_elsewhere_stopped_and_taken_away():
    network = queue_road(2)
    traffic = with_queue(network, 40)
    send(traffic)
    traffic.advance(30)
    assert traffic._state.unit["band"][0] == 0
    place = traffic.unit_place(0)
    view = traffic.vehicles.select(kind=4)
    assert (view.link[0], view.lane[0], view.pos_m[0]) == (0, 0, place.pos_m)
    traffic.reroute_unit(0, np.array([0], np.int32), 385.0)
    for _ in range(40):
        traffic.advance(1)
        check_now(traffic)
    assert [unit for unit, _ in traffic.arrivals()] == [0]
    send(traffic, 0, pos=200.0)
    traffic.advance(20)
    assert traffic._state.unit["band"][0] == 0
    gone = traffic.remove_unit(0)
    assert 200.0 < gone.pos_m < 400.0
    check_now(traffic)
    assert not len(traffic.vehicles.select(kind=4))


def test_the_distance_of_clearing_grows_in_a_queue_and_shrinks_behind_it():
    traffic = with_queue(queue_road(2), 40)
    send(traffic)
    reach = []
    while traffic.unit_running(0):
        traffic.advance(1)
        reach.append(float(traffic._state.unit["reach"][0]))
        if traffic.arrivals():
            break
    assert reach[0] == 80.0
    assert max(reach) == 250.0
    assert np.diff(reach).max() == pytest.approx(10.0)
    assert reach[-1] < 250.0


def test_bits_are_the_same_on_two_threads_and_from_a_checkpoint_between_lanes():
    def run(threads: int = 1) -> MicroTraffic:
        traffic = with_queue(queue_road(2), 40, threads=threads)
        send(traffic)
        traffic.advance(30)
        assert traffic._state.unit["band"][0] == 0
        return traffic

    one = run()
    saved = io.BytesIO()
    np.savez(saved, **one.checkpoint())
    saved.seek(0)
    with np.load(saved) as parts:
        other = MicroTraffic(queue_road(2), seed=np.uint64(9), kinds=CALM)
        other.restore(dict(parts))
    two = run(threads=2)
    for traffic in (one, other, two):
        traffic.advance(60)
    assert digest(one) == digest(other) == digest(two)
    assert one.arrivals() == other.arrivals() == two.arrivals()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="between_mps"):
        Sirens(between_mps=0.0)
    with pytest.raises(InputError, match="queue_reach_m"):
        Sirens(queue_reach_m=20.0)
    with pytest.raises(InputError, match="reach_m"):
        Sirens(reach_m=float("nan"))
    with pytest.raises(ValueError, match="less than reach_m"):
        Traffic(siren={"reach_m": 300})
    with pytest.raises(ValueError, match="needs fidelity = 'micro'"):
        Traffic(fidelity="meso", siren={"corridor": False})
    assert Traffic(fidelity="meso").siren.corridor
    assert Sirens(**Traffic().siren.model_dump()) == Sirens()


def test_roads_without_a_way_back_have_no_oncoming_lane():
    assert opposite_links(road([100.0, 100.0])).tolist() == [-1, -1]
    uneven = make_network([Link(0, 1, 100.0), Link(1, 0, 150.0)], [])
    assert opposite_links(uneven).tolist() == [-1, -1]
