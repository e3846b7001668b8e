"""Everything that a scenario observes of its lane-level traffic, as rows of the run's tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from twin.core.random import Streams
from twin.scenarios.detectors import Loops, Probes, TravelTime
from twin.scenarios.sensing import loop_places, segment_ends
from twin.scenarios.spec import Record
from twin.traffic.detectors import Detectors, LoopGroup, Segment
from twin.traffic.emissions import POLLUTANTS, Emissions
from twin.traffic.micro import MicroTraffic
from twin.traffic.probes import ProbeGroup

Rows: TypeAlias = tuple[str, dict[str, Any]]
"""A table of a run and its new columns."""
SEGMENTS_EVERY_S = 60.0
"""How often the vehicles that came through segments are written, seconds."""


class Sensors:
    """Loops, segments, probes and emissions of a run.

    Parameters
    ----------
    traffic
        The vehicles, before they move.
    record
        What the scenario observes.
    streams
        Of the run.
    start_s
        When the scenario begins; nothing before is written.
    """

    def __init__(
        self, traffic: MicroTraffic, record: Record, streams: Streams, start_s: float
    ) -> None:
        self._traffic = traffic
        network = traffic.network
        loops = [d for d in record.detectors if isinstance(d, Loops)]
        segments = [d for d in record.detectors if isinstance(d, TravelTime)]
        self._segments = [d.name for d in segments]
        self._detectors: Detectors | None = None
        self._due: list[tuple[float, Callable[[float, float], Iterator[Rows]]]] = []
        if loops or segments:
            groups = [
                LoopGroup(*loop_places(d, network), d.missed_share, d.double_share, d.speed_error)
                for d in loops
            ]
            ways = [
                Segment(*segment_ends(d, network), d.seen_share, d.time_error_s) for d in segments
            ]
            self._detectors = Detectors(traffic, groups, ways, key=streams.kernel_key("detectors"))
        for number, one in enumerate(loops):
            self._due.append((one.every_s, self._reader(number, one)))
        if segments:
            self._due.append((SEGMENTS_EVERY_S, self._times))
        for probes in (d for d in record.detectors if isinstance(d, Probes)):
            key = streams.kernel_key(f"probes {probes.name}")
            self._due.append((probes.every_s, self._reporter(probes, key)))
        self._emissions: Emissions | None = None
        if record.emissions:
            self._emissions = Emissions(
                traffic,
                diesel_share=record.diesel_share,
                key=streams.kernel_key("fuel"),
            )
            self._due.append((record.links_every_s, self._emitted))
        self._start = start_s
        self._read = [start_s] * len(self._due)

    def begin(self) -> None:
        """Forget what was observed while the traffic warmed up."""
        if self._detectors is not None:
            self._detectors.restart()
        if self._emissions is not None:
            self._emissions.restart()

    def rows(self, t: float, *, last: bool = False) -> Iterator[Rows]:
        """Yield what is due at `t`, or everything if that is the `last` time."""
        for n, (every, rows) in enumerate(self._due):
            before = self._read[n]
            due = self._start + (math.floor((before - self._start) / every + 1e-9) + 1) * every
            if t > before and (last or t >= due - 1e-9):
                self._read[n] = t
                yield from rows(t, t - before)

    @property
    def emitted_kg(self) -> dict[str, float] | None:
        """Kilograms of each pollutant since the scenario began; None: not asked for."""
        if self._emissions is None:
            return None
        return {
            name: float(grams) / 1000.0
            for name, grams in zip(POLLUTANTS, self._emissions.total, strict=True)
        }

    def _reader(self, number: int, loops: Loops) -> Callable[[float, float], Iterator[Rows]]:
        def read(t: float, seconds: float) -> Iterator[Rows]:
            assert self._detectors is not None  # noqa: S101
            reading = self._detectors.read(number, seconds, per_lane=loops.per_lane)
            n = len(reading.link)
            yield "detectors", {"t": np.full(n, t), "detector": [loops.name] * n, **_of(reading)}

        return read

    def _times(self, t: float, seconds: float) -> Iterator[Rows]:  # noqa: ARG002
        assert self._detectors is not None  # noqa: S101
        found = _of(self._detectors.times())
        found["segment"] = [self._segments[number] for number in found["segment"]]
        yield "segments", found

    def _reporter(self, probes: Probes, key: np.uint64) -> Callable[[float, float], Iterator[Rows]]:
        group = ProbeGroup(probes.share, probes.position_error_m, probes.speed_error_mps)

        def report(t: float, seconds: float) -> Iterator[Rows]:  # noqa: ARG001
            traffic = self._traffic
            vehicles = traffic.vehicles
            reports = group.report(vehicles, traffic.network, traffic.tick, key)
            at = reports.at
            columns = _of(reports)
            del columns["at"]
            yield (
                "probes",
                {
                    "t": np.full(len(at), t),
                    "probes": [probes.name] * len(at),
                    "vehicle": vehicles.id[at],
                    **columns,
                    "true_speed_mps": vehicles.speed_mps[at],
                    "link": vehicles.link[at],
                    "pos_m": vehicles.pos_m[at],
                },
            )

        return report

    def _emitted(self, t: float, seconds: float) -> Iterator[Rows]:  # noqa: ARG002
        assert self._emissions is not None  # noqa: S101
        grams = self._emissions.take()
        links = np.flatnonzero(grams.any(axis=0))
        columns = {f"{name}_g": grams[p, links] for p, name in enumerate(POLLUTANTS)}
        yield "emissions", {"t": np.full(len(links), t), "link": links, **columns}


def _of(row: Any) -> dict[str, Any]:
    columns: dict[str, Any] = row._asdict()
    return columns
