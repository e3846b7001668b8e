"""Who passes a red light: seen from outside, crossing by crossing, beside the engine's counters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tests.support.junctions import turn
from tests.support.priority import link, main_road, settled
from tests.support.roads import make_trips, random_trips
from twin.network.generate import grid
from twin.network.graph import Network, TurnKind, TurnYield
from twin.traffic.kernels.layout import LENGTH
from twin.traffic.meso import MesoTraffic
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


@pytest.mark.parametrize(("lanes", "seed"), [(1, 3), (2, 4)])
def test_right_turns_on_red_are_made_where_the_city_allows_them(lanes, seed):
    network = grid(4, 4, 150.0, lanes, 13.9, True, right_on_red=True)
    seen, traffic = watch(network, seed, 600)
    right = [c for c in seen if network.turn_kind[c.turn] == TurnKind.RIGHT]
    assert len(right) > 20
    assert traffic.counters.on_red == len(right)
    assert traffic.counters.cleared == len(seen) - len(right)
    assert traffic.counters.red_run == 0


def test_nobody_turns_on_red_where_the_city_or_the_scenario_forbids_it():
    network = grid(4, 4, 150.0, 1, 13.9, True, right_on_red=True)
    for traffic in (
        MicroTraffic(network, seed=np.uint64(1), right_on_red=False),
        MesoTraffic(network, right_on_red=False),
        MicroTraffic(grid(4, 4, 150.0, 1, 13.9, True), seed=np.uint64(1)),
    ):
        traffic.add_trips(random_trips(network, 600, 300.0, 1))
        traffic.advance(600)
        assert traffic.counters.finished > 100
        assert traffic.counters.on_red == 0


@pytest.mark.parametrize("meso", [False, True])
def test_who_turns_on_red_stands_first_and_lets_the_main_road_pass(meso):
    # A main road without a gap in its green: on red a right turn is left only between the greens.
    network = main_road(lanes=1, signals=True, right_on_red=True)
    traffic = settled(network, (3, 2), [((4, 2), 3000.0)], seed=1, hours=0.5, meso=meso)
    into, group = link(network, 0, 2), network.turn_group[turn(network, 4, 0, 2)]
    side = network.turn_group[turn(network, 3, 0, 2)]
    shown = {g: (network.group_green_from[g], network.group_green_to[g]) for g in (group, side)}
    offset = float(network.signal_offset[0])
    before = traffic.counters.on_red
    in_gap = 0
    for _ in range(900):
        since = (traffic.tick - offset) % 90.0
        traffic.advance(1)
        now = traffic.counters.on_red
        if now > before:
            # Queues set off late, and know when the last one passes.
            green = [low + 3.0 * meso <= since < high - 2.0 * meso for low, high in shown.values()]
            assert not any(green), since
            in_gap += now - before
        before = now
    assert in_gap >= 5
    assert traffic.link_stats().left[into] > 0


def test_a_driver_stands_before_turning_on_red():
    network = main_road(lanes=1, signals=True, right_on_red=True)
    way = [link(network, 3, 0), link(network, 0, 2)]
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(make_trips([0.0], [way], [float(network.link_length[way[1]]) - 5.0]))
    least = np.inf
    while traffic.tick < 80 and traffic.counters.on_red == 0:
        traffic.advance(1)
        least = min([least, *traffic.vehicles.speed_mps.tolist()])
        assert traffic.vehicles.link.tolist() in ([], [way[0]], [way[1]])
    red = float(network.group_green_from[network.turn_group[turn(network, 3, 0, 2)]])
    assert traffic.counters.on_red == 1
    assert traffic.tick < red
    assert least < STANDING


def test_nobody_forces_his_way_into_a_full_street_on_red():
    # Demand above what the grid takes: who waited on green for room does not squeeze in on red.
    network = grid(5, 5, 120.0, 1, 13.9, True, right_on_red=True)
    traffic = MicroTraffic(network, seed=np.uint64(1))
    traffic.add_trips(random_trips(network, 2500, 900.0, 1))
    turns = _turn_table(network)
    length = traffic.fleet.table[0, LENGTH]
    before: dict[int, int] = {}
    turned = entered = 0
    for tick in range(1200):
        red = _lights(network, float(tick))
        traffic.advance(1)
        view = traffic.vehicles
        tail = {}
        for street, pos in zip(view.link.tolist(), view.pos_m.tolist(), strict=True):
            tail.setdefault(street, []).append(pos)
        now = dict(zip(view.id.tolist(), view.link.tolist(), strict=True))
        for number, street, pos in zip(
            view.id.tolist(), view.link.tolist(), view.pos_m.tolist(), strict=True
        ):
            was = before.get(number, street)
            if was == street:
                continue
            t = turns[was, street]
            if network.turn_yield[t] != TurnYield.ON_RED or not red[network.turn_group[t]]:
                continue
            turned += 1
            ahead = [p for p in tail[street] if p > pos]
            entered += not ahead or min(ahead) - length > 0.9 * length
        before = now
    assert turned > 100
    assert entered > 0.98 * turned
