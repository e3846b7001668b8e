"""Timed changes of a scenario and people's commands, as they come due."""

from __future__ import annotations

import heapq
import itertools
import queue
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from twin.agents.hospitals.hospital import HospitalStatus
from twin.agents.incidents.incident import Call
from twin.agents.policies.registry import check_policies, over
from twin.agents.source import happen
from twin.agents.units.upkeep import Upkeep
from twin.core.clock import format_clock, parse_clock
from twin.core.errors import InputError
from twin.scenarios.change_kinds import (
    BanTurn,
    BusLane,
    Change,
    CloseBeds,
    CloseHospital,
    CloseLinks,
    InjectIncident,
    OffRoad,
    OpenHospital,
    PreemptSignals,
    RetimeSignals,
    ScaleDemand,
    SetPolicy,
    Toll,
    Weather,
    WorkZone,
)
from twin.scenarios.changes import check
from twin.scenarios.conditions import conditions_of
from twin.scenarios.policy import ROLES, refuse_own_code
from twin.scenarios.roads import banned_turns, bus_lanes, closures, tolls_s
from twin.scenarios.signals import settings_for

if TYPE_CHECKING:
    from twin.agents.world import Life, World

Timed: TypeAlias = (
    CloseLinks
    | WorkZone
    | Weather
    | Toll
    | BanTurn
    | BusLane
    | ScaleDemand
    | PreemptSignals
    | RetimeSignals
    | CloseHospital
    | OpenHospital
    | CloseBeds
    | OffRoad
    | SetPolicy
    | InjectIncident
)
"""Changes that begin, and may end, while a run goes on."""
_SEVERITY = {HospitalStatus.OPEN: 0, HospitalStatus.DIVERT: 1, HospitalStatus.CLOSED: 2}
_MODES = {"close": HospitalStatus.CLOSED, "divert": HospitalStatus.DIVERT}


