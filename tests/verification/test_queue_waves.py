"""Queues that grow, move and spill back, against kinematic waves (Lighthill and Whitham 1955).

A wave between states (q1, k1) and (q2, k2) runs at (q2 - q1) / (k2 - k1). Cars at rest take
l + s0 = 7 m.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, Group, Link, Turn, make_network, make_trips
from twin.traffic.micro import MicroTraffic

pytestmark = pytest.mark.verify

JAM = 1.0 / 7.0
HEADWAY, STANDSTILL, LENGTH = 1.2, 2.0, 5.0


def _traffic(links, turns, groups, flow, route, seconds, *, dt=0.5, end=200.0) -> MicroTraffic:
    """Return traffic of cars at even intervals that all want the free-flow speed."""
    count = int(flow * seconds)
    traffic = MicroTraffic(
        make_network(links, turns, groups), seed=np.uint64(1), dt_s=dt, kinds=CALM
    )
    departs = [i / flow for i in range(count)]
    traffic.add_trips(make_trips(departs, [route] * count, [end] * count))
    return traffic


def _until(traffic: MicroTraffic, second: float) -> None:
    traffic.advance(round((second - traffic.t) / traffic.dt_s))


def _states(speed_limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (flow, density) of the IDM's equilibrium by speed, slowest first."""
    speed = np.linspace(0.01, speed_limit - 1e-3, 20_000)
    gap = (STANDSTILL + speed * HEADWAY) / np.sqrt(1.0 - (speed / speed_limit) ** 4)
    return speed / (gap + LENGTH), 1.0 / (gap + LENGTH)


@pytest.mark.parametrize("flow", [0.15, 0.25, 0.35])
def test_queue_behind_a_red_grows_as_a_shock_wave(flow):
    light = Group(4000.0, 0.0, 300.0)
    links = [Link(0, 1, 1500.0, 1, 15.0), Link(1, 2, 600.0, 1, 15.0)]
    traffic = _traffic(links, [Turn(0, 1, group=0)], (light,), flow, [0, 1], 900)
    known = flow / (JAM - flow / 15.0)
    _until(traffic, 340.0)
    tails, counts = [], []
    for second in np.arange(340.0, 421.0, 20.0):
        _until(traffic, float(second))
        view = traffic.vehicles.select(link=0)
        stands = view.speed_mps < 0.5
        tails.append(1500.0 - float(view.pos_m[stands].min()) + LENGTH)
        counts.append(int(stands.sum()))
    assert np.polyfit(np.arange(5) * 20.0, tails, 1)[0] == pytest.approx(known, rel=0.10)
    # Seven metres to a car that stands, to within one car.
    assert counts[-1] == pytest.approx(tails[-1] * JAM, abs=1.0)


@pytest.mark.parametrize("flow", [0.35, 0.40, 0.45])
def test_queue_behind_a_slow_road_grows_as_a_shock_wave(flow):
    links = [Link(0, 1, 4000.0, 1, 20.0), Link(1, 2, 800.0, 1, 5.0)]
    traffic = _traffic(links, [Turn(0, 1)], (), flow, [0, 1], 1500, end=790.0)
    _until(traffic, 600.0)
    traffic.link_stats()
    tails = []
    for second in range(600, 1301, 100):
        _until(traffic, float(second))
        view = traffic.vehicles.select(link=0)
        tails.append(4000.0 - float(view.pos_m[view.speed_mps < 10.0].min()))
    out = traffic.link_stats().left[0] / 700.0
    # The slow road carries the greatest flow of its own diagram.
    capacity = float(_states(5.0)[0].max())
    assert out == pytest.approx(capacity, rel=0.05)
    flows, densities = _states(20.0)
    top = int(np.argmax(flows))
    free = float(np.interp(flow, flows[top:][::-1], densities[top:][::-1]))
    queued = float(np.interp(capacity, flows[:top], densities[:top]))
    known = (flow - capacity) / (queued - free)
    assert np.polyfit(np.arange(8) * 100.0, tails, 1)[0] == pytest.approx(known, rel=0.10)


