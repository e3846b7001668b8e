"""Speed, flow and density of one to three lanes against the IDM's equilibrium, and its instability.

On a ring the density is fixed. At speed v drivers of the intelligent driver model keep the gap
s = (s0 + v T) / sqrt(1 - (v / v0)^4) (Treiber, Hennecke and Helbing 2000, eq. (9)), so the density
is 1 / (s + l) and the flow their product.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, Link, Turn, make_network, make_trips, road
from twin.network.graph import Place
from twin.traffic.micro import Kinds, MicroTraffic

pytestmark = pytest.mark.verify

V0, HEADWAY, STANDSTILL, LENGTH = 20.0, 1.2, 2.0, 5.0


def _gap(speed):
    return (STANDSTILL + speed * HEADWAY) / np.sqrt(1.0 - (speed / V0) ** 4)


def _equilibrium_speed(density: float) -> float:
    """Return the speed, m/s, at a density in veh/m and lane."""
    speed = np.linspace(0.01, V0 - 1e-3, 40_000)
    return float(speed[np.argmin(np.abs(_gap(speed) - (1.0 / density - LENGTH)))])


def _ring(count: int, *, lanes: int = 1, links: int = 10, length: float = 200.0, **settings):
    """Return traffic of `count` vehicles that go round and round."""
    network = make_network(
        [Link(i, (i + 1) % links, length, lanes, V0) for i in range(links)],
        [Turn(i, (i + 1) % links, hi=lanes - 1) for i in range(links)],
    )
    traffic = MicroTraffic(network, seed=np.uint64(1), **settings)
    rows = sorted((3.0 * (i // links), i % links) for i in range(count))
    routes = [[(first + step) % links for step in range(400)] for _, first in rows]
    traffic.add_trips(make_trips([t for t, _ in rows], routes, [0.3 * length] * count))
    return traffic


def _flow(traffic: MicroTraffic, ticks: int) -> tuple[float, float]:
    """Return (density, speed) over all links in the next ticks (Edie 1963)."""
    traffic.link_stats()
    traffic.advance(ticks)
    stats = traffic.link_stats()
    seconds, metres = stats.vehicle_seconds.sum(), stats.metres.sum()
    road_m = float((traffic.network.link_length * traffic.network.link_lanes).sum())
    return seconds / (ticks * traffic.dt_s * road_m), metres / seconds


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("per_km", [10, 20, 30])
def test_speed_at_a_density_in_free_flow(lanes, per_km):
    traffic = _ring(2 * lanes * per_km, lanes=lanes, kinds=CALM, dt_s=0.5)
    traffic.advance(600)
    density, speed = _flow(traffic, 600)
    assert density == pytest.approx(per_km / 1000.0)
    assert speed == pytest.approx(_equilibrium_speed(density), rel=0.01)


@pytest.mark.parametrize(
    ("lanes", "per_km", "within"),
    [
        (1, 50, 0.06),
        (2, 50, 0.10),
        (3, 50, 0.10),
        (1, 70, 0.06),
        (2, 70, 0.06),
        (3, 70, 0.06),
        (3, 110, 0.06),
    ],
)
def test_speed_at_a_density_in_a_jam(lanes, per_km, within):
    # Waves of which the drivers of several lanes make more, most where a jam begins to hold, so the
    # mean of speeds is lower: 8.6% on two lanes and 6.8% on three at 50 veh/km, 5% at 70.
    traffic = _ring(2 * lanes * per_km, lanes=lanes, kinds=CALM, dt_s=0.5)
    traffic.advance(600)
    density, speed = _flow(traffic, 600)
    assert speed == pytest.approx(_equilibrium_speed(density), rel=within)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_capacity_grows_with_the_lanes(lanes):
    # The greatest flow of the equilibrium is 1,918 veh/h; vehicles enter at no closer headway
    # than they keep, which carries 1,800.
    speed = np.linspace(0.1, V0 - 1e-2, 10_000)
    known = float((3600.0 * speed / (_gap(speed) + LENGTH)).max())
    assert known == pytest.approx(1917.8, abs=0.5)
    traffic = MicroTraffic(road([1000.0, 1000.0], lanes=lanes), seed=np.uint64(1), kinds=CALM)
    count = 1500 * lanes
    departs = [1.2 * i / lanes for i in range(count)]
    traffic.add_trips(make_trips(departs, [[0, 1]] * count, [990.0] * count))
    traffic.advance(300)
    traffic.link_stats()
    traffic.advance(1200)
    flow = 3.0 * traffic.link_stats().left[0] / lanes
    assert 0.9 * known <= flow <= known


def _after_a_stop(*, accel: float, headway: float) -> np.ndarray:
    """Return the speeds of 22 cars on a ring of 230 m, 20 minutes after all stood in one queue."""
    car = Kinds().car._replace(
        length_m=3.9, accel=accel, headway_s=headway, speed_mean=1.0, speed_sd=0.0
    )
    links = 10
    network = make_network(
        [Link(i, (i + 1) % links, 23.0, 1, 8.3) for i in range(links)],
        [Turn(i, (i + 1) % links) for i in range(links)],
    )
    traffic = MicroTraffic(network, seed=np.uint64(1), kinds=Kinds(car=car), dt_s=0.5)
    token = traffic.block(Place(links - 1, 20.0), 1)
    routes = [[step % links for step in range(800)]] * 22
    traffic.add_trips(make_trips([4.0 * i for i in range(22)], routes, [10.0] * 22))
    traffic.advance(600)
    assert traffic.counters.running == 22
    assert traffic.vehicles.speed_mps.max() < 0.5
    traffic.unblock(token)
    traffic.advance(2400)
    assert traffic.counters.running == 22
    return traffic.vehicles.speed_mps


def test_stop_and_go_on_a_ring_comes_from_drivers_alone():
    # Sugiyama et al. 2008 (New J. Phys. 10, 033001): 22 cars on 230 m at 30 km/h, no bottleneck,
    # and a jam runs backwards for good. Drivers who keep close and gather speed slowly keep it;
    # with brisk ones who leave room it dissolves, and the mean is the IDM's equilibrium.
    jam = _after_a_stop(accel=0.6, headway=0.6)
    assert jam.min() < 1.0
    assert jam.max() > 5.0
    even = _after_a_stop(accel=2.5, headway=1.6)
    assert even.min() > 1.0
    # s = 230 / 22 - 3.9 = 6.55 m = (2 + 1.6 v) / sqrt(1 - (v / 8.3)^4).
    speed = np.linspace(0.01, 8.2, 20_000)
    known = speed[np.argmin(np.abs((2 + 1.6 * speed) / np.sqrt(1 - (speed / 8.3) ** 4) - 6.55))]
    assert even.mean() == pytest.approx(known, rel=0.05)
