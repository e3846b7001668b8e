"""Junctions whose turns, lanes and precedence are known."""

import numpy as np
import pytest

from tests.support.junctions import (
    CROSS,
    PRIMARY,
    RESIDENTIAL,
    build,
    cross,
    foes,
    lanes_of,
    node,
    roads,
    street,
    turn,
)
from twin.network.build import BuildOptions
from twin.network.clean import CleanOptions
from twin.network.graph import RoadClass, TurnKind, TurnYield
from twin.network.signals import SignalOptions


def test_directions_at_a_cross():
    network = build(CROSS, *cross())
    assert network.turn_kind[turn(network, 3, 0, 1)] == TurnKind.THROUGH
    assert network.turn_kind[turn(network, 3, 0, 2)] == TurnKind.RIGHT
    assert network.turn_kind[turn(network, 3, 0, 4)] == TurnKind.LEFT


def test_turning_round_is_for_dead_ends_only():
    network = build(CROSS, *cross())
    assert turn(network, 3, 0, 3) == -1
    at_end = turn(network, 0, 3, 0)
    assert network.turn_kind[at_end] == TurnKind.U_TURN
    assert (network.turn_kind == TurnKind.U_TURN).sum() == 4


@pytest.mark.parametrize(
    ("lanes", "right", "through", "left"),
    [
        (1, (0, 0), (0, 0), (0, 0)),
        (2, (0, 0), (0, 1), (1, 1)),
        (3, (0, 0), (0, 1), (2, 2)),
        (4, (0, 0), (0, 2), (3, 3)),
        (5, (0, 0), (0, 2), (3, 4)),
    ],
)
def test_turn_lanes(lanes, right, through, left):
    network = build(CROSS, *cross(main_lanes=lanes, main=PRIMARY, side_lanes=2))
    assert lanes_of(network, turn(network, 4, 0, 3)) == right
    assert lanes_of(network, turn(network, 4, 0, 2)) == through
    assert lanes_of(network, turn(network, 4, 0, 1)) == left


def test_lanes_of_a_stem_are_shared_between_left_and_right():
    nodes = {k: CROSS[k] for k in (0, 2, 3, 4)}
    network = build(nodes, street(0, 2, lanes=2), street(0, 4, lanes=2), street(3, 0, lanes=2))
    assert lanes_of(network, turn(network, 3, 0, 2)) == (0, 0)
    assert lanes_of(network, turn(network, 3, 0, 4)) == (1, 1)


def test_lanes_split_where_a_road_forks():
    nodes = {0: (0, 0), 1: (300, 30), 2: (300, -40), 3: (-300, 0), 4: (0, 400), 5: (0, -400)}
    network = build(
        nodes,
        street(3, 0, lanes=4, kind=RoadClass.MOTORWAY, oneway=True),
        street(0, 1, lanes=3, kind=RoadClass.MOTORWAY, oneway=True),
        street(0, 2, lanes=1, kind=RoadClass.MOTORWAY, oneway=True, ramp=True),
        street(1, 4, oneway=True),
        street(4, 3, oneway=True),
        street(2, 5, oneway=True),
        street(5, 3, oneway=True),
    )
    fork = node(network, 0)
    ramp = {
        bool(network.link_lanes[network.turn_to[t]] == 1): lanes_of(network, t)
        for t in range(network.n_turns)
        if network.link_to[network.turn_from[t]] == fork
    }
    assert ramp == {True: (0, 0), False: (1, 3)}


@pytest.mark.parametrize("protected_left", [False, True])
def test_on_red_a_right_turn_gives_way_to_whoever_enters_the_same_street(protected_left):
    plans = SignalOptions(protected_left=protected_left)
    allowed = BuildOptions(signals=plans, right_on_red=True)
    streets = cross(main_lanes=2, side_lanes=2)
    network = build(CROSS, *streets, signals=[0], options=allowed)
    right = turn(network, 3, 0, 2)
    assert network.turn_yield[right] == TurnYield.ON_RED
    # From the left straight on, from the opposite side to the left, and who turns round.
    own = network.turn_group[right]
    all_into = {turn(network, a, 0, 2) for a in (4, 1)}
    assert foes(network, right) == {t for t in all_into if network.turn_group[t] != own}
    assert turn(network, 4, 0, 2) in foes(network, right)
    on_red = network.turn_yield == TurnYield.ON_RED
    assert on_red.sum() == 4
    assert (network.turn_kind[on_red] == TurnKind.RIGHT).all()
    forbidden = build(CROSS, *streets, signals=[0], options=BuildOptions(signals=plans))
    assert not (forbidden.turn_yield == TurnYield.ON_RED).any()
    assert not foes(forbidden, right)
    same = network.turn_yield != TurnYield.ON_RED
    assert (network.turn_yield[same] == forbidden.turn_yield[same]).all()
    unlit = build(CROSS, *streets, options=allowed)
    assert not (unlit.turn_yield == TurnYield.ON_RED).any()


def test_the_minor_road_gives_way_and_the_major_does_not():
    network = build(CROSS, *cross(main=PRIMARY))
    stem, across = turn(network, 3, 0, 1), turn(network, 4, 0, 2)
    assert across in foes(network, stem)
    assert turn(network, 2, 0, 4) in foes(network, stem)
    assert not foes(network, across)
    assert not network.turn_yield[across]
    # A left turn off the main road waits for the opposing traffic of that road only.
    left = turn(network, 4, 0, 1)
    assert foes(network, left) == {turn(network, 2, 0, 4), turn(network, 2, 0, 1)}


