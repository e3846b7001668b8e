"""Writes down what can be seen: positions, link speeds, city totals, finished trips."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.agents.incidents.exposure import EXPOSURE_S, Exposure
from twin.network.graph import RoadClass
from twin.network.streets import middle_of_links, street_of_links
from twin.traffic.figures import Finished
from twin.traffic.interface import Traffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.sensors import Sensors
from twin.traffic.vehicles import VehicleView

if TYPE_CHECKING:
    from twin.agents.world import World

_SPREAD = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2**64 over the golden ratio: multiples of it are spread evenly (Knuth 1998, section 6.4)."""


def _following(due: float, every: float, t: float) -> float:
    """Return the first of the times `due`, `due + every`, ... that is after `t`."""
    return due if due > t else due + every * (math.floor((t - due) / every) + 1)


class Observer:
    """Writes frames, links, pulse and trips every so often, and feeds exposure.

    Parameters
    ----------
    world
        The model, populated.
    traffic
        The vehicles; None when none are simulated.
    box
        `x0`, `y0` and `side_m` of the square that positions are scaled to, local metres.
    sensors
        Detectors and emissions; None when the scenario has none.
    """

    def __init__(
        self,
        world: World,
        traffic: Traffic | None,
        box: dict[str, float],
        sensors: Sensors | None = None,
    ) -> None:
        self.world = world
        self.traffic = traffic
        self._sensors = sensors
        if isinstance(traffic, MicroTraffic):
            traffic.commands = []
        self._box = box
        record, period = world.scenario.record, world.scenario.period
        self._start = period.start_s
        self._exposure = Exposure(world) if world.scenario.calls.collisions else None
        if self._exposure is not None and traffic is None:
            world.env.process(self._exposure.live(world.city))
        self._frame_every, self._links_every = record.frame_every_s, record.links_every_s
        self._summed = self._links_since = self._start
        self._next_frame = self._start + self._frame_every
        self._next_sum = self._start + EXPOSURE_S
        self._next_links = self._start + self._links_every
        n = world.city.network.n_links
        self._seconds: NDArray[np.float64] = np.zeros(n)
        self._metres: NDArray[np.float64] = np.zeros(n)
        self._left: NDArray[np.int64] = np.zeros(n, np.int64)

    def observe(self, t: float, *, last: bool = False) -> None:
        """Write what is due at `t`, or everything if that is the `last` time."""
        if t <= self._start:
            return
        if self.traffic is not None:
            links_due = last or t >= self._next_links
            if links_due or t >= self._next_sum:
                self._sum_links(t, self.traffic)
                self._next_sum = _following(self._next_sum, EXPOSURE_S, t)
            if links_due:
                self._write_links(t)
                self._next_links = _following(self._next_links, self._links_every, t)
        if self._sensors is not None:
            for table, columns in self._sensors.rows(t, last=last):
                self.world.recorder.columns(table, **columns)
        if last or t >= self._next_frame:
            self._write_frame(t)
            self._next_frame = _following(self._next_frame, self._frame_every, t)

    def begin(self) -> None:
        """Write what links are called and the first frame, at the scenario's start.

        The link sums of the warm-up are forgotten.
        """
        if self.traffic is not None:
            self._write_link_names()
            self.traffic.link_stats(reset=True)
        if self._sensors is not None:
            self._sensors.begin()
        if self.world.mobility.buses is not None:
            self.world.mobility.buses.begin()
        self._write_frame(self._start)

    def _sum_links(self, t: float, traffic: Traffic) -> None:
        """Add what was driven since the last time."""
        t0, self._summed = self._summed, t
        seconds, metres, left = traffic.link_stats(reset=True)
        self._seconds += seconds
        self._metres += metres
        self._left += left
        if self._exposure is not None:
            self._exposure.accrue(t0, t, np.asarray(metres, np.float64))

    def _write_link_names(self) -> None:
        network = self.world.city.network
        factor = np.float32(self.world.scenario.traffic.speed_factor)
        names = np.array([*network.names, None], object)  # -1, no name, is the last of them
        classes = np.array([each.name.lower() for each in RoadClass])
        lon, lat = middle_of_links(network)
        self.world.recorder.columns(
            "link_names",
            link=np.arange(network.n_links, dtype=np.int32),
            link_id=network.link_id,
            street=street_of_links(network),
            name=names[network.link_name],
            road_class=classes[network.link_class],
            length_m=network.link_length,
            free_mps=network.link_speed * factor,
            lon=lon,
            lat=lat,
        )

    def _write_links(self, t: float) -> None:
        seen = np.flatnonzero(self._seconds > 0)
        interval, self._links_since = t - self._links_since, t
        self.world.recorder.columns(
            "links",
            t=np.full(len(seen), t),
            link=seen.astype(np.int32),
            vehicles=(self._seconds[seen] / interval).astype(np.float32),
            speed_mps=(self._metres[seen] / self._seconds[seen]).astype(np.float32),
            left=self._left[seen].astype(np.int32),
        )
        self._seconds[:] = 0.0
        self._metres[:] = 0.0
        self._left[:] = 0

    def _write_frame(self, t: float) -> None:
        world, recorder = self.world, self.world.recorder
        pulse: dict[str, Any] = dict.fromkeys(
            ("vehicles", "waiting_to_insert", "inserted", "finished", "removed"), 0
        )
        if self.traffic is not None:
            view, counters = self.traffic.vehicles, self.traffic.counters
            pulse = {
                "vehicles": counters.running,
                "waiting_to_insert": counters.waiting_to_insert,
                "inserted": counters.inserted,
                "finished": counters.finished,
                "removed": counters.removed,
                "mean_speed_mps": float(view.speed_mps.mean()) if len(view) else None,
            }
            self._write_vehicles(t, view)
            self._write_trips(self.traffic.finished())
            if isinstance(self.traffic, MicroTraffic):
                self._write_commands(self.traffic)
            if world.mobility.buses is not None:
                recorder.columns("bus_stops", **world.mobility.buses.rows())
        recorder.row(
            "pulse",
            t=t,
            units_busy=sum(u.busy for u in world.units),
            calls_waiting=len({task.incident.call_id for task in world.dispatcher.waiting}),
            **pulse,
        )
        if world.units:
            places = [u.place for u in world.units]
            x, y = world.locator.xy([p.link for p in places], [p.pos_m for p in places])
            recorder.columns(
                "unit_frames",
                t=np.full(len(places), t),
                unit_id=[u.unit_id for u in world.units],
                x=self._scale(x - self._box["x0"]),
                y=self._scale(y - self._box["y0"]),
                state=[str(u.state) for u in world.units],
            )

    def _write_trips(self, done: Finished) -> None:
        if self.world.scenario.record.trips:
            rows = {name: column[done.reached] for name, column in done._asdict().items()}
            del rows["reached"], rows["speed_factor"]
            self.world.recorder.columns("trips", **rows)
        if (book := self.world.mobility.book) is not None:
            taken = book.take(done)
            self.world.recorder.columns(
                "trip_routes",
                vehicle=taken.vehicle,
                t_arrive=done.t_arrive[done.reached],
                planned=pa.array(taken.planned, pa.list_(pa.int32())),
                driven=pa.array(taken.driven, pa.list_(pa.int32())),
            )

    def _write_commands(self, traffic: MicroTraffic) -> None:
        """Write what hooks did as changes."""
        for command in traffic.commands or ():
            self.world.recorder.row(
                "changes",
                t=command.t,
                kind=f"hook: {command.kind}",
                detail=json.dumps(command.detail),
            )
        traffic.commands = []

    def _write_vehicles(self, t: float, view: VehicleView) -> None:
        most = self.world.scenario.record.frame_vehicles
        # Emergency units are in `unit_frames`.
        kept = np.flatnonzero(view.id < view.UNIT_ID)
        if len(kept) > most:
            # Always the same vehicles, spread over the city, so that a replay does not flicker.
            rank = view.id[kept].astype(np.uint64) * _SPREAD
            kept = np.sort(kept[np.argsort(rank, kind="stable")[:most]])
        x, y = view.geometry.locate(view.link[kept], view.pos_m[kept], view.lane[kept])
        self.world.recorder.columns(
            "frames",
            t=np.full(len(kept), t),
            vehicle=view.id[kept].astype(np.int32),
            x=self._scale(x - self._box["x0"]),
            y=self._scale(y - self._box["y0"]),
            speed=np.clip(np.rint(view.speed_mps[kept] / 0.25), 0, 255).astype(np.uint8),
        )

    def _scale(self, metres: NDArray[Any]) -> NDArray[np.uint16]:
        scaled = np.rint(metres * (65_535.0 / self._box["side_m"]))
        return np.asarray(np.clip(scaled, 0, 65_535), np.uint16)
