"""Fires: stages from the call until closed, on the clock of the first engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from twin.agents.incidents.fire_growth import Growth, water_lps
from twin.agents.incidents.incident import Incident
from twin.agents.states import Stage
from twin.network.graph import Place
from twin.traffic.obstacles import CLEAR_M

if TYPE_CHECKING:
    from twin.agents.incidents.incident import Call
    from twin.agents.task import Task
    from twin.agents.world import Life, World

STAGE_WEIGHTS = (2.0, 14.0, 12.0, 12.0)
"""Dirichlet weights of the shares of a fire's time on scene: until activity starts, until it is
under control, until it is out, until it is closed (assumption: the fire board shows stages but no
statistics of them)."""


class Fire(Incident):
    """A fire: engines, and an ambulance per patient standing by.

    From the first engine's arrival until the last has left, the lane at the kerb is taken, ahead of
    where units stop, and drivers of both directions slow to pass.
    """

    kind: ClassVar[str] = "fire"
    clock_kinds: ClassVar[frozenset[str]] = frozenset({"engine"})
    capable_kind: ClassVar[str] = "engine"

    def __init__(self, world: World, call: Call) -> None:
        super().__init__(world, call)
        self._engines = 0
        self._block = -1
        burns = self.finding.check_s is None  # else it is a false alarm
        enabled = world.scenario.care.fire.enabled
        self.growing = GrowingFire(self) if enabled and burns else None

    def arrived(self, task: Task, t: float) -> None:
        """Let an engine stand in the road, and begin its work where the fire grows."""
        if task.unit_kind != "ambulance":
            self.world.env.process(self._stand(task))
        if self.growing is not None and task.unit_kind == "engine":
            self.world.env.process(self.growing.set_up(task, t))

    def _stand(self, task: Task) -> Life:
        mobility = self.world.mobility
        if self._engines == 0:
            link, pos = self.place
            self._block = mobility.block(Place(link, pos + CLEAR_M), 1, opposite=True)
        self._engines += 1
        yield task.off_scene
        self._engines -= 1
        if self._engines == 0:
            mobility.unblock(self._block)

    def course(self) -> Life:
        """Fight the fire from the first engine's arrival until it is closed."""
        world = self.world
        began = yield self.reached
        if self.called_off or self.finding.check_s is not None:
            return
        total = self.draw("scene")
        weights = world.streams.stream("fire-stages", self.call_id).dirichlet(STAGE_WEIGHTS)
        if self.growing is None:
            marks = began + total * np.cumsum(weights)
            stages = (Stage.ACTIVITY_START, Stage.UNDER_CONTROL, Stage.OUT)
            for stage, t in zip(stages, marks.tolist(), strict=False):
                yield world.until(t)
                self.enter(stage, world.env.now)
            yield world.until(began + total)
        else:
            yield from self.growing.fight()
            yield world.env.timeout(total * float(weights[-1]))
        for task in self.tasks:
            if task.unit_kind != "ambulance":
                self.dismiss(task)

    def write(self) -> None:
        """Write the rows of the call and of a fire that grew."""
        super().write()
        if self.counted and self.growing is not None:
            self.growing.record()


class GrowingFire:
    """The growth of a fire against the water of the engines that are there.

    It is under control when the engines at work bring the water that its heat release needs, or
    when its fuel is gone; it grows until then. From the first water on, and every so often, the
    officer strikes the next alarm if all engines that were asked for would not suffice now.

    Parameters
    ----------
    fire
        The incident.
    """

    def __init__(self, fire: Fire) -> None:
        self.fire = fire
        self.rules = fire.world.scenario.care.fire
        self.rate = fire.finding.rate or self.rules.rate
        self.growth = Growth.of(self.rules, self.rate)
        self.t_ignition = fire.t_call - self.rules.burning_before_s
        self.alarm = 1
        self.at_work = 0
        self.burnt_m2 = 0.0
        self.heat_kw = 0.0
        self.t_water: float | None = None
        self.t_control: float | None = None
        self.t_out: float | None = None
        self._held = fire.world.env.event()

    def set_up(self, task: Task, t: float) -> Life:
        """Bring an engine to work that came at `t`."""
        world = self.fire.world
        yield world.until(t + self.rules.set_up_s) | task.release
        if task.release.triggered:
            return
        self.at_work += 1
        if self.t_water is None:
            self.t_water = world.env.now
            self.fire.enter(Stage.ACTIVITY_START, world.env.now)
            world.env.process(self._review())
        if self._suffices(self.at_work) and not self._held.triggered:
            self._held.succeed()

    def fight(self) -> Life:
        """Fight until the fire is out."""
        world = self.fire.world
        burnt_out = self.t_ignition + self.growth.burns_out_s
        yield self._held | world.until(burnt_out)
        now = self.t_control = world.env.now
        self.heat_kw = self.growth.heat_kw(now - self.t_ignition)
        self.burnt_m2 = self.heat_kw / self.rules.kw_per_m2
        self.fire.enter(Stage.UNDER_CONTROL, now)
        for task in self.fire.tasks:
            if task.unit_kind != "ambulance" and task.t_onscene is None:
                self.fire.dismiss(task)
        work = self.burnt_m2 * self.rules.overhaul_s_per_m2
        yield world.env.timeout(work / max(self.at_work, 1))
        self.t_out = world.env.now
        self.fire.enter(Stage.OUT, world.env.now)

    def record(self) -> None:
        """Write the fire's row."""
        self.fire.world.recorder.row(
            "fires",
            call_id=self.fire.call_id,
            rate=self.rate,
            t_ignition=self.t_ignition,
            t_water=self.t_water,
            t_control=self.t_control,
            t_out=self.t_out,
            alarm=self.alarm,
            engines=self.at_work,
            heat_kw=None if self.t_control is None else self.heat_kw,
            burnt_m2=None if self.t_control is None else self.burnt_m2,
        )

    def _suffices(self, engines: int) -> bool:
        """Return whether so many engines bring the water that the fire needs now."""
        heat = self.growth.heat_kw(self.fire.world.env.now - self.t_ignition)
        needed = water_lps(heat, self.rules.water_efficiency)
        return engines * self.rules.engine_lps >= needed

    def _review(self) -> Life:
        """Strike the next alarm when the engines that were asked for do not suffice."""
        fire, world = self.fire, self.fire.world
        while self.t_control is None and self.alarm < self.rules.alarms:
            engines = [t for t in fire.tasks if t.unit_kind == "engine"]
            if not self._suffices(sum(not task.release.triggered for task in engines)):
                self.alarm += 1
                lines = world.plans.more(fire.finding.name, fire.priority, self.alarm)
                more = fire.wanted(lines)
                fire.tasks.extend(more)
                world.dispatcher.request(more)
            yield world.env.timeout(self.rules.review_s)