def test_right_turn_from_the_minor_road_meets_only_the_stream_it_joins():
    network = build(CROSS, *cross(main=PRIMARY))
    assert foes(network, turn(network, 3, 0, 2)) == {turn(network, 4, 0, 2)}


def test_two_equal_roads_yield_to_the_right():
    nodes = {0: (0, 0), 1: (0, -200), 2: (200, 0), 3: (0, 200), 4: (-200, 0)}
    network = build(
        nodes,
        street(1, 0, oneway=True),
        street(0, 3, oneway=True),
        street(2, 0, oneway=True),
        street(0, 4, oneway=True),
        street(3, 2, oneway=True, via=[(200, 200)]),
        street(4, 1, oneway=True, via=[(-200, -200)]),
        street(3, 1, oneway=True, via=[(-300, 250), (-300, -250)]),
        options=BuildOptions(clean=CleanOptions(merge=False)),
    )
    # Northbound traffic sees the westbound come from its right.
    north, west = turn(network, 1, 0, 3), turn(network, 2, 0, 4)
    assert west in foes(network, north)
    assert north not in foes(network, west)


def test_all_stop_at_four_equal_roads():
    network = build(CROSS, *cross())
    at = network.link_to[network.turn_from] == node(network, 0)
    assert (network.turn_yield[at] == 2).all()
    for t in np.flatnonzero(at):
        assert all(t in foes(network, u) for u in foes(network, t))
    assert turn(network, 3, 0, 1) in foes(network, turn(network, 4, 0, 2))
    assert turn(network, 3, 0, 1) not in foes(network, turn(network, 1, 0, 3))
    assert (build(CROSS, *cross(main=PRIMARY)).turn_yield < 2).all()
    assert (build(CROSS, *cross(), signals=[0]).turn_yield < 2).all()


def test_nobody_waits_for_everybody_at_three_equal_roads():
    nodes = {k: CROSS[k] for k in (0, 1, 2, 3)}
    network = build(nodes, *(street(0, k) for k in (1, 2, 3)))
    waits = {t: foes(network, t) for t in range(network.n_turns)}
    assert any(waits.values())
    free = set()
    while True:
        more = {t for t, others in waits.items() if others <= free} - free
        if not more:
            break
        free |= more
    assert free == set(waits), "a ring of vehicles that wait for one another"


@pytest.mark.parametrize(("lanes_after", "waits"), [(2, True), (3, False)])
def test_slip_road_yields_to_the_motorway_unless_it_brings_its_lane(lanes_after, waits):
    nodes = {0: (0, 0), 1: (-300, 0), 2: (300, 0), 3: (-250, -60), 4: (0, -400)}
    network = build(
        nodes,
        street(1, 0, lanes=2, kind=RoadClass.MOTORWAY, oneway=True),
        street(0, 2, lanes=lanes_after, kind=RoadClass.MOTORWAY, oneway=True),
        street(3, 0, kind=RoadClass.MOTORWAY, oneway=True, ramp=True),
        street(2, 4, oneway=True),
        street(4, 3, oneway=True),
        street(4, 1, oneway=True, via=[(-400, -400)]),
    )
    ramp, main = turn(network, 3, 0, 2), turn(network, 1, 0, 2)
    assert foes(network, ramp) == ({main} if waits else set())
    assert not foes(network, main)


def test_who_enters_a_roundabout_yields():
    ring = {1: (0, 30), 2: (30, 0), 3: (0, -30), 4: (-30, 0)}
    legs = {k + 10: (x * 10, y * 10) for k, (x, y) in ring.items()}
    network = build(
        {**ring, **legs},
        *(
            street(a, b, kind=RESIDENTIAL, oneway=True, ring=True)
            for a, b in ((1, 4), (4, 3), (3, 2), (2, 1))
        ),
        *(street(k, k + 10, kind=PRIMARY) for k in ring),
    )
    entry = turn(network, 11, 1, 4)
    circulating = turn(network, 2, 1, 4)
    assert foes(network, entry) == {circulating}
    assert not foes(network, circulating)
    assert turn(network, 2, 1, 11) >= 0
    assert turn(network, 11, 1, 11) == -1


def test_banned_turn_is_absent_and_only_turn_is_alone():
    streets = cross()
    base = roads(CROSS, *streets)
    index = {
        (int(a), int(b)): k
        for k, (a, b) in enumerate(zip(base.link_from, base.link_to, strict=True))
    }
    network = build(
        CROSS,
        *streets,
        restrictions=(
            [index[3, 0], index[4, 0]],
            [index[0, 4], index[0, 2]],
            [False, True],
        ),
    )
    assert turn(network, 3, 0, 4) == -1
    assert turn(network, 3, 0, 1) >= 0
    assert [turn(network, 4, 0, k) >= 0 for k in (1, 2, 3)] == [False, True, False]


def test_restrictions_can_cut_links_off():
    # A one-way loop whose only way back is banned cannot be left.
    nodes = {**CROSS, 5: (400, 0), 6: (400, 200)}
    streets = [
        *cross(),
        street(2, 5, oneway=True),
        street(5, 6, oneway=True),
        street(6, 2, oneway=True, via=[(200, 200)]),
    ]
    whole = build(nodes, *streets)
    base = roads(nodes, *streets)
    ends = list(zip(base.link_from.tolist(), base.link_to.tolist(), strict=True))
    back = ([ends.index((6, 2))], [ends.index((2, 0))], [False])
    cut = build(nodes, *streets, restrictions=back)
    assert whole.link_length.sum() - cut.link_length.sum() > 500.0
    assert sorted(cut.node_id.tolist()) == [0, 1, 2, 3, 4]
    assert cut.turn_kind[turn(cut, 0, 2, 0)] == TurnKind.U_TURN
