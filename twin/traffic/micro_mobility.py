"""`micro` mobility: units are vehicles in lane-level traffic, which this feeds and reroutes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import simpy

from twin.city.model import City
from twin.core.random import Streams
from twin.demand.gtfs import read_gtfs
from twin.demand.transit import Dwell
from twin.demand.transit_match import laid_on_streets
from twin.demand.transit_tables import read_tables
from twin.demand.trips import TripPlan
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, I32, Place
from twin.scenarios.signals import SignalSettings, settings_for
from twin.scenarios.spec import Scenario
from twin.traffic.assignment_files import load_assignment
from twin.traffic.buses import Buses
from twin.traffic.costs import RoadCosts
from twin.traffic.feeding import Feeder
from twin.traffic.interface import Traffic
from twin.traffic.learned import LearnedRoutes
from twin.traffic.loading import Loading, area_of_links
from twin.traffic.micro import MicroTraffic
from twin.traffic.obstacles import Obstacles
from twin.traffic.router import Router
from twin.traffic.signal_running import SignalRunner
from twin.traffic.sirens import Sirens
from twin.traffic.stopping import StoppingBooks
from twin.traffic.trip_routes import RouteBook
from twin.traffic.types import kinds_of, shares_of
from twin.traffic.units import Units

COSTS_EVERY_S = 60.0
"""How often routers and units under way learn the links' travel times, seconds."""


