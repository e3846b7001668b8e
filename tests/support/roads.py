"""Small networks written down by hand, and trips on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.demand.trips import Trips
from twin.network.graph import Network
from twin.traffic.micro import Kind, Kinds

CALM = Kinds(car=Kind(5.0, 1.5, 2.0, 1.2, 2.0, 1.0, 0.0))
"""Kinds whose cars all want the free-flow speed exactly."""


class Link(NamedTuple):
    start: int
    end: int
    length: float = 200.0
    lanes: int = 1
    speed: float = 20.0


class Turn(NamedTuple):
    """A movement; `foes` are places in the list of turns that it gives way to."""

    start: int
    end: int
    kind: int = 0
    lo: int = 0
    hi: int = 0
    group: int = -1
    foes: tuple[int, ...] = ()


class Group(NamedTuple):
    cycle: float
    green_from: float
    green_to: float
    offset: float = 0.0


def make_network(links: list[Link], turns: list[Turn], groups: tuple[Group, ...] = ()) -> Network:
    """Return a network; turns must be listed by their from-link."""
    f32, i32, u8 = np.float32, np.int32, np.uint8
    assert [t.start for t in turns] == sorted(t.start for t in turns)
    n_nodes = 1 + max(max(link.start, link.end) for link in links)
    n = len(links)
    node_x = np.arange(n_nodes) * 100.0
    length = np.array([link.length for link in links], f32)
    begin = np.array([node_x[link.start] for link in links], f32)
    geom_x = np.stack([begin, begin + length], axis=1).ravel()
    starts = np.array([t.start for t in turns], np.int64)
    return Network(
        lon0=0.0,
        lat0=0.0,
        node_id=np.arange(n_nodes),
        node_lon=np.zeros(n_nodes),
        node_lat=np.zeros(n_nodes),
        node_x=node_x,
        node_y=np.zeros(n_nodes),
        node_signal=np.full(n_nodes, -1, i32),
        link_id=np.arange(n),
        link_from=np.array([link.start for link in links], i32),
        link_to=np.array([link.end for link in links], i32),
        link_length=length,
        link_speed=np.array([link.speed for link in links], f32),
        link_lanes=np.array([link.lanes for link in links], u8),
        link_capacity=np.full(n, 1800.0, f32),
        link_class=np.full(n, 3, u8),
        link_name=np.full(n, -1, i32),
        geom_ptr=np.arange(0, 2 * n + 1, 2).astype(i32),
        geom_x=geom_x.astype(f32),
        geom_y=np.zeros(2 * n, f32),
        turn_ptr=np.searchsorted(starts, np.arange(n + 1)).astype(i32),
        turn_to=np.array([t.end for t in turns], i32),
        turn_kind=np.array([t.kind for t in turns], u8),
        turn_lane_lo=np.array([t.lo for t in turns], u8),
        turn_lane_hi=np.array([t.hi for t in turns], u8),
        turn_group=np.array([t.group for t in turns], i32),
        turn_yield=np.array([bool(t.foes) for t in turns], u8),
        foe_ptr=np.concatenate([[0], np.cumsum([len(t.foes) for t in turns])]).astype(i32),
        foe_turn=np.array([foe for t in turns for foe in t.foes], i32),
        signal_node=np.zeros(len(groups), i32),
        signal_cycle=np.array([g.cycle for g in groups], f32),
        signal_offset=np.array([g.offset for g in groups], f32),
        group_signal=np.arange(len(groups), dtype=i32),
        group_green_from=np.array([g.green_from for g in groups], f32),
        group_green_to=np.array([g.green_to for g in groups], f32),
        names=(),
    )


def road(lengths: list[float], *, lanes: int = 1, speed: float = 20.0) -> Network:
    """Return links in a row without signals."""
    links = [Link(i, i + 1, length, lanes, speed) for i, length in enumerate(lengths)]
    turns = [Turn(i, i + 1, hi=lanes - 1) for i in range(len(lengths) - 1)]
    return make_network(links, turns)


def make_trips(
    departs: list[float],
    routes: list[list[int]],
    ends: list[float],
    kinds: list[int] | None = None,
) -> Trips:
    """Return trips given as lists."""
    return Trips(
        np.asarray(departs, np.float64),
        np.asarray(kinds if kinds is not None else [0] * len(departs), np.uint8),
        np.concatenate([[0], np.cumsum([len(r) for r in routes])]).astype(np.int32),
        np.asarray([link for r in routes for link in r], np.int32),
        np.asarray(ends, np.float32),
    )


def random_trips(
    network: Network, count: int, horizon_s: float, seed: int, most_links: int = 12
) -> Trips:
    """Return random walks over the turns of a network; they turn back only in dead ends."""
    rng = np.random.default_rng(seed)
    routes = []
    for _ in range(count):
        link = int(rng.integers(network.n_links))
        path = [link]
        for _ in range(int(rng.integers(most_links))):
            turns = np.arange(network.turn_ptr[link], network.turn_ptr[link + 1])
            ahead = turns[network.turn_kind[turns] != 3]
            choice = ahead if len(ahead) else turns
            if not len(choice):
                break
            link = int(network.turn_to[rng.choice(choice)])
            path.append(link)
        routes.append(path)
    departs = np.sort(rng.uniform(0.0, horizon_s, count)).round(1)
    ends = [float(network.link_length[r[-1]]) * rng.uniform(0.2, 1.0) for r in routes]
    kinds = rng.choice(4, size=count, p=[0.7, 0.15, 0.1, 0.05])
    return make_trips(departs.tolist(), routes, ends, kinds.tolist())
