"""What agents share: the event queue, the streets, the city, where the run is written."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import mesa
import numpy as np
import simpy

from twin.agents.deployment.cover import Cover, cover_of
from twin.agents.dispatch.free import FreeUnits
from twin.agents.durations import Durations, service_of, with_chain, with_crews
from twin.agents.incidents.call_types import CallTypes
from twin.agents.incidents.plans import ResponsePlans
from twin.agents.orders import Orders
from twin.agents.policies.reassign import Never
from twin.agents.policies.registry import (
    DispatchPolicy,
    HospitalPolicy,
    MoveUpPolicy,
    QueuePolicy,
    ReassignPolicy,
    make,
)
from twin.agents.positions import Positions
from twin.city.model import City
from twin.core.random import Streams
from twin.demand.recorded import doors
from twin.network.graph import Place
from twin.network.locate import Locator
from twin.scenarios.policy import Policy
from twin.scenarios.spec import Scenario
from twin.traffic.mobility import Mobility

if TYPE_CHECKING:
    from twin.agents.deployment.deployer import Deployer
    from twin.agents.dispatch.dispatcher import Dispatcher
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.incidents.incident import Incident, Outcome
    from twin.agents.seats import Seats
    from twin.agents.station import Station
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit

Life: TypeAlias = Generator[simpy.Event, Any, None]
"""The life of an agent: a SimPy process."""


class Recorder(Protocol):
    """Where rows go; see `twin.recording.memory`."""

    def row(self, table: str, **columns: Any) -> None:
        """Add one row."""

    def columns(self, table: str, **arrays: Any) -> None:
        """Add rows given as arrays."""


class World(mesa.Model):  # type: ignore[misc]  # Mesa ships no types
    """A Mesa model with what agents need; `twin.simulation.CityModel` adds the clock.

    Attributes
    ----------
    city, scenario, streams, recorder
        What is run, with which randomness, and where it is written.
    agent_numbers
        Counts the agents that are made.
    env
        SimPy's event queue; `env.now` is the simulated second.
    mobility
        The streets.
    locator
        Turns places on the road into positions.
    doors
        Finds the place on the road of a position.
    lonlat
        Returns the WGS84 position of a place on the road, degrees.
    durations
        Draws the intervals that do not depend on the road.
    stations, hospitals
        By their ids.
    units
        In the order of the city's table, added ones last.
    free
        Those of them that are free.
    incidents
        Open ones, by call id.
    unwritten
        Closed ones whose unit is still on its way home, by call id.
    dispatcher
        Holds the queue.
    deployer
        Sends free units to other stations.
    plans, call_types
        Which units a call asks for, and what it turns out to be.
    kinds
        Kinds of unit for which calls ask: of the others the city has none.
    call_takers
        Who answer calls; None where nobody waits for an answer.
    outcomes
        How the calls that have been written ended.
    demand_factor
        What scenario changes make of the traffic's demand now.
    start_s
        Calls from this second on are counted.
    dispatch_policy, queue_policy, hospital_policy, moveup_policy
        The rules that hold now.
    reassign_policy
        The one by which units are turned on their way; None if none is.
    seats
        Where people decide in the place of rules; None if nowhere.
    orders
        Units and hospitals that a scenario orders for calls.
    unplaced
        Patients whom for a while at least no hospital could take; whether they still wait for one.
    """

    stations: dict[str, Station]
    hospitals: dict[str, Hospital]
    units: list[Unit]
    incidents: dict[str, Incident]
    unwritten: dict[str, Incident]
    dispatcher: Dispatcher
    deployer: Deployer

    def __init__(
        self,
        city: City,
        scenario: Scenario,
        *,
        env: simpy.Environment,
        mobility: Mobility,
        recorder: Recorder,
        streams: Streams,
    ) -> None:
        super().__init__(seed=streams.key("mesa") & 0x7FFF_FFFF)
        self.agent_numbers = itertools.count(1)
        self.city = city
        self.scenario = scenario
        self.env = env
        self.mobility = mobility
        self.recorder = recorder
        self.streams = streams
        self.locator = Locator(city.network)
        self.doors = doors(city.network)
        self.lonlat = Positions(self.locator)
        fits = service_of(
            city, scenario.period.day.isoformat(), held_out=scenario.calls.held_out_fit
        )
        self.durations = Durations(
            with_crews(with_chain(fits, scenario.chain), scenario.crews), streams
        )
        self.stations = {}
        self.hospitals = {}
        self.units = []
        self.free = FreeUnits()
        self.incidents = {}
        self.unwritten = {}
        self.outcomes: list[Outcome] = []
        self.unplaced: dict[Task, bool] = {}
        self.plans = ResponsePlans(scenario.care.plans)
        self.call_types = CallTypes(scenario.care.types, streams)
        self.kinds = {"ambulance", "engine"}
        takers = scenario.care.call_takers
        self.call_takers = None if takers is None else simpy.Resource(env, takers)
        self.demand_factor = 1.0
        self.start_s = scenario.period.start_s
        self.seats: Seats | None = None
        self.orders = Orders(scenario.changes)
        self._covers: dict[str, Cover] = {}
        zones = city["zones"]
        self._zone_xy = zones[["x", "y"]].to_numpy(np.float64)
        self._zone_district = zones["district"].astype(str).tolist()
        self.set_policies(scenario.policy)

    def set_policies(self, policy: Policy) -> None:
        """Let these rules hold from now on.

        Raises
        ------
        InputError
            If there is no rule of a name, or a parameter is wrong.
        """
        with_ = policy.parameters
        self.dispatch_policy: DispatchPolicy = make("dispatch", policy.dispatch, with_)
        self.queue_policy: QueuePolicy = make("queue", policy.queue, with_)
        self.hospital_policy: HospitalPolicy = make("hospital", policy.hospital, with_)
        self.moveup_policy: MoveUpPolicy = make("moveup", policy.moveup, with_)
        turns: ReassignPolicy = make("reassign", policy.reassign, with_)
        self.reassign_policy = None if isinstance(turns, Never) else turns

    def zone_of(self, place: Place) -> int:
        """Return the row of the zone whose middle is nearest; -1 where there is none."""
        if not self._zone_district:
            return -1
        x, y = self.locator.xy(place.link, place.pos_m)
        square = (self._zone_xy[:, 0] - x) ** 2 + (self._zone_xy[:, 1] - y) ** 2
        return int(np.argmin(square))

    def district_of(self, place: Place) -> str:
        """Return the district of the zone whose middle is nearest; empty where there is none."""
        zone = self.zone_of(place)
        return "" if zone < 0 else self._zone_district[zone]

    def cover(self, kind: str) -> Cover:
        """Return the cover by a kind of unit, computed when it is first asked for."""
        if kind not in self._covers:
            self._covers[kind] = cover_of(self, kind)
        return self._covers[kind]

    def until(self, t: float) -> simpy.Event:
        """Return an event at simulated second `t`, or now if that has passed."""
        return self.env.timeout(max(t - self.env.now, 0.0))