def test_a_queue_spills_back_when_its_road_is_full():
    # The road before the light holds (145 m - 2 m) / 7 m = 20 cars; they come every 4 s.
    links = [Link(0, 1, 600.0, 1, 15.0), Link(1, 2, 145.0, 1, 15.0), Link(2, 3, 200.0, 1, 15.0)]
    turns = [Turn(0, 1), Turn(1, 2, group=0)]
    light = Group(4000.0, 3000.0, 3010.0)
    traffic = _traffic(links, turns, (light,), 0.25, [0, 1, 2], 400)
    full = stopped = 0.0
    while not stopped:
        traffic.advance(1)
        inside = traffic.vehicles.select(link=1)
        if not full and len(inside) >= 20:
            full = traffic.t
        before = traffic.vehicles.select(link=0)
        if len(before) and before.speed_mps.min() < 0.5:
            stopped = traffic.t
    # The 20th enters after 19 intervals and 600 m; the 21st stops one interval later, less the
    # time to drive the queue's last metres.
    assert full == pytest.approx(19 * 4.0 + 600.0 / 15.0, abs=5.0)
    assert stopped == pytest.approx(full + 4.0, abs=5.0)
    assert len(traffic.vehicles.select(link=1)) == 20


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_blocked_branch_holds_only_those_who_share_its_lane(lanes):
    # Kerb lane to a branch that is full, the other lane straight on. On one lane nobody passes the
    # first who waits; on two the through traffic keeps its flow.
    links = [
        Link(0, 1, 800.0, lanes, 15.0),
        Link(1, 2, 60.0, 1, 15.0),
        Link(1, 3, 600.0, 1, 15.0),
        Link(2, 4, 60.0, 1, 15.0),
    ]
    through = lanes - 1
    turns = [Turn(0, 1, 1, 0, 0), Turn(0, 2, 0, through, through), Turn(1, 3, group=0)]
    never = Group(10_000.0, 9_000.0, 9_010.0)
    network = make_network(links, turns, (never,))
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=CALM)
    rows = sorted(
        [(10.0 * i, [0, 2]) for i in range(110)] + [(30.0 * i + 5.0, [0, 1, 3]) for i in range(30)]
    )
    traffic.add_trips(make_trips([t for t, _ in rows], [r for _, r in rows], [50.0] * len(rows)))
    _until(traffic, 500.0)
    traffic.link_stats()
    _until(traffic, 700.0)
    through_flow = traffic.link_stats().left[2]
    if lanes == 2:
        assert through_flow == pytest.approx(20, abs=1)
    else:
        # Only those whom a driver's detour lets go.
        assert through_flow < 10


def _wave(offset: float) -> tuple[int, np.ndarray]:
    """Return how many stood at the later lights, and the mean seconds on each link but the last."""
    links = [Link(i, i + 1, 500.0, 1, 15.0) for i in range(5)]
    turns = [Turn(i, i + 1, group=i) for i in range(4)]
    groups = tuple(Group(90.0, 0.0, 40.0, offset=(offset * i) % 90.0) for i in range(4))
    traffic = _traffic(links, turns, groups, 1 / 6, list(range(5)), 1200, end=490.0, dt=1.0)
    stood = set()
    for _ in range(1700):
        traffic.advance(1)
        view = traffic.vehicles
        stood |= set(view.id[(view.link > 0) & (view.link < 4) & (view.speed_mps < 1.0)].tolist())
    assert traffic.counters.finished == 200
    return len(stood), traffic.link_stats().vehicle_seconds[:4] / 200


def test_a_green_wave_stops_nobody_after_the_first_light():
    # Each light turns green when the head of the platoon comes: 500 m at 15 m/s, and 5.7 s lost
    # while it gathers speed (IDM from rest: integral of (v0 - v) / (v0 a(v))).
    v = np.linspace(0.0, 15.0, 100_001)[:-1]
    lost = float(((15.0 - v) / (15.0 * 1.5 * (1.0 - (v / 15.0) ** 4))).mean() * 15.0)
    assert lost == pytest.approx(5.7, abs=0.1)
    stood, times = _wave(500.0 / 15.0 + lost)
    assert stood == 0
    assert (times[1:] < 500.0 / 15.0 + lost).all()
    # Offsets that bring the platoon at the start of red hold everybody at every light.
    stood, against = _wave(500.0 / 15.0 + lost - 45.0)
    assert stood > 150
    assert (against[1:] - times[1:] > 30.0).all()
