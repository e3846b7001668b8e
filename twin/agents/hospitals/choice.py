"""Where a patient goes: what they need, which hospitals come into question, who refuses them."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import simpy

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.policies.scores import Scores
    from twin.agents.task import Task
    from twin.agents.units.ambulance import Ambulance
    from twin.agents.world import World
    from twin.scenarios.hospitals import Hospitals


def need_of(world: World, task: Task) -> str:
    """Return what a hospital must be able to treat; drawn if the call does not say it.

    The draw is of the patient's own stream, so that no rule and no other patient shifts it.
    """
    if task.need is None:
        task.need = ""
        shares = [
            (need, share)
            for need, share in getattr(world.scenario.hospitals.needs, task.incident.kind, ())
            if share > 0.0
        ]
        if shares:
            left = world.streams.lent("need", f"{task.incident.call_id}/{task.role}").random()
            for need, share in shares:
                left -= share
                if left < 0.0:
                    task.need = need
                    break
    return task.need


def chance_of_refusal(settings: Hospitals, *, full: bool) -> float:
    """Return the chance that a hospital refuses a patient, given whether its beds are taken."""
    when_full = settings.refusal_when_full
    return settings.refusal if when_full is None or not full else when_full


def refuses(world: World, task: Task, hospital: Hospital) -> bool:
    """Return whether a hospital refuses a patient for whom a crew asks it now.

    It answers by its true state. Each patient and hospital has a stream of its own, and each time
    that it is asked a draw of its own.
    """
    asked = task.asked.get(hospital.hospital_id, 0)
    task.asked[hospital.hospital_id] = asked + 1
    entity = f"{task.incident.call_id}/{task.role}/{hospital.hospital_id}/{asked}"
    chance = chance_of_refusal(world.scenario.hospitals, full=hospital.full)
    return bool(world.streams.lent("refusal", entity).random() < chance)


class Judged(NamedTuple):
    """Hospitals that come into question, and what the rule that holds thinks of them."""

    hospitals: Sequence[Hospital]
    scores: Scores


def choose_hospital(
    world: World, ambulance: Ambulance, task: Task, passed_over: Collection[str]
) -> Generator[simpy.Event, Any, Hospital | None]:
    """Return where a patient is taken by the rule that holds, and record why; None if nowhere.

    The rule chooses among the hospitals that are known to accept the patient and can treat what
    they need. Where there is none that can be reached, among those that can and divert only because
    they are full; then among those that accept and cannot; at last among all that are only full.
    Where nobody accepts anybody, among those that divert by order: who is ill must go somewhere.
    Where a person has the seat, they choose in its place.
    """
    need = need_of(world, task)
    left = list(world.hospitals.values())
    if passed_over:
        left = [h for h in left if h.hospital_id not in passed_over]
    accepting = [h for h in left if h.accepts]
    full = [h for h in left if h.only_full] if len(accepting) < len(left) else []
    if not (accepting or full or any(h.accepts or h.only_full for h in world.hospitals.values())):
        accepting = [h for h in left if h.diverts]  # when all divert, none does
    if world.orders.hospitals:
        ordered = world.orders.hospital_for(task, [*accepting, *full])
        if ordered is not None:
            accepting, need = [ordered], ""
    groups = [[h for h in group if need in h.capabilities] for group in (accepting, full) if need]
    for group in (*groups, accepting, full):
        if not group:
            continue
        judged = Judged(group, world.hospital_policy.score(world, ambulance, group))
        best = int(np.argmin(judged.scores.score))
        found = group[best] if np.isfinite(judged.scores.score[best]) else None
        seats = world.seats
        if found is not None and seats is not None and "hospital" in seats.taken:
            wanted = yield seats.hospital(ambulance, task, judged)
            found = world.hospitals[wanted]
        _record(world, ambulance, task, judged, found)
        if found is not None:
            return found
    return None


def _record(
    world: World, ambulance: Ambulance, task: Task, judged: Judged, found: Hospital | None
) -> None:
    if not (task.incident.counted and world.scenario.record.decisions):
        return
    hospitals, scores = judged
    world.recorder.columns(
        "hospital_choices",
        t=world.env.now,
        call_id=task.incident.call_id,
        policy=world.hospital_policy.name,
        unit_id=ambulance.unit_id,
        hospital_id=[h.hospital_id for h in hospitals],
        eta_s=scores.eta_s,
        wait_s=[
            math.nan if h.room is None else h.expected_wait_s(task.priority) for h in hospitals
        ],
        score=scores.score,
        chosen=np.array([h is found for h in hospitals]),
    )
