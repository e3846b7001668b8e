"""What holds for every plan of a signal that gets another cycle."""

import dataclasses

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from tests.support.roads import Group, Link, Turn, make_network
from tests.support.signals import one_signal
from twin.network.graph import YELLOW_S, Network
from twin.network.stages import pieces_of, plan_at_cycle

CALM = settings(max_examples=200, deadline=None, derandomize=True)


@st.composite
def plans(draw) -> Network:
    """Return a signal of three groups that have one green to three a cycle, at any second.

    Greens may overlap, and pass the end of the cycle; the plan has an offset.
    """
    cycle = draw(st.integers(40, 150))
    rows: list[tuple[int, float, float]] = []
    for group in range(3):
        seconds = st.integers(0, cycle - 1)
        count = 2 * draw(st.integers(1, 3))
        edges = sorted(draw(st.lists(seconds, min_size=count, max_size=count, unique=True)))
        if draw(st.booleans()):
            edges = [*edges[1:], edges[0] + cycle]
        rows += [(group, begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    rows.sort(key=lambda row: (row[0], row[1] - row[2]))
    first = [next(k for k, row in enumerate(rows) if row[0] == group) for group in range(3)]
    links = [Link(start, end) for k in range(3) for start, end in ((2 * k + 1, 0), (0, 2 * k + 2))]
    turns = [Turn(2 * k, 2 * k + 1, group=k) for k in range(3)]
    groups = tuple(Group(cycle, *rows[k][1:]) for k in first)
    more = [row for k, row in enumerate(rows) if k not in first]
    return dataclasses.replace(
        one_signal(make_network(links, turns, groups), 0),
        signal_offset=np.array([draw(st.integers(0, cycle - 1))], np.float32),
        more_group=np.array([row[0] for row in more], np.int32),
        more_from=np.array([row[1] for row in more], np.float32),
        more_to=np.array([row[2] for row in more], np.float32),
    )


def green(group, begin, end, offset: float, cycle: float) -> np.ndarray:
    """Return (cycle, 3) whether each group is green, by second of the clock."""
    since = (np.arange(cycle)[:, None] - offset - begin) % cycle
    # Kernels never show yellow where there would be no red after it.
    on = (since < end - begin) | (end - begin + YELLOW_S >= cycle)
    return np.stack([on[:, group == k].any(axis=1) for k in range(3)], axis=1)


@CALM
@given(plans())
def test_its_own_cycle_changes_no_second_of_a_plan(network: Network):
    cycle, own = float(network.signal_cycle[0]), float(network.signal_offset[0])
    group, begin, end = network.greens
    groups, first, last, offset = plan_at_cycle(network, 0, cycle)
    assert (groups == group).all()
    before = green(group, begin, end, own, cycle)
    assert (green(groups, first, last, offset, cycle) == before).all()


@CALM
@given(plans())
def test_twice_the_cycle_begins_where_the_plan_began(network: Network):
    cycle, own = float(network.signal_cycle[0]), float(network.signal_offset[0])
    pieces = pieces_of(*network.greens, cycle)
    groups, begin, end, offset = plan_at_cycle(network, 0, 2 * cycle)
    assert offset == own + pieces[0].begin_s
    # Rounding leaves slivers between a green that passes the end of the cycle and the next.
    new = [p for p in pieces_of(groups, begin, end, 2 * cycle) if p.end_s - p.begin_s > 1e-6]
    assert abs(new[0].begin_s) < 1e-6
    assert [piece.groups for piece in new] == [piece.groups for piece in pieces]
    red = [piece.end_s - piece.begin_s for piece in pieces if not piece.groups]
    kept = [piece.end_s - piece.begin_s for piece in new if not piece.groups]
    np.testing.assert_allclose(kept, red, atol=1e-6)
