"""What every emergency unit lives through: shift, station, call, way home."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import simpy

from twin.agents.agent import CityAgent
from twin.agents.states import BUSY, ON_THE_ROAD, UNIT_NEXT, Stage, UnitState
from twin.agents.units.shifts import Shift
from twin.agents.units.upkeep import Upkeep
from twin.agents.waiting import either
from twin.network.graph import Place
from twin.traffic.mobility import UnreachableError

if TYPE_CHECKING:
    from twin.agents.station import Station
    from twin.agents.task import Task
    from twin.agents.world import Life, World

RETRY_S = 60.0
"""After so many seconds a way is sought again where none led."""


_WORKING = frozenset({UnitState.ON_SCENE, UnitState.TRANSPORTING, UnitState.AT_HOSPITAL})


def has_arrived(drive: simpy.Event) -> bool:
    """Return whether a drive has reached its goal, where something else may have ended it."""
    return drive.processed and drive.ok


def arrived_at(drive: simpy.Event, set_out: float) -> float:
    """Return the exact time at which a drive ended, not before it began."""
    value: Any = drive.value
    return max(float(value), set_out)


class Unit(CityAgent):
    """An ambulance or an engine.

    Parameters
    ----------
    world
        The model.
    unit_id
        How it is known.
    station
        Where it is based.
    shift
        When it is staffed; a unit that is out on a call when its shift ends finishes the call and
        drives home first.

    Attributes
    ----------
    state, at_station
        What it does now; 1 if it is at a station, free and on shift, else 0.
    handle
        Its number in the mobility layer; None off shift.
    number
        Its place in `world.units`.
    advanced
        Whether its crew gives advanced life support.
    base
        The station at which it stands when it is free, or to which it is on its way.
    upkeep
        What keeps it from calls between them; None where nothing does.
    """

    kind: ClassVar[str]

    def __init__(self, world: World, unit_id: str, station: Station, shift: Shift) -> None:
        super().__init__(world)
        self.unit_id = unit_id
        self.station = station
        self.base = station
        self.shift = shift
        self.state = UnitState.OFF_SHIFT
        self.at_station = 0.0
        self._task: Task | None = None
        self.number = len(world.units)
        self._free = False
        self.advanced = True
        self._handle: int | None = None
        self._last: Task | None = None
        self._shift_end = self._t_on = -math.inf
        self._called = world.env.event()
        """Succeeds when it is given a call, another base, or a pause is due."""
        self._stands_at: Station | None = station
        self._home_at = world.env.now
        self.since = world.env.now
        self.ready_at = -math.inf
        self.goal = station.place
        self.upkeep = Upkeep(self) if world.scenario.crews.pause else None
        if not math.isinf(shift.at(world.env.now)[1]):
            world.free.always_on = False
        station.units.append(self)
        self.process = world.env.process(self._life())

    @property
    def task(self) -> Task | None:
        """Its part in a call, None when free."""
        return self._task

    @task.setter
    def task(self, task: Task | None) -> None:
        self._task = task
        self._note_free()

    def _note_free(self) -> None:
        free = self._task is None and (self.state is UnitState.IDLE or self.state in ON_THE_ROAD)
        if free is not self._free:
            self._free = free
            self.world.free.keep(self, free=free)

    @property
    def handle(self) -> int:
        """Its number in the mobility layer, while it is on shift."""
        if self._handle is None:
            raise RuntimeError(f"{self.unit_id} is off shift and not on the road")
        return self._handle

    @property
    def place(self) -> Place:
        """Where it is on the road."""
        if self._handle is None:
            return self.station.place
        return self.world.mobility.place_of(self._handle)

    @property
    def moving(self) -> bool:
        """Whether it is on the move; who stands may set out on either side of its street."""
        return self._handle is not None and self.world.mobility.moving(self._handle)

    @property
    def available(self) -> bool:
        """Whether it can be given a call: staffed and free, at a station or on its way there."""
        # Asked of every unit at every call: what most often says no is asked first.
        if self.task is not None or (self.upkeep is not None and self.upkeep.keeps_off):
            return False
        free = self.state is UnitState.IDLE or self.state in ON_THE_ROAD
        return free and (self._shift_end == math.inf or self.world.env.now < self._shift_end)

    @property
    def movable(self) -> bool:
        """Whether it can be sent to another station: it is available and no pause is due."""
        return self.available and not (self.upkeep is not None and self.upkeep.due)

    @property
    def on_the_way(self) -> bool:
        """Whether it is on its way to a scene, or turning out for it."""
        if self.task is None or self.state not in {UnitState.TURNOUT, UnitState.TO_SCENE}:
            return False
        return not self.task.recall.triggered

    @property
    def soon_free(self) -> bool:
        """Whether it works on a call that it will leave while it is on shift."""
        return self.state in _WORKING and self.world.env.now < self._shift_end

    @property
    def busy(self) -> bool:
        """Whether it belongs to a call."""
        return self.state in BUSY

    def assign(self, task: Task) -> None:
        """Take a task; the unit must be available."""
        if not self.available:
            raise RuntimeError(f"{self.unit_id} is {self.state} and cannot take a call")
        self.task = task
        self.wake()
        self.world.deployer.changed(self, "dispatch")

    def move_to(self, station: Station) -> None:
        """Make a station its base and go there; the unit must be available."""
        if not self.available:
            raise RuntimeError(f"{self.unit_id} is {self.state} and cannot be moved")
        self.base = station
        self.wake()

    def wake(self) -> None:
        """Let it look what it has to do."""
        if not self._called.triggered:
            self._called.succeed()

    def divert(self, task: Task) -> Task:
        """Turn to another task on the way to one, and return that one; it needs another unit."""
        lost = self.task
        if lost is None or not self.on_the_way:
            raise RuntimeError(f"{self.unit_id} is {self.state} and cannot be turned")
        self.task = task
        woken, lost.recall = lost.recall, self.world.env.event()
        woken.succeed()
        return lost

    def enter(self, state: UnitState, t: float | None = None) -> None:
        """Change the state and record it, at `t` if that was a moment ago."""
        if state not in UNIT_NEXT[self.state]:
            raise RuntimeError(f"{self.unit_id} cannot pass from {self.state} to {state}")
        self.state = state
        self.at_station = float(state is UnitState.IDLE)
        self._note_free()
        self.since = self.world.env.now if t is None else t
        if not self.world.scenario.record.events:
            return
        lon, lat = self.world.lonlat(self.place)
        self.world.recorder.row(
            "unit_events",
            t=self.since,
            unit_id=self.unit_id,
            kind=self.kind,
            state=str(state),
            call_id=None if self.task is None else self.task.incident.call_id,
            lon=lon,
            lat=lat,
        )

    def drive(self, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive; see `Mobility.drive`."""
        self.goal = destination
        event = self.world.mobility.drive(self.handle, destination, siren=siren)
        # The road may close in the very instant in which the unit turns to another goal; then
        # nobody waits for the failure any more.
        event.defused = True
        return event

    def work(self, task: Task, t: float) -> Life:
        """Do what is to be done from the arrival on scene at `t` until the unit is clear."""
        raise NotImplementedError

    def _life(self) -> Life:
        env = self.world.env
        while True:
            start, end = self.shift.at(env.now)
            if start > env.now:
                yield env.timeout(start - env.now)
            self._shift_end = end
            self._handle = self.world.mobility.add_unit(self.unit_id, self.kind, self.station.place)
            self.base = self._stands_at = self.station
            self._begin(start)
            self.enter(UnitState.IDLE)
            self.world.dispatcher.review(self.kind)
            self.world.deployer.changed(self, "shift")
            yield from self._duty()
            self.end(env.now)
            self.enter(UnitState.OFF_SHIFT)
            self.world.deployer.changed(self, "shift")
            self.world.mobility.remove_unit(self.handle)
            self._handle = None

    def _duty(self) -> Life:
        """Answer calls until the shift is over and the unit is home."""
        env = self.world.env
        always = math.isinf(self._shift_end)
        over = env.event() if always else self.world.until(self._shift_end)
        while True:
            if self.upkeep is not None and self.task is None:
                yield from self._rest(self.upkeep, over)
            if self.task is None and self.base is self._stands_at:
                if self._called.triggered:
                    self._called = env.event()  # it was sent away and back in one moment
                yield self._called if always else either(self._called, over)
            while self.task is not None or self.base is not self._stands_at:
                self._called = env.event()
                if self.task is not None:
                    yield from self._answer(self.task)
                else:
                    self._set_out()
                if self.state in ON_THE_ROAD:
                    yield from self._go_to_base(over)
            if env.now >= self._shift_end:
                if self.base is self.station:
                    return
                self.base = self.station
            elif self.state in ON_THE_ROAD:
                self.enter(UnitState.IDLE, self._home_at)

    def _rest(self, upkeep: Upkeep, over: simpy.Event) -> Life:
        """Pause as long as something is due, at home; turn home for it from elsewhere."""
        if self.base is not self._stands_at:
            return
        if self._called.triggered:
            self._called = self.world.env.event()
        if upkeep.due and self.base is self.station:
            yield from upkeep.pause(over)
        elif upkeep.due:
            self.base = self.station

    def back(self) -> None:
        """Be free again after a pause."""
        self.enter(UnitState.IDLE)
        self.world.dispatcher.review(self.kind)
        self.world.deployer.changed(self, "shift")

    def _begin(self, start: float) -> None:
        """Let a crew come on duty whose shift began at `start`."""
        self._t_on = self.world.env.now
        if self.upkeep is not None:
            self.upkeep.begin(start)

    def end(self, t_off: float | None = None) -> None:
        """Write down the crew that goes off duty, or that is still on duty when the run ends."""
        if self.state is UnitState.OFF_SHIFT:
            return
        now, due, upkeep = self.world.env.now, self._shift_end, self.upkeep
        if upkeep is not None:
            upkeep.end()
        self.world.recorder.row(
            "crew_shifts",
            unit_id=self.unit_id,
            kind=self.kind,
            station_id=self.station.station_id,
            t_on=self._t_on,
            t_due=None if math.isinf(due) else due,
            t_off=t_off,
            overtime_s=max(now - due, 0.0),
            t_break=None if upkeep is None else upkeep.meal,
            break_missed=upkeep is not None and upkeep.missed,
        )

    def _answer(self, task: Task) -> Life:
        """Turn out, drive to the scene, work there."""
        world = self.world
        incident = task.incident
        recall = task.recall  # another event once the task has lost this unit
        if self.state in {UnitState.IDLE, UnitState.TURNOUT}:
            if self.state is UnitState.IDLE:
                turnout = world.durations.turnout(
                    incident.kind,
                    incident.priority,
                    incident.call_id,
                    task.role,
                    serves=self.station.serves,
                    t=world.env.now,
                )
                self.ready_at = world.env.now + turnout
            else:
                turnout = max(self.ready_at - world.env.now, 0.0)
            self.enter(UnitState.TURNOUT)
            yield either(world.env.timeout(turnout), recall)
            if self.task is not task:
                return
            if recall.processed:
                self.task = None
                self.enter(UnitState.IDLE)
                self._finish(task, world.env.now)
                self._settle(world.env.now)
                return
        self.enter(UnitState.TO_SCENE)
        self.base, self._stands_at = self.station, None
        set_out = world.env.now
        incident.note(task, Stage.EN_ROUTE, set_out)
        arrival = self.drive(incident.place, siren=incident.siren)
        try:
            yield either(arrival, recall)
        except UnreachableError:
            if self.task is not task:
                return
            self.task = None
            self.enter(UnitState.RETURNING)
            world.dispatcher.give_back(task, self)
            return
        if self.task is not task:
            return
        if not has_arrived(arrival):
            self._clear(task, world.env.now)
            return
        t = arrived_at(arrival, set_out)
        self.enter(UnitState.ON_SCENE, t)
        incident.note(task, Stage.ON_SCENE, t)
        yield from self.work(task, t)
        wrap_up = world.durations.draw(
            incident.kind, "wrap_up", incident.priority, incident.call_id, task.role
        )
        if wrap_up > 0:
            yield world.env.timeout(wrap_up)
        self._clear(task, world.env.now)

    def _clear(self, task: Task, t: float) -> None:
        self.task = None
        self.enter(UnitState.RETURNING, t)
        self._finish(task, t)

    def _finish(self, task: Task, t: float) -> None:
        self._last = task
        task.t_clear = t
        if not task.off_scene.triggered:
            task.off_scene.succeed()
        task.done.succeed()
        self.world.dispatcher.review(self.kind)

    def _set_out(self) -> None:
        """Enter the state of a drive to the base: moving up, or home when the shift is over."""
        self._stands_at = None
        if self.base is not self.station:
            self.enter(UnitState.MOVING_UP)
        elif self.state is not UnitState.RETURNING:
            self.enter(UnitState.RETURNING)

    def _go_to_base(self, over: simpy.Event) -> Life:
        """Drive to the base unless a call comes first."""
        world = self.world
        if self.task is None and self.state is UnitState.RETURNING:
            world.deployer.freed(self)
            self._turn()
        while self.task is None:
            base, set_out = self.base, world.env.now
            drive = self.drive(base.place, siren=False)
            # Only who is far from home has to mind the end of the shift on the way.
            ends = either(drive, self._called)
            try:
                yield ends if base is self.station else either(ends, over)
            except UnreachableError:
                self.base = self.station
                if base is self.station:
                    yield world.env.timeout(RETRY_S) | self._called
                self._turn()
                continue
            if has_arrived(drive) and self.base is base and self.task is None:
                self._home_at = arrived_at(drive, set_out)
                self._stands_at = base
                self._settle(self._home_at)
                return
            if not self._called.triggered:
                self.base = self.station
            self._turn()
        self._settle(None)

    def _turn(self) -> None:
        """Take note of another base on the way, if there is one."""
        if self.task is not None:
            return
        if self._called.triggered:
            self._called = self.world.env.event()
        self._set_out()

    def _settle(self, t_base: float | None) -> None:
        """Tell the last call when, if ever, the unit came home from it."""
        if self._last is not None:
            self._last.t_base = t_base
            self._last.settled = True
            self._last.incident.settle()
            self._last = None
