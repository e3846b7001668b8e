"""Signals whose groups have several greens a cycle: stages, new plans, holds, designs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.support.roads import Group, Link, Turn, make_network, make_trips
from tests.support.signals import GREEN, RED, calm, check_lamps, lamps, one_signal, watch
from tests.support.traffic_checks import digest
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.network.graph import Network
from twin.network.signal_design import DesignOptions, design_webster
from twin.network.stages import pieces_of, plan_at_cycle
from twin.scenarios.signals import SignalSettings
from twin.traffic.costs import signal_wait
from twin.traffic.hook import View
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.signal_running import SignalRunner
from twin.traffic.signals import Timing

CYCLE = 80.0
FILE = [({0}, 0.0, 15.0), ({1}, 20.0, 35.0), ({0}, 40.0, 55.0), ({2}, 60.0, 75.0)]
"""Phases of the plan that `three_streets` has: groups, begin and end."""


def three_streets() -> Network:
    """Return three one-way streets that cross; the first has green twice a cycle: A, B, A, C."""
    links = [Link(start, end, 300.0, 1, 15.0) for k in range(3) for start, end in _street(k)]
    turns = [Turn(2 * k, 2 * k + 1, group=k) for k in range(3)]
    groups = (Group(CYCLE, 0, 15), Group(CYCLE, 20, 35), Group(CYCLE, 60, 75))
    return several(one_signal(make_network(links, turns, groups), 0), [(0, 40.0, 55.0)])


def _street(k: int) -> list[tuple[int, int]]:
    return [(2 * k + 1, 0), (0, 2 * k + 2)]


def several(network: Network, rows: list[tuple[int, float, float]]) -> Network:
    group, begin, end = zip(*rows, strict=True)
    return dataclasses.replace(
        network,
        more_group=np.array(group, np.int32),
        more_from=np.array(begin, np.float32),
        more_to=np.array(end, np.float32),
    )


def two_groups() -> MicroTraffic:
    """Return traffic at a signal whose first group is green from 0 to 10 and from 42 to 50 s."""
    network = make_network(
        [Link(0, 1), Link(2, 1), Link(1, 3)],
        [Turn(0, 2, group=0), Turn(1, 2, group=1)],
        (Group(60, 0, 10), Group(60, 20, 35)),
    )
    return calm(several(one_signal(network, 1), [(0, 42.0, 50.0)]))


def shown_by(traffic: MicroTraffic, seconds: int) -> np.ndarray:
    """Return whether each group is green, by second of the next `seconds`."""
    shown = []
    for _ in range(seconds):
        traffic.advance(1)
        shown.append(lamps(traffic) == GREEN)
    return np.array(shown)


def greens(seconds: int, *windows: tuple[float, float]) -> np.ndarray:
    t = np.arange(seconds)
    return np.any([(begin <= t) & (t < end) for begin, end in windows], axis=0)


def test_who_comes_at_random_waits_for_the_next_of_several_greens():
    # Reds of 25 s twice, or of 65 s once, in 80 s: the sum of r^2 / 2C.
    wait = signal_wait(three_streets())
    assert wait[[0, 2, 4]].tolist() == pytest.approx([7.8125, 26.40625, 26.40625])
    assert wait[[1, 3, 5]].tolist() == [0.0, 0.0, 0.0]
    shifted = dataclasses.replace(
        three_streets(),
        group_green_from=np.array([75, 20, 60], np.float32),
        group_green_to=np.array([90, 35, 75], np.float32),
    )
    # Green from 75 over the end of the cycle to 10, and from 40 to 55: reds of 30 and 20 s.
    assert signal_wait(shifted)[0] == pytest.approx((30.0**2 + 20.0**2) / 160.0)


def test_queues_leave_in_each_of_several_greens():
    network = three_streets()
    traffic = MesoTraffic(network)
    starts = np.arange(0.0, 1600.0, 2.0)
    due = [t for t in starts.tolist() for _ in range(2)]
    routes = [[0, 1], [2, 3]] * len(starts)
    traffic.add_trips(make_trips(due, routes, [290.0] * len(due)))
    traffic.advance(400)
    traffic.link_stats()
    traffic.advance(round(10 * CYCLE))
    left = traffic.link_stats().left
    # 15 s of green at a headway of 2 s, once and twice a cycle.
    assert left[2] == pytest.approx(75, abs=12)
    assert left[0] == 2 * left[2]


def test_stages_are_the_phases_of_the_file():
    traffic = calm(three_streets())
    traffic.control_signals("actuated")
    found = [
        ({k for k in range(3) if (int(stage["mask"]) >> k) & 1}, stage["begin"], stage["end"])
        for stage in traffic._signals.stage
    ]
    assert found == FILE


@pytest.mark.parametrize("mode", ["actuated", "max-pressure"])
def test_with_queues_everywhere_control_passes_as_many_as_the_plan(mode: str):
    network = three_streets()
    seconds = 1680  # 21 cycles of the plan
    rows = [(2.0 * n, 2 * k) for n in range(seconds // 2) for k in range(3)]
    trips = make_trips(
        [t for t, _ in rows], [[link, link + 1] for _, link in rows], [290.0] * len(rows)
    )

    def passed(how: str) -> int:
        traffic = calm(network)
        traffic.add_trips(trips)
        # With the tick to act, greens that end by max-out are as long as those of the plan.
        traffic.control_signals(how, timing=Timing(most_share=14 / 15))
        shown, _ = watch(traffic, seconds)
        check_lamps(shown, [np.arange(3)])
        runs = np.diff(np.flatnonzero((shown != RED).any(axis=1)))
        # Nobody is kept waiting by a stage that the plan does not have.
        assert runs.max() <= 2 + 1
        return int(traffic.turn_counts.sum())

    assert passed(mode) >= passed("fixed") > 450


def test_a_new_plan_replaces_every_green():
    traffic = two_groups()
    before = shown_by(traffic, 60)
    assert (before[:, 0] == greens(60, (0, 10), (42, 50))).all()
    plan = {"cycle_s": 60.0, "offset_s": 0.0}
    View(traffic).set_plan(0, **plan, green_from=[0, 30], green_to=[20, 55])
    traffic.advance(60)
    after = shown_by(traffic, 60)
    assert (after[:, 0] == greens(60, (0, 20))).all()
    assert (after[:, 1] == greens(60, (30, 55))).all()
    # Several again, and what is stored has them, too.
    View(traffic).set_plan(
        0, **plan, green_from=[0, 25, 12, 40], green_to=[5, 35, 20, 50], groups=[0, 0, 1, 1]
    )
    traffic.advance(60)
    other = calm(traffic.network)
    other.restore(traffic.checkpoint())
    last = shown_by(traffic, 60)
    assert (last[:, 0] == greens(60, (0, 5), (25, 35))).all()
    assert (last[:, 1] == greens(60, (12, 20), (40, 50))).all()
    assert (shown_by(other, 60) == last).all()
    assert digest(other) == digest(traffic)


def test_new_plans_of_one_signal_leave_the_others():
    network = grid(3, 3, 150.0, 1, 13.9)
    group = int(np.flatnonzero(network.group_signal == 2)[0])
    first = np.array([network.group_green_from[group], network.group_green_to[group]])
    second = float(first[1]) + 6.0
    traffic = calm(several(network, [(group, second, second + 5.0)]))
    still = calm(traffic.network)
    mine = np.flatnonzero(network.group_signal == 1)
    k = len(mine)
    begin = 20.0 * np.arange(k)
    traffic.set_plan(1, cycle_s=20.0 * k, offset_s=0, green_from=begin, green_to=begin + 12)
    traffic.advance(60)
    still.advance(60)
    others = network.group_signal != 1
    assert (shown_by(traffic, 120)[:, others] == shown_by(still, 120)[:, others]).all()


def test_plans_that_do_not_name_the_groups_of_the_signal_are_refused():
    traffic = two_groups()
    for owner in ([0, 0, 0], [0, 1, 0], [0, 1, 2]):
        with pytest.raises(InputError, match=r"has groups \[0, 1\]"):
            traffic.set_plan(
                0,
                cycle_s=60,
                offset_s=0,
                green_from=[0, 20, 40],
                green_to=[10, 30, 50],
                groups=owner,
            )


def test_a_group_that_is_let_go_turns_green_with_the_plan_only():
    traffic = two_groups()
    # The second green is shorter than the first: 6 s after its end the first would still last.
    View(traffic).set_plan(
        0, cycle_s=60, offset_s=0, green_from=[0, 42, 32], green_to=[30, 46, 38], groups=[0, 0, 1]
    )
    traffic.advance(90)
    View(traffic).hold([0], green=False)
    traffic.advance(22)
    View(traffic).release([0])
    assert (shown_by(traffic, 68)[:, 0] == greens(68, (8, 38), (50, 54))).all()


def test_another_cycle_keeps_every_green_and_the_plan_comes_back():
    network = three_streets()
    groups, begin, end, _ = plan_at_cycle(network, 0, 140.0)
    rows = sorted(zip(groups.tolist(), begin.tolist(), end.tolist(), strict=True))
    assert rows == [(0, 0, 30), (0, 70, 100), (1, 35, 65), (2, 105, 135)]
    traffic = calm(network)
    runner = SignalRunner(traffic)
    settings = SignalSettings(
        np.array(["fixed"]), np.array([140.0]), np.array([False]), 0.0, 0.0, 120.0
    )
    runner.set(settings)
    traffic.advance(140)
    assert (shown_by(traffic, 140)[:, 0] == greens(140, (0, 30), (70, 100))).all()
    runner.set(dataclasses.replace(settings, cycle_s=np.array([np.nan])))
    traffic.advance(120)
    assert (shown_by(traffic, 80)[:, 0] == greens(80, (0, 15), (40, 55))).all()


def later(network: Network, seconds: float, offset: float) -> Network:
    """Return the network with the greens of its plans `seconds` later in the cycle."""
    return dataclasses.replace(
        network,
        signal_offset=np.full(network.n_signals, offset, np.float32),
        group_green_from=network.group_green_from + np.float32(seconds),
        group_green_to=network.group_green_to + np.float32(seconds),
        more_from=network.more_from + np.float32(seconds),
        more_to=network.more_to + np.float32(seconds),
    )


@pytest.mark.parametrize(
    ("seconds", "offset", "first"), [(0.0, 7.0, 0), (3.0, 0.0, 0), (21.0, 50.0, 2)]
)
def test_a_plan_keeps_its_place_in_time_at_another_cycle(seconds, offset, first):
    network = later(three_streets(), seconds, offset)

    def shown(cycle: float, ticks: int) -> np.ndarray:
        traffic = calm(network)
        settings = (np.array(["fixed"]), np.array([cycle]), np.array([False]), 0.0, 0.0, 120.0)
        SignalRunner(traffic).set(SignalSettings(*settings))
        traffic.advance(160)
        return shown_by(traffic, ticks)

    file = shown(np.nan, 160)
    untouched = calm(network)
    untouched.advance(160)
    assert (file == shown_by(untouched, 160)).all()
    assert (shown(CYCLE, 160) == file).all()
    # The phase that begins first in the cycle does so at a second at which it did.
    wide = shown(2 * CYCLE, 160)
    every, twice = (~_[:-1, first] & _[1:, first] for _ in (file, wide))
    assert twice.any()
    assert every[twice].all()


def test_a_design_without_waves_keeps_the_begin_of_plans():
    flows = np.array([600.0, 300.0, 300.0])
    options = DesignOptions(coordinate=False)
    plain, _ = design_webster(three_streets(), flows, options)
    made, _ = design_webster(later(three_streets(), 3.0, 7.0), flows, options)
    assert [made.signal_offset[0], plain.signal_offset[0]] == [10.0, 0.0]
    assert all((a == b).all() for a, b in zip(made.greens, plain.greens, strict=True))


def test_a_design_times_every_green_of_a_group():
    network = three_streets()
    flows = np.array([600.0, 300.0, 300.0])
    made, (row,) = design_webster(network, flows, DesignOptions(coordinate=False))
    # Half of the first street's vehicles go in each of its greens: 300 / 1800 in all four stages.
    assert row.load == pytest.approx(4 / 6)
    assert row.cycle_s == 105.0  # (1.5 x 20 + 5) / (1 - 4 / 6)
    groups, begin, end = made.greens
    # 85 s of green: whole seconds, what is left over goes to the first of equals.
    rows = sorted(zip(groups.tolist(), begin.tolist(), end.tolist(), strict=True))
    assert rows == [
        (0, 0, 22),
        (0, 53, 74),
        (1, 27, 48),
        (2, 79, 100),
    ]
    assert [set(piece.groups) for piece in pieces_of(groups, begin, end, 105.0)] == [
        {0}, set(), {1}, set(), {0}, set(), {2}, set(),
    ]  # fmt: skip


def test_the_longest_green_of_a_design_stays_the_first():
    network = three_streets()
    before = np.array([[0, 12], [40, 60]], np.float32)
    network = dataclasses.replace(
        network,
        group_green_from=np.array([40, 17, 65], np.float32),
        group_green_to=np.array([60, 35, 75], np.float32),
        more_from=before[:1, 0],
        more_to=before[:1, 1],
    )
    made, _ = design_webster(network, np.array([700.0, 300.0, 300.0]))
    first = made.group_green_to[0] - made.group_green_from[0]
    assert made.more_group.tolist() == [0]
    assert first >= made.more_to[0] - made.more_from[0] > 0
    assert max(made.more_to[0], made.group_green_to[0]) <= made.signal_cycle[0]
