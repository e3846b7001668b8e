"""Crossings under a signal controller, and what their lamps showed."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np

from tests.support.roads import CALM, Group, Link, Turn, make_network
from twin.network.graph import Network
from twin.traffic.micro import MicroTraffic

GREEN, YELLOW, RED = range(3)
MAIN, SIDE = 0, 2
"""Links that come in; each goes straight on to the next number."""


def crossing(
    main: tuple[float, float] = (0.0, 25.0),
    side: tuple[float, float] = (30.0, 55.0),
    *,
    cycle: float = 60.0,
    lanes: int = 1,
    length: float = 300.0,
) -> Network:
    """Return two one-way streets that cross under one controller of two groups."""
    links = [
        Link(0, 1, length, lanes, 15.0),
        Link(1, 2, length, lanes, 15.0),
        Link(3, 1, length, lanes, 15.0),
        Link(1, 4, length, lanes, 15.0),
    ]
    turns = [Turn(0, 1, hi=lanes - 1, group=0), Turn(2, 3, hi=lanes - 1, group=1)]
    network = make_network(links, turns, (Group(cycle, *main), Group(cycle, *side)))
    return one_signal(network, 1)


def one_signal(network: Network, *nodes: int) -> Network:
    """Return the network with one controller for all of its groups, at `nodes`."""
    node_signal = network.node_signal.copy()
    node_signal[list(nodes)] = 0
    return dataclasses.replace(
        network,
        node_signal=node_signal,
        signal_node=np.array(nodes[:1], np.int32),
        signal_cycle=network.signal_cycle[:1],
        signal_offset=network.signal_offset[:1],
        group_signal=np.zeros(len(network.group_signal), np.int32),
    )


def calm(network: Network, **kwargs) -> MicroTraffic:
    return MicroTraffic(network, seed=np.uint64(5), kinds=CALM, **kwargs)


def lamps(traffic: MicroTraffic) -> np.ndarray:
    """Return the state of every group in the tick that was made last."""
    return np.array(traffic._net.group["state"])


def watch(traffic: MicroTraffic, ticks: int, zone_m: float = 30.0):
    """Advance; return by tick the lamps, and whether a vehicle stood in the zone of each link."""
    shown, there = [], []
    ends = traffic.network.link_length
    for _ in range(ticks):
        seen = traffic.vehicles
        near = ends[seen.link] - seen.pos_m < zone_m
        there.append(np.bincount(seen.link[near], minlength=len(ends)) > 0)
        traffic.advance(1)
        shown.append(lamps(traffic))
    return np.array(shown), np.array(there)


def first(mask: np.ndarray, begin: int = 0) -> int:
    """Return the first tick from `begin` on at which `mask` holds."""
    found = np.flatnonzero(mask[begin:])
    assert len(found)
    return begin + int(found[0])


def check_lamps(shown: np.ndarray, groups: list[np.ndarray]) -> None:
    """Assert that yellow of 3 s comes before red, and 2 s of red before another green.

    Parameters
    ----------
    shown
        (N, G) states by tick of a second.
    groups
        Groups of each controller; any two of one conflict.
    """
    for mine in groups:
        states = shown[:, mine]
        assert ((states != RED).sum(axis=1) <= 1).all()
        for state in states.T:
            change = np.flatnonzero(np.diff(state)) + 1
            edges = np.concatenate([[0], change, [len(state)]])
            runs = [(int(state[a]), int(b - a)) for a, b in pairwise(edges)]
            for at, (kind, long) in enumerate(runs):
                after = runs[at + 1][0] if at + 1 < len(runs) else None
                assert after is None or (kind, after) in {(0, 1), (1, 2), (2, 0)}
                assert kind != YELLOW or long == 3 or at in {0, len(runs) - 1}
        # Somebody's green begins two seconds of red after the last yellow of the others.
        lit = (states != RED).any(axis=1)
        owner = np.where(lit, (states != RED).argmax(axis=1), -1)
        last, dark = -1, 99
        for who in owner:
            if who < 0:
                dark += 1
            else:
                assert last in (-1, who) or dark >= 2
                last, dark = who, 0
