"""Capacity and delay of a signal, predicted from a discharge that was measured without one.

The saturation flow s is seen at a light that stays green for a quarter of an hour, and the plan
gives the green. Nothing of the runs that are predicted enters the prediction.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import Group, Link, Turn, make_network, make_trips
from twin.network.graph import YELLOW_S
from twin.traffic.micro import Kinds, MicroTraffic

START_S = 2.0
"""Start-up lost time (HCM, TRB 2016, chapter 31)."""
EXTENSION_S = 2.0
"""Seconds of yellow that are used (the same chapter)."""
EVEN = Kinds(car=Kinds().car._replace(speed_sd=0.0))
"""The usual cars, except that all want the same speed, as those of a D/D/1 queue do."""


def effective(green: float) -> float:
    """Return the effective green: what is shown, less what is lost at the start and the end."""
    return green + YELLOW_S - START_S - (YELLOW_S - EXTENSION_S)


def _road(
    group: Group | None, departs: list[float], *, dt: float = 1.0, kinds: Kinds | None = None
) -> MicroTraffic:
    network = make_network(
        [Link(0, 1, 1500.0, 1, 15.0), Link(1, 2, 600.0, 1, 15.0)],
        [Turn(0, 1, group=-1 if group is None else 0)],
        () if group is None else (group,),
    )
    traffic = MicroTraffic(network, seed=np.uint64(1), dt_s=dt, kinds=kinds)
    count = len(departs)
    traffic.add_trips(make_trips(departs, [[0, 1]] * count, [500.0] * count))
    return traffic


def _passages(traffic: MicroTraffic, ticks: int) -> np.ndarray:
    """Return the seconds at which vehicles left the first link in the next ticks."""
    traffic.link_stats()
    seconds: list[float] = []
    for _ in range(ticks):
        traffic.advance(1)
        seconds += [traffic.t] * int(traffic.link_stats().left[0])
    return np.array(seconds)


def _discharge(kinds: Kinds | None) -> float:
    """Measure, veh/s, how 150 cars that stand at a light leave it once it stays green."""
    dt = 0.5
    light = Group(cycle=4000.0, green_from=700.0, green_to=3000.0)
    traffic = _road(light, [2.0 * i for i in range(300)], dt=dt, kinds=kinds)
    traffic.advance(round(700 / dt))
    assert traffic.vehicles.select(link=0).speed_mps.max() < 0.5
    seconds = _passages(traffic, round(400 / dt))
    # From the fifth vehicle on (HCM, chapter 31); the queue on the link is some 200 cars.
    return float(1.0 / np.diff(seconds[4:150]).mean())


@pytest.fixture(scope="module")
def saturation() -> float:
    """Return the saturation flow of the usual drivers, veh/s."""
    return _discharge(None)


@pytest.fixture(scope="module")
def even_saturation() -> float:
    """Return that of drivers who all want the same speed."""
    return _discharge(EVEN)


def test_saturation_flow_is_a_usual_one(saturation):
    # 1,900 veh/h and lane is the manual's base value; 1,750 to 2,000 is usual.
    assert 1750.0 < 3600.0 * saturation < 2000.0


@pytest.mark.parametrize(
    ("cycle", "green"), [(60.0, 15.0), (60.0, 30.0), (60.0, 45.0), (90.0, 40.0), (120.0, 70.0)]
)
def test_capacity_is_s_g_over_c(saturation, cycle, green):
    known = saturation * effective(green) / cycle
    traffic = _road(Group(cycle, 0.0, green), [1.5 * i for i in range(2400)])
    traffic.advance(round(5 * cycle))
    passed = len(_passages(traffic, round(20 * cycle)))
    assert passed / (20 * cycle) == pytest.approx(known, rel=0.05)


@pytest.mark.parametrize("degree", [0.2, 0.4, 0.6, 0.8, 0.9])
def test_uniform_delay_over_the_load_range(even_saturation, degree):
    # Webster 1958, first term: r^2 / (2 C (1 - q / s)), for arrivals at even intervals that drift
    # through the cycle; the time up to the line is compared, where a D/D/1 queue stands.
    cycle, green, count = 60.0, 30.0, 400
    g = effective(green)
    flow = degree * even_saturation * g / cycle / 1.0061
    known = (cycle - g) ** 2 / (2.0 * cycle * (1.0 - flow / even_saturation))
    time = []
    for group in (Group(cycle, 0.0, green), None):
        traffic = _road(group, [i / flow for i in range(count)], dt=0.5, kinds=EVEN)
        traffic.advance(round(2 * (count / flow + 400)))
        assert traffic.counters.finished == count
        time.append(traffic.link_stats().vehicle_seconds[0] / count)
    assert time[0] - time[1] == pytest.approx(known, rel=0.10)
