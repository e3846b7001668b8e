"""What the siren gains in queued traffic: measured with replications, with an interval."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import Group, Link, Turn, make_network, make_trips
from tests.support.sirens import road_time
from twin.network.graph import Place
from twin.traffic.micro import MicroTraffic

pytestmark = pytest.mark.verify

STUDENT_975_19 = 2.093


def _unit_time(network, *, siren: bool, seed: int) -> float:
    """Return the seconds of a unit over a corridor on which 1,100 veh/h queue."""
    rng = np.random.default_rng(seed)
    departs = np.sort(rng.uniform(0.0, 1800.0, 550)).tolist()
    traffic = MicroTraffic(network, seed=np.uint64(seed))
    traffic.add_trips(make_trips(departs, [[0, 1, 2, 3]] * 550, [499.0] * 550))
    start = 600 + 5 * seed
    traffic.advance(start)
    path = np.arange(4, dtype=np.int32)
    factor = 1.4 if siren else 1.0
    traffic.insert_unit(0, Place(0, 20.0), path, 499.0, speed_factor=factor, siren=siren)
    traffic.advance(1200)
    ((_, arrived),) = traffic.arrivals()
    return arrived - start


def test_siren_gains_time_in_a_queued_corridor():
    # Two lanes, three signals of 40 s in 90 s; the same traffic with and without siren, paired.
    links = [Link(i, i + 1, 500.0, 2, 13.9) for i in range(4)]
    turns = [Turn(i, i + 1, hi=1, group=i) for i in range(3)]
    groups = tuple(Group(90.0, 0.0, 40.0, offset=31.0 * i) for i in range(3))
    network = make_network(links, turns, groups)
    gain = np.array(
        [
            _unit_time(network, siren=False, seed=seed) - _unit_time(network, siren=True, seed=seed)
            for seed in range(1, 21)
        ]
    )
    assert _least(gain) > 0.0


def _least(gain: np.ndarray) -> float:
    """Return the lower end of the 95% interval of the mean of 20 paired gains."""
    return float(gain.mean() - STUDENT_975_19 * gain.std(ddof=1) / np.sqrt(len(gain)))


@pytest.mark.parametrize("flow", [400.0, 600.0, 800.0])
def test_siren_gains_time_where_only_others_can_give_it(flow):
    # A road without lights: what is gained is what others make way, at least 3% of the time.
    times = np.array(
        [[road_time(flow, seed, siren=on) for on in (False, True)] for seed in range(1, 21)]
    )
    assert _least(times[:, 0] - times[:, 1]) > 0.03 * times[:, 0].mean()
