"""The deployer: sends free units to other stations by the rule of move-up that holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.agents.agent import CityAgent
from twin.agents.deployment.cover import KIND
from twin.agents.deployment.drives import StationDrives
from twin.agents.policies.registry import make, over
from twin.core.clock import HOUR_S
from twin.scenarios.change_kinds import SetPolicy
from twin.scenarios.policy import named_rules

if TYPE_CHECKING:
    from twin.agents.policies.scores import Move
    from twin.agents.units.unit import Unit
    from twin.agents.world import Life, World


class Deployer(CityAgent):
    """Asks the rule when a unit becomes free or the fleet changes, and keeps to the limits.

    Attributes
    ----------
    moves
        Moves made in the scenario's period, by unit id.
    drives
        What drives to stations take.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.moves: dict[str, int] = {}
        self._made: deque[float] = deque()
        self._made_by: dict[str, deque[float]] = {}
        self._asked_for: set[str] = set()
        self.drives = StationDrives(world)
        self._check()

    def freed(self, unit: Unit) -> None:
        """Let the rule choose the base of a unit that is free after a call and about to drive."""
        rule = self.world.moveup_policy
        if unit.kind == KIND and "free" in rule.triggers and unit.movable:
            self._make(rule.moves(self.world, self._free(), unit), "free")

    def changed(self, unit: Unit, what: str) -> None:
        """Let the rule look at the fleet, once all that happens at this moment has happened.

        Parameters
        ----------
        unit
            Which one has gone or come.
        what
            `"dispatch"`: to a call; `"shift"`: on or off its shift.
        """
        if unit.kind != KIND or what not in self.world.moveup_policy.triggers:
            return
        if not self._asked_for:
            self.world.env.process(self._look())
        self._asked_for.add(what)

    def summary(self) -> dict[str, int] | None:
        """Return the moves of the scenario's period; None if the scenario names no rule."""
        rules = named_rules(self.world.scenario)
        if all(name == "none" for _, role, name in rules if role == "moveup"):
            return None
        by_unit = self.moves.values()
        return {
            "made": sum(by_unit),
            "units": len(by_unit),
            "most_of_a_unit": max(by_unit, default=0),
        }

    def _check(self) -> None:
        """Refuse rules whose parameters do not fit the city, those of later changes too."""
        world = self.world
        world.moveup_policy.check(world)
        policy = world.scenario.policy
        for change in world.scenario.changes:
            if isinstance(change, SetPolicy) and change.moveup is not None:
                make("moveup", change.moveup, over(policy.parameters, change.parameters)).check(
                    world
                )

    def _look(self) -> Life:
        yield self.world.env.timeout(0.0)
        reason = "dispatch" if "dispatch" in self._asked_for else "shift"
        self._asked_for.clear()
        rule = self.world.moveup_policy
        if reason in rule.triggers:
            self._make(rule.moves(self.world, self._free(), None), reason)

    def _free(self) -> list[Unit]:
        return [unit for unit in self.world.units if unit.kind == KIND and unit.movable]

    def _make(self, moves: Sequence[Move], reason: str) -> None:
        """Carry out moves in their order, as far as the limits allow; record each choice."""
        for move in moves:
            made = move.station is not move.unit.base and self._allowed(move)
            if self.world.env.now >= self.world.scenario.period.start_s:
                self._record(move, reason, made=made)
            if made:
                self._count(move.unit)
                move.unit.move_to(move.station)

    def _allowed(self, move: Move) -> bool:
        unit, limits = move.unit, self.world.scenario.moves
        drive = move.eta_s[[station is move.station for station in move.stations]]
        if limits.longest_s is not None and not (drive <= limits.longest_s).all():
            return False
        since = self.world.env.now - HOUR_S
        for made, most in (
            (self._made, limits.per_hour),
            (self._made_by.setdefault(unit.unit_id, deque()), limits.per_crew),
        ):
            while made and made[0] <= since:
                made.popleft()
            if most is not None and len(made) >= most:
                return False
        return True

    def _count(self, unit: Unit) -> None:
        now = self.world.env.now
        self._made.append(now)
        self._made_by[unit.unit_id].append(now)
        if now >= self.world.scenario.period.start_s:
            self.moves[unit.unit_id] = self.moves.get(unit.unit_id, 0) + 1

    def _record(self, move: Move, reason: str, *, made: bool) -> None:
        world = self.world
        chosen = np.array([station is move.station for station in move.stations])
        kept = np.ones(len(chosen), bool) if world.scenario.record.decisions else chosen & made
        if not kept.any():
            return
        world.recorder.columns(
            "moves",
            t=world.env.now,
            unit_id=move.unit.unit_id,
            policy=world.moveup_policy.name,
            reason=reason,
            from_station=move.unit.base.station_id,
            station_id=[s.station_id for s, k in zip(move.stations, kept, strict=True) if k],
            eta_s=move.eta_s[kept],
            score=move.score[kept],
            chosen=chosen[kept],
            made=(chosen & made)[kept],
        )
