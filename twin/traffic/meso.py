"""Queue-level traffic on a network, behind the same calls as lane-level traffic.

A link is a queue for each of its lanes; see `kernels.meso` for the model. Nothing in it is random:
equal trips give equal bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, TwinError
from twin.demand.trips import Trips
from twin.network.graph import F32, F64, I32, I64, Network, Place
from twin.traffic import meso_network
from twin.traffic.books import Books
from twin.traffic.engine import END_M
from twin.traffic.figures import Counters, Finished, LinkStats, Running
from twin.traffic.kernels import meso, meso_reading, meso_units, routes
from twin.traffic.kernels import meso_layout as layout
from twin.traffic.kernels.jit import use_threads
from twin.traffic.kernels.layout import EMERGENCY
from twin.traffic.kernels.meso_layout import (
    ARRIVED,
    DRIVING,
    DRIVING_PLACE,
    IDLE,
    ROUTE_USED,
    TICK,
    WAITING,
)
from twin.traffic.kernels.times import PERIOD_S
from twin.traffic.meso_network import Parameters
from twin.traffic.rows import rows_with
from twin.traffic.storage import Checkpoint
from twin.traffic.vehicles import Geometry, Kinds, VehicleView

__all__ = ["MesoTraffic", "Parameters"]

SAVED = ("lane", "place", "vehicle", "unit", "due", "pushed", "wheel", "done", "lost", "tally")
SAVED_NET = ("link", "node", "turn")


class MesoTraffic(Books):
    """Queue-level traffic with emergency units and closures.

    Parameters
    ----------
    network
        The roads.
    threads
        Threads of the kernels; the result has the same bits whatever their number.
    start_s
        Simulated second at tick 0.
    speed_factor
        Factor on every free-flow speed.
    kinds
        Vehicles and drivers, whose lengths and headways count.
    parameters
        Of the queues.

    Raises
    ------
    InputError
        If the factor is out of range.
    """

    dt_s = 1.0

    _route_used = layout.ROUTE_USED

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 1,
        start_s: float = 0.0,
        speed_factor: float = 1.0,
        kinds: Kinds | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        if speed_factor <= 0:
            raise InputError(f"speed factor {speed_factor} is not positive", field="speed_factor")
        self.network = network
        self.start_s = start_s
        self.tick = 0
        self.parameters = parameters or Parameters()
        self._net, self._state = meso_network.queue_network(
            network,
            start_s=start_s,
            speed_factor=speed_factor,
            parameters=self.parameters,
            kinds=kinds or Kinds(),
        )
        self._next_id = 0
        self._free: I32 = np.empty(0, np.int32)
        self._n_free = 0
        self._geometry = Geometry.of(network)
        self._next_token = 0
        self._blocks: dict[int, tuple[int, int]] = {}
        self._stats_base = self._sums()
        self._threads = use_threads(threads) if threads > 1 else 1

    @property
    def t(self) -> float:
        """Simulated second now."""
        return self.start_s + self.tick * self.dt_s

    @property
    def _now(self) -> int:
        return self.tick * TICK

    # Trips

    def add_trips(self, trips: Trips) -> I64:
        """Queue trips at their first links; return their vehicle numbers.

        Trips whose departure has passed enter as soon as there is space.

        Raises
        ------
        InputError
            If a route holds a link that does not exist or two links not joined by a turn.
        """
        n = len(trips)
        ids = np.arange(self._next_id, self._next_id + n, dtype=np.int64)
        if not n:
            return ids
        links = np.ascontiguousarray(trips.route_link, np.int32)
        ptr = np.ascontiguousarray(trips.route_ptr, np.int32)
        start = self._append_routes(ptr, links)
        slots = self._take_slots(n)
        vehicle = self._state.vehicle
        goal = links[ptr[1:] - 1]
        row = vehicle[slots]
        row["t_plan"] = trips.depart_s
        row["t_depart"] = row["t_arrive"] = np.nan
        row["distance"] = 0.0
        row["id"] = ids
        row["end"] = np.minimum(trips.end_pos_m, self.network.link_length[goal] - END_M)
        row["origin"], row["goal"] = links[ptr[:-1]], goal
        row["rpos"], row["kind"], row["state"] = start, trips.kind, WAITING
        vehicle[slots] = row
        self._next_id += n
        meso_reading.queue_trips(slots, self.start_s, self._net, self._state)
        return ids

    def _write_routes(self, ptr: I32, links: I32, start: I32) -> int:
        return int(meso_reading.append_routes(ptr, links, start, self._net, self._state))

    def _live_length(self) -> int:
        return int(meso_reading.live_length(self._state))

    def _compact_routes(self, store: I32) -> None:
        meso_reading.compact_routes(self._state, store)

    def _grow_vehicles(self, rows: int) -> layout.State:
        return meso_network.grow_vehicles(self._state, rows)

    def advance(self, n_ticks: int) -> None:
        """Advance by `n_ticks` ticks, in compiled code and without the interpreter's lock."""
        run = meso.advance_parallel if self._threads > 1 else meso.advance
        if self._threads > 1:
            use_threads(self._threads)
        left = n_ticks
        while left > 0:
            done = run(left, self.tick, self.start_s, int(PERIOD_S), self._net, self._state)
            self.tick += done
            left -= done
            if left > 0:
                self._make_route_room(layout.ROUTE_MARGIN)

    def finished(self) -> Finished:
        """Return the trips that ended since the last call, in order of their end."""
        slots = np.empty(len(self._state.vehicle), np.int32)
        slots = slots[: meso_reading.take_done(slots, self._state)]
        row = self._state.vehicle[slots]
        order = np.lexsort((row["id"], row["t_arrive"]))
        slots, row = slots[order], row[order]
        self._give_slots(slots)
        return Finished(
            np.array(row["id"]),
            row["kind"].astype(np.uint8),
            np.array(row["t_plan"]),
            np.array(row["t_depart"]),
            np.array(row["t_arrive"]),
            np.array(row["origin"]),
            np.array(row["goal"]),
            np.array(row["distance"]),
            np.asarray(row["state"] == layout.FINISHED),
            np.ones(len(row), np.float32),
        )

    @property
    def counters(self) -> Counters:
        """Totals since the start; there are no lane changes, and nobody passes red."""
        total = self._state.tally.sum(axis=0)
        inserted, done, gone = (int(total[c]) for c in (layout.INSERTED, layout.DONE, layout.GONE))
        return Counters(
            inserted=inserted,
            finished=done,
            running=inserted - done - gone,
            waiting_to_insert=self._next_id - inserted,
            removed=gone,
            strayed=int(total[layout.STRAYED]),
            red_run=0,
            cleared=0,
            lane_changes=0,
            updates=int(self._state.counts[layout.UPDATES]),
        )

    @property
    def squeezed(self) -> int:
        """Times that a vehicle entered a full link since it had been stuck for long."""
        return int(self._state.tally[:, layout.SQUEEZED].sum())

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
        """Let a unit drive `route` from `place`; see `MicroTraffic.insert_unit`.

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
        if self.unit_running(unit):
            raise TwinError(f"unit {unit} is on the road already")
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        if unit >= len(self._state.unit):
            self._state = meso_network.grow_units(self._state, unit + 1)
        row = self._state.unit[unit]
        row.rpos, row.turn = start[0], self._state.route[start[0]]
        row.link, row.state, row.siren = place.link, DRIVING, int(siren)
        row.end, row.factor, row.t_arrive = end, speed_factor, np.nan
        self._state.unit[unit] = row
        meso_units.set_course(unit, np.float32(pos), self._now, self._net, self._state)

    def unit_running(self, unit: int) -> bool:
        """Return whether a unit is on the road."""
        return unit < len(self._state.unit) and bool(self._state.unit["state"][unit] == DRIVING)

    def unit_place(self, unit: int) -> Place:
        """Return where a unit is; when it has left the road, where it left it."""
        entry = self._state.unit[unit]
        pos = entry.to_pos
        if entry.state == DRIVING:
            pos = meso_units.unit_position(unit, self._now, self._state)
        return Place(int(entry.link), float(pos))

    def remove_unit(self, unit: int) -> Place:
        """Take a unit off the road where it is and return the place."""
        place = self.unit_place(unit)
        self._state.unit["state"][unit] = IDLE
        self._state.unit["to_pos"][unit] = place.pos_m
        return place

    def reroute_unit(self, unit: int, route: I32, end_pos_m: float | None = None) -> None:
        """Give a unit a new route that starts on the link it is on, and maybe another end.

        Raises
        ------
        InputError
            If the route does not start where the unit is.
        """
        path = np.ascontiguousarray(route, np.int32)
        link, pos = self.unit_place(unit)
        if len(path) == 0 or path[0] != link:
            raise InputError(f"the route of unit {unit} does not start on link {link}")
        start = self._append_routes(np.array([0, len(path)], np.int32), path)
        row = self._state.unit[unit]
        row.rpos, row.turn = start[0], self._state.route[start[0]]
        if end_pos_m is not None:
            row.end = min(float(end_pos_m), float(self.network.link_length[path[-1]]) - END_M)
        self._state.unit[unit] = row
        meso_units.set_course(unit, np.float32(pos), self._now, self._net, self._state)

    def arrivals(self) -> list[tuple[int, float]]:
        """Return (unit, exact second) of the units that arrived since the last call, by unit."""
        unit = self._state.unit
        found = np.flatnonzero(unit["state"] == ARRIVED)
        unit["state"][found] = IDLE
        return [(int(u), float(unit["t_arrive"][u])) for u in found]

    # Closures

    def close_lanes(self, link: int, lanes: int | None = None) -> None:
        """Close a link, or its `lanes` lanes at the kerb.

        Nobody enters a closed link or lane; those on it leave.
        """
        if lanes is None or lanes >= int(self.network.link_lanes[link]):
            self._net.link["closed"][link] = 1
        else:
            self._net.link["first_open"][link] = lanes

    def open_lanes(self, link: int) -> None:
        """Open a link and all its lanes."""
        self._net.link["closed"][link] = 0
        self._net.link["first_open"][link] = 0

    @property
    def closed(self) -> I32:
        """Links that nobody may enter."""
        return np.flatnonzero(self._net.link["closed"]).astype(np.int32)

    @property
    def banned(self) -> I32:
        """The turns that are banned, ascending."""
        return np.flatnonzero(self._net.turn["banned"]).astype(np.int32)

    def ban_turns(self, turns: I32) -> None:
        """Ban these turns and no others; who has one in his route waits until he has another."""
        self._net.turn["banned"] = 0
        self._net.turn["banned"][turns] = 1

    def block(self, place: Place, lanes: int) -> int:
        """Take `lanes` lanes of the capacity of a link; return a token for `unblock`.

        The queue stands along the whole link, whatever the place on it.
        """
        token = self._next_token
        self._next_token += 1
        self._blocks[token] = (place.link, lanes)
        self._cut(place.link)
        return token

    def unblock(self, token: int) -> None:
        """Give the lanes of `token` back.

        Raises
        ------
        KeyError
            If there is none.
        """
        link, _ = self._blocks.pop(token)
        self._cut(link)

    def _cut(self, link: int) -> None:
        every = int(self.network.link_lanes[link])
        left = every - max((n for k, n in self._blocks.values() if k == link), default=0)
        cut = 1 if left == every else 0
        if 0 < left < every:
            cut = round(layout.CUT_UNIT * every / left)
        self._net.link["cut"][link] = cut

    # Routes of vehicles

    def vehicles_with(self, link: int) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to enter `link`."""
        ids = np.empty(len(self._state.vehicle), np.int64)
        return ids[: meso_reading.find_users(link, ids, self._net, self._state)]

    def vehicles_turning(self, turns: I32) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to make such a turn."""
        marked = np.zeros(self.network.n_turns, np.uint8)
        marked[turns] = 1
        ids = np.empty(len(self._state.vehicle), np.int64)
        return ids[: meso_reading.find_turning(marked, ids, self._state)]

    def ways_ahead(self, vehicles: I64) -> tuple[I32, I32]:
        """Return routes from where vehicles are; see `MicroTraffic.ways_ahead`."""
        slot, link, *_ = self._running()
        place = self._state.place
        used = np.flatnonzero(place["when"] >= 0)
        rpos = np.zeros(len(self._state.vehicle), np.int32)
        rpos[place["slot"][used]] = place["rpos"][used]
        if not len(slot):
            return np.zeros(len(vehicles) + 1, np.int32), np.empty(0, np.int32)
        row = rows_with(np.array(self._state.vehicle["id"][slot]), vehicles)
        found = np.where(row >= 0, link[row], -1).astype(np.int32)
        return routes.ways_ahead(found, rpos[slot[row]], self._state.route, self.network.turn_to)

    def set_route(self, ids: I64, route_ptr: I32, route_link: I32) -> int:
        """Give vehicles new routes; return how many took theirs; see `MicroTraffic.set_route`.

        Raises
        ------
        InputError
            If a route is broken.
        """
        links = np.ascontiguousarray(route_link, np.int32)
        ptr = np.ascontiguousarray(route_ptr, np.int32)
        start = self._append_routes(ptr, links)
        vehicle = self._state.vehicle
        live = np.flatnonzero((vehicle["state"] == DRIVING_PLACE) | (vehicle["state"] == WAITING))
        by_id = live[np.argsort(vehicle["id"][live])]
        numbers = vehicle["id"][by_id]
        at = np.minimum(np.searchsorted(numbers, ids), max(len(numbers) - 1, 0))
        known = np.flatnonzero(numbers[at] == ids) if len(numbers) else np.empty(0, np.int64)
        slots = by_id[at[known]].astype(np.int32)
        batch = np.full(len(vehicle), -1, np.int32)
        batch[slots] = np.arange(len(slots))
        first, goal = links[ptr[:-1][known]], links[ptr[1:][known] - 1]
        return int(meso_reading.assign_routes(batch, start[known], first, goal, self._state))

    def running_routes(self, *, share: float = 1.0) -> Running:
        """Return the link and the goal of the trips' vehicles on the road.

        Parameters
        ----------
        share
            Of the drivers: always the same ones, and 10% are among 20%.
        """
        slot, link, *_ = self._running()
        row = self._state.vehicle[slot]
        keep = np.ones(len(row), np.bool_)
        if share < 1.0:
            # Knuth's multiplicative hash of the public number.
            keep = (row["id"] * 2_654_435_761 % (1 << 32)) < share * (1 << 32)
        return Running(np.array(row["id"][keep]), link[keep], np.array(row["goal"][keep]))

    # What others read

    def _running(self) -> tuple[I32, I32, NDArray[np.uint8], F32, F32]:
        n = self.counters.running
        slot, link = np.empty(n, np.int32), np.empty(n, np.int32)
        lane = np.empty(n, np.uint8)
        pos, vel = np.empty(n, np.float32), np.empty(n, np.float32)
        meso_reading.list_running(self._now, slot, link, lane, pos, vel, self._net, self._state)
        return slot, link, lane, pos, vel

    @property
    def vehicles(self) -> VehicleView:
        """The vehicles on the road now, where their queues let them be."""
        slot, link, lane, pos, vel = self._running()
        row = self._state.vehicle[slot]
        unit = self._state.unit
        on = np.flatnonzero(unit["state"] == DRIVING)
        at = np.array(
            [meso_units.unit_position(int(u), self._now, self._state) for u in on], np.float32
        )
        took = np.maximum(unit["leave"][on] - unit["entered"][on], 1) / TICK
        speed = ((unit["to_pos"][on] - unit["from_pos"][on]) / took).astype(np.float32)
        return VehicleView(
            np.concatenate([row["id"], VehicleView.UNIT_ID + on.astype(np.int64)]),
            np.concatenate([row["kind"], np.full(len(on), EMERGENCY)]).astype(np.uint8),
            np.concatenate([link, unit["link"][on]]),
            np.concatenate([lane, np.zeros(len(on), np.uint8)]),
            np.concatenate([pos, at]),
            np.concatenate([vel, speed]),
            self._geometry,
        )

    def link_travel_time(self) -> F32:
        """Return (L,) the current travel time of every link, seconds, never below free flow."""
        now: F32 = self._net.link["time"].astype(np.float32)
        return now

    def _sums(self) -> tuple[F64, F64, I64]:
        seconds, metres = np.zeros(self.network.n_links), np.zeros(self.network.n_links)
        meso_reading.link_sums(self._now, seconds, metres, self._net, self._state)
        left: I64 = self._net.link["n_out"] + self._net.link["n_ended"]
        return seconds, metres, left

    def link_stats(self, *, reset: bool = True) -> LinkStats:
        """Return what happened on every link since the last reset."""
        now, base = self._sums(), self._stats_base
        if reset:
            self._stats_base = now
        return LinkStats(now[0] - base[0], now[1] - base[1], now[2] - base[2])

    # Checkpoints

    def checkpoint(self) -> Checkpoint:
        """Return the whole state as plain arrays; a run restored from them has the same bits."""
        state = self._state
        parts: Checkpoint = {name: np.array(getattr(state, name)) for name in SAVED}
        parts |= {name: np.array(getattr(self._net, name)) for name in SAVED_NET}
        parts["counts"] = state.counts.copy()
        parts["route"] = state.route[: int(state.counts[ROUTE_USED])].copy()
        parts["route_size"] = np.array([len(state.route)])
        parts["free"] = self._free[: self._n_free].copy()
        tokens = [(token, *cut) for token, cut in self._blocks.items()]
        parts["blocks"] = np.array(tokens, np.int64).reshape(-1, 3)
        parts["numbers"] = np.array([self.tick, self._next_id, self._next_token], np.int64)
        for name, value in zip(LinkStats._fields, self._stats_base, strict=True):
            parts[f"base_{name}"] = value.copy()
        return parts

    def restore(self, parts: Checkpoint) -> None:
        """Take the state of a checkpoint of the same network.

        Raises
        ------
        InputError
            If it is of another network.
        """
        if len(parts["link"]) != self.network.n_links:
            raise InputError("the checkpoint is of another network")
        values = {}
        for name in (*SAVED, "counts"):
            value = np.array(parts[name])
            values[name] = value.view(np.recarray) if value.dtype.names else value
        route = np.zeros(int(parts["route_size"][0]), np.int32)
        route[: len(parts["route"])] = parts["route"]
        self._state = self._state._replace(
            **values, route=route, search=np.zeros_like(self._state.search)
        )
        for name in SAVED_NET:
            getattr(self._net, name)[:] = parts[name]
        self._n_free = len(parts["free"])
        self._free = np.zeros(len(self._state.vehicle), np.int32)
        self._free[: self._n_free] = parts["free"]
        self._blocks = {int(token): (int(k), int(n)) for token, k, n in parts["blocks"]}
        self.tick, self._next_id, self._next_token = (int(v) for v in parts["numbers"])
        base = [np.array(parts[f"base_{name}"]) for name in LinkStats._fields]
        self._stats_base = (base[0], base[1], base[2])
