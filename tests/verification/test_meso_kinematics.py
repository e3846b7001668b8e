"""Queue-level traffic against the kinematic wave model and queueing theory, within 10%.

The triangular diagram and the cases A1 to A5 are those of UXsim's verification suite (github.com/
toruseo/UXsim, tests/test_verification_straight_road.py and _multilane.py); the signal is Webster's
first term (1958); the bottleneck D/D/1. The model is continuous in time, so most agree to 1%.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.queues import TRIANGLE, queued, states, stream
from tests.support.roads import Group, Link, Turn, make_network, make_trips, road
from twin.network.graph import Place

pytestmark = pytest.mark.verify
SHARE = 0.1


def test_a1_free_flow():
    traffic = queued(road([1000.0]), stream([0], 2.0, 500.0, 1000.0))
    traffic.advance(600)
    done = traffic.finished()
    assert len(done.vehicle) == 250
    assert (done.t_arrive - done.t_planned).sum() == pytest.approx(12_500, rel=0.01)
    assert traffic.counters.running == 0


def test_a1_flow_density_speed():
    traffic = queued(road([1000.0, 100.0]), stream([0, 1], 2.0, 900.0, 99.0))
    traffic.advance(300)
    assert states(traffic, 0, 500) == pytest.approx((0.5, 0.025, 20.0), rel=0.01)


def test_a2_two_speeds():
    network = make_network([Link(0, 1, 1000, 1, 20), Link(1, 2, 1000, 1, 10)], [Turn(0, 1)])
    traffic = queued(network, stream([0, 1], 2.0, 500.0, 1000.0))
    traffic.advance(800)
    done = traffic.finished()
    assert (done.t_arrive - done.t_planned).sum() == pytest.approx(37_500, rel=0.01)


def test_a3_capacity():
    network = road([1000.0, 1000.0, 50.0])
    traffic = queued(network, make_trips([0.0] * 2000, [[0, 1, 2]] * 2000, [49.0] * 2000))
    traffic.advance(600)
    base = traffic.link_stats()
    assert states(traffic, 0, 600) == pytest.approx((0.8, 0.04, 20.0), rel=0.02)
    assert base.left[1] == pytest.approx(0.8 * 500, rel=0.02)


def test_a5_lane_drop_fills_the_road_before_it():
    network = make_network(
        [Link(0, 1, 3000, 2, 20), Link(1, 2, 3000, 1, 20), Link(2, 3, 50, 1, 20)],
        [Turn(0, 1, lo=0, hi=1), Turn(1, 2)],
    )
    n = 4000
    traffic = queued(network, make_trips([0.0] * n, [[0, 1, 2]] * n, [49.0] * n))
    traffic.advance(2000)
    assert states(traffic, 0, 500) == pytest.approx((0.8, 0.24, 10 / 3), rel=0.02)
    assert states(traffic, 1, 500) == pytest.approx((0.8, 0.04, 20.0), rel=0.02)
    # One from each lane in turn.
    lanes = traffic._state.lane["free_out"][:2]
    assert abs(int(lanes[0]) - int(lanes[1])) <= 2500


def test_shock_wave_runs_back_at_its_speed():
    """0.4 veh/s meet a closed road: the queue grows by q / (kj - k) = 2.222 m/s."""
    network = road([1500.0] * 2 + [100.0])
    traffic = queued(network, stream([0, 1, 2], 2.5, 2000.0, 99.0))
    traffic.advance(150)
    traffic.block(Place(1, 1400.0), 1)
    traffic.advance(500)
    view = traffic.vehicles.select(link=1)
    standing = view.select().speed_mps < 1.0
    tail = float(view.pos_m[standing].min())
    # The first vehicle stood at the end 0 to 2.5 s after the closure.
    assert 1500.0 - tail == pytest.approx(0.4 / (0.2 - 0.02) * 500.0, rel=SHARE)


def test_queue_dissolves_at_the_speed_of_gaps():
    """A full standing road of 1 km begins to move at its start 1000 / 5 = 200 s after its end."""
    network = road([1000.0, 1000.0])
    traffic = queued(network, make_trips([0.0] * 600, [[0, 1]] * 600, [999.0] * 600))
    token = traffic.block(Place(0, 900.0), 1)
    traffic.advance(500)
    assert traffic.counters.inserted == 200
    traffic.unblock(token)
    traffic.advance(195)
    assert traffic.counters.inserted == 200
    traffic.advance(30)
    assert traffic.counters.inserted == pytest.approx(200 + 25 * 0.8, abs=4)


def test_spillback_comes_when_the_storage_is_full():
    """1 veh/s into 500 m of two lanes with a closed end: full when 200 are in."""
    network = make_network(
        [Link(0, 1, 1000, 2, 20), Link(1, 2, 500, 2, 20), Link(2, 3, 100, 2, 20)],
        [Turn(0, 1, hi=1), Turn(1, 2, hi=1)],
    )
    traffic = queued(network, stream([0, 1, 2], 1.0, 900.0, 99.0))
    traffic.block(Place(1, 400.0), 2)
    traffic.advance(50 + 190)
    assert int((traffic.vehicles.link == 1).sum()) == pytest.approx(190, abs=3)
    assert int(traffic.link_stats(reset=False).left[0]) == pytest.approx(190, abs=3)
    traffic.advance(50)
    assert int((traffic.vehicles.link == 1).sum()) == 200


@pytest.mark.parametrize(
    ("flow", "delay"),
    [(0.1, 9.375), (0.2, 12.5), (0.225, 13.636)],
)
def test_c1_delay_at_a_signal(flow, delay):
    network = make_network(
        [Link(0, 1, 1000, 1, 20), Link(1, 2, 1000, 1, 20)],
        [Turn(0, 1, group=0)],
        (Group(60, 0, 30),),
    )
    # A lane carries 0.5 veh/s; departures step through all phases of the cycle.
    parameters = TRIANGLE._replace(tau_s=1.75)
    every = 1.0 / flow * 1.0007
    traffic = queued(network, stream([0, 1], every, 14_400.0, 999.0), parameters)
    traffic.advance(15_000)
    done = traffic.finished()
    found = (done.t_arrive - done.t_planned).mean() - 1999.0 / 20.0
    assert found == pytest.approx(delay, rel=SHARE)


def test_c2_capacity_of_a_signal():
    network = make_network(
        [Link(0, 1, 1000, 1, 20), Link(1, 2, 1000, 1, 20)],
        [Turn(0, 1, group=0)],
        (Group(90, 10, 40),),
    )
    n = 2500
    trips = make_trips([0.0] * n, [[0, 1]] * n, [999.0] * n)
    traffic = queued(network, trips, TRIANGLE._replace(tau_s=1.75))
    traffic.advance(900)
    assert states(traffic, 0, 3600)[0] == pytest.approx(0.5 * 30 / 90, rel=0.05)


def test_c3_bottleneck():
    """1 veh/s for 600 s into a capacity of 0.8: mean delay T / 2 (q / c - 1) = 75 s."""
    network = make_network([Link(0, 1, 4000, 2, 20), Link(1, 2, 1000, 1, 20)], [Turn(0, 1, hi=1)])
    traffic = queued(network, stream([0, 1], 1.0, 600.0, 999.0))
    traffic.advance(1500)
    done = traffic.finished()
    delay = done.t_arrive - done.t_planned - 4999.0 / 20.0
    assert delay.mean() == pytest.approx(75.0, rel=SHARE)
    assert delay.max() == pytest.approx(150.0, rel=SHARE)


def test_merge_shares_by_lanes():
    """Two lanes and one lane, all full, into one lane: each lane has a third of it."""
    network = make_network(
        [
            Link(0, 2, 1000, 2, 20),
            Link(1, 2, 1000, 1, 20),
            Link(2, 3, 1000, 1, 20),
            Link(3, 4, 100, 1, 20),
        ],
        [Turn(0, 2, hi=1), Turn(1, 2), Turn(2, 3)],
    )
    n = 1500
    trips = make_trips([0.0] * 2 * n, [[0, 2, 3], [1, 2, 3]] * n, [99.0] * 2 * n)
    traffic = queued(network, trips)
    traffic.advance(600)
    traffic.link_stats()
    traffic.advance(900)
    left = traffic.link_stats().left
    assert left[2] == pytest.approx(0.8 * 900, rel=0.02)
    assert left[0] / left[1] == pytest.approx(2.0, rel=SHARE)


def test_blocked_branch_holds_up_its_own_lane_only():
    """Left turns wait before a closed road; the other lane goes on."""
    network = make_network(
        [Link(0, 1, 500, 2, 20), Link(1, 2, 300, 1, 20), Link(1, 3, 300, 1, 20)],
        [Turn(0, 1), Turn(0, 2, 2, 1, 1)],
    )
    through = stream([0, 1], 4.0, 600.0, 299.0)
    left = stream([0, 2], 20.0, 600.0, 299.0, from_s=1.0)
    traffic = queued(network, through)
    traffic.add_trips(left)
    traffic.close_lanes(2)
    traffic.advance(700)
    done = traffic.finished()
    assert (done.destination == 1).sum() == 150
    delay = (done.t_arrive - done.t_planned)[done.destination == 1] - 799.0 / 20.0
    assert delay.mean() < 2.0


@pytest.mark.parametrize("flow", [0.1, 0.25, 0.4])
def test_little(flow):
    """Vehicles on the road are the arrival rate times the time spent (Little 1961)."""
    rng = np.random.default_rng(7)
    departs = np.cumsum(rng.exponential(1.0 / flow, int(flow * 20_000)))
    departs = departs[departs < 18_000].round(3)
    network = make_network(
        [Link(0, 1, 2000, 1, 20), Link(1, 2, 500, 1, 20)],
        [Turn(0, 1, group=0)],
        (Group(60, 0, 35),),
    )
    n = len(departs)
    traffic = queued(network, make_trips(departs.tolist(), [[0, 1]] * n, [499.0] * n))
    traffic.advance(18_000)
    seconds = traffic.link_stats(reset=False).vehicle_seconds.sum()
    traffic.advance(2_000)
    done = traffic.finished()
    mean = (done.t_arrive - done.t_depart).mean()
    assert seconds / 18_000 == pytest.approx(n / 18_000 * mean, rel=0.01)


@pytest.mark.parametrize("major", [300, 600, 900])
def test_c6_minor_road(major):
    """Through a stream with random gaps of at least 2 s, as the lane before it lets them come.

    Siegloch's capacity (1973) with the gaps of HCM exhibits 20-11 and 20-12, for such headways.
    """
    mean = 3600 / major
    rate = 1.0 / (mean - 2.0)
    capacity = major * np.exp(-rate * (6.5 - 2.0)) / (1.0 - np.exp(-rate * 4.0))
    rng = np.random.default_rng(11)
    network = make_network(
        [Link(0, 1, 1000), Link(1, 2, 1000), Link(3, 1, 300), Link(1, 4, 300)],
        [Turn(0, 1), Turn(2, 3, foes=(0,))],
    )
    hours = 6
    gaps = 2.0 + rng.exponential(3600 / major - 2.0, int(major * hours * 1.1))
    departs = np.cumsum(gaps)
    departs = departs[departs < hours * 3600].round(3)
    n = len(departs)
    parameters = TRIANGLE._replace(tau_s=1.75, stuck_s=1e5)
    traffic = queued(network, make_trips(departs.tolist(), [[0, 1]] * n, [999.0] * n), parameters)
    # Patient drivers, as in the formula.
    traffic._net.turn["least"] = traffic._net.turn["gap"]
    traffic.add_trips(make_trips([0.0] * 8000, [[2, 3]] * 8000, [299.0] * 8000))
    traffic.advance(hours * 3600)
    assert traffic.link_stats().left[2] / hours == pytest.approx(capacity, rel=SHARE)
