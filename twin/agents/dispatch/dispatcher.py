"""The dispatcher: holds the queue of requests and gives them to units."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.agents.agent import CityAgent
from twin.agents.policies.registry import make, over
from twin.agents.policies.scores import Scores
from twin.agents.states import Stage
from twin.agents.units.unit import RETRY_S
from twin.core.errors import InputError
from twin.scenarios.change_kinds import SetPolicy

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import Life, World
    from twin.scenarios.spec import Scenario


MOST_TURNS = 10
"""Who is turned to what is more urgent only is turned fewer times than there are priorities."""


class _Judged(NamedTuple):
    """Candidates and what a rule thinks of them."""

    policy: str
    units: Sequence[Unit]
    scores: Scores


class Dispatcher(CityAgent):
    """Gives every request to a unit by the rules that hold, or keeps it waiting."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.waiting: list[Task] = []
        self.queued = 0
        """Counted calls that had to wait for a unit."""
        self._made = 0

    def check(self, scenario: Scenario) -> None:
        """Refuse rules that do not fit the city, those of later changes too, by `InputError`."""
        policy = scenario.policy
        rules = [(policy.dispatch, policy.parameters)]
        for change in scenario.changes:
            if isinstance(change, SetPolicy):
                parameters = over(policy.parameters, change.parameters)
                rules.append((change.dispatch or policy.dispatch, parameters))
        for name, parameters in rules:
            rule = make("dispatch", name, parameters)
            if hasattr(rule, "check"):
                rule.check(self.world)

    def next_number(self) -> int:
        """Return the number of a new task."""
        self._made += 1
        return self._made

    def request(self, tasks: Sequence[Task]) -> None:
        """Take requests in and serve what can be served."""
        self.waiting.extend(tasks)
        for kind in sorted({task.unit_kind for task in tasks}):
            self.review(kind)
        self._count(task for task in tasks if not self._asks_for(task.unit_kind))

    def release(self, task: Task) -> None:
        """End a task: its unit leaves the scene or turns back; a waiting request is dropped."""
        if task.unit is None:
            self.waiting.remove(task)
            task.settled = True
            task.off_scene.succeed()
            task.done.succeed()
            return
        task.recall.succeed()
        task.release.succeed()

    def give_back(self, task: Task, unit: Unit) -> None:
        """Take back a task whose unit found no road to the scene; another one is tried."""
        task.failed.add(unit.unit_id)
        self._unassign(task)
        self.review(unit.kind)

    def _unassign(self, task: Task) -> None:
        task.unit = None
        task.t_dispatch = task.t_enroute = None
        self.waiting.append(task)

    def review(self, kind: str) -> None:
        """Give waiting requests for units of a kind to the free ones, in the order of the queue.

        A request that is to wait for a unit that is busy keeps it from the requests after it.
        """
        if not self.waiting or self._asks_for(kind):
            return
        world, now = self.world, self.world.env.now
        free = world.free.available(kind)
        holds = world.dispatch_policy.hold_s > 0.0
        soon = [u for u in world.units if u.kind == kind and u.soon_free] if holds else []
        turns = world.reassign_policy is not None
        key = world.queue_policy.key
        queue = sorted((t for t in self.waiting if t.unit_kind == kind), key=key)
        turned = 0
        while queue:
            if not (free or turns):
                return
            task = queue.pop(0)
            if task.retry_at > now:
                continue
            if self.by_hand and not world.orders.has_unit(task):
                if self._ask(task, free):
                    return
                continue
            bumped = self._serve(task, free, soon)
            if bumped is not None:
                turned += 1
                if turned > MOST_TURNS * len(world.units):
                    raise InputError(
                        "the rule turns units from call to call and back without end",
                        field="policy.reassign",
                        hint="turn a unit to what is more urgent only",
                    )
                insort(queue, bumped, key=key)

    def _serve(self, task: Task, free: list[Unit], soon: list[Unit]) -> Task | None:
        """Give a request to a unit, or keep it waiting; return the request that lost its unit."""
        if self.world.orders.units and (ordered := self.world.orders.unit_for(task, free)):
            judged = self._judge(task, free, [])
            free.remove(ordered)
            self._send(task, ordered, [judged], "ordered")
            return None
        able = [u for u in free if u.advanced] if task.advanced else free
        if not able and self.world.reassign_policy is None:
            return None  # nobody can go now, whoever may be free soon
        judged = self._judge(task, able, soon)
        unit, best_s = _best(judged)
        other = self._turned(task, best_s, unit)
        if other is not None:
            self._record(task, [judged, other], other.units[other.scores.best()], "diverted")
            return self._divert(task, other.units[other.scores.best()])
        if judged is None:
            if able:
                self._try_later(task)
            return None
        if unit is None:
            self._record(task, [judged], None)
            self._try_later(task)
        elif unit.available:
            self._record(task, [judged], unit)
            free.remove(unit)
            self.waiting.remove(task)
            self._assign(task, unit)
        else:
            soon.remove(unit)
            if able:
                self._hold(task, unit, judged)
        return None

    @property
    def by_hand(self) -> bool:
        """Whether a person sends the units."""
        return self.world.seats is not None and "dispatcher" in self.world.seats.taken

    def _asks_for(self, kind: str) -> bool:
        return self.world.seats is not None and self.world.seats.asks_for(kind)

    def _ask(self, task: Task, free: list[Unit]) -> bool:
        """Let a person say which unit goes; return whether there is one to be sent."""
        seats, judged = self.world.seats, self._judge(task, free, [])
        unit, best_s = _best(judged)
        ways = self._less_urgent(task, self._on_the_way(task, best_s, unit))
        by_rule = unit
        if ways is not None and np.isfinite(ways.scores.score.min()):
            by_rule = ways.units[ways.scores.best()]
        elif judged is None:
            return False  # nobody is free, and the rule turns nobody: it waits
        said = [each for each in (judged, ways) if each is not None]
        units = [unit for each in said for unit in each.units]
        by_id = {unit.unit_id: unit for unit in units}

        def settle(choice: str) -> None:
            self._answered(task, by_id.get(choice), said)

        if seats is not None:
            score = np.concatenate([each.scores.score for each in said])
            seats.unit(task, units, score, None if by_rule is None else by_rule.unit_id, settle)
        return seats is not None

    def _answered(self, task: Task, unit: Unit | None, judged: Sequence[_Judged]) -> None:
        """Do what a person chose, a unit or None to wait, and go on with the other requests."""
        if unit is None:
            self._record(task, judged, None)
            self._try_later(task)
        elif unit.on_the_way:
            self._record(task, judged, unit, "person")
            self._divert(task, unit)
        else:
            self._send(task, unit, judged, "person")
        self.review(task.unit_kind)
        if not self._asks_for(task.unit_kind):
            self._count(t for t in self.waiting if t.unit_kind == task.unit_kind)

    def _send(self, task: Task, unit: Unit, judged: Sequence[_Judged | None], why: str) -> None:
        """Give a request to a unit that no rule has chosen."""
        self._record(task, judged, unit, why)
        self.waiting.remove(task)
        self._assign(task, unit)

    def _count(self, tasks: Iterable[Task]) -> None:
        """Count the calls of requests that have no unit as having to wait, each once."""
        for task in tasks:
            if task.unit is None and not task.incident.queued:
                task.incident.queued = True
                self.queued += task.incident.counted

    def _judge(self, task: Task, free: list[Unit], soon: list[Unit]) -> _Judged | None:
        """Return what the rule thinks of the candidates; None if there are none."""
        rule = self.world.dispatch_policy
        units = [u for u in free if task.takes(u)] if task.particular else list(free)
        if soon and self.world.env.now - task.t_held < rule.hold_s:
            units += [u for u in soon if task.takes(u)]
        if not units:
            return None
        return _Judged(rule.name, units, rule.score(self.world, task, units))

    def _turned(self, task: Task, best_s: float, unit: Unit | None) -> _Judged | None:
        """Return the judgement by which a unit on its way to another call is turned to this one."""
        found = self._on_the_way(task, best_s, unit)
        return found if found is not None and np.isfinite(found.scores.score.min()) else None

    def _on_the_way(self, task: Task, best_s: float, unit: Unit | None) -> _Judged | None:
        """Return what the rule thinks of turning units on their way; None if there is none."""
        world = self.world
        if world.reassign_policy is None:
            return None
        units = [
            u for u in world.units if u.kind == task.unit_kind and u.on_the_way and task.takes(u)
        ]
        if not units:
            return None
        if np.isnan(best_s) and unit is not None:
            incident = task.incident
            etas = world.mobility.etas([unit.handle], incident.place, siren=incident.siren)
            best_s = float(etas[0])
        scores = world.reassign_policy.score(world, task, best_s, units)
        return _Judged(world.reassign_policy.name, units, scores)

    @staticmethod
    def _less_urgent(task: Task, judged: _Judged | None) -> _Judged | None:
        """Return those whom a person may turn: on their way to a less urgent call."""
        if judged is None:
            return None
        own = task.incident.priority
        kept = [
            k
            for k, unit in enumerate(judged.units)
            if unit.task is not None and unit.task.incident.priority > own
        ]
        if not kept:
            return None
        eta, score, wait, term, value, why = judged.scores
        part = Scores(
            eta[kept],
            score[kept],
            None if wait is None else wait[kept],
            term,
            None if value is None else value[kept],
            why,
        )
        return _Judged(judged.policy, [judged.units[k] for k in kept], part)

    def _assign(self, task: Task, unit: Unit) -> None:
        task.unit = unit
        task.incident.note(task, Stage.DISPATCHED, self.world.env.now)
        unit.assign(task)

    def _divert(self, task: Task, unit: Unit) -> Task:
        """Turn a unit to a more urgent request and return the one that it was on its way to."""
        self.waiting.remove(task)
        lost = unit.divert(task)
        lost.times_bumped += 1
        self._unassign(lost)
        task.unit = unit
        task.incident.note(task, Stage.DISPATCHED, self.world.env.now)
        return lost

    def _hold(self, task: Task, unit: Unit, judged: _Judged) -> None:
        """Let a request wait for a unit that is busy, though another one could go; look again."""
        now = self.world.env.now
        task.t_held = min(task.t_held, now)
        if task.held_for != unit.unit_id:
            task.held_for = unit.unit_id
            self._record(task, [judged], unit, "held")
        if task.look_at <= now:
            task.look_at = now + RETRY_S
            self.world.env.process(self._later(unit.kind))

    def _try_later(self, task: Task) -> None:
        task.failed.clear()
        task.retry_at = self.world.env.now + RETRY_S
        self.world.env.process(self._later(task.unit_kind))

    def _later(self, kind: str) -> Life:
        yield self.world.env.timeout(RETRY_S)
        self.review(kind)

    def _record(
        self, task: Task, judged: Sequence[_Judged | None], winner: Unit | None, why: str = ""
    ) -> None:
        """Write the candidates, what was thought of them, and why the winner won.

        What the rule thought says why unless `why` does.
        """
        if not (task.incident.counted and self.world.scenario.record.decisions):
            return
        for each in judged:
            if each is None:
                continue
            _, units, scores = each
            won = np.array([unit is winner for unit in units])
            none = np.full(len(units), None)
            self.world.recorder.columns(
                "decisions",
                t=self.world.env.now,
                call_id=task.incident.call_id,
                role=task.role,
                policy=each.policy,
                unit_id=[u.unit_id for u in units],
                doing=[str(u.state) for u in units],
                on_call=[None if u.task is None else u.task.incident.call_id for u in units],
                wait_s=scores.wait_s,
                eta_s=scores.eta_s,
                score=scores.score,
                term=scores.term or None,
                value=scores.value,
                chosen=won & (why != "held"),
                why=np.where(won, why or _why(each), none).tolist() if won.any() else None,
            )


def _best(judged: _Judged | None) -> tuple[Unit | None, float]:
    """Return the unit that a rule takes and the seconds until it is there; None and infinity."""
    if judged is None:
        return None, np.inf
    scores = judged.scores
    best = scores.best()
    if not math.isfinite(scores.score[best]):
        return None, np.inf
    wait = 0.0 if scores.wait_s is None else scores.wait_s[best]
    return judged.units[best], float(wait + scores.eta_s[best])


def _why(judged: _Judged) -> str:
    """Return a word for why the winner of a judgement goes; see `scores.WHY`."""
    scores = judged.scores
    could = [
        unit.available and not np.isinf(eta)
        for unit, eta in zip(judged.units, scores.eta_s, strict=True)
    ]
    if sum(could) == 1:
        return "only"
    if scores.why:
        return scores.why
    first = scores.arrival_s[scores.best()] <= np.nanmin(scores.arrival_s, initial=np.inf)
    return "first" if first else "score"
