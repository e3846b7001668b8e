"""Allocation, growth, copies of the arrays that the movement kernels work on."""

from __future__ import annotations

from hashlib import sha256
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.traffic.kernels.lane_space import EMPTY_SPACE
from twin.traffic.kernels.layout import (
    BIG,
    CALL,
    F64,
    FREE,
    I32,
    IDLE,
    LANE,
    N_BLOCKS,
    N_COUNTS,
    N_TALLIES,
    NEVER,
    RECORD,
    RECORDS_USED,
    ROUTE_MARGIN,
    ROUTE_USED,
    UNIT,
    VEHICLE,
    Net,
    Records,
    State,
)
from twin.traffic.kernels.times import TRAVEL_TIME
from twin.traffic.large_pages import zeros

Checkpoint = dict[str, NDArray[Any]]

FIRST_VEHICLES = 1024
SCRATCH = ("search", "active", "passing", "crossing", "after")
"""What kernels keep for the length of a tick at most."""


def layout_mark(layout: ModuleType) -> NDArray[np.uint8]:
    """Return (32,) bytes that are others when a module of layouts lays anything out otherwise.

    They are a hash (SHA-256) of its constants (numbers of columns and states among them), of its
    records (names, types and offsets of fields), and of the names of its arrays.
    """
    said = []
    for name, value in sorted(vars(layout).items()):
        if isinstance(value, np.dtype):
            fields = [(k, kind.str, at) for k, (kind, at, *_) in (value.fields or {}).items()]
            said.append(f"{name} {value.itemsize} {sorted(fields)}")
        elif isinstance(value, (int, float, np.number)):
            said.append(f"{name} {float(value)!r}")
        elif isinstance(value, type) and value.__module__ == layout.__name__:
            said.append(f"{name} {getattr(value, '_fields', ())}")
    return np.frombuffer(sha256("\n".join(said).encode()).digest(), np.uint8)


def records(count: int, dtype: np.dtype[Any]) -> Records:
    """Return `count` zeroed records that kernels and plain Python read alike."""
    return zeros(count, dtype).view(np.recarray)


def as_records(rows: NDArray[Any]) -> Records:
    """Return a copy of records as `records` has them."""
    copy = records(len(rows), rows.dtype)
    copy[:] = rows
    return copy


def new_state(net: Net) -> State:
    """Return the state of a network without vehicles."""
    links = len(net.link)
    lanes = int(net.link["lanes"].sum()) + 1
    lane = records(lanes, LANE)
    lane["low"] = np.arange(lanes) * EMPTY_SPACE
    lane["cap"] = EMPTY_SPACE
    lane["start"] = lane["end"] = lane["low"] + EMPTY_SPACE
    lane["tail"] = lane["rear"] = lane["eta"] = BIG
    lane["block"] = lane["aim"] = lane["last"] = lane["asks"] = -1
    recent = np.zeros((5, links))
    recent[TRAVEL_TIME] = net.link["length"].astype(np.float64) / net.link["speed"]
    counts = np.zeros(N_COUNTS, np.int64)
    counts[RECORDS_USED] = lanes * EMPTY_SPACE
    return State(
        lane=lane,
        vehicle=empty_vehicles(FIRST_VEHICLES),
        unit=records(0, UNIT),
        route=np.zeros(2 * ROUTE_MARGIN, np.int32),
        queue=np.zeros(0, np.int32),
        recent=recent,
        recent_turns=np.zeros((2, len(net.turn))),
        tally=np.zeros((N_BLOCKS, N_TALLIES), np.int64),
        done=np.zeros(FIRST_VEHICLES, np.int32),
        counts=counts,
        search=np.zeros((6, links), np.int32),
        call=records(0, CALL),
        bay=np.zeros(0, np.int32),
        active=np.zeros(links, np.int32),
        passing=np.zeros(len(net.node), np.int32),
        due=np.full(links, NEVER),
        crossing=np.zeros(links, np.uint8),
        after=np.zeros(links, np.uint8),
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
    unit["seen"] = unit["slot"] = unit["band"] = -1
    unit[:old] = state.unit
    return state._replace(unit=unit)


def new_buffers(size: int) -> tuple[Records, Records]:
    """Return the two buffers of vehicle records."""
    return records(size, RECORD), records(size, RECORD)


def merged_queue(net: Net, state: State, slots: I32, origin: I32, depart: F64) -> State:
    """Return the state with new trips sorted into the waiting ones by link, then departure."""
    at = net.link["queue_at"]
    count = net.link["queue_end"] - at
    begin = np.concatenate([[0], np.cumsum(count)])[:-1]
    waiting = state.queue[np.arange(count.sum()) + np.repeat(at - begin, count)]
    every = np.concatenate([waiting, slots])
    link = np.concatenate([np.repeat(np.arange(len(count)), count), origin])
    t = np.concatenate([state.vehicle["t_plan"][waiting], depart])
    order = np.lexsort((np.arange(len(every)), t, link))
    edges = np.searchsorted(link[order], np.arange(len(count) + 1))
    queue = every[order].astype(np.int32)
    net.link["queue_at"], net.link["queue_end"] = edges[:-1], edges[1:]
    some = np.flatnonzero(edges[1:] > edges[:-1])
    due = np.full(len(count), NEVER)
    due[some] = state.vehicle["t_plan"][queue[edges[some]]]
    return state._replace(queue=queue, due=due)


def save(net: Net, state: State, buffer: Records) -> Checkpoint:
    """Return copies of everything that a run changes, as plain arrays."""
    parts: Checkpoint = {
        name: np.array(value) for name, value in state._asdict().items() if name not in SCRATCH
    }
    parts["route"] = parts["route"][: int(state.counts[ROUTE_USED])]
    parts["route_size"] = np.array([len(state.route)])
    parts["link"] = np.array(net.link)
    parts["turn_eta"] = np.array(net.turn["eta"])
    parts["turn_passed"] = np.array(net.turn["passed"])
    parts["turn_claim"] = np.array(net.turn["claim"])
    parts["turn_went"] = np.array(net.turn["went"])
    parts["turn_zips"] = np.array(net.turn["zips"])
    parts["node_siren"] = np.array(net.node["siren"])
    parts["group"] = np.array(net.group)
    parts["more"] = np.array(net.more)
    parts["record"] = np.array(buffer[: int(state.counts[RECORDS_USED])])
    parts["record_size"] = np.array([len(buffer)])
    return parts


def load(parts: Checkpoint, net: Net, state: State) -> tuple[State, Records, Records]:
    """Return the state and the buffers of a checkpoint; what lies on the network is restored."""
    values: dict[str, Any] = {}
    for name in State._fields:
        if name in SCRATCH:
            continue
        value = parts[name]
        values[name] = as_records(value) if value.dtype.names else np.array(value)
    route = np.zeros(int(parts["route_size"][0]), np.int32)
    route[: len(values["route"])] = values["route"]
    values["route"] = route
    net.link[:] = parts["link"]
    net.turn["eta"] = parts["turn_eta"]
    net.turn["passed"] = parts["turn_passed"]
    net.turn["claim"] = parts["turn_claim"]
    net.turn["went"] = parts["turn_went"]
    net.turn["zips"] = parts["turn_zips"]
    net.node["siren"] = parts["node_siren"]
    net.group[:] = parts["group"]
    first, second = new_buffers(int(parts["record_size"][0]))
    first[: len(parts["record"])] = parts["record"]
    values.update({name: np.zeros_like(getattr(state, name)) for name in SCRATCH})
    return state._replace(**values), first, second
