"""Allocation, growth, copies of the arrays that the movement kernels work on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.layout import (
    BIG,
    FREE,
    I32,
    IDLE,
    LANE,
    LANE_SLACK,
    N_BLOCKS,
    RECORD,
    ROUTE_MARGIN,
    UNIT,
    VEHICLE,
    Net,
    Records,
    State,
)

Checkpoint = dict[str, NDArray[Any]]

FIRST_VEHICLES = 1024


def records(count: int, dtype: np.dtype[Any]) -> Records:
    """Return `count` zeroed records that kernels and plain Python read alike."""
    return np.zeros(count, dtype).view(np.recarray)


def new_state(net: Net) -> State:
    """Return the state of a network without vehicles."""
    links = len(net.link)
    lanes = int(net.link["lanes"].sum())
    lane = records(lanes, LANE)
    lane["base"] = np.arange(lanes) * LANE_SLACK
    lane["cap"] = LANE_SLACK
    lane["start"] = lane["end"] = lane["base"] + LANE_SLACK
    lane["tail"] = lane["rear"] = BIG
    lane["block"] = lane["aim"] = -1
    free = net.link["length"].astype(np.float64) / net.link["speed"]
    return State(
        lane=lane,
        vehicle=empty_vehicles(FIRST_VEHICLES),
        unit=records(0, UNIT),
        route=np.zeros(2 * ROUTE_MARGIN, np.int32),
        queue=np.zeros(0, np.int32),
        queue_at=np.zeros(links, np.int32),
        queue_end=np.zeros(links, np.int32),
        group_left=np.zeros(len(net.cycle), np.float32),
        group_state=np.zeros(len(net.cycle), np.uint8),
        eta=np.full(len(net.turn), BIG, np.float32),
        crossing=np.zeros(links, np.uint8),
        ending=np.zeros(links, np.uint8),
        lost=np.zeros(links, np.uint8),
        tight=np.zeros(links, np.uint8),
        siren_dist=np.full(links, BIG, np.float32),
        node_siren=np.zeros(len(net.in_ptr) - 1, np.int32),
        seconds=np.zeros(links),
        metres=np.zeros(links),
        left=np.zeros(links, np.int64),
        recent=np.zeros((4, links)),
        travel_time=free.astype(np.float32),
        tally=np.zeros((N_BLOCKS, 8), np.int64),
        done=np.zeros(FIRST_VEHICLES, np.int32),
        counts=np.zeros(3, np.int64),
        search=np.zeros((6, links), np.int32),
    )


def empty_vehicles(count: int) -> Records:
    """Return a table of free slots."""
    table = records(count, VEHICLE)
    table["state"] = FREE
    table["unit"] = -1
    table["t_depart"] = table["t_arrive"] = np.nan
    return table


def grow_vehicles(state: State, count: int) -> State:
    """Return the state with at least twice as many slots and at least `count`."""
    old = len(state.vehicle)
    size = max(2 * old, count)
    vehicle = empty_vehicles(size)
    vehicle[:old] = state.vehicle
    done = np.zeros(size, np.int32)
    done[:old] = state.done
    return state._replace(vehicle=vehicle, done=done)


def grow_units(state: State, count: int) -> State:
    """Return the state with at least `count` rows for emergency units."""
    old = len(state.unit)
    unit = records(max(2 * old, count, 16), UNIT)
    unit["state"] = IDLE
    unit["seen"] = unit["slot"] = -1
    unit[:old] = state.unit
    return state._replace(unit=unit)


def new_buffers(size: int) -> tuple[Records, Records]:
    """Return the two buffers of vehicle records."""
    return records(size, RECORD), records(size, RECORD)


def merged_queue(state: State, slots: I32, origin: I32, depart: NDArray[np.float64]) -> State:
    """Return the state with new trips sorted into the waiting ones by link, then departure."""
    count = state.queue_end - state.queue_at
    begin = np.concatenate([[0], np.cumsum(count)])[:-1]
    index = np.arange(count.sum()) + np.repeat(state.queue_at - begin, count)
    waiting = state.queue[index]
    every = np.concatenate([waiting, slots])
    link = np.concatenate([np.repeat(np.arange(len(count)), count), origin])
    t = np.concatenate([state.vehicle["t_plan"][waiting], depart])
    order = np.lexsort((np.arange(len(every)), t, link))
    edges = np.searchsorted(link[order], np.arange(len(count) + 1)).astype(np.int32)
    return state._replace(
        queue=every[order].astype(np.int32), queue_at=edges[:-1].copy(), queue_end=edges[1:].copy()
    )


def save(net: Net, state: State, buffer: Records) -> Checkpoint:
    """Return copies of everything that a run changes, as plain arrays."""
    parts: Checkpoint = {
        name: np.array(value) for name, value in state._asdict().items() if name != "search"
    }
    parts["route"] = parts["route"][: int(state.counts[1])]
    for name in ("closed", "first_open", "siren", "busy"):
        parts[f"link_{name}"] = np.array(net.link[name])
    parts["record"] = np.array(buffer)
    parts["route_size"] = np.array([len(state.route)])
    return parts


def load(parts: Checkpoint, net: Net, state: State) -> tuple[State, Records, Records]:
    """Return the state and the buffers of a checkpoint; the links' marks are written to `net`."""
    values: dict[str, Any] = {}
    for name in State._fields:
        if name == "search":
            continue
        value = np.array(parts[name])
        values[name] = value.view(np.recarray) if value.dtype.names else value
    route = np.zeros(int(parts["route_size"][0]), np.int32)
    route[: len(values["route"])] = values["route"]
    values["route"] = route
    for name in ("closed", "first_open", "siren", "busy"):
        net.link[name] = parts[f"link_{name}"]
    first, second = new_buffers(len(parts["record"]))
    first[:] = parts["record"]
    return state._replace(**values, search=np.zeros_like(state.search)), first, second
