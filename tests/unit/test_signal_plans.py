"""Signals whose stages, greens and offsets are known."""

from tests.support.junctions import (
    CROSS,
    PRIMARY,
    build,
    cross,
    foes,
    node,
    plan,
    roads,
    street,
    turn,
)
from twin.network.build import BuildOptions, build_network
from twin.network.clean import CleanOptions
from twin.network.graph import RoadClass
from twin.network.signals import CHANGE_S, SignalOptions


def test_two_stage_plan_at_a_cross():
    network = build(CROSS, *cross(main=PRIMARY, main_lanes=2), signals=[0])
    assert network.n_signals == 1
    (a, b), (c, d) = plan(network)
    cycle = float(network.signal_cycle[0])
    assert (a, c, d) == (0.0, b + CHANGE_S, cycle - CHANGE_S)
    main, side = turn(network, 4, 0, 2), turn(network, 3, 0, 1)
    assert network.turn_group[main] == network.turn_group[turn(network, 2, 0, 4)]
    assert network.turn_group[main] != network.turn_group[side]
    green = network.group_green_to - network.group_green_from
    assert green[network.turn_group[main]] > green[network.turn_group[side]]
    # The permitted left waits for the opposing road and for nobody else.
    left = turn(network, 4, 0, 1)
    assert network.turn_group[left] == network.turn_group[main]
    assert foes(network, left) == {turn(network, 2, 0, 4), turn(network, 2, 0, 1)}
    assert not foes(network, side)


def test_left_turns_with_their_own_lane_get_their_own_stage():
    network = build(CROSS, *cross(main=PRIMARY, main_lanes=3), signals=[0])
    left, through = turn(network, 4, 0, 1), turn(network, 4, 0, 2)
    assert network.turn_group[left] != network.turn_group[through]
    assert network.turn_group[left] == network.turn_group[turn(network, 2, 0, 3)]
    assert not network.turn_yield[left]
    assert len(plan(network)) == 3
    permitted = build(
        CROSS,
        *cross(main=PRIMARY, main_lanes=3),
        signals=[0],
        options=BuildOptions(signals=SignalOptions(protected_left=False)),
    )
    assert len(plan(permitted)) == 2


def test_a_bend_with_signals_gets_none():
    nodes = {k: CROSS[k] for k in (1, 0, 2)}
    raw = roads(nodes, street(1, 0), street(0, 2, kind=PRIMARY), signals=[0])
    network, _ = build_network(raw)
    assert network.n_signals == 0
    assert (network.node_signal == -1).all()


def arterial(gap: float, count: int = 4):
    """An arterial running east with a side street at each of `count` signals."""
    nodes = {0: (0.0, 0.0), count + 1: ((count + 1) * gap, 0.0)}
    streets = []
    for k in range(1, count + 1):
        nodes[k] = (k * gap, 0.0)
        nodes[100 + k], nodes[200 + k] = (k * gap, 150.0), (k * gap, -150.0)
        # The other direction is listed first here and there, so that numbers tell nothing.
        streets.append(street(*((k - 1, k) if k % 2 else (k, k - 1)), lanes=2, kind=PRIMARY))
        streets += [street(k, 100 + k), street(200 + k, k)]
    streets.append(street(count, count + 1, lanes=2, kind=PRIMARY))
    return nodes, streets


def test_a_platoon_runs_from_green_to_green():
    nodes, streets = arterial(278.0)
    network = build(nodes, *streets, signals=[1, 2, 3, 4])
    assert network.n_signals == 4
    assert (network.signal_cycle == 60.0).all()
    at = [network.node_signal[node(network, k)] for k in (1, 2, 3, 4)]
    # 278 m at 13.9 m/s are 20 s; after three blocks a cycle of 60 s has gone by.
    assert network.signal_offset[at].tolist() == [0.0, 20.0, 40.0, 0.0]


def test_signals_close_together_share_a_controller():
    nodes, streets = arterial(40.0, count=2)
    network = build(nodes, *streets, signals=[1, 2])
    assert network.n_signals == 1
    assert (network.node_signal >= 0).sum() == 2
    first, second = turn(network, 0, 1, 2), turn(network, 1, 2, 3)
    assert network.turn_group[first] == network.turn_group[second]
    far = build(*arterial(80.0, count=2)[:1], *arterial(80.0, count=2)[1], signals=[1, 2])
    assert far.n_signals == 2


def test_signals_are_inferred_where_asked():
    nodes, streets = arterial(200.0, count=2)
    raw = roads(nodes, *streets, street(201, 202, kind=PRIMARY), signals=[1])
    options = BuildOptions(infer_signals=RoadClass.RESIDENTIAL)
    network, report = build_network(raw, options=options)
    assert report.counts["signals inferred"] >= 1
    assert network.node_signal[node(network, 2)] >= 0
    assert build_network(raw)[0].n_signals == 1


def test_carriageways_that_seem_to_cross_share_a_leg():
    # Both one-way roads to the north start apart and swap sides before they reach the junction,
    # as straight lines between nodes at different distances do; nobody has to wait for that.
    nodes = {0: (0, 0), 1: (15, 300), 2: (-20, 250), 3: (0, -300), 4: (-300, 0), 5: (300, 0)}
    network = build(
        nodes,
        street(1, 0, lanes=2, kind=PRIMARY, oneway=True),
        street(0, 2, lanes=2, kind=PRIMARY, oneway=True),
        street(2, 1, lanes=2, kind=PRIMARY, oneway=True),
        street(0, 3, lanes=2, kind=PRIMARY),
        street(0, 4),
        street(0, 5),
        signals=[0],
        options=BuildOptions(clean=CleanOptions(merge=False)),
    )
    assert len(plan(network)) == 2
    down, up = turn(network, 1, 0, 3), turn(network, 3, 0, 2)
    assert network.turn_group[down] == network.turn_group[up]
