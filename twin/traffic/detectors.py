"""Loops and travel-time segments in lane-level traffic: what happened, and what they measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import F32, F64, I32, I64, Place
from twin.traffic.hook import View
from twin.traffic.kernels.layout import Records
from twin.traffic.kernels.sensing import (
    LOOP,
    MOST_PASSAGES,
    PASSAGE,
    SEEN,
    Loops,
    Span,
    sense,
)
from twin.traffic.micro import MicroTraffic
from twin.traffic.noise import gauss, uniform
from twin.traffic.storage import records

MATCHED, TIME_NOISE = 221, 222
"""Purposes of the draws; `TIME_NOISE + 1` as well."""
FORGET_S = 7200.0
"""A vehicle that has not come to the end of a segment by then is forgotten."""


class LoopGroup(NamedTuple):
    """Loops that are read together.

    Attributes
    ----------
    links, pos_m
        (N,) where they lie: on all lanes of these links.
    missed_share, double_share
        Shares of vehicles that are not seen, and that are counted twice.
    speed_error
        Standard deviation of a measured speed, as a share of the true one.
    """

    links: I32
    pos_m: F32
    missed_share: float = 0.0
    double_share: float = 0.0
    speed_error: float = 0.0


class Segment(NamedTuple):
    """From one place to another; see `twin.scenarios.detectors.TravelTime`."""

    begin: Place
    end: Place
    seen_share: float = 1.0
    time_error_s: float = 0.0


class Reading(NamedTuple):
    """What the loops of a group saw since the last reading, by lane or by link.

    Attributes
    ----------
    link, lane
        Link index, and lane from the kerb; -1 for a whole link.
    vehicles, occupancy, speed_mps
        How many passed; mean share of time that a lane is covered; mean speed of those who
        passed, `nan` without any. As measured.
    true_vehicles, true_occupancy, true_speed_mps
        The same without error.
    """

    link: I32
    lane: NDArray[np.int8]
    vehicles: I64
    occupancy: F64
    speed_mps: F64
    true_vehicles: I64
    true_occupancy: F64
    true_speed_mps: F64


class Times(NamedTuple):
    """Vehicles that passed the end of a segment after its beginning, in order of passage.

    Attributes
    ----------
    t
        Second at which the vehicle passed the end.
    segment, vehicle
        Number of the segment and public number of the vehicle.
    seconds
        Measured; `nan` when the vehicle was not known again.
    true_seconds
        What it took.
    """

    t: F64
    segment: I32
    vehicle: I64
    seconds: F64
    true_seconds: F64


class Detectors:
    """Loops and segments of a run; observes the traffic after every tick from now on.

    Parameters
    ----------
    traffic
        The vehicles.
    groups, segments
        What to observe.
    key
        Draws the errors (`Streams.kernel_key`).
    """

    def __init__(
        self,
        traffic: MicroTraffic,
        groups: Sequence[LoopGroup],
        segments: Sequence[Segment],
        *,
        key: np.uint64,
    ) -> None:
        network = traffic.network
        self._dt = traffic.dt_s
        self._key = np.uint64(key)
        self._segments = list(segments)
        self._lanes = network.link_lanes.astype(np.int64)
        gates = [place for s in self._segments for place in (s.begin, s.end)]
        parts = [_on_lanes(group, self._lanes) for group in groups]
        for gate, place in enumerate(gates):
            one = LoopGroup(np.array([place.link], np.int32), np.array([place.pos_m], np.float32))
            part = _on_lanes(one, self._lanes)
            part[1]["gate"] = gate
            parts.append(part)
        link = np.concatenate([part[0] for part in parts])
        owner = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        order = np.argsort(link, kind="stable")
        self._loop = records(len(link), LOOP)
        self._loop[:] = np.concatenate([part[1] for part in parts])[order]
        self._link, owner = link[order], owner[order]
        self._of = [np.flatnonzero(owner == g) for g in range(len(groups))]
        edges = np.searchsorted(self._link, np.arange(network.n_links + 1))
        self._ptr = edges.astype(np.int32)
        self._none = np.zeros_like(self._ptr)
        after = [
            network.turn_to[network.turn_ptr[k] : network.turn_ptr[k + 1]]
            for k in np.unique(self._link)
        ]
        self._watched = np.unique(np.concatenate([self._link, *after])).astype(np.int32)
        self._seen = records(0, SEEN)
        room = max(4096, 4 * MOST_PASSAGES * len(gates)) if gates else 1
        self._passage = records(room, PASSAGE)
        self._slack = MOST_PASSAGES * len(gates)
        self._used = 0
        self._passed: list[Records] = []
        self._open: dict[int, tuple[I64, F64]] = {}
        # On a road that is not empty it takes a tick to learn where everybody is.
        self._last_tick = traffic.tick if not len(traffic.vehicles) else -2
        traffic.every(1, self._tick)

    def restart(self) -> None:
        """Forget what the loops have counted; who is on a segment stays known."""
        for name in _SUMS:
            self._loop[name] = 0
        self.times()

    def read(self, group: int, seconds: float, *, per_lane: bool) -> Reading:
        """Return what the loops of a group saw in the last `seconds`, and begin anew."""
        at = self._of[group]
        loop = self._loop[at]
        link, lane = self._link[at], loop["lane"].astype(np.int8)
        lanes = np.ones(len(at))
        sums: dict[str, F64] = {name: loop[name].astype(np.float64) for name in _SUMS}
        if not per_lane:
            link, first = np.unique(link, return_inverse=True)
            sums = {name: _added(first, values) for name, values in sums.items()}
            lanes = _added(first, lanes)
            lane = np.full(len(link), -1, np.int8)
        for name in _SUMS:
            self._loop[name][at] = 0
        with np.errstate(invalid="ignore"):  # nobody passed: no speed
            return Reading(
                link.astype(np.int32),
                lane,
                sums["seen"].astype(np.int64),
                sums["seen_seconds"] / (seconds * lanes),
                sums["seen_speeds"] / sums["seen"],
                sums["count"].astype(np.int64),
                sums["seconds"] / (seconds * lanes),
                sums["speeds"] / sums["count"],
            )

    def times(self) -> Times:
        """Return the vehicles that came through a segment since the last call."""
        self._collect()
        events = np.concatenate([np.empty(0, PASSAGE), *self._passed])
        self._passed = []
        found = [self._match(number, events) for number in range(len(self._segments))]
        t = np.concatenate([np.empty(0), *(f[1] for f in found)])
        segment = np.repeat(np.arange(len(found)), [len(f[0]) for f in found])
        vehicle = np.concatenate([np.empty(0, np.int64), *(f[0] for f in found)])
        took = np.concatenate([np.empty(0), *(f[2] for f in found)])
        seconds = took.copy()
        for number, one in enumerate(self._segments):
            mine = segment == number
            known = uniform(self._key, vehicle[mine], number, MATCHED) < one.seen_share
            error = gauss(self._key, vehicle[mine], number, TIME_NOISE)[0] * one.time_error_s
            seconds[mine] = np.where(known, np.maximum(took[mine] + error, 0.0), np.nan)
        order = np.lexsort((vehicle, segment, t))
        return Times(
            t[order],
            segment[order].astype(np.int32),
            vehicle[order],
            seconds[order],
            took[order],
        )

    def _match(self, number: int, events: Records) -> tuple[I64, F64, F64]:
        """Return vehicle, time and duration of the passages through one segment."""
        gate = events["gate"]
        mine = events[(gate == 2 * number) | (gate == 2 * number + 1)]
        begun, since = self._open.get(number, (np.empty(0, np.int64), np.empty(0)))
        vehicle = np.concatenate([begun, mine["vehicle"]])
        t = np.concatenate([since, mine["t"]])
        ends = np.concatenate([np.zeros(len(begun), np.bool_), mine["gate"] % 2 == 1])
        order = np.lexsort((ends, t, vehicle))
        vehicle, t, ends = vehicle[order], t[order], ends[order]
        same = np.zeros(len(vehicle), np.bool_)
        same[1:] = vehicle[1:] == vehicle[:-1]
        before = np.roll(~ends, 1)
        through = np.flatnonzero(same & ends & before)
        last = np.ones(len(vehicle), np.bool_)
        last[:-1] = ~same[1:]
        newest = t.max() if len(t) else 0.0
        still = last & ~ends & (t > newest - FORGET_S)
        self._open[number] = (vehicle[still], t[still])
        return vehicle[through], t[through], t[through] - t[through - 1]

    def _collect(self) -> None:
        if self._used:
            self._passed.append(self._passage[: self._used].copy())
            self._used = 0

    def _tick(self, view: View) -> None:
        state, net, record = view.kernel_state
        if len(state.vehicle) > len(self._seen):
            grown = records(len(state.vehicle), SEEN)
            grown["tick"] = -2
            grown[: len(self._seen)] = self._seen
            self._seen = grown
        if self._used + self._slack > len(self._passage):
            self._collect()
        learns = self._last_tick != view.tick - 1
        self._last_tick = view.tick
        with np.errstate(over="ignore"):  # hashes wrap; this is for the plain-Python form
            self._used = sense(
                Span(view.t - self._dt, self._dt, view.tick),
                self._watched,
                Loops(
                    self._key,
                    self._none if learns else self._ptr,
                    self._loop,
                    self._seen,
                    self._passage,
                ),
                net,
                state,
                record,
                self._used,
            )


_SUMS = ("count", "speeds", "seconds", "seen", "seen_speeds", "seen_seconds")


def _added(place: NDArray[np.int64], values: F64) -> F64:
    total: F64 = np.bincount(place, weights=values).astype(np.float64)
    return total


def _on_lanes(group: LoopGroup, lanes: I64) -> tuple[I64, NDArray[np.void]]:
    """Return the link and the loop of every lane of a group."""
    count = lanes[group.links]
    link = np.repeat(group.links.astype(np.int64), count)
    loop = np.zeros(len(link), LOOP)
    loop["pos"] = np.repeat(group.pos_m, count)
    loop["lane"] = np.arange(len(link)) - np.repeat(np.cumsum(count) - count, count)
    loop["gate"] = -1
    loop["missed"] = group.missed_share
    loop["double"] = group.double_share
    loop["spread"] = group.speed_error
    return link, loop
