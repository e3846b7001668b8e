"""Plans designed from demand: against textbook figures, and on small networks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.junctions import build, node
from tests.support.signals import crossing
from tests.unit.test_signal_plans import arterial
from twin.core.errors import InputError
from twin.network.coordination import bandwidth
from twin.network.generate import grid
from twin.network.graph import TurnKind
from twin.network.signal_design import (
    DesignOptions,
    design_webster,
    pedestrian_green,
    webster_cycle,
    webster_greens,
)
from twin.network.signals import CHANGE_S
from twin.network.stages import plan_at_cycle, stages_of


def test_optimum_cycle_of_the_textbook():
    # Khanna and Justo, "Highway Engineering", design of a two-phase signal by Webster's method:
    # 400 and 250 PCU/h of 1250 and 1000, L = 2 x 2 s + 12 s of all-red; 67.4 s, 29 s and 22.5 s.
    ratios = [400 / 1250, 250 / 1000]
    cycle = webster_cycle(16.0, sum(ratios))
    assert cycle == pytest.approx(67.4, abs=0.05)
    assert webster_greens(cycle, 16.0, ratios) == pytest.approx([29.0, 22.5], abs=0.2)
    # The same with 400 and 280 of 1300 and 1100: 66.25 s, 27.5 s and 22.75 s.
    ratios = [400 / 1300, 280 / 1100]
    assert webster_cycle(16.0, sum(ratios)) == pytest.approx(66.25, abs=0.05)
    assert webster_greens(66.25, 16.0, ratios) == pytest.approx([27.5, 22.75], abs=0.05)
    with pytest.raises(InputError, match="load of 1"):
        webster_cycle(10.0, 1.0)


def test_pedestrians_get_the_time_to_cross():
    # Four lanes of 3.25 m at 1 m/s: 7 s to set out, 13 s to walk, less 5 s of yellow and all-red.
    assert pedestrian_green(13.0, 1.0) == 15.0
    assert pedestrian_green(1.0) == 7.0


def test_bandwidth_of_a_perfect_and_of_a_broken_wave():
    assert bandwidth(60, [0, 20, 40], [25, 25, 25], [0, 20, 40]) == 25
    assert bandwidth(60, [0, 25, 40], [25, 25, 25], [0, 20, 40]) == 20
    assert bandwidth(60, [0, 50], [25, 25], [0, 20]) == 0
    # A green that runs over the end of the cycle.
    assert bandwidth(60, [50, 10], [25, 25], [0, 20]) == 25


def flows_of(network, main: float, side: float) -> np.ndarray:
    return np.where(network.turn_from == 0, main, side).astype(float)


def test_greens_follow_the_flows_and_clearance_stays():
    network = crossing(lanes=1)
    options = DesignOptions(coordinate=False)
    made, rows = design_webster(network, flows_of(network, 900.0, 450.0), options)
    # Y = 0.5 + 0.25, L = 2 x 5 s.
    assert rows[0].load == pytest.approx(0.75)
    assert rows[0].cycle_s == np.ceil((1.5 * 10 + 5) / 0.25) == 80.0
    green = made.group_green_to - made.group_green_from
    assert green.tolist() == [47.0, 23.0]
    assert made.group_green_from[1] - made.group_green_to[0] == CHANGE_S
    assert made.signal_cycle[0] - made.group_green_to[1] == CHANGE_S


def test_overload_and_emptiness_stay_within_the_bounds():
    network = crossing()
    most = design_webster(network, flows_of(network, 3000.0, 3000.0))[1][0]
    assert (most.cycle_s, most.load > 1.0) == (180.0, True)
    least = design_webster(network, flows_of(network, 0.0, 0.0))[1][0]
    assert least.cycle_s == 40.0


def test_pedestrian_options_lengthen_greens_and_add_a_stage():
    network = grid(3, 3, 200.0, 3)
    flows = np.full(network.n_turns, 20.0)
    plain, _ = design_webster(network, flows, DesignOptions(coordinate=False))
    walk, _ = design_webster(network, flows, DesignOptions(coordinate=False, pedestrians=True))
    alone, _ = design_webster(
        network, flows, DesignOptions(coordinate=False, pedestrian_stage=True)
    )
    least = pedestrian_green(6 * 3.25)
    middle = int(network.node_signal[4])
    mine = network.group_signal == middle

    def greens(n):
        return n.group_green_to[mine] - n.group_green_from[mine]

    assert (greens(plain) < least).any()
    assert (greens(walk) >= np.floor(least)).all()
    groups = np.flatnonzero(mine)
    stages = stages_of(
        groups,
        alone.group_green_from[mine].astype(float),
        alone.group_green_to[mine].astype(float),
        float(alone.signal_cycle[middle]),
    )
    on_foot = [s for s in stages if not s.groups]
    assert len(on_foot) == 1
    assert on_foot[0].end_s - on_foot[0].begin_s == pytest.approx(7 + 6 * 3.25 / 1.07, abs=0.1)


def test_a_designed_corridor_is_a_green_wave():
    nodes, streets = arterial(278.0)
    network = build(nodes, *streets, signals=[1, 2, 3, 4])
    flows = np.full(network.n_turns, 30.0)
    through = network.turn_kind == TurnKind.THROUGH
    flows[through & (network.link_lanes[network.turn_from] == 2)] = 700.0
    # The eastbound stream is the heavier one.
    eastbound = network.node_x[network.link_to] > network.node_x[network.link_from]
    flows[through & eastbound[network.turn_from]] += 100.0
    made, _ = design_webster(network, flows)
    at = [int(network.node_signal[node(network, k)]) for k in (1, 2, 3, 4)]
    cycle = made.signal_cycle[at]
    assert len(set(cycle.tolist())) == 1
    begin, length = [], []
    for k in (1, 2, 3, 4):
        link = np.flatnonzero(
            (network.link_from == node(network, k - 1)) & (network.link_to == node(network, k))
        )
        turn = np.flatnonzero(through & np.isin(network.turn_from, link))[0]
        group = network.turn_group[turn]
        signal = network.group_signal[group]
        begin.append(float(made.signal_offset[signal] + made.group_green_from[group]))
        length.append(float(made.group_green_to[group] - made.group_green_from[group]))
    arrive = [20.0 * n for n in range(4)]
    assert bandwidth(float(cycle[0]), begin, length, arrive) >= min(length) - 3.0


def test_another_cycle_keeps_shares_and_refuses_what_is_too_short():
    network = crossing()
    _, begin, end, _ = plan_at_cycle(network, 0, 110.0)
    assert (end - begin).tolist() == [50.0, 50.0]
    with pytest.raises(InputError, match="shorter than 5 s"):
        plan_at_cycle(network, 0, 20.0 - 1.0)


def test_rubbish_is_refused():
    network = crossing()
    with pytest.raises(InputError, match="flows"):
        design_webster(network, np.zeros(7))
    with pytest.raises(InputError, match="at least 0"):
        design_webster(network, np.full(network.n_turns, -1.0))
    with pytest.raises(InputError, match=r"20\.\.300"):
        DesignOptions(least_cycle_s=100.0, most_cycle_s=50.0)
    with pytest.raises(InputError, match="m/s"):
        DesignOptions(walking_mps=9.0)
