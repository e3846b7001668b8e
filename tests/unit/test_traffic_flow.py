"""Movement against closed forms: free flow, the IDM's equilibrium, queues that spill back."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, Group, Link, Turn, make_network, make_trips, road
from tests.support.traffic_checks import check_now
from twin.traffic.kernels.times import turn_delays
from twin.traffic.micro import Kind, Kinds, MicroTraffic


@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_free_flow_takes_length_over_speed(dt):
    network = road([400.0, 600.0, 1000.0])
    traffic = MicroTraffic(network, seed=np.uint64(1), dt_s=dt, kinds=CALM)
    traffic.add_trips(make_trips([0.0, 60.0], [[0, 1, 2]] * 2, [1000.0] * 2))
    traffic.advance(round(250 / dt))
    done = traffic.finished()
    # 2,000 m at 20 m/s, and the time lost by entering at 10 m/s (IDM from v/2 to v, about 4 s).
    assert done.t_arrive - done.t_depart == pytest.approx([100.0, 100.0], abs=5.0)
    assert done.distance_m == pytest.approx([1999.98, 1999.98])
    assert (done.t_depart == [0.0, 60.0]).all()


def test_idm_equilibrium_gap_and_flow():
    # s = (s0 + v T) / sqrt(1 - (v / v0)^4) = 34.30 m and 3600 v / (s + L) = 1832 veh/h.
    kinds = Kinds(
        car=Kind(5.0, 1.5, 2.0, 1.5, 2.0, 1.0, 0.0),
        truck=Kind(5.0, 1.5, 2.0, 1.5, 2.0, 20.0 / 33.3, 0.0),
    )
    network = road([9_000.0], speed=33.3)
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=kinds)
    traffic.add_trips(make_trips([0.0, 3.0, 6.0, 9.0], [[0]] * 4, [9000.0] * 4, [2, 0, 0, 0]))
    traffic.advance(420)
    view = traffic.vehicles
    assert view.speed_mps == pytest.approx([20.0] * 4, abs=0.02)
    gaps = np.diff(view.pos_m) - 5.0
    assert gaps == pytest.approx([34.30] * 3, abs=0.15)
    assert 3600.0 * 20.0 / (gaps.mean() + 5.0) == pytest.approx(1832.0, rel=0.005)


def test_default_cars_leave_a_queue_at_a_usual_saturation_flow():
    network = make_network(
        [Link(0, 1, 1500.0, 1, 13.9), Link(1, 2, 600.0, 1, 13.9)],
        [Turn(0, 1, group=0)],
        (Group(90.0, 0.0, 45.0),),
    )
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([float(i) for i in range(500)], [[0, 1]] * 500, [590.0] * 500))
    traffic.advance(1800)
    flow = traffic.link_stats().left[0] / (1800.0 / 90.0 * 45.0) * 3600.0
    assert 1650.0 < flow < 2100.0  # veh per hour of displayed green


def test_queue_spills_back_and_holds_the_upstream_road():
    network = make_network(
        [Link(0, 1, 300.0), Link(1, 2, 100.0), Link(2, 3, 300.0)],
        [Turn(0, 1), Turn(1, 2, group=0)],
        (Group(200.0, 0.0, 10.0),),
    )
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    traffic.add_trips(make_trips([2.0 * i for i in range(80)], [[0, 1, 2]] * 80, [250.0] * 80))
    for _ in range(190):
        traffic.advance(1)
        check_now(traffic)
    queued = traffic.vehicles.select(link=1)
    # 100 m hold 13 or 14 cars of 5 m with 2 m between them; the rest wait before the junction.
    assert 12 <= len(queued) <= 15
    assert traffic.vehicles.select(link=0).speed_mps.min() < 0.1
    assert traffic.link_travel_time()[1] > 60.0


def test_a_queue_to_turn_left_is_the_turns_own_delay():
    # Two lanes: straight on from the first, left from the second, where it is always red.
    network = make_network(
        [Link(0, 1, 400.0, 2), Link(1, 2, 300.0), Link(1, 3, 300.0)],
        [Turn(0, 1), Turn(0, 2, kind=2, lo=1, hi=1, group=0)],
        (Group(10_000.0, 9_000.0, 9_010.0),),
    )
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    assert not traffic.turn_delay().any()
    ways = [[0, 1], [0, 2]] * 10
    traffic.add_trips(make_trips([8.0 * i for i in range(20)], ways, [250.0] * 20))
    traffic.advance(300)
    straight, left = traffic.turn_delay().tolist()
    assert straight == 0.0
    # The mean holds both streams; who turns left has stood for minutes.
    assert left > 100.0
    copy = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    copy.restore(traffic.checkpoint())
    assert np.array_equal(copy.turn_delay(), traffic.turn_delay())


def test_turn_delays_by_hand():
    # 100 m, 20 s on the mean: one vehicle at the mean and 30 s without a metre make 50 s.
    late = turn_delays(
        np.array([100.0, 100.0, 100.0]),
        np.array([20.0, 20.0, 20.0]),
        np.array([[30.0, 0.0, 10.0], [0.0, 0.0, 200.0]]),
    )
    assert late.tolist() == [30.0, 0.0, 0.0]


def test_short_links_are_crossed_safely():
    lengths = [200.0, 4.0, 3.0, 6.0, 200.0]
    network = road(lengths, speed=25.0)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    count = 60
    traffic.add_trips(
        make_trips([2.0 * i for i in range(count)], [[0, 1, 2, 3, 4]] * count, [150.0] * count)
    )
    for _ in range(300):
        traffic.advance(1)
        check_now(traffic)
    assert traffic.counters.finished == count


def test_minor_road_waits_for_a_gap():
    # The major road (link 0 to 2) is dense; the minor road (1 to 2) must give way.
    network = make_network(
        [Link(0, 2, 500.0), Link(1, 2, 200.0), Link(2, 3, 500.0)],
        [Turn(0, 2), Turn(1, 2, kind=1, foes=(0,))],
    )
    arrivals = {}
    for name, headway in (("dense", 3.0), ("sparse", 12.0)):
        traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
        major = [headway * i for i in range(round(600 / headway))]
        departs = sorted([(t, 0) for t in major] + [(10.0 * i + 0.5, 1) for i in range(60)])
        traffic.add_trips(
            make_trips(
                [t for t, _ in departs], [[k, 2] for _, k in departs], [400.0] * len(departs)
            )
        )
        for _ in range(600):
            traffic.advance(1)
            check_now(traffic)
        arrivals[name] = int(traffic.link_stats().left[1])
        # The major road is hardly held up by those who give way.
        assert traffic.link_travel_time()[0] < 1.6 * 500.0 / 20.0
    assert arrivals["sparse"] > 50
    assert arrivals["dense"] < 0.6 * arrivals["sparse"]