class MicroMobility:
    """Mobility in lane-level traffic; see `twin.traffic.mobility.Mobility` for the calls.

    The traffic begins empty at the scenario's start less its warm-up. Its trips come slice by
    slice, on the fastest ways at the travel times of that moment; the informed share of drivers
    is rerouted every `traffic.reroute_every_s`. Units take a new way when one becomes clearly
    faster. When a road closes, everybody who was to use it is rerouted.

    Parameters
    ----------
    env
        The clock of the agents; starts where the traffic does.
    city
        Network, demand and profile.
    scenario
        `period` and `traffic`.
    streams
        Of the run.

    Attributes
    ----------
    traffic
        The vehicles.
    book
        Their routes, if the scenario records them.
    buses
        Those of lines, if the scenario has any.
    """

    engine: ClassVar[type[MicroTraffic]] = MicroTraffic
    """What moves the vehicles."""

    def __init__(
        self, env: simpy.Environment, city: City, scenario: Scenario, streams: Streams
    ) -> None:
        period, settings = scenario.period, scenario.traffic
        begin = period.begin_s
        self.traffic = self.empty_streets(city, scenario, streams)
        self.tick_s: float = self.traffic.dt_s
        self._costs = RoadCosts(
            city.network,
            speed_factor=settings.speed_factor,
            siren_factor=settings.emergency_speed_factor,
            threads=settings.threads,
            streams=streams,
        )
        self.book = RouteBook(self.traffic) if scenario.record.routes else None
        self._feeder = Feeder(
            self.traffic,
            Loading(self._costs.ordinary, self._costs.undisturbed_s),
            TripPlan(city, streams, period.day, settings.demand_scale, shares_of(settings)),
            area_of_links(city),
            informed_share=settings.reroute_share,
            reroute_every_s=settings.reroute_every_s,
            learned=self._learned(city, scenario, streams),
            book=self.book,
        )
        self.buses = self._lines(city, scenario, streams)
        self._obstacles = Obstacles(self.traffic)
        self._units = Units(
            env,
            self.traffic,
            self._costs,
            self._obstacles,
            siren_factor=settings.emergency_speed_factor,
        )
        self._next_costs = begin
        self._signals: SignalRunner | None = None
        self.set_signals(settings_for(settings, (), city.network))

    @classmethod
    def empty_streets(cls, city: City, scenario: Scenario, streams: Streams) -> Traffic:
        """Return the traffic without vehicles."""
        settings = scenario.traffic
        return cls.engine(
            city.network,
            seed=streams.kernel_key("traffic"),
            threads=settings.threads,
            start_s=scenario.period.begin_s,
            speed_factor=settings.speed_factor,
            kinds=kinds_of(settings),
            sirens=Sirens(**settings.siren.model_dump()),
            right_on_red=settings.right_on_red,
        )

    @property
    def trips_without_route(self) -> int:
        """Trips so far that never entered because no open road led to their goal."""
        return self._feeder.without_route

    def _learned(self, city: City, scenario: Scenario, streams: Streams) -> LearnedRoutes | None:
        settings = scenario.traffic
        if settings.routes is None:
            return None
        return LearnedRoutes(
            load_assignment(Path(settings.routes), city.network),
            city.network,
            self._costs.ordinary,
            streams,
            scenario.period.day,
            threads=settings.threads,
        )

    def _lines(self, city: City, scenario: Scenario, streams: Streams) -> Buses | None:
        """Return the buses, if the scenario has any: by the fastest ways of empty streets."""
        settings, period = scenario.transit, scenario.period
        if not settings.wanted or not isinstance(self.traffic, StoppingBooks):
            return None
        span = (period.begin_s, period.end_s)
        if settings.gtfs is not None:
            dwell = Dwell(settings.dwell_s, settings.dwell_sd_s)
            plan = read_gtfs(settings.gtfs, period.day, span, dwell=dwell)
        else:
            plan = read_tables(settings.tables or "", city.network, dwell_s=settings.dwell_s)
        router = Router(city.network, threads=scenario.traffic.threads)
        service = laid_on_streets(plan, city.network, router.routes)
        return Buses(self.traffic, service, streams, span, hold=settings.hold, book=self.book)

    # Units

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:  # noqa: ARG002
        """Put a parked unit (`ambulance`, `engine`) on the map and return its handle."""
        return self._units.add(place, kind)

    def remove_unit(self, unit: int) -> None:
        """Take a unit off the map."""
        self._units.remove(unit)

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive; see `Mobility.drive`."""
        return self._units.drive(unit, destination, siren=siren)

    def stop(self, unit: int) -> Place:
        """Let a unit halt where it is and return the place."""
        return self._units.stop(unit)

    def place_of(self, unit: int) -> Place:
        """Return the unit's true position on the road."""
        return self._units.place_of(unit)

    def moving(self, unit: int) -> bool:
        """Return whether a unit is on the move."""
        return self._units.moving(unit)

    def etas(
        self,
        units: Sequence[int],
        destination: Place,
        *,
        siren: bool,
        beside: F64 | None = None,
        within_s: float | None = None,
    ) -> F64:
        """(U,) predicted seconds of driving to `destination`; see `Mobility.etas`."""
        places = [self._units.place_of(unit) for unit in units]
        moving = np.array([self._units.moving(unit) for unit in units], np.bool_)
        return self._costs.etas(
            places, destination, siren=siren, beside=beside, within_s=within_s, moving=moving
        )

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: F64 | None = None,
        moving: bool = False,
    ) -> F64:
        """(D,) predicted seconds of driving from `origin`; see `Mobility.travel_times`."""
        return self._costs.travel_times(
            origin, destinations, siren=siren, beside=beside, moving=moving
        )

    # Time

    def move(self, t_to: float) -> None:
        """Advance the traffic to simulated second `t_to`."""
        traffic = self.traffic
        while traffic.t < t_to - 0.5 * traffic.dt_s:
            t = traffic.t
            if t >= self._next_costs:
                self._costs.set_times(traffic.link_travel_time(), traffic.turn_delay())
                self._units.reroute()
                self._next_costs = (math.floor(t / COSTS_EVERY_S) + 1) * COSTS_EVERY_S
            next_feed = self._feeder.feed(t)
            if self.buses is not None:
                next_feed = min(next_feed, self.buses.feed(t))
            next_turn = self._obstacles.take_turns(t)
            until = min(t_to, self._next_costs, next_feed, next_turn)
            traffic.advance(max(1, round((until - t) / traffic.dt_s)))

    def arrive(self) -> None:
        """Succeed the events of the units that have reached their goal."""
        self._units.arrive()

    # Changes

    def block(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        """Take `lanes` lanes at `place` out of use (an incident); return a token."""
        return self._obstacles.put(place, lanes, opposite=opposite)

    def unblock(self, token: int) -> None:
        """Give the lanes of `block` back."""
        self._obstacles.take(token)

    def close_links(self, links: Sequence[int], lanes: int | None) -> None:
        """Close links (`lanes` None) or that many of their kerb lanes, until `open_links`."""
        self._costs.close(links, lanes)
        for link in links:
            self.traffic.close_lanes(link, lanes)
        self._feeder.roads_changed()
        self._units.reroute()

    def open_links(self, links: Sequence[int]) -> None:
        """Open every lane of the links that `close_links` closed."""
        self._costs.open(links)
        for link in links:
            self.traffic.open_lanes(link)
        self._feeder.roads_changed()
        self._units.reroute()

    def set_tolls(self, seconds: F32) -> None:
        """Set (L,) what charges are worth; trips from now on and informed drivers weigh them."""
        self._costs.set_tolls(seconds)
        self._feeder.roads_changed()

    def ban_turns(self, turns: I32) -> None:
        """Let nobody make these turns, and allow all others."""
        self._costs.ban_turns(turns)
        self.traffic.ban_turns(turns)
        self._feeder.roads_changed()
        self._units.reroute()

    def set_bus_lanes(self, lanes: Mapping[int, Sequence[int]]) -> None:
        """Keep these lanes, by link, for buses and emergency units, and no others."""
        for link in sorted(set(self.traffic.bus_lanes) | set(lanes)):
            self.traffic.set_bus_lanes(link, lanes.get(link, ()))

    def set_signals(self, settings: SignalSettings) -> None:
        """Run signals as these settings say; only lane-level traffic has any to run."""
        if isinstance(self.traffic, MicroTraffic):
            self._signals = self._signals or SignalRunner(self.traffic)
            self._signals.set(settings)

    def set_conditions(self, conditions: Conditions) -> None:
        """Let weather and work zones be these from now on, for drivers and for units."""
        self.traffic.set_conditions(conditions)
        self._costs.set_conditions(conditions)
        self._costs.set_times(self.traffic.link_travel_time(), self.traffic.turn_delay())
        self._units.reroute()

    def scale_demand(self, factor: float) -> None:
        """Let the trips that depart from now on be `factor` times the scenario's."""
        self._feeder.scale(factor)
