"""Why a unit went: the decisions of a call in plain sentences, in the languages of the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from apps.rows import rows_of
from twin.agents.policies.registry import over
from twin.agents.states import ON_THE_ROAD, UnitState
from twin.core.clock import parse_clock
from twin.scenarios.change_kinds import SetPolicy
from twin.scenarios.spec import Scenario

Words = dict[str, Any]
_FREE = {str(state) for state in (UnitState.IDLE, *ON_THE_ROAD)}
_BY_TIME = frozenset({"first", "urgent", "nearest"})
"""Reasons for which nobody can have been sooner."""
_SAME_S = 0.5
_IN_TIME = frozenset({"cover", "prepared", "late"})
"""Reasons that say who is in time."""
_MEASURES = {
    "soonest": "seconds",
    "closest-straight-line": "metres",
    "beats": "place",
    "least-loss": "cover",
    "dmexclp-dispatch": "cover",
    "preparedness": "preparedness",
}
"""What rules compare where it is not when each is there."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision on a call.

    Attributes
    ----------
    t
        When it was made, city time in seconds.
    role
        The part in the call for which a unit was sought.
    sentence
        What was decided and why.
    rows
        The candidates with `arrival_s`, expected seconds until each is there; the soonest first.
    sent
        Whether a unit was sent.
    """

    t: float
    role: str
    sentence: str
    rows: pd.DataFrame
    sent: bool


def told(decisions: pd.DataFrame, call_id: str, words: Words, scenario: Scenario) -> list[Decision]:
    """Return the decisions on a call in their order.

    Parameters
    ----------
    decisions
        The run's table of that name.
    call_id
        Whose.
    words
        Those of a language, see `apps.web.texts.words`.
    scenario
        What was run; it says who was in time.
    """
    mine = decisions[decisions["call_id"] == call_id]
    mine = mine.assign(
        role=mine["role"].fillna(""), arrival_s=mine["eta_s"] + mine["wait_s"].fillna(0.0)
    )
    found = []
    mine = mine.sort_values(["arrival_s", "unit_id"], kind="stable")
    for _, part in mine.groupby(["t", "role"], sort=True):
        rows = part.reset_index(drop=True)
        first = next(iter(rows_of(rows)))
        sent = bool(rows["chosen"].any())
        found.append(Decision(first.t, first.role, _sentence(rows, words, scenario), rows, sent))
    return found


def losses(decisions: pd.DataFrame, call_id: str, words: Words) -> list[tuple[float, str]]:
    """Return when and to what units on their way to a call were turned, in sentences."""
    turned = decisions[
        (decisions["on_call"] == call_id) & decisions["chosen"] & (decisions["why"] == "diverted")
    ]
    return [
        (float(t), words["why"]["lost"].format(unit=unit, call=call))
        for t, unit, call in zip(turned["t"], turned["unit_id"], turned["call_id"], strict=True)
    ]


def in_time_s(scenario: Scenario, rule: str, t: float) -> float:
    """Return within how many seconds a unit is in time for a rule of dispatch at city time `t`.

    They count from the decision until the unit is there: turnout and drive. What people set during
    the run is not known here.
    """
    parameters = scenario.policy.parameters
    for change in scenario.changes:
        if not isinstance(change, SetPolicy):
            continue
        begun = change.at is None or parse_clock(change.at) <= t
        if begun and (change.until is None or t < parse_clock(change.until)):
            parameters = over(parameters, change.parameters)
    within = parameters.get(rule, {}).get("within_s")
    return float(within) if isinstance(within, int | float) else scenario.coverage.within_s


def measure_of(rows: pd.DataFrame) -> str:
    """Return what the scores of a decision are, a key of the words `why_score`.

    Parameters
    ----------
    rows
        Its candidates, as in `Decision`.
    """
    found = rows[np.isfinite(rows["score"])]
    if len(found) and np.allclose(found["score"], found["arrival_s"], rtol=0.0, atol=1e-6):
        return "seconds"
    rules = set(found["policy"])
    return _MEASURES.get(rules.pop(), "own") if len(rules) == 1 else "own"


def duration(seconds: float, words: Words) -> str:
    """Return a drive or a response in words; an infinite one has no road."""
    say = words["story"]
    if not np.isfinite(seconds):
        return str(say["no_road"])
    minutes, rest = divmod(round(seconds), 60)
    return str(say["duration"].format(minutes=minutes, seconds=rest))


def expected(row: Any, words: Words) -> str:
    """Return when a candidate is there in words: how far off it is where no drive was predicted."""
    if np.isnan(row.arrival_s) and np.isfinite(row.score) and row.why == "nearest":
        return str(words["why"]["metres"].format(metres=round(row.score)))
    return duration(float(row.arrival_s), words)


def _sentence(rows: pd.DataFrame, words: Words, scenario: Scenario) -> str:
    say = words["why"]
    winners = rows[rows["chosen"] | rows["why"].notna()]
    if not len(winners):
        return str(say["none"])
    winner = next(iter(rows_of(winners)))
    others = rows[(rows["unit_id"] != winner.unit_id) & np.isfinite(rows["arrival_s"])]
    sooner = bool(len(others)) and others["arrival_s"].iloc[0] < winner.arrival_s - _SAME_S
    # A run of an earlier version does not say why.
    code = winner.why if isinstance(winner.why, str) else "score" if sooner else "first"
    within = ""
    if code in _IN_TIME:
        within = duration(in_time_s(scenario, winner.policy, winner.t), words)
    parts = [
        say[code].format(
            unit=winner.unit_id,
            within=within,
            arrival=duration(float(winner.arrival_s), words),
            metres="" if np.isinf(winner.score) else round(winner.score),
            value=_value(winner),
            on_call=winner.on_call,
        )
    ]
    parts += _compared(code, others, say, words, sooner=sooner)
    free = int(rows["doing"].isin(_FREE).sum()) if rows["doing"].notna().any() else len(rows)
    parts.append(say["rule"].format(policy=winner.policy, n=free))
    return " ".join(parts)


def _compared(
    code: str, others: pd.DataFrame, say: Words, words: Words, *, sooner: bool
) -> Iterator[str]:
    """Yield how long the best of the others would have taken."""
    if not len(others) or code == "only":
        return
    other = others.iloc[0]
    form = "sooner" if sooner and code not in _BY_TIME else "next"
    yield say[form].format(
        other=other["unit_id"], other_arrival=duration(float(other["arrival_s"]), words)
    )


def _value(row: Any) -> str:
    if not isinstance(row.term, str) or pd.isna(row.value):
        return ""
    if row.term == "cover_lost":
        return f"{row.value:.1%}"
    return f"{row.value:.0f}" if row.term == "beat" else f"{row.value:.2f}"
