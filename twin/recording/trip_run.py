"""Lets a fixed list of trips drive, and sums up what became of them."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.demand.sumo_routes import SumoDemand
from twin.network.graph import F64, Network
from twin.recording.sumo_output import EdgeData, EdgeNames, Fcd, TripInfo, free_times
from twin.traffic.figures import Finished
from twin.traffic.interface import Traffic
from twin.traffic.kernels.layout import ROUTE_MARGIN
from twin.traffic.stopping import StoppingBooks

SLICE_S = 300.0
"""Trips are handed over for so many seconds at a time."""


class Outputs(NamedTuple):
    """Files of SUMO's to write; None for those that nobody wants.

    `interval_s` is the length of the intervals of `edgedata`; None is one for the whole run.
    """

    tripinfo: Path | None = None
    edgedata: Path | None = None
    fcd: Path | None = None
    interval_s: float | None = None


@dataclass(slots=True)
class Totals:
    """What became of the trips of a run.

    Means are over the trips that reached their goal, as SUMO's are; nan where none did.
    `waiting_to_insert` counts those whose departure has come. Updates are vehicles moved by one
    tick, `cpu_s` the CPU time of all threads between the first tick and the last, outputs included.
    """

    inserted: int = 0
    finished: int = 0
    running_max: int = 0
    running_mean: float = 0.0
    waiting_to_insert: int = 0
    removed: int = 0
    mean_duration_s: float = float("nan")
    mean_time_loss_s: float = float("nan")
    mean_speed_mps: float = float("nan")
    updates: int = 0
    cpu_s: float = 0.0
    updates_per_cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_rss_mb: float = 0.0


@dataclass(slots=True)
class _Sums:
    count: int = 0
    duration: float = 0.0
    loss: float = 0.0
    speed: float = 0.0

    def take(self, network: Network, demand: SumoDemand, done: Finished) -> None:
        keep = done.reached
        if not keep.any():
            return
        duration: F64 = (done.t_arrive - done.t_depart)[keep]
        metres: F64 = done.distance_m[keep]
        free = free_times(network, demand, metres, done.vehicle[keep])
        self.count += len(duration)
        self.duration += float(duration.sum())
        self.loss += float(np.maximum(duration - free / done.speed_factor[keep], 0.0).sum())
        self.speed += float((metres / np.maximum(duration, 1e-9)).sum())


@dataclass(slots=True)
class _Writers:
    tripinfo: TripInfo | None = None
    edgedata: EdgeData | None = None
    fcd: Fcd | None = None
    interval_s: float = 0.0
    next_s: float = field(default=0.0)

    def see(self, traffic: Traffic, done: Finished, end_s: float) -> None:
        if self.tripinfo is not None or self.fcd is not None:
            view = traffic.vehicles
            if self.tripinfo is not None:
                self.tripinfo.see(view, done)
            if self.fcd is not None:
                self.fcd.see(traffic.t, view)
        if self.edgedata is not None:
            self.edgedata.ended(done)
            if traffic.t >= min(self.next_s, end_s) - 1e-6:
                self.next_s += self.interval_s
                self.edgedata.interval(traffic.t, traffic.vehicles, *traffic.link_stats())

    def close(self) -> None:
        for writer in (self.tripinfo, self.edgedata, self.fcd):
            if writer is not None:
                writer.close()


def prepare(
    make: Callable[[], Traffic],
    demand: SumoDemand,
    names: EdgeNames,
    *,
    end_s: float,
    outputs: Outputs,
) -> None:
    """Let everything be compiled that `drive` uses, so that its clock measures driving alone.

    A few of the trips drive for two ticks, in traffic of their own; nothing of it stays.

    Parameters
    ----------
    make
        Returns traffic as `drive` gets it.
    demand, names, end_s, outputs
        As for `drive`; nothing is written to the files.
    """
    with tempfile.TemporaryDirectory() as folder:
        tripinfo, edgedata, fcd = (
            None if path is None else Path(folder) / str(k) for k, path in enumerate(outputs[:3])
        )
        for brief in _briefs(demand, end_s):
            traffic = make()
            there = Outputs(tripinfo, edgedata, fcd)
            drive(traffic, brief, names, end_s=2 * traffic.dt_s, outputs=there)


def _briefs(demand: SumoDemand, end_s: float) -> list[SumoDemand]:
    """Return trips that want everything of the traffic that a demand wants, and set out at once."""
    trips, calls = demand.trips, demand.calls
    upto, first = (int(np.searchsorted(trips.depart_s, t)) for t in (end_s, min(SLICE_S, end_s)))
    # So many trips that the store of routes must be made larger, if the whole demand makes it so.
    enough = min(upto, int(np.searchsorted(trips.route_ptr, 2 * ROUTE_MARGIN)) + 1)
    if calls is None:
        return [_brief(demand, 0, enough, stopping=False)]
    stops = int(np.searchsorted(calls.ptr, 0, side="right")) - 1
    if stops < first:
        return [_brief(demand, 0, max(enough, stops + 1), stopping=True)]
    # The first slices drive by kernels that know of no stops.
    parts = [_brief(demand, 0, enough, stopping=False)]
    if stops < upto:
        parts.append(_brief(demand, stops, stops + 1, stopping=True))
    return parts


def _brief(demand: SumoDemand, begin: int, end: int, *, stopping: bool) -> SumoDemand:
    part = demand.trips.part(begin, end)
    return demand._replace(
        trips=replace(part, depart_s=np.zeros(len(part))),
        ids=demand.ids[begin:end],
        type_of=demand.type_of[begin:end],
        calls=demand.calls.part(begin, end) if stopping and demand.calls is not None else None,
    )


def drive(
    traffic: Traffic,
    demand: SumoDemand,
    names: EdgeNames,
    *,
    end_s: float,
    outputs: Outputs = Outputs(),  # noqa: B008 - an immutable tuple
    progress: Callable[[float, int], None] | None = None,
) -> Totals:
    """Let the trips drive until second `end_s` and return what became of them.

    Parameters
    ----------
    traffic
        Fresh traffic, at second 0.
    demand
        The trips; those that depart later are not added.
    names
        What links are called in the outputs.
    end_s
        Where the run ends.
    outputs
        Files to write.
    progress
        Told (second, vehicles on the road) about a hundred times.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    network, trips = traffic.network, demand.trips
    span = outputs.interval_s or end_s
    writers = _Writers(interval_s=span, next_s=span)
    if outputs.tripinfo is not None:
        writers.tripinfo = TripInfo(outputs.tripinfo, network, demand, names, traffic.dt_s)
    if outputs.fcd is not None:
        writers.fcd = Fcd(outputs.fcd, network, demand, names)
    if outputs.edgedata is not None:
        writers.edgedata = EdgeData(outputs.edgedata, network, demand, names)
    wanted = any(path is not None for path in outputs[:3])
    sums = _Sums()
    running_max, running_sum, fed = 0, 0, 0
    ticks = round(end_s / traffic.dt_s)
    every = max(1, ticks // 100)
    cpu, wall = time.process_time(), time.perf_counter()
    for tick in range(ticks):
        if tick * traffic.dt_s % SLICE_S < traffic.dt_s:
            until = min((tick * traffic.dt_s // SLICE_S + 1) * SLICE_S, end_s)
            upto = int(np.searchsorted(trips.depart_s, until))
            vehicles = traffic.add_trips(trips.part(fed, upto))
            if demand.calls is not None and isinstance(traffic, StoppingBooks):
                traffic.add_calls(vehicles, demand.calls.part(fed, upto))
            fed = upto
        traffic.advance(1)
        count = traffic.counters
        running_max = max(running_max, count.running)
        running_sum += count.running
        last = tick + 1 == ticks
        if wanted or last or (tick + 1) % every == 0:
            done = traffic.finished()
            sums.take(network, demand, done)
            writers.see(traffic, done, end_s)
        if progress is not None and (last or (tick + 1) % every == 0):
            progress(traffic.t, count.running)
    writers.close()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    count = traffic.counters
    n = max(sums.count, 1)
    out = Totals(
        inserted=count.inserted,
        finished=count.finished,
        running_max=running_max,
        running_mean=running_sum / max(ticks, 1),
        waiting_to_insert=count.waiting_to_insert,
        removed=count.removed,
        updates=count.updates,
        cpu_s=cpu,
        updates_per_cpu_s=count.updates / max(cpu, 1e-9),
        wall_s=wall,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    )
    if sums.count:
        out.mean_duration_s = sums.duration / n
        out.mean_time_loss_s = sums.loss / n
        out.mean_speed_mps = sums.speed / n
    return out
