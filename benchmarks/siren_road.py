"""A road with six signals, and what drives on it and across: the same for Twin and for SUMO.

3.5 km, two lanes, six fixed signals of 90 s with 45 s for the road (42 s of green), a street of one
lane across at each: the corridor on which SUMO's blue-light device was found to gain nothing in
queued traffic.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.demand.trips import Trips
from twin.network.graph import F64, Network

SIGNALS = 6
BLOCK_M, STREET_M = 500.0, 300.0
SPEED_MPS = 13.89
CYCLE_S = 90.0
MAIN_GREEN, CROSS_GREEN = (0.0, 42.0), (47.0, 85.0)
CROSS_VEH_H = 350.0
"""Flow of every street across."""
WARM_UP_S, DEMAND_S = 900.0, 2_200.0
UNITS = 3
UNIT_EVERY_S = 400.0
"""Seconds between two units of a run: a cycle ends 40 s later each time."""
STRAY_S = 37.0
"""Seconds by which the units of the next seed start later in the cycle."""


def road_network() -> Network:
    """Return the road, links 0 to `SIGNALS`, then for each junction the street to and from it."""
    f32, i32, u8 = np.float32, np.int32, np.uint8
    n, main = SIGNALS, SIGNALS + 1
    ends = [(k, k + 1) for k in range(main)]
    for k in range(n):
        ends += [(main + 1 + 2 * k, k + 1), (k + 1, main + 2 + 2 * k)]
    x = [BLOCK_M * k for k in range(main + 1)]
    y = [0.0] * (main + 1)
    for k in range(n):
        x += [BLOCK_M * (k + 1)] * 2
        y += [-STREET_M, STREET_M]
    start, end = np.array(ends, i32).T
    node_x, node_y = np.array(x), np.array(y)
    links, nodes = len(ends), len(x)
    # Turns in order of their from-links: along the road, then across it.
    begin = np.concatenate([np.arange(n), main + 2 * np.arange(n)])
    to = np.concatenate([np.arange(1, main), main + 2 * np.arange(n) + 1])
    group = np.concatenate([2 * np.arange(n), 2 * np.arange(n) + 1])
    signal = np.full(nodes, -1, i32)
    signal[1 : n + 1] = np.arange(n)
    both = np.arange(links)
    return Network(
        lon0=0.0,
        lat0=0.0,
        node_id=np.arange(nodes),
        node_lon=np.zeros(nodes),
        node_lat=np.zeros(nodes),
        node_x=node_x,
        node_y=node_y,
        node_signal=signal,
        link_id=np.arange(links),
        link_from=start,
        link_to=end,
        link_length=np.where(both < main, BLOCK_M, STREET_M).astype(f32),
        link_speed=np.full(links, SPEED_MPS, f32),
        link_lanes=np.where(both < main, 2, 1).astype(u8),
        link_capacity=np.where(both < main, 3_600.0, 1_800.0).astype(f32),
        link_class=np.full(links, 3, u8),
        link_name=np.full(links, -1, i32),
        geom_ptr=np.arange(0, 2 * links + 1, 2).astype(i32),
        geom_x=np.stack([node_x[start], node_x[end]], axis=1).ravel().astype(f32),
        geom_y=np.stack([node_y[start], node_y[end]], axis=1).ravel().astype(f32),
        turn_ptr=np.searchsorted(begin, np.arange(links + 1)).astype(i32),
        turn_to=to.astype(i32),
        turn_kind=np.zeros(2 * n, u8),
        turn_lane_lo=np.zeros(2 * n, u8),
        turn_lane_hi=np.repeat([1, 0], n).astype(u8),
        turn_group=group.astype(i32),
        turn_yield=np.zeros(2 * n, u8),
        foe_ptr=np.zeros(2 * n + 1, i32),
        foe_turn=np.zeros(0, i32),
        signal_node=np.arange(1, n + 1, dtype=i32),
        signal_cycle=np.full(n, CYCLE_S, f32),
        signal_offset=np.zeros(n, f32),
        group_signal=np.repeat(np.arange(n, dtype=i32), 2),
        group_green_from=np.tile([MAIN_GREEN[0], CROSS_GREEN[0]], n).astype(f32),
        group_green_to=np.tile([MAIN_GREEN[1], CROSS_GREEN[1]], n).astype(f32),
        names=(),
    )


class Demand(NamedTuple):
    """What drives: trips along the road and across it, which of them cross, when units start."""

    trips: Trips
    crosses: np.ndarray
    units_s: F64


def demand(network: Network, flow: float, seed: int) -> Demand:
    """Return the trips of `flow` veh/h along the road, at random moments; departures ascend."""
    rng = np.random.default_rng(seed)
    road = list(range(SIGNALS + 1))
    rows = [(t, road) for t in rng.uniform(0.0, DEMAND_S, round(flow * DEMAND_S / 3600.0))]
    for k in range(SIGNALS):
        street = [SIGNALS + 1 + 2 * k, SIGNALS + 2 + 2 * k]
        count = round(CROSS_VEH_H * DEMAND_S / 3600.0)
        rows += [(t, street) for t in rng.uniform(0.0, DEMAND_S, count)]
    rows.sort(key=lambda row: row[0])
    links = np.array([link for _, route in rows for link in route], np.int32)
    ptr = np.concatenate([[0], np.cumsum([len(route) for _, route in rows])]).astype(np.int32)
    ends = network.link_length[links[ptr[1:] - 1]] - 1.0
    trips = Trips(
        np.array([t for t, _ in rows]).round(1),
        np.zeros(len(rows), np.uint8),
        ptr,
        links,
        ends.astype(np.float32),
    )
    units = WARM_UP_S + UNIT_EVERY_S * np.arange(UNITS) + (STRAY_S * seed) % CYCLE_S
    return Demand(trips, np.array([route[0] > SIGNALS for _, route in rows]), np.floor(units))
