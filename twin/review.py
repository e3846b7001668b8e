"""After-action review of a rehearsal: what people did, and what each rule would have done."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.agents.seats import DISPATCHER, Decision
from twin.city.model import City
from twin.core.clock import format_clock
from twin.metrics.summary import TARGET_S, figures, share_within
from twin.recording.memory import MemoryRecorder
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel

PEOPLE, RULES = "people", "rules"
"""Names of two runs: the rehearsal, and the same calls with every seat left to its rule."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run of the calls; durations in seconds.

    Attributes
    ----------
    name
        `people`, `rules`, or the rule that has the place of the scenario's.
    calls, reached, queued
        Calls received, those that a unit reached, and those that had to wait for one.
    mean_s, p50_s, p90_s
        Response; None where nobody was reached.
    share_in_time
        Share of calls reached within `TARGET_S`.
    to_hospital_s
        Mean from the call to the hospital, of patients who were taken there.
    responses
        Response by call; None where nobody came.
    """

    name: str
    calls: int
    reached: int
    queued: int
    mean_s: float | None
    p50_s: float | None
    p90_s: float | None
    share_in_time: float | None
    to_hospital_s: float | None
    responses: Mapping[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures without those of each call, for JSON."""
        names = [name for name in self.__slots__ if name != "responses"]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Taken:
    """One decision that was taken.

    Attributes
    ----------
    decision, choice
        What was to be decided and what was chosen.
    later_s
        Of a unit or hospital, how much later than the first it is expected there, seconds; else
        None.
    cover_more
        Of a unit, how much more cover it takes away than the candidate that takes least; else None.
    agree
        The rules that would have chosen the same.
    """

    decision: Decision
    choice: str
    later_s: float | None
    cover_more: float | None
    agree: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        d = self.decision
        return {
            "number": d.number,
            "t": d.t,
            "clock": format_clock(d.t),
            "seat": d.seat,
            "person": d.person,
            "call_id": d.call_id,
            "kind": d.kind,
            "priority": d.priority,
            "role": d.role,
            "unit_id": d.unit_id,
            "chosen": self.choice,
            "policy": d.policy,
            "by_rule": d.by_rule,
            "later_s": self.later_s,
            "cover_more": self.cover_more,
            "agree": list(self.agree),
            "candidates": [
                {
                    "id": c.id,
                    "says": c.says,
                    **{
                        name: _number(getattr(c, name))
                        for name in ("arrival_s", "score", "cover_lost", "wait_s")
                    },
                    "scores": {
                        name: _number(opinion.scores[k]) for name, opinion in d.opinions.items()
                    },
                }
                for k, c in enumerate(d.candidates)
            ],
            "rules": {name: opinion.chosen for name, opinion in d.opinions.items()},
        }


@dataclass(frozen=True, slots=True)
class Review:
    """An after-action review.

    Attributes
    ----------
    taken
        Every decision, in order.
    runs
        The rehearsal, then the same calls under the scenario's rules, then under each other rule;
        the rehearsal alone where no runs were asked for.
    """

    taken: tuple[Taken, ...]
    runs: tuple[Run, ...]

    def agreement(self) -> dict[str, tuple[int, int]]:
        """Return for each rule how many choices were its own, and of how many it was asked."""
        same: Counter[str] = Counter()
        asked: Counter[str] = Counter()
        for each in self.taken:
            asked.update(list(_rules(each.decision)))
            same.update(each.agree)
        return {name: (same[name], asked[name]) for name in asked}

    def minutes(self) -> list[dict[str, Any]]:
        """Return the decisions minute by minute of the city's clock, those without any left out.

        Each has `clock`, `decisions`, `other` (choices that were not those of the rule that holds),
        `waits` (units not sent yet) and `later_s` (what was given away of predicted time).
        """
        found: dict[int, dict[str, Any]] = {}
        for each in self.taken:
            minute = int(each.decision.t // 60.0)
            row = found.setdefault(
                minute,
                {
                    "clock": format_clock(60.0 * minute).rpartition(":")[0],
                    "decisions": 0,
                    "other": 0,
                    "waits": 0,
                    "later_s": 0.0,
                },
            )
            row["decisions"] += 1
            waits = each.choice not in {c.id for c in each.decision.candidates}
            wanted = None if waits else each.choice
            row["other"] += wanted != each.decision.by_rule
            row["waits"] += waits
            row["later_s"] += each.later_s or 0.0
        return [found[minute] for minute in sorted(found)]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        calls = sorted({call for run in self.runs for call in run.responses})
        return {
            "decisions": [each.as_dict() for each in self.taken],
            "minutes": self.minutes(),
            "agreement": {
                name: {"same": same, "asked": asked}
                for name, (same, asked) in self.agreement().items()
            },
            "runs": [run.as_dict() for run in self.runs],
            "responses": {
                call: {run.name: run.responses.get(call) for run in self.runs} for call in calls
            },
        }


def after_action(
    taken: Sequence[tuple[Decision, str]],
    calls: pd.DataFrame,
    queued: int,
    others: Sequence[tuple[str, Scenario]],
    city: City,
    replication: int,
    *,
    end_s: float,
) -> Review:
    """Return the review of a rehearsal that is over.

    Parameters
    ----------
    taken
        What was decided.
    calls, queued
        The table `calls` of the rehearsal, and how many had to wait for a unit.
    others
        Name and scenario of every run to be set beside it.
    city, replication
        Where and as which they are run.
    end_s
        When the rehearsal ended.
    """
    runs = [_run(PEOPLE, calls, queued, end_s)]
    for name, scenario in others:
        recorder = MemoryRecorder()
        model = CityModel(city, scenario, recorder=recorder, replication=replication)
        summary = model.run()
        runs.append(_run(name, recorder.frame("calls"), summary.queued, end_s))
    return Review(tuple(_judged(decision, choice) for decision, choice in taken), tuple(runs))


def _run(name: str, calls: pd.DataFrame, queued: int, end_s: float) -> Run:
    response = calls["response_s"].to_numpy(np.float64)
    found = figures(response)
    brought = (calls["t_hospital"] - calls["t_call"]).dropna()
    return Run(
        name=name,
        calls=len(calls),
        reached=int(np.isfinite(response).sum()),
        queued=queued,
        mean_s=found["mean"],
        p50_s=found["p50"],
        p90_s=found["p90"],
        share_in_time=share_within(calls, end_s, TARGET_S),
        to_hospital_s=float(brought.mean()) if len(brought) else None,
        responses=dict(
            zip(calls["call_id"], (_number(value) for value in response.tolist()), strict=True)
        ),
    )


def _judged(decision: Decision, choice: str) -> Taken:
    by_id = {candidate.id: candidate for candidate in decision.candidates}
    chosen = by_id.get(choice)
    later = cover = None
    if chosen is not None:
        arrivals = [c.arrival_s for c in decision.candidates]
        later = _number(chosen.arrival_s - min(arrivals))
        if decision.seat == DISPATCHER:
            cover = _number(chosen.cover_lost - min(c.cover_lost for c in decision.candidates))
    wanted = None if chosen is None else choice
    agree = tuple(name for name, said in _rules(decision).items() if said == wanted)
    return Taken(decision, choice, later, cover, agree)


def _rules(decision: Decision) -> dict[str, str | None]:
    """Return what each rule would have chosen, the one that holds first."""
    said = {name: opinion.chosen for name, opinion in decision.opinions.items()}
    return {decision.policy: decision.by_rule} | said


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
