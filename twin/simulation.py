"""One run: the clock and the ordered phases of a step."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import simpy
from mesa.datacollection import DataCollector

from twin.agents.agenda import Agenda
from twin.agents.deployment.cover_log import log_cover
from twin.agents.observer import Observer
from twin.agents.policies import check_policies
from twin.agents.roster import populate
from twin.agents.source import received
from twin.agents.world import World
from twin.city.library import get_city
from twin.city.model import City
from twin.core.random import Streams
from twin.core.timeline import Timeline
from twin.demand.calls import draw_calls
from twin.network.graph import Network
from twin.recording.memory import NullRecorder, Recorder
from twin.recording.store import frame_box
from twin.scenarios.change_kinds import Change
from twin.scenarios.changes import check
from twin.scenarios.load import load_scenario
from twin.scenarios.sensing import check_detectors
from twin.scenarios.spec import Scenario
from twin.traffic.interface import Traffic
from twin.traffic.matrix import MatrixMobility
from twin.traffic.meso_mobility import MesoMobility
from twin.traffic.micro import MicroTraffic
from twin.traffic.micro_mobility import MicroMobility
from twin.traffic.mobility import Mobility
from twin.traffic.sensors import Sensors
from twin.traffic.table import TableMobility
from twin.traffic.vehicles import Geometry, VehicleView

PHASES = ("apply", "decide", "move", "arrive", "observe")
"""The phases of a step in their order."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run; durations in seconds.

    Attributes
    ----------
    calls, closed, open, on_scene, queued
        Calls received; how many ended, did not, were reached by a unit, and had to wait for one.
    response_mean_s, response_p50_s, response_p90_s
        Call received to first unit on scene, over the calls that were reached; None if none was.
    vehicles_inserted, vehicles_finished, vehicles_running
        Trips that entered the traffic, reached their goal, and are still there.
    vehicles_detoured, vehicles_cleared_red, vehicles_turned_on_red
        Times that a vehicle took another turn because it could not take its own; vehicles that
        stood in a junction to turn left and left it in the first seconds of red; that turned right
        on red after a stop.
    vehicles_without_route
        Trips that never entered because no open road led to their goal.
    simulated_s, wall_s, realtime_factor
        Length of the run with its warm-up, what it took, and their ratio.
    phase_seconds
        What each phase took.
    assumed
        Intervals for which the city has no times, so that defaults stood in.
    emitted_kg
        Kilograms of each pollutant that the traffic emitted; None if that was not asked for.
    buses
        Runs of lines that ended, stops served and missed, share that left stops punctually, mean
        lateness in s, speed with stops in m/s, stops and runs left out; None without lines.
    moves
        Move-ups made, units that made any, most by one unit; None without a rule of move-up.
    unasked_orders
        Orders for which no choice came, see `Orders.unasked`.
    preemptions
        Since the start of the warm-up: times that a unit under siren `held` a signal, and how many
        `signals` were held so; None where no lanes are simulated.
    without_hospital
        `patients` whom for a while no hospital could take, those of the warm-up too, how many of
        them still waited for one at the end (`left`), and how many `hospitals` there are.
    """

    calls: int
    closed: int
    open: int
    on_scene: int
    queued: int
    response_mean_s: float | None
    response_p50_s: float | None
    response_p90_s: float | None
    vehicles_inserted: int
    vehicles_finished: int
    vehicles_running: int
    vehicles_detoured: int
    vehicles_cleared_red: int
    vehicles_turned_on_red: int
    vehicles_without_route: int
    simulated_s: float
    wall_s: float
    realtime_factor: float
    phase_seconds: dict[str, float]
    assumed: list[str]
    emitted_kg: dict[str, float] | None = None
    buses: dict[str, Any] | None = None
    moves: dict[str, int] | None = None
    unasked_orders: list[dict[str, str | int]] = field(default_factory=list)
    preemptions: dict[str, int] | None = None
    without_hospital: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


class CityModel(World):
    """A city that runs: a Mesa model with one integer-tick clock, `t = begin + k * dt`.

    `mesa.batch_run` works on it; give it lists, as in
    `parameters={"scenario": ["seoul-evening-peak"], "replication": range(5)}`.

    Parameters
    ----------
    city
        A city, its name or its folder; the scenario's if left out.
    scenario
        A scenario, or the name or file of one.
    recorder
        Where the run's tables go; nowhere if left out.
    replication
        Replications of one seed differ only by this number.

    Attributes
    ----------
    begin_s, end_s
        First and last simulated second. Between `begin_s` and the scenario's start traffic and
        calls warm up: units are on the road by then, but those calls are not counted.
    tick
        Steps taken.
    phase_seconds
        Wall-clock seconds spent in each phase so far.
    calls
        The calls that were drawn before the run, see `twin.demand.calls`.
    datacollector
        Mesa's collector: calls waiting, calls open, units busy and vehicles at every step.

    Raises
    ------
    InputError
        If the scenario cannot be run in the city.
    """

    def __init__(
        self,
        city: City | Path | str | None = None,
        scenario: Scenario | Path | str = "",
        *,
        recorder: Recorder | None = None,
        replication: int = 0,
    ) -> None:
        if not isinstance(scenario, Scenario):
            scenario = load_scenario(scenario)
        if not isinstance(city, City):
            city = get_city(city or scenario.city)
        check(scenario, city)
        check_policies(scenario)
        check_detectors(scenario, city.network)
        period = scenario.period
        streams = Streams(scenario.seed, replication)
        self.begin_s = period.begin_s
        self.end_s = period.end_s
        env = Timeline(initial_time=self.begin_s)
        mobility, self.traffic = self.streets(env, city, scenario, streams)
        super().__init__(
            city,
            scenario,
            env=env,
            mobility=mobility,
            recorder=recorder or NullRecorder(),
            streams=streams,
        )
        self.tick = 0
        self.phase_seconds = dict.fromkeys(PHASES, 0.0)
        populate(self)
        self.calls = draw_calls(city, scenario, streams, self.durations.service)
        self.durations.follow(self.calls)
        self.orders.check(self, self.calls)
        self.agenda = Agenda(self, self.begin_s)
        self.sensors: Sensors | None = None
        record = scenario.record
        if isinstance(self.traffic, MicroTraffic) and (record.detectors or record.emissions):
            self.sensors = Sensors(self.traffic, record, streams, period.start_s)
        self.observer = Observer(self, self.traffic, frame_box(city.network), self.sensors)
        log_cover(self)
        env.process(received(self, self.calls))
        self.datacollector = DataCollector(
            model_reporters={
                "t": "t",
                "calls_waiting": lambda m: len(m.dispatcher.waiting),
                "calls_open": lambda m: len(m.incidents),
                "units_busy": lambda m: sum(u.busy for u in m.units),
                "vehicles": lambda m: m.n_vehicles,
            }
        )

    @property
    def t(self) -> float:
        """The simulated second."""
        return self._time_of(self.tick)

    @property
    def n_vehicles(self) -> int:
        """Vehicles in the traffic now."""
        return 0 if self.traffic is None else int(self.traffic.counters.running)

    @property
    def trips_without_route(self) -> int:
        """Trips so far that never entered because no open road led to their goal."""
        mobility = self.mobility
        return mobility.trips_without_route if isinstance(mobility, MicroMobility) else 0

    @classmethod
    def streets(
        cls, env: simpy.Environment, city: City, scenario: Scenario, streams: Streams
    ) -> tuple[Mobility, Traffic | None]:
        """Return the streets of the scenario's fidelity, and the traffic if there is any."""
        if city.is_table:
            return MatrixMobility(env, city, scenario), None
        if scenario.traffic.fidelity == "table":
            return TableMobility(env, city, scenario), None
        kind = MesoMobility if scenario.traffic.fidelity == "meso" else MicroMobility
        mobility = kind(env, city, scenario, streams)
        return mobility, mobility.traffic

    def submit(self, change: Change) -> None:
        """Let a change come about at the next step, or at its time; any thread may call this.

        Raises
        ------
        InputError
            If it cannot happen in this city or once a run has begun.
        """
        self.agenda.submit(change)

    def step(self) -> None:
        """Take one step of the clock: the phases in their order, each timed.

        Raises
        ------
        RuntimeError
            If the run is over, or a decision waits for a person.
        """
        for _ in self.stepping():
            raise RuntimeError("a decision waits for a person; see twin.rehearsal")

    def stepping(self) -> Iterator[None]:
        """Take one step; pause, with the clock still, while a decision waits for a person.

        Raises
        ------
        RuntimeError
            If the run is over.
        """
        if not self.running:
            raise RuntimeError(f"the run is over at {self.end_s}")
        yield from self._pause()
        t, t_to = self.t, self._time_of(self.tick + 1)
        if t <= self.scenario.period.start_s < t_to:
            self.observer.begin()
        marks = [perf_counter()]
        self.agenda.apply(t, t_to)
        marks.append(perf_counter())
        while self.seats is not None:
            yield from self._pause()
            if self.env.peek() >= t_to:
                break
            self.env.step()
        self.env.run(until=t_to)
        marks.append(perf_counter())
        self.mobility.move(t_to)
        marks.append(perf_counter())
        self.mobility.arrive()
        marks.append(perf_counter())
        self.tick += 1
        self.observer.observe(t_to, last=t_to >= self.end_s)
        # At every step: mesa.batch_run asks for the data by number of step.
        self.datacollector.collect(self)
        if t_to >= self.end_s:
            self._end()
        marks.append(perf_counter())
        for phase, seconds in zip(PHASES, np.diff(marks).tolist(), strict=True):
            self.phase_seconds[phase] += seconds

    def _pause(self) -> Iterator[None]:
        while self.seats is not None and self.seats.open:
            yield

    def run(self, progress: Callable[[CityModel], None] | None = None) -> Summary:
        """Run to the end and return what came of it.

        Parameters
        ----------
        progress
            Called with the model every `record.frame_every_s` simulated seconds.
        """
        every = max(1, round(self.scenario.record.frame_every_s / self.mobility.tick_s))
        # A model that was run before is a circle that few would notice, and holds much memory.
        gc.collect()
        while self.running:
            self.step()
            if progress is not None and (self.tick % every == 0 or not self.running):
                progress(self)
        return self.summary()

    @property
    def realtime_factor(self) -> float:
        """Simulated seconds per second of computing so far."""
        return (self.t - self.begin_s) / max(sum(self.phase_seconds.values()), 1e-9)

    @property
    def vehicles(self) -> VehicleView:
        """The vehicles in the traffic as arrays, see `VehicleView.select`; none by table."""
        if self.traffic is None:
            return no_vehicles(self.city.network)
        return self.traffic.vehicles

    def summary(self) -> Summary:
        """Return what came of the run so far."""
        response = np.array([o.response_s for o in self.outcomes if o.response_s is not None])
        closed = sum(o.closed for o in self.outcomes)
        counters = None if self.traffic is None else self.traffic.counters
        p50, p90 = np.quantile(response, (0.5, 0.9)).tolist() if len(response) else (None, None)
        return Summary(
            calls=len(self.outcomes),
            closed=closed,
            open=len(self.outcomes) - closed,
            on_scene=len(response),
            queued=self.dispatcher.queued,
            response_mean_s=float(response.mean()) if len(response) else None,
            response_p50_s=p50,
            response_p90_s=p90,
            vehicles_inserted=0 if counters is None else int(counters.inserted),
            vehicles_finished=0 if counters is None else int(counters.finished),
            vehicles_running=self.n_vehicles,
            vehicles_detoured=0 if counters is None else int(counters.strayed),
            vehicles_cleared_red=0 if counters is None else int(counters.cleared),
            vehicles_turned_on_red=0 if counters is None else int(counters.on_red),
            vehicles_without_route=self.trips_without_route,
            simulated_s=self.t - self.begin_s,
            wall_s=sum(self.phase_seconds.values()),
            realtime_factor=self.realtime_factor,
            phase_seconds=dict(self.phase_seconds),
            assumed=sorted(self.durations.assumed),
            emitted_kg=None if self.sensors is None else self.sensors.emitted_kg,
            buses=None if (buses := self.mobility.buses) is None else buses.summary(),
            moves=self.deployer.summary(),
            unasked_orders=self.orders.unasked(),
            preemptions=self._preemptions(),
            without_hospital={
                "patients": len(self.unplaced),
                "left": sum(self.unplaced.values()),
                "hospitals": len(self.hospitals),
            },
        )

    def _preemptions(self) -> dict[str, int] | None:
        if not isinstance(self.traffic, MicroTraffic):
            return None
        times = self.traffic.signal_counts.preemptions
        return {"held": int(times.sum()), "signals": int(np.count_nonzero(times))}

    def _time_of(self, tick: int) -> float:
        return min(self.begin_s + tick * self.mobility.tick_s, self.end_s)

    def _end(self) -> None:
        """Write the calls that are still going, in the order in which they came."""
        self.running = False
        for incident in [*self.unwritten.values(), *self.incidents.values()]:
            incident.write()
        for hospital in self.hospitals.values():
            hospital.end()
        for unit in self.units:
            unit.end()


def no_vehicles(network: Network) -> VehicleView:
    """Return a view of no vehicles."""
    return VehicleView(
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
        np.empty(0, np.int32),
        np.empty(0, np.uint8),
        np.empty(0, np.float32),
        np.empty(0, np.float32),
        Geometry.of(network),
    )
