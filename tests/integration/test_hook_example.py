"""The controller of the how-to page on hooks does what the page says."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np

from tests.support.roads import random_trips
from twin.network.generate import grid
from twin.traffic.micro import MicroTraffic

EXAMPLE = Path(__file__).parents[2] / "docs" / "how-to" / "files" / "longest_queue.py"
NETWORK = grid(5, 5, 200.0, 2, 13.9)
TRIPS = random_trips(NETWORK, 1500, 600.0, 12)


def _mean_duration(*, controlled: bool) -> float:
    traffic = MicroTraffic(NETWORK, seed=np.uint64(1))
    traffic.add_trips(TRIPS)
    if controlled:
        controller = runpy.run_path(str(EXAMPLE))["LongestQueue"](NETWORK)
        traffic.every(8, controller)
    traffic.advance(1500)
    assert traffic.counters.red_run == 0
    done = traffic.finished()
    assert len(done.vehicle) > 0.98 * len(TRIPS)
    return float((done.t_arrive - done.t_planned).mean())


def test_the_controller_of_the_page_serves_queues_sooner_than_the_fixed_plans():
    assert _mean_duration(controlled=True) < 0.9 * _mean_duration(controlled=False)


def test_the_page_shows_the_controller():
    page = (EXAMPLE.parents[1] / "control-signals.md").read_text("utf-8")
    assert f"files/{EXAMPLE.name}" in page
