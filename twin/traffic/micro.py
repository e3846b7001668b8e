"""Lane-level traffic on a network: emergency units, closures, and what others read of it.

Python never walks over vehicles; it appends trips slice by slice, advances n ticks in one call, and
reads columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twin.core.errors import InputError, TwinError
from twin.network.graph import F32, F64, I32, I64, Place
from twin.traffic import signals, storage
from twin.traffic.bans import TurnBans
from twin.traffic.engine import END_M, Counters, Finished
from twin.traffic.hook import Command, Hook, View
from twin.traffic.kernels import insertion, layout, routes, step
from twin.traffic.kernels.layout import (
    ARRIVED,
    DRIVING,
    EMERGENCY,
    FREE,
    IDLE,
    PENDING,
    WAITING,
)
from twin.traffic.kernels.times import TRAVEL_TIME
from twin.traffic.signalled import SignalledTraffic
from twin.traffic.vehicles import Kind, Kinds, VehicleView

__all__ = ["Counters", "Finished", "Kind", "Kinds", "LinkStats", "MicroTraffic", "Running"]


class Running(NamedTuple):
    """Vehicles on the road as a router sees them: number, link they are on, last link."""

    vehicle: I64
    link: I32
    goal: I32


class LinkStats(NamedTuple):
    """What happened on every link since the last reset.

    Attributes
    ----------
    vehicle_seconds, metres
        (L,) time spent and distance driven by all vehicles on the link.
    left
        (L,) vehicles that left the link, at its end or at their goal.
    """

    vehicle_seconds: F64
    metres: F64
    left: I64


class MicroTraffic(TurnBans, SignalledTraffic):
    """Lane-level traffic with emergency units and closures (parameters as for `Engine`).

    Attributes
    ----------
    commands
        What hooks did, in order, for whoever set it to a list and empties it; None: not kept.
    """

    commands: list[Command] | None = None

    # Hooks

    def every(self, n_ticks: int, hook: Hook) -> Callable[[], None]:
        """Call `hook` with a `View` after every `n_ticks` ticks; return what ends that.

        Hooks are called between ticks in the order in which they were given, so a run with the
        same hooks has the same bits. They are not part of a checkpoint.

        Raises
        ------
        InputError
            If `n_ticks` is not at least 1.
        """
        if n_ticks < 1:
            raise InputError(f"a hook cannot be called every {n_ticks} ticks", field="n_ticks")
        entry = (int(n_ticks), lambda: hook(View(self)))
        self._hooks.append(entry)

        def end() -> None:
            if entry in self._hooks:
                self._hooks.remove(entry)

        return end

    # Emergency units

    def insert_unit(
        self,
        unit: int,
        place: Place,
        route: I32,
        end_pos_m: float,
        *,
        speed_factor: float,
        siren: bool,
    ) -> None:
        """Let a unit enter the road at `place` as soon as there is a gap, and drive `route`.

        Parameters
        ----------
        unit
            Handle, a small number.
        place
            Where it stands; its link is the first of `route`.
        route
            Links, first to last.
        end_pos_m
            Where on the last link it arrives.
        speed_factor
            Desired speed as a factor on the links' free-flow speed.
        siren
            Whether it may pass red with care and others make way.

        Raises
        ------
        InputError
            If the route does not start at the place, is broken, or ends behind the start.
        TwinError
            If the unit is on the road already.
        """
        path = np.ascontiguousarray(route, np.int32)
        if len(path) == 0 or path[0] != place.link:
            raise InputError(f"the route of unit {unit} does not start on link {place.link}")
        end = min(float(end_pos_m), float(self.network.link_length[path[-1]]) - END_M)
        pos = min(float(place.pos_m), float(self.network.link_length[path[0]]) - END_M)
        if len(path) == 1 and end < pos:
            raise InputError(f"unit {unit} would arrive at {end:.1f} m, behind {pos:.1f} m")
        if unit < len(self._state.unit) and self.unit_running(unit):
            raise TwinError(f"unit {unit} is on the road already")
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        slot = int(self._take_slots(1)[0])
        if unit >= len(self._state.unit):
            self._state = storage.grow_units(self._state, unit + 1)
        row = self._state.vehicle[slot]
        row.t_plan = self.t
        row.t_depart = row.t_arrive = np.nan
        row.distance = -pos
        row.id = VehicleView.UNIT_ID + unit
        row.fac = speed_factor
        row.end, row.origin, row.goal = end, path[0], path[-1]
        row.rpos, row.kind, row.state, row.unit = start[0], EMERGENCY, WAITING, unit
        self._state.vehicle[slot] = row
        entry = self._state.unit[unit]
        entry.slot, entry.link, entry.pos, entry.state = slot, place.link, pos, PENDING
        entry.wait, entry.siren, entry.seen, entry.t_arrive = 0, int(siren), -1, np.nan
        self._state.unit[unit] = entry
        self._net.link["tight"][place.link] = 1

    def unit_running(self, unit: int) -> bool:
        """Return whether a unit is on the road or waits to enter it."""
        return unit < len(self._state.unit) and bool(
            self._state.unit["state"][unit] in (PENDING, DRIVING)
        )

    def _find_unit(self, unit: int) -> tuple[int, int]:
        entry = self._state.unit[unit]
        lane, at = insertion.find_record(
            int(entry.link), int(entry.slot), self._net, self._state, self._records
        )
        if at < 0:
            raise TwinError(f"unit {unit} is not on link {int(entry.link)}")
        return lane, at

    def unit_place(self, unit: int) -> Place:
        """Return where a unit is; when it has left the road, where it left it."""
        entry = self._state.unit[unit]
        if entry.state == DRIVING:
            _, at = self._find_unit(unit)
            return Place(int(entry.link), float(self._records["pos"][at]))
        return Place(int(entry.link), float(entry.pos))

    def remove_unit(self, unit: int) -> Place:
        """Take a unit off the road where it is and return the place."""
        place = self.unit_place(unit)
        entry = self._state.unit
        if entry["state"][unit] == DRIVING:
            lane, at = self._find_unit(unit)
            layout.close_at(self._state.lane, lane, at, self._records)
        if entry["state"][unit] != IDLE:
            self._give_slots(entry["slot"][unit : unit + 1])
        entry["state"][unit] = IDLE
        entry["pos"][unit] = place.pos_m
        return place

    def reroute_unit(self, unit: int, route: I32, end_pos_m: float | None = None) -> None:
        """Give a unit a new route that starts on the link it is on, and maybe another end.

        Raises
        ------
        InputError
            If the route does not start where the unit is.
        """
        path = np.ascontiguousarray(route, np.int32)
        entry = self._state.unit[unit]
        if len(path) == 0 or path[0] != entry.link:
            raise InputError(f"the route of unit {unit} does not start on link {int(entry.link)}")
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        slot = int(entry.slot)
        self._assign(np.array([slot], np.int32), start, path[:1], path[-1:])
        if end_pos_m is not None:
            end = min(float(end_pos_m), float(self.network.link_length[path[-1]]) - END_M)
            self._state.vehicle["end"][slot] = end

    def arrivals(self) -> list[tuple[int, float]]:
        """Return (unit, exact second) of the units that arrived since the last call, by unit."""
        unit = self._state.unit
        found = np.flatnonzero(unit["state"] == ARRIVED)
        self._give_slots(unit["slot"][found])
        unit["state"][found] = IDLE
        return [(int(u), float(unit["t_arrive"][u])) for u in found]

    # Closures

    def close_lanes(self, link: int, lanes: int | None = None) -> None:
        """Close a link, or its `lanes` lanes at the kerb.

        Nobody enters a closed link; those on it leave. Closed lanes are merged out of.
        """
        every = int(self.network.link_lanes[link])
        if lanes is None or lanes >= every:
            self._net.link["closed"][link] = 1
            return
        self._net.link["first_open"][link] = lanes
        routes.refresh_wishes(link, self._net, self._state, self._records)

    def open_lanes(self, link: int) -> None:
        """Open a link and all its lanes."""
        self._net.link["closed"][link] = 0
        self._net.link["first_open"][link] = 0
        routes.refresh_wishes(link, self._net, self._state, self._records)

    @property
    def closed(self) -> I32:
        """Links that nobody may enter."""
        return np.flatnonzero(self._net.link["closed"]).astype(np.int32)

    def block(self, place: Place, lanes: int) -> int:
        """Stand an obstacle on `lanes` lanes at the kerb; return a token for `unblock`.

        Where a vehicle is in the way, the obstacle stands behind it.
        """
        token = self._next_token
        self._next_token += 1
        self._blocks[token] = place.link
        self._lay_out_with_room(place.link)
        first = int(self._net.link["lane0"][place.link])
        every = int(self.network.link_lanes[place.link])
        pos = min(place.pos_m, float(self.network.link_length[place.link]) - END_M)
        for lane in range(first, first + min(lanes, every)):
            insertion.put_obstacle(
                lane, np.float32(pos), token, self._net, self._state, self._records
            )
        insertion.note_obstacles(place.link, self._net, self._state, self._records)
        return token

    def unblock(self, token: int) -> None:
        """Remove the obstacle of `token`.

        Raises
        ------
        KeyError
            If there is none.
        """
        link = self._blocks.pop(token)
        insertion.take_obstacles(link, token, self._net, self._state, self._records)
        insertion.note_obstacles(link, self._net, self._state, self._records)

    def _lay_out_with_room(self, link: int) -> None:
        self._net.link["tight"][link] = 1
        self._make_buffer_room()
        new = self._buffers[1 - self._current]
        self._current ^= step.fresh_layout(self._net, self._state, self._records, new)

    # Routes of vehicles

    def vehicles_with(self, link: int) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to enter `link`."""
        ids = np.empty(len(self._state.vehicle), np.int64)
        count = routes.find_users(link, ids, self._net, self._state, self._records)
        return ids[:count]

    def set_route(self, ids: I64, route_ptr: I32, route_link: I32) -> int:
        """Give vehicles new routes; return how many took theirs.

        A route starts on the link its vehicle is on, or on its first link while it waits; vehicles
        that have left that link meanwhile, or the road, keep what they have.

        Raises
        ------
        InputError
            If a route is broken.
        """
        links = np.ascontiguousarray(route_link, np.int32)
        ptr = np.ascontiguousarray(route_ptr, np.int32)
        start = self._append_routes(ptr, links)
        vehicle = self._state.vehicle
        live = np.flatnonzero(vehicle["state"] != FREE)
        by_id = live[np.argsort(vehicle["id"][live])]
        numbers = vehicle["id"][by_id]
        at = np.minimum(np.searchsorted(numbers, ids), max(len(numbers) - 1, 0))
        known = np.flatnonzero(numbers[at] == ids) if len(numbers) else np.empty(0, np.int64)
        slots = by_id[at[known]].astype(np.int32)
        return self._assign(slots, start[known], links[ptr[:-1][known]], links[ptr[1:][known] - 1])

    def _assign(self, slots: I32, start: I32, first: I32, goal: I32) -> int:
        batch = np.full(len(self._state.vehicle), -1, np.int32)
        batch[slots] = np.arange(len(slots))
        return int(
            routes.assign_routes(batch, start, first, goal, self._net, self._state, self._records)
        )

    def running_routes(self, *, share: float = 1.0) -> Running:
        """Return the link and the goal of the trips' vehicles on the road.

        Parameters
        ----------
        share
            Of the drivers: always the same ones, and 10% are among 20%.
        """
        index, link, _ = self._list_running()
        row = self._state.vehicle[self._records["slot"][index]]
        keep = row["unit"] < 0
        if share < 1.0:
            # Knuth's multiplicative hash of the public number.
            keep &= (row["id"] * 2_654_435_761 % (1 << 32)) < share * (1 << 32)
        return Running(np.array(row["id"][keep]), link[keep], np.array(row["goal"][keep]))

    # What others read

    def _list_running(self) -> tuple[I32, I32, layout.U8]:
        lane = self._state.lane
        count = int((lane["end"] - lane["start"]).sum())
        index = np.empty(count, np.int32)
        link = np.empty(count, np.int32)
        own = np.empty(count, np.uint8)
        count = routes.list_running(self._net, self._state, self._records, index, link, own)
        return index[:count], link[:count], own[:count]

    @property
    def vehicles(self) -> VehicleView:
        """The vehicles on the road now."""
        index, link, lane = self._list_running()
        row = self._records[index]
        return VehicleView(
            np.array(self._state.vehicle["id"][row["slot"]]),
            row["kind"].astype(np.uint8),
            link,
            lane,
            np.array(row["pos"]),
            np.array(row["vel"]),
            self._geometry,
        )

    def link_travel_time(self) -> F32:
        """Return (L,) the current travel time of every link, seconds, never below free flow."""
        now: F32 = self._state.recent[TRAVEL_TIME].astype(np.float32)
        return now

    def link_stats(self, *, reset: bool = True) -> LinkStats:
        """Return what happened on every link since the last reset."""
        link = self._net.link
        now = (link["seconds"].copy(), link["metres"].copy(), link["left"].copy())
        base = self._stats_base
        if reset:
            self._stats_base = now
        return LinkStats(now[0] - base[0], now[1] - base[1], now[2] - base[2])

    # Checkpoints

    def checkpoint(self) -> storage.Checkpoint:
        """Return the whole state as plain arrays; a run restored from them has the same bits."""
        parts = storage.save(self._net, self._state, self._records)
        parts.update(signals.save(self._signals))
        parts["free"] = self._free[: self._n_free].copy()
        tokens = [(token, link) for token, link in self._blocks.items()]
        parts["blocks"] = np.array(tokens, np.int64).reshape(-1, 2)
        parts["numbers"] = np.array([self.tick, self._next_id, self._next_token], np.int64)
        parts["key"] = np.array([self._key], np.uint64)
        for name, value in zip(LinkStats._fields, self._stats_base, strict=True):
            parts[f"base_{name}"] = value.copy()
        self._save_bans(parts)
        return parts

    def restore(self, parts: storage.Checkpoint) -> None:
        """Take the state of a checkpoint of the same network.

        Raises
        ------
        InputError
            If it is of another network.
        """
        if len(parts["link"]) != self.network.n_links:
            raise InputError("the checkpoint is of another network")
        self._state, *buffers = storage.load(parts, self._net, self._state)
        self._signals = signals.load(self.network, self._net, parts)
        self._buffers = (buffers[0], buffers[1])
        self._current = 0
        free = parts["free"]
        self._n_free = len(free)
        self._free = np.zeros(len(self._state.vehicle), np.int32)
        self._free[: len(free)] = free
        self._blocks = {int(token): int(link) for token, link in parts["blocks"]}
        self.tick, self._next_id, self._next_token = (int(v) for v in parts["numbers"])
        self._key = np.uint64(parts["key"][0])
        base = [np.array(parts[f"base_{name}"]) for name in LinkStats._fields]
        self._stats_base = (base[0], base[1], base[2])
        self._restore_bans(parts)
