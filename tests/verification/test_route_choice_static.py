"""Static equilibria against known ones: Sioux Falls, Braess, equal and longer ways, logit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from tests.support.sioux_falls import OBJECTIVE, sioux_falls
from twin.traffic.assignment import LinkTimes, Ways, logit_equilibrium, user_equilibrium

pytestmark = pytest.mark.verify


def pair(free: tuple[float, float], delay: tuple[float, float]) -> tuple[Ways, LinkTimes]:
    """Return two ways from zone 0 to zone 1, over nodes 2 and 3; the second link costs 1."""
    ways = Ways.between_nodes([0, 2, 0, 3], [2, 1, 3, 1], 2)
    return ways, LinkTimes.of([free[0], 1, free[1], 1], [delay[0], 0, delay[1], 0], 1)


def demand_of(n_zones: int, flow: float) -> np.ndarray:
    """Return a demand from zone 0 to the last."""
    demand = np.zeros((n_zones, n_zones))
    demand[0, -1] = flow
    return demand


def test_sioux_falls_has_the_best_known_objective_and_flows() -> None:
    ways, times, demand, best = sioux_falls()
    assert demand.sum() == 360_600
    assert times.integral(best) == pytest.approx(OBJECTIVE, rel=1e-8)
    found = user_equilibrium(ways, times, demand, gap=1e-5)
    assert found.gap <= 1e-5
    assert found.lost == 0
    # A feasible point is never better than the optimum.
    assert found.objective == pytest.approx(OBJECTIVE, rel=1e-6)
    assert found.objective >= OBJECTIVE * (1 - 1e-9)
    assert np.abs(found.flow / best - 1.0).max() < 0.002
    coarse = user_equilibrium(ways, times, demand, gap=1e-4)
    assert np.abs(coarse.flow / best - 1.0).max() < 0.01


def test_logit_on_sioux_falls_tends_to_wardrop_as_drivers_perceive_better() -> None:
    ways, times, demand, _ = sioux_falls()
    loose, sharp = (
        logit_equilibrium(ways, times, demand, theta, gap=1e-6, most=3000) for theta in (0.2, 1.0)
    )
    assert max(loose.gap, sharp.gap) <= 1e-6
    assert OBJECTIVE < sharp.objective < loose.objective
    # Every trip goes in and out of nodes in full.
    out = np.array([sharp.flow[ways.graph.turn_from[ways.graph.turn_to == z]].sum()
                    for z in ways.zone_in])  # fmt: skip
    assert (out >= demand.sum(axis=0) - 1e-6).all()


def test_braess_the_new_road_makes_everybody_later() -> None:
    # Braess 1968, with the numbers of Sheffi 1985, section 4.1: 83 a trip without, 92 with it.
    start, end = [0, 0, 1, 2, 1], [1, 2, 3, 3, 2]
    free, delay = [0.0, 50.0, 50.0, 0.0, 10.0], [10.0, 1.0, 1.0, 10.0, 1.0]
    demand = demand_of(4, 6.0)
    for links, flows, each in (
        (4, [3.0, 3.0, 3.0, 3.0], 83.0),
        (5, [4.0, 2.0, 2.0, 4.0, 2.0], 92.0),
    ):
        ways = Ways.between_nodes(start[:links], end[:links], 4)
        times = LinkTimes.of(free[:links], delay[:links], 1.0)
        found = user_equilibrium(ways, times, demand, gap=1e-7)
        assert found.flow == pytest.approx(flows, abs=1e-3)
        assert float(found.flow @ found.seconds) / 6.0 == pytest.approx(each, rel=1e-4)


def test_equal_ways_share_and_a_much_longer_one_stays_empty() -> None:
    ways, times = pair((10.0, 10.0), (0.01, 0.01))
    found = user_equilibrium(ways, times, demand_of(2, 1200.0), gap=1e-8)
    assert found.flow == pytest.approx([600.0] * 4, rel=1e-5)
    ways, times = pair((10.0, 30.0), (0.01, 0.01))
    found = user_equilibrium(ways, times, demand_of(2, 1200.0), gap=1e-8)
    assert found.flow == pytest.approx([1200.0, 1200.0, 0.0, 0.0], abs=1e-3)
    assert len(found.gaps) == 1


def test_ways_of_unequal_length_take_equal_time_when_both_are_used() -> None:
    # 10 + x / 100 = 14 + (1200 - x) / 50
    ways, times = pair((10.0, 14.0), (0.01, 0.02))
    found = user_equilibrium(ways, times, demand_of(2, 1200.0), gap=1e-8)
    assert found.flow[0] == pytest.approx(28.0 / 0.03, rel=1e-5)


def test_demand_that_no_way_serves_is_counted_and_uses_no_link() -> None:
    ways = Ways.between_nodes([0], [1], 3)
    demand = np.zeros((3, 3))
    demand[0, 1], demand[0, 2], demand[2, 2] = 5.0, 20.0, 7.0
    for found in (
        user_equilibrium(ways, LinkTimes.of([1.0], [0.1], 1.0), demand),
        logit_equilibrium(ways, LinkTimes.of([1.0], [0.1], 1.0), demand, 1.0),
    ):
        assert found.flow == pytest.approx([5.0])
        assert found.lost == 20.0


@pytest.mark.parametrize("theta", [0.05, 0.5, 3.0])
def test_logit_on_two_ways_is_its_fixed_point(theta: float) -> None:
    ways, times = pair((10.0, 14.0), (0.01, 0.02))
    found = logit_equilibrium(ways, times, demand_of(2, 1200.0), theta, gap=1e-7, most=5000)

    def excess(x: float) -> float:
        gain = (14.0 + 0.02 * (1200.0 - x)) - (10.0 + 0.01 * x)
        return x - 1200.0 / (1.0 + np.exp(-theta * gain))

    assert found.gap <= 1e-7
    assert found.flow[0] == pytest.approx(brentq(excess, 0.0, 1200.0), rel=1e-5)
    assert found.flow[0] + found.flow[2] == pytest.approx(1200.0, rel=1e-9)
