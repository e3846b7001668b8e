"""A replayed day beside a branch of it: how the day was reproduced, and what the branch changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin.metrics.decisions import FREE
from twin.metrics.intervals import intervals_apart
from twin.metrics.sent import units_sent
from twin.metrics.summary import figures, share_within
from twin.recording.reader import RunReader
from twin.scenarios.policy import OTHERWISE, RECORDED_UNIT

_TABLES = ("unit_events", "incident_events", "decisions", "hospital_choices")
_UNTIL_SCENE = [
    "call_id",
    "t_call",
    "t_dispatch",
    "t_enroute",
    "t_onscene",
    "response_s",
    "unit_id",
]
_SIDES = ("day", "branch")
_KEPT = ["unit_id", "hospital_id", "t_onscene", "t_hospital", "t_clear", "response_s"]


def reproduced(
    calls: pd.DataFrame,
    decisions: pd.DataFrame,
    history: pd.DataFrame,
    units: pd.DataFrame,
    before_s: float,
) -> dict[str, Any]:
    """Return how a run of recorded calls reproduces its day before a moment.

    Parameters
    ----------
    calls, decisions
        Tables of the run.
    history, units
        Tables of the city.
    before_s
        Calls whose first unit was sent before it count.

    Returns
    -------
    dict
        `calls`; `recorded`, those of which the record names a unit; `unknown`, those of these whose
        unit the city does not have; `same`, those to which that very unit came first, and
        `same_unit_share` of `recorded`; `rule`, see `rule_agrees`; `sent` by kind of call
        (`units_sent`); `intervals` of medical calls (`intervals_apart`).
    """
    early = calls[calls["t_dispatch"] < before_s]
    then = history.loc[history["unit_id"].fillna("") != "", ["call_id", "unit_id"]]
    both = early[["call_id", "unit_id"]].merge(then, on="call_id", suffixes=("", "_then"))
    same = int((both["unit_id"] == both["unit_id_then"]).sum())
    return {
        "calls": len(early),
        "recorded": len(both),
        "unknown": int((~both["unit_id_then"].isin(units["unit_id"])).sum()),
        "same": same,
        "same_unit_share": same / len(both) if len(both) else None,
        "rule": rule_agrees(decisions[decisions["t"] < before_s]),
        "sent": units_sent(early, history, units),
        "intervals": intervals_apart(early, history),
    }


def rule_agrees(decisions: pd.DataFrame) -> dict[str, Any]:
    """Return how often the other rule would have sent the unit that went by the record.

    Of the decisions by `recorded-unit` in which the recorded unit went and another could have:
    `decisions`, `same`, `share`.
    """
    free = decisions["doing"].isin(FREE) & np.isfinite(decisions["value"])
    rows = decisions[
        (decisions["policy"] == RECORDED_UNIT) & (decisions["term"] == OTHERWISE) & free
    ]
    rows = rows.assign(arrival_s=rows["eta_s"] + rows["wait_s"].fillna(0.0))
    key = ["t", "call_id", "role"]
    rows = rows[rows.groupby(key)["unit_id"].transform("size") > 1]
    # The least wins, of equals the one that is there first, and of these the first.
    best = rows.sort_values(["value", "arrival_s"], kind="stable").drop_duplicates(key)
    same = int(best["chosen"].sum())
    return {
        "decisions": len(best),
        "same": same,
        "share": same / len(best) if len(best) else None,
    }


def before_alike(day: RunReader, branch: RunReader, at_s: float) -> dict[str, Any]:
    """Return whether two runs are the same bits before a moment: `rows` compared, `equal`.

    Compared are the events of units and calls and the decisions before it, and the calls that a
    unit had reached by then.
    """
    rows, equal = 0, True
    for name in _TABLES:
        one, two = (_before(reader.table(name), "t", at_s) for reader in (day, branch))
        rows += len(one)
        equal &= one.equals(two)
    one, two = (
        _before(reader.table("calls", _UNTIL_SCENE), "t_onscene", at_s).sort_values(
            "call_id", kind="stable", ignore_index=True
        )
        for reader in (day, branch)
    )
    return {"rows": rows + len(one), "equal": bool(equal and one.equals(two))}


def paired(day: pd.DataFrame, branch: pd.DataFrame, at_s: float) -> pd.DataFrame:
    """Return the calls on which a branch can act, one row each, in the order in which they came.

    These are the calls that no unit had reached at `at_s`, and those whose unit was still busy
    with them. For each of unit, hospital, stamps and response there is the day's (`day_...`) and
    the branch's (`branch_...`); then `response_s`, `to_hospital_s` and `busy_s`: how much later in
    the branch the first unit, the patient in hospital, and the last unit clear are, seconds; nan
    where one side has none.
    """
    one, two = (
        frame.set_index("call_id")[_KEPT].add_prefix(f"{side}_")
        for side, frame in zip(_SIDES, (day, branch), strict=True)
    )
    both = day[["call_id", "t_call", "kind", "priority"]].set_index("call_id")
    both = both.join(one).join(two)
    still = ~((both["day_t_clear"] < at_s) & (both["branch_t_clear"] < at_s))
    both = both[still].sort_values(["t_call"], kind="stable").reset_index()
    for name, stamp in (
        ("response_s", "t_onscene"),
        ("to_hospital_s", "t_hospital"),
        ("busy_s", "t_clear"),
    ):
        both[name] = both[f"branch_{stamp}"] - both[f"day_{stamp}"]
    return both


def in_sum(
    pairs: pd.DataFrame,
    day: pd.DataFrame,
    branch: pd.DataFrame,
    at_s: float,
    end_s: float,
    target_s: float,
) -> dict[str, Any]:
    """Return what a branch changes in sum, over the calls that came at `at_s` or later or waited.

    Parameters
    ----------
    pairs
        As `paired` returns them.
    day, branch
        Tables `calls` of both runs.
    at_s, end_s, target_s
        When the branch begins, when the runs end, and within how many seconds a response is in
        time.
    """
    ahead = pairs[~(pairs["day_t_onscene"] < at_s)]
    later = ahead["response_s"].dropna().to_numpy(np.float64)
    brought = pairs["to_hospital_s"].dropna()
    other_unit = _differ(pairs, "unit_id")
    other_hospital = _differ(pairs, "hospital_id")
    changed = (
        other_unit
        | other_hospital
        | (pairs[["response_s", "to_hospital_s"]] != 0.0)
        .where(pairs[["response_s", "to_hospital_s"]].notna(), other=False)
        .any(axis=1)
    )
    only = {
        side: int((ahead[f"{side}_t_onscene"].notna() & ahead[f"{other}_t_onscene"].isna()).sum())
        for side, other in (_SIDES, _SIDES[::-1])
    }
    return {
        "calls": len(ahead),
        "both_reached": len(later),
        "only_day": only["day"],
        "only_branch": only["branch"],
        "changed": int(changed.sum()),
        "other_unit": int(other_unit.sum()),
        "other_hospital": int(other_hospital.sum()),
        "sooner": int((later < 0.0).sum()),
        "later": int((later > 0.0).sum()),
        "sum_s": float(later.sum()),
        "mean_s": float(later.mean()) if len(later) else None,
        "to_hospital_sum_s": float(brought.sum()),
        "to_hospital_n": len(brought),
        "target_s": target_s,
        **{
            side: {
                **figures(ahead[f"{side}_response_s"].to_numpy(np.float64)),
                "share_within_target": share_within(
                    frame[frame["call_id"].isin(ahead["call_id"])], end_s, target_s
                ),
            }
            for side, frame in zip(_SIDES, (day, branch), strict=True)
        },
    }


def _before(frame: pd.DataFrame, stamp: str, at_s: float) -> pd.DataFrame:
    return frame[frame[stamp] < at_s].reset_index(drop=True)


def _differ(pairs: pd.DataFrame, name: str) -> pd.Series[bool]:
    one, two = (pairs[f"{side}_{name}"].fillna("") for side in _SIDES)
    return one != two
