"""Who passes a red light: seen from outside, crossing by crossing, beside the engine's counters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tests.support.roads import random_trips
from twin.network.generate import grid
from twin.network.graph import Network, TurnKind
from twin.traffic.micro import MicroTraffic

MOUTH_M = 9.5
"""Two cars and the gaps before and between them."""
STANDING = 0.5


class Crossing(NamedTuple):
    """One passage of a line on red: lane it came from, its turn, whether it had stood, and when.

    `beside` tells whether somebody crossed on another group's green or yellow in the same second.
    """

    lane: int
    turn: int
    stood: bool
    second: int
    beside: bool


def _turn_table(network: Network) -> dict[tuple[int, int], int]:
    from_link = np.repeat(np.arange(network.n_links), np.diff(network.turn_ptr))
    pairs = zip(from_link.tolist(), network.turn_to.tolist(), strict=True)
    return {pair: turn for turn, pair in enumerate(pairs)}


def _lights(network: Network, t: float) -> np.ndarray:
    """Return (G,) whether each group is red at second `t`, from the plan alone."""
    signal = network.group_signal
    cycle = network.signal_cycle[signal]
    since = (t - network.signal_offset[signal] - network.group_green_from) % cycle
    return since >= network.group_green_to - network.group_green_from + 3.0


def watch(network: Network, seed: int, ticks: int) -> tuple[list[Crossing], MicroTraffic]:
    """Return every passage on red of a run of random trips that fill the network."""
    traffic = MicroTraffic(network, seed=np.uint64(seed))
    traffic.add_trips(random_trips(network, 1500, 600.0, seed))
    turns = _turn_table(network)
    lanes_before = np.cumsum(network.link_lanes) - network.link_lanes
    before: dict[int, tuple[int, int]] = {}
    stood: dict[int, int] = {}
    seen = []
    for tick in range(ticks):
        red = _lights(network, float(tick))
        view = traffic.vehicles
        near = network.link_length[view.link] - view.pos_m < MOUTH_M
        for row in np.flatnonzero(near & (view.speed_mps < STANDING)):
            link = int(view.link[row])
            signal = network.node_signal[network.link_to[link]]
            groups = network.turn_group[network.turn_ptr[link] : network.turn_ptr[link + 1]]
            if signal >= 0 and not red[groups].all():
                stood[int(view.id[row])] = link
        lane = (lanes_before[view.link] + view.lane).tolist()
        before = dict(
            zip(view.id.tolist(), zip(view.link.tolist(), lane, strict=True), strict=True)
        )
        traffic.advance(1)
        view = traffic.vehicles
        now = []
        for number, link in zip(view.id.tolist(), view.link.tolist(), strict=True):
            was, own = before.get(number, (link, 0))
            if was == link:
                continue
            turn = turns[was, link]
            group = int(network.turn_group[turn])
            if group >= 0:
                now.append((own, turn, bool(red[group]), stood.get(number) == was))
        moving = {
            int(network.group_signal[network.turn_group[turn]]) for _, turn, on_red, _ in now
            if not on_red
        }  # fmt: skip
        seen += [
            Crossing(
                own, turn, had_stood, tick,
                int(network.group_signal[network.turn_group[turn]]) in moving,
            )
            for own, turn, on_red, had_stood in now
            if on_red
        ]  # fmt: skip
    return seen, traffic


@pytest.mark.parametrize(("lanes", "seed"), [(1, 1), (2, 2)])
def test_only_who_stood_in_the_junction_to_turn_left_clears_it_on_red(lanes, seed):
    network = grid(4, 4, 150.0, lanes, 13.9, True)
    seen, traffic = watch(network, seed, 900)
    assert len(seen) > 5
    assert traffic.counters.cleared == len(seen)
    assert traffic.counters.red_run == 0
    kinds = network.turn_kind[[c.turn for c in seen]]
    assert set(kinds.tolist()) <= {TurnKind.LEFT, TurnKind.U_TURN}
    assert network.turn_yield[[c.turn for c in seen]].all()
    assert all(c.stood for c in seen)
    # All is red for two seconds: nobody else has set off.
    assert not any(c.beside for c in seen)
    # No lane lets more than two out in one red: they are all seen within 2 s, reds 60 s apart.
    for crossing in seen:
        mates = [c for c in seen if c.lane == crossing.lane and abs(c.second - crossing.second) < 9]
        assert len(mates) <= 2