class Agenda:
    """Begins and ends changes; what holds at a time follows from all that are in force then.

    Parameters
    ----------
    world
        The model, populated.
    begin_s
        When changes without a time begin.
    """

    def __init__(self, world: World, begin_s: float) -> None:
        self.world = world
        self._commands: queue.SimpleQueue[Timed] = queue.SimpleQueue()
        self._due: list[tuple[float, int, bool, int, Timed]] = []
        self._order = itertools.count()
        self._in_force: dict[int, Timed] = {}
        self._closed: dict[int, int | None] = {}
        self._injected = 0
        for change in world.scenario.changes:
            if isinstance(change, get_args(Timed)):
                self._plan(change, begin_s)

    def submit(self, change: Change) -> None:
        """Let a change come about at the next step, or at its time; any thread may call this.

        Raises
        ------
        InputError
            If it cannot happen in this city or once a run has begun, or would be over by now.
        """
        if not isinstance(change, get_args(Timed)):
            raise InputError(
                f"a {change.kind} change cannot be made while a run goes on",
                field="kind",
                hint="put it into the scenario",
            )
        until = getattr(change, "until", None)
        if until is not None and parse_clock(until) <= self.world.env.now:
            now = format_clock(self.world.env.now)
            raise InputError(f"the change is over at {until}, it is {now} already", field="until")
        alone = self.world.scenario.model_copy(update={"changes": [change]})
        refuse_own_code(alone, self.world.scenario)
        check(alone, self.world.city)
        check_policies(alone)
        if isinstance(change, SetPolicy):
            self.world.dispatcher.check(alone)
        self._commands.put(change)

    def apply(self, t: float, t_to: float) -> None:
        """Begin and end what is due from `t` on and before `t_to`."""
        while not self._commands.empty():
            self._plan(self._commands.get(), t)
        while self._due and self._due[0][0] < t_to:
            at, _, begins, number, change = heapq.heappop(self._due)
            if at > t:
                self.world.env.process(self._later(at, number, change, begins=begins))
            else:
                self._turn(number, change, begins=begins)

    def _plan(self, change: Timed, t: float) -> None:
        number = next(self._order)
        at = t if change.at is None else max(parse_clock(change.at), t)
        heapq.heappush(self._due, (at, number, True, number, change))
        if not isinstance(change, InjectIncident) and change.until is not None:
            # A command may be over before the step in which it is taken up; it ends after it began.
            end = max(parse_clock(change.until), at)
            heapq.heappush(self._due, (end, next(self._order), False, number, change))

    def _later(self, at: float, number: int, change: Timed, *, begins: bool) -> Life:
        yield self.world.until(at)
        self._turn(number, change, begins=begins)

    def _turn(self, number: int, change: Timed, *, begins: bool) -> None:
        self.world.recorder.row(
            "changes",
            t=self.world.env.now,
            kind=change.kind if begins else f"end of {change.kind}",
            detail=change.model_dump_json(exclude_none=True),
        )
        if isinstance(change, InjectIncident):
            self._inject(change)
            return
        if begins:
            self._in_force[number] = change
        else:
            del self._in_force[number]
        match change:
            case CloseLinks():
                self._set_closures()
            case WorkZone():
                self._set_closures()
                self._set_conditions()
            case Weather():
                self._set_conditions()
            case Toll():
                network = self.world.city.network
                self.world.mobility.set_tolls(tolls_s(self._in_force.values(), network))
            case BanTurn():
                network = self.world.city.network
                self.world.mobility.ban_turns(banned_turns(self._in_force.values(), network))
            case BusLane():
                network = self.world.city.network
                self.world.mobility.set_bus_lanes(bus_lanes(self._in_force.values(), network))
            case PreemptSignals() | RetimeSignals():
                world = self.world
                held = [self._in_force[number] for number in sorted(self._in_force)]
                now = settings_for(world.scenario.traffic, held, world.city.network)
                world.mobility.set_signals(now)
            case OffRoad():
                self._keep_off(change, begins=begins)
            case CloseHospital() | OpenHospital():
                self._set_hospital(change.hospital)
            case CloseBeds():
                closed = sum(
                    each.beds
                    for each in self._in_force.values()
                    if isinstance(each, CloseBeds) and each.hospital == change.hospital
                )
                self.world.hospitals[change.hospital].close_beds(closed)
            case SetPolicy():
                self._set_policies()
            case _:
                self._set_demand()

    def _set_closures(self) -> None:
        """Close and open what has changed."""
        network, mobility = self.world.city.network, self.world.mobility
        wanted = closures(self._in_force.values(), network)
        changed = [k for k, lanes in wanted.items() if self._closed.get(k, 0) != lanes]
        to_open = [k for k in self._closed if k not in wanted or k in changed]
        if to_open:
            mobility.open_links(sorted(to_open))
        for lanes in sorted({wanted[k] for k in changed}, key=lambda n: (n is None, n or 0)):
            mobility.close_links(sorted(k for k in changed if wanted[k] == lanes), lanes)
        self._closed = wanted

    def _set_conditions(self) -> None:
        world = self.world
        now = conditions_of(self._in_force.values(), world.city.network)
        world.mobility.set_conditions(now)

    def _set_demand(self) -> None:
        factor = 1.0
        for change in self._in_force.values():
            if isinstance(change, ScaleDemand):
                factor *= change.factor
        self.world.demand_factor = factor
        self.world.mobility.scale_demand(factor)

    def _keep_off(self, change: OffRoad, *, begins: bool) -> None:
        for unit in self.world.units:
            if unit.unit_id in change.units:
                unit.upkeep = upkeep = unit.upkeep or Upkeep(unit)
                if begins:
                    upkeep.plan()
                else:
                    upkeep.done()

    def _set_hospital(self, hospital_id: str) -> None:
        hospital, usual = self.world.hospitals[hospital_id], None
        for change in self._in_force.values():
            if isinstance(change, OpenHospital) and change.hospital == hospital_id:
                usual = HospitalStatus.OPEN
        modes = [
            _MODES[change.mode]
            for change in self._in_force.values()
            if isinstance(change, CloseHospital) and change.hospital == hospital_id
        ]
        hospital.set_status(max([usual or hospital.usual, *modes], key=_SEVERITY.__getitem__))

    def _set_policies(self) -> None:
        policy = self.world.scenario.policy
        for change in self._in_force.values():
            if isinstance(change, SetPolicy):
                named = {role: getattr(change, role) for role in ROLES}
                rules: dict[str, Any] = {role: name for role, name in named.items() if name}
                rules["parameters"] = over(policy.parameters, change.parameters)
                policy = policy.model_copy(update=rules)
        self.world.set_policies(policy)

    def _inject(self, change: InjectIncident) -> None:
        world = self.world
        self._injected += 1
        finder = world.locator if change.incident == "collision" else world.doors
        place = finder.nearest(change.lon, change.lat)
        call_id = f"I-{self._injected}"
        p = world.durations.service.p_transport.get(change.incident, 1.0)
        call = Call(
            call_id=call_id,
            kind=change.incident,
            priority=change.priority,
            t_call=world.env.now,
            lon=change.lon,
            lat=change.lat,
            link=place.link,
            pos_m=place.pos_m,
            district=world.district_of(place),
            transported=bool(world.streams.stream("transport", call_id).random() < p),
            patients=change.patients,
            type=change.type or "",
        )
        world.env.process(happen(world, call))
