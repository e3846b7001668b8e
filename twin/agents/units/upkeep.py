"""What keeps a unit from calls between them: meals, stock, failures, work that is planned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from twin.agents.states import UnitState
from twin.core.clock import HOUR_S

if TYPE_CHECKING:
    import simpy

    from twin.agents.units.unit import Unit
    from twin.agents.world import Life


GOLDEN = (5.0**0.5 - 1.0) / 2.0
"""The parts of its multiples behind the point are spread evenly (Knuth 1998, section 6.4)."""


class Upkeep:
    """The pauses of one unit; each begins at its station, when it has no call.

    Parameters
    ----------
    unit
        Whose they are. Failures and repairs are drawn from streams of the unit, one after the
        other.

    Attributes
    ----------
    meal
        When the meal break of the crew that is on duty began; None before.
    missed
        Whether it is too late for one.
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.world = unit.world
        self.world.free.always_on = False
        self.settings = unit.world.scenario.crews
        streams = unit.world.streams
        self._failures = streams.stream("failure", unit.unit_id)
        self._repairs = streams.stream("repair", unit.unit_id)
        self._to_failure_s = self._next_failure_s()
        self._since = 0.0
        self._place = len(unit.world.units)
        self._duty = 0
        """Number of the crew; what belongs to an earlier one is void."""
        self._meal_due = False
        self._broken = False
        self._repaired: simpy.Event | None = None
        self._planned = 0
        self._planned_over = unit.world.env.event()
        self._patients = 0
        self.meal: float | None = None
        self.missed = False

    @property
    def keeps_off(self) -> bool:
        """Whether the unit takes no calls, wherever it is: it has failed, or work is planned."""
        return self._broken or self._planned > 0

    def begin(self, t_on: float) -> None:
        """Let a crew come on duty that should have begun at `t_on`."""
        world, settings = self.world, self.settings
        self._duty += 1
        self._since = world.env.now
        self._meal_due, self.meal, self.missed = False, None, False
        last = t_on + HOUR_S * settings.break_until_h
        if settings.break_min and math.isfinite(t_on) and last > world.env.now:
            world.env.process(self._meal(self._duty, t_on))
        if math.isfinite(self._to_failure_s) and not self._broken:
            world.env.process(self._fail(self._duty, self._to_failure_s))

    def end(self) -> None:
        """Let the crew go off duty; the vehicle is as far from its next failure as it is."""
        self._duty += 1
        if not self._broken:
            self._to_failure_s -= self.world.env.now - self._since
        self.missed |= self._meal_due
        self._meal_due = False

    def took_patient(self) -> None:
        """Take note that a patient was taken to hospital."""
        self._patients += 1

    def plan(self) -> None:
        """Let the unit be kept off the road from now on, as soon as it has no call."""
        if self._planned == 0:
            self._planned_over = self.world.env.event()
        self._planned += 1
        self.unit.wake()

    def done(self) -> None:
        """End what `plan` began."""
        self._planned -= 1
        if self._planned == 0:
            self._planned_over.succeed()

    @property
    def due(self) -> bool:
        """Whether a pause is due."""
        return self.keeps_off or self._meal_due or self._stock_due

    def pause(self, over: simpy.Event) -> Life:
        """Pause at the station for as long as something is due, or until the shift is `over`."""
        env, settings = self.world.env, self.settings
        while self.due and not over.processed:
            if self._planned:
                self._rest(UnitState.OFF_ROAD)
                yield self._planned_over | over
            elif self._broken:
                self._rest(UnitState.OFF_ROAD)
                if self._repaired is None:
                    mean = HOUR_S * settings.repair_h
                    self._repaired = env.timeout(mean * self._repairs.standard_exponential())
                yield self._repaired | over
                if self._repaired.processed:
                    self._broken, self._repaired = False, None
                    self._to_failure_s, self._since = self._next_failure_s(), env.now
                    env.process(self._fail(self._duty, self._to_failure_s))
            elif self._stock_due:
                self._patients = 0
                self._rest(UnitState.RESTOCKING)
                yield env.timeout(60.0 * settings.restock_min) | over
            else:
                self._meal_due, self.meal = False, env.now
                self._rest(UnitState.ON_BREAK)
                yield env.timeout(60.0 * settings.break_min) | over
        self.unit.back()

    @property
    def _stock_due(self) -> bool:
        settings = self.settings
        return bool(settings.restock_min) and self._patients >= settings.restock_every

    def _rest(self, state: UnitState) -> None:
        if self.unit.state is not state:
            self.unit.enter(state)

    def _meal(self, duty: int, t_on: float) -> Life:
        settings = self.settings
        later = settings.break_spread_h * (self._place * GOLDEN % 1.0)
        yield self.world.until(t_on + HOUR_S * (settings.break_after_h + later))
        if duty != self._duty:
            return
        self._meal_due = True
        self.unit.wake()
        yield self.world.until(t_on + HOUR_S * settings.break_until_h)
        if duty == self._duty and self._meal_due:
            self._meal_due, self.missed = False, True

    def _fail(self, duty: int, in_s: float) -> Life:
        yield self.world.env.timeout(in_s)
        if duty == self._duty:
            self._broken = True
            self.unit.wake()

    def _next_failure_s(self) -> float:
        mean = self.settings.failures_every_h
        if mean is None:
            return math.inf
        return HOUR_S * mean * float(self._failures.standard_exponential())
