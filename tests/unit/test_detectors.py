"""Loops and segments against what one can work out, and against where the vehicles really were."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, make_trips, random_trips, road
from twin.network.generate import grid
from twin.network.graph import Network, Place
from twin.traffic import noise
from twin.traffic.detectors import Detectors, LoopGroup, Segment
from twin.traffic.kernels import rng
from twin.traffic.micro import MicroTraffic

KEY = np.uint64(77)


def _group(places: list[tuple[int, float]], **errors: float) -> LoopGroup:
    links = np.array([link for link, _ in places], np.int32)
    return LoopGroup(links, np.array([pos for _, pos in places], np.float32), **errors)


def _calm(network: Network, speed_trips=((0.0, 0),)) -> MicroTraffic:
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    n = len(speed_trips)
    every = list(range(network.n_links))
    traffic.add_trips(
        make_trips(
            [t for t, _ in speed_trips],
            [every] * n,
            [float(network.link_length[-1]) - 10.0] * n,
            [kind for _, kind in speed_trips],
        )
    )
    return traffic


def test_one_vehicle_at_constant_speed_gives_exact_readings():
    # 10 m/s, 5 m long: over each loop for 0.5 s; in 60 s an occupancy of 1/120.
    traffic = _calm(road([300.0, 300.0], speed=10.0))
    detectors = Detectors(traffic, [_group([(0, 123.4), (1, 0.5), (0, 299.0)])], [], key=KEY)
    traffic.advance(60)
    reading = detectors.read(0, 60.0, per_lane=False)
    assert reading.link.tolist() == [0, 1]
    assert reading.vehicles.tolist() == [2, 1]
    assert (reading.lane == -1).all()
    assert reading.true_speed_mps == pytest.approx([10.0, 10.0], rel=1e-5)
    assert (reading.vehicles == reading.true_vehicles).all()
    assert reading.speed_mps == pytest.approx(reading.true_speed_mps)
    # Two loops on the first link: the mean of both.
    assert reading.true_occupancy == pytest.approx([0.5 / 60, 0.5 / 60], rel=1e-3)
    again = detectors.read(0, 60.0, per_lane=True)
    assert not again.vehicles.any()
    assert np.isnan(again.speed_mps).all()
    assert again.link.tolist() == [0, 0, 1]


def test_a_queue_over_a_loop_covers_it_and_is_counted_once():
    traffic = _calm(road([400.0], speed=10.0), [(0.0, 0)])
    traffic.block(Place(0, 204.0), 1)
    detectors = Detectors(traffic, [_group([(0, 200.0), (0, 100.0)])], [], key=KEY)
    traffic.advance(120)
    detectors.restart()
    traffic.advance(50)
    halted = float(traffic.vehicles.pos_m[0])
    assert 200.0 < halted < 205.0
    reading = detectors.read(0, 50.0, per_lane=True)
    assert reading.true_vehicles.tolist() == [0, 0]
    assert sorted(reading.occupancy.tolist()) == pytest.approx([0.0, 1.0])


def test_no_vehicle_is_missed_whatever_the_road_and_lane():
    """Counts equal those of vehicles that were before the loop and later behind it or gone."""
    network = grid(4, 4, 150.0, 3, 25.0)
    trips = random_trips(network, 250, 300.0, 8)
    traffic = MicroTraffic(network, seed=np.uint64(3))
    traffic.add_trips(trips)
    place = np.linspace(0.05, 0.995, network.n_links) * network.link_length
    links = np.arange(network.n_links, dtype=np.int32)
    detectors = Detectors(traffic, [LoopGroup(links, place.astype(np.float32))], [], key=KEY)
    traffic.advance(900)
    done = traffic.finished()
    assert len(done.vehicle) == len(trips)
    assert not traffic.counters.strayed
    expected = np.zeros(network.n_links, np.int64)
    for i in range(len(trips)):
        path = trips.route_link[trips.route_ptr[i] : trips.route_ptr[i + 1]]
        np.add.at(expected, path[:-1], 1)
        if trips.end_pos_m[i] >= place[path[-1]]:
            expected[path[-1]] += 1
    reading = detectors.read(0, 900.0, per_lane=False)
    assert (reading.true_vehicles == expected).all()
    assert (reading.vehicles == expected).all()


def test_watching_changes_no_bit_and_threads_and_pieces_no_reading():
    from tests.support.traffic_checks import digest

    network = grid(3, 3, 150.0, 2, 13.9)
    trips = random_trips(network, 400, 60.0, 8)
    group = _group([(k, 70.0) for k in range(network.n_links)], missed_share=0.1, speed_error=0.1)
    seen, bits = [], []
    for threads, pieces, watched in ((1, 1, True), (2, 1, True), (1, 90, True), (1, 1, False)):
        traffic = MicroTraffic(network, seed=np.uint64(3), threads=threads)
        traffic.add_trips(trips)
        if watched:
            detectors = Detectors(traffic, [group], [], key=KEY)
        for _ in range(pieces):
            traffic.advance(90 // pieces)
        bits.append(digest(traffic))
        if watched:
            seen.append(detectors.read(0, 90.0, per_lane=True))
    assert len(set(bits)) == 1
    for other in seen[1:]:
        for mine, its in zip(seen[0], other, strict=True):
            assert np.array_equal(mine, its, equal_nan=True)
    assert (seen[0].vehicles != seen[0].true_vehicles).any()


def test_errors_have_the_stated_size():
    network = road([500.0], lanes=2, speed=15.0)
    trips = make_trips(np.arange(0.0, 4000.0, 2.0).tolist(), [[0]] * 2000, [450.0] * 2000)
    traffic = MicroTraffic(network, seed=np.uint64(2))
    traffic.add_trips(trips)
    groups = [
        _group([(0, 200.0)], missed_share=0.2),
        _group([(0, 210.0)], double_share=0.1),
        _group([(0, 220.0)], speed_error=0.1),
    ]
    detectors = Detectors(traffic, groups, [], key=KEY)
    ratios = []
    for _ in range(40):
        traffic.advance(100)
        reading = detectors.read(2, 100.0, per_lane=True)
        busy = reading.true_vehicles > 10
        error = (reading.speed_mps / reading.true_speed_mps - 1.0)[busy]
        ratios.extend((error * np.sqrt(reading.true_vehicles[busy])).tolist())
    missed = detectors.read(0, 4000.0, per_lane=False)
    double = detectors.read(1, 4000.0, per_lane=False)
    true = int(missed.true_vehicles[0])
    assert true > 1900
    # Three standard deviations of a binomial share.
    assert missed.vehicles[0] / true == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / true))
    assert missed.occupancy[0] / missed.true_occupancy[0] == pytest.approx(0.8, abs=0.03)
    assert double.vehicles[0] / true == pytest.approx(1.1, abs=3 * np.sqrt(0.09 / true))
    assert np.std(ratios) == pytest.approx(0.1, rel=0.25)


def test_segment_times_are_those_of_the_vehicles():
    # 10 m/s from 100 m on the first link to 50 m on the third: 350 m.
    traffic = _calm(road([200.0, 200.0, 200.0], speed=10.0), [(0.0, 0), (30.0, 0), (60.0, 0)])
    segments = [
        Segment(Place(0, 100.0), Place(2, 50.0)),
        Segment(Place(0, 100.0), Place(2, 50.0), seen_share=0.0),
        Segment(Place(0, 50.0), Place(0, 150.0), time_error_s=5.0),
        Segment(Place(2, 50.0), Place(0, 100.0)),
    ]
    detectors = Detectors(traffic, [], segments, key=KEY)
    found = []
    for _ in range(13):
        traffic.advance(10)
        found.append(detectors.times())
    count = [sum(int((f.segment == s).sum()) for f in found) for s in range(4)]
    assert count == [3, 3, 3, 0]
    for f in found:
        first = f.segment == 0
        assert f.true_seconds[first] == pytest.approx(np.full(first.sum(), 35.0), abs=1e-3)
        assert (f.seconds[first] == f.true_seconds[first]).all()
        assert np.isnan(f.seconds[f.segment == 1]).all()
        third = f.segment == 2
        assert f.true_seconds[third] == pytest.approx(np.full(third.sum(), 10.0), abs=1e-3)
        assert (f.seconds[third] != f.true_seconds[third]).all()
        assert (np.diff(f.t) >= 0).all()


def test_detectors_begun_in_the_midst_of_traffic_count_only_what_passes_later():
    network = grid(3, 3, 150.0, 2, 13.9)
    traffic = MicroTraffic(network, seed=np.uint64(3))
    traffic.add_trips(random_trips(network, 300, 30.0, 8))
    traffic.advance(40)
    links = np.arange(network.n_links, dtype=np.int32)
    group = LoopGroup(links, np.full(len(links), 75.0, np.float32))
    detectors = Detectors(traffic, [group], [], key=KEY)
    behind = traffic.vehicles.pos_m >= 75.0
    assert behind.sum() > 20
    traffic.advance(1)
    assert not detectors.read(0, 1.0, per_lane=False).vehicles.any()
    traffic.advance(20)
    assert detectors.read(0, 20.0, per_lane=False).vehicles.sum() > 20


def test_units_are_counted_where_they_pass():
    traffic = MicroTraffic(road([300.0, 300.0], speed=10.0), seed=np.uint64(1))
    detectors = Detectors(traffic, [_group([(0, 50.0), (0, 150.0), (1, 99.5)])], [], key=KEY)
    path = np.array([0, 1], np.int32)
    traffic.insert_unit(0, Place(0, 100.0), path, 100.0, speed_factor=1.0, siren=False)
    traffic.advance(60)
    assert traffic.arrivals()
    assert detectors.read(0, 60.0, per_lane=True).vehicles.tolist() == [0, 1, 1]


def test_array_draws_equal_those_of_the_kernels():
    vehicle = np.array([0, 1, 5, 1 << 40], np.int64)
    with np.errstate(over="ignore"):
        one = [rng.uniform(KEY, int(v), 12, np.uint64(9)) for v in vehicle]
    assert noise.uniform(KEY, vehicle, 12, 9) == pytest.approx(one, abs=1e-9)
    a, b = noise.gauss(KEY, np.arange(20_000), 3, 5)
    for part in (a, b):
        assert abs(part.mean()) < 0.03
        assert part.std() == pytest.approx(1.0, abs=0.02)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


@pytest.mark.pyfunc
def test_detectors_in_plain_python():
    traffic = _calm(road([60.0, 60.0], speed=10.0), [(0.0, 0), (5.0, 2)])
    segment = Segment(Place(0, 10.0), Place(1, 30.0))
    group = _group([(0, 30.0), (1, 5.0)], speed_error=0.1)
    detectors = Detectors(traffic, [group], [segment], key=KEY)
    traffic.advance(30)
    reading = detectors.read(0, 30.0, per_lane=False)
    assert reading.vehicles.tolist() == [2, 2]
    assert detectors.times().true_seconds[0] == pytest.approx(8.0, abs=1e-3)
