"""Another cycle of plans whose greens lead or lag: changes keep their length, greens share."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import Group, Link, Turn, make_network
from tests.support.signals import one_signal
from twin.core.errors import InputError
from twin.network.graph import Network
from twin.network.stages import plan_at_cycle


def plan(cycle: float, *greens: tuple[float, float]) -> Network:
    """Return a crossing with one green to each group, begin and end."""
    links = [Link(s, e) for k in range(len(greens)) for s, e in ((2 * k + 1, 0), (0, 2 * k + 2))]
    turns = [Turn(2 * k, 2 * k + 1, group=k) for k in range(len(greens))]
    groups = tuple(Group(cycle, *green) for green in greens)
    return one_signal(make_network(links, turns, groups), 0)


LAGGING = plan(85.0, (0, 53), (0, 30), (33, 53), (56, 80))
"""One way, its left first; 3 s of yellow, its opposing way; then the cross street."""


@pytest.mark.parametrize("cycle", [30.0, 60.0, 84.0, 85.0, 120.0, 200.0])
def test_yellow_beside_a_green_that_goes_on_keeps_its_length(cycle: float) -> None:
    _, begin, end, offset = plan_at_cycle(LAGGING, 0, cycle)
    way, left, opposing, cross = zip(begin.tolist(), end.tolist(), strict=True)
    assert (way[0], left[0], way[1]) == (0.0, 0.0, opposing[1])
    changes = [opposing[0] - left[1], cross[0] - way[1], cycle - cross[1]]
    assert changes == pytest.approx([3.0, 3.0, 5.0])
    factor = (cycle - 11.0) / 74.0
    lengths = (end - begin)[1:]
    assert lengths == pytest.approx(factor * np.array([30.0, 20.0, 24.0]))
    assert lengths.min() >= 5.0
    assert offset == 0.0


@pytest.mark.parametrize("cycle", [29.0, 11.0, 8.0])
def test_each_green_keeps_five_seconds(cycle: float) -> None:
    with pytest.raises(InputError, match="shorter than 5 s") as refused:
        plan_at_cycle(LAGGING, 0, cycle)
    assert refused.value.field == "cycle_s"


def test_a_green_that_ends_a_little_later_does_not_forbid_a_shorter_cycle() -> None:
    early = plan(70.0, (0, 28), (0, 30), (35, 65))
    _, begin, end, _ = plan_at_cycle(early, 0, 41.0)
    # From the first end to the cross street's begin is too short for a stage, so it is a change.
    assert begin == pytest.approx([0.0, 0.0, 21.0])
    assert end == pytest.approx([14.0, 16.0, 36.0])


def test_a_short_green_between_others_is_no_change() -> None:
    short = plan(60.0, (0, 55), (0, 20), (20, 26), (26, 55))
    _, begin, end, _ = plan_at_cycle(short, 0, 115.0)
    assert begin == pytest.approx([0.0, 0.0, 40.0, 52.0])
    assert end == pytest.approx([110.0, 40.0, 52.0, 110.0])


def test_greens_that_all_change_within_seconds_are_stretched() -> None:
    # Of every second of the cycle one green or the other has just ended, or is about to begin.
    dense = plan(16.0, (0, 7), (4, 12), (8, 15))
    for cycle in (16.0, 32.0):
        _, begin, end, _ = plan_at_cycle(dense, 0, cycle)
        assert (end - begin > 6.9).all()
        assert (end <= cycle + begin).all()
