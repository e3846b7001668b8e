"""The intervals of the emergency chain, recorded beside simulated.

Both sides are computed by one rule from the stamps of one unit a call, for medical calls the first
*ambulance* (a unit that can transport) on scene. In a city whose engines often arrive first,
`response` is therefore not the first help's; that is `first_on_scene`, shown where the records
have it. Each interval runs from one stamp to the next:

========= ================== ===============================================================
name      from, to           of
========= ================== ===============================================================
handling  call, dispatch     all; holds the wait for a unit where none was free
turnout   dispatch, en route all
travel    en route, on scene all
response  call, on scene     all
scene     on scene, leave    patients whom this ambulance took to hospital
transport leave, hospital    patients whom this ambulance took to hospital
handover  hospital, clear    patients whom this ambulance took to hospital; with wrap-up
total     call, clear        all that were reached; taken to hospital on both sides or neither
========= ================== ===============================================================

Where the way to the patient is an interval of its own (`chain.to_patient_s`, `chain.floor_s`), two
more stand behind the response, of medical calls: `to_patient` (on scene, at the patient) and
`call_to_patient` (call, at the patient). `scene` holds the first of them.

In a run, `clear` is the last unit's of the call: with several ambulances, which only incidents of
several patients have, handover and total end when all are free.

The rule, for both sides alike:

1. A call counts in an interval when its ambulance has both stamps, in their order. An interval of
   zero seconds is a button pressed late and does not count, except a turnout: a crew on the road
   turns out at once; and the way to a patient at the kerb.
2. Beside records, a call counts in an interval when it does so on *both* sides. What only one side
   has, because a button was not pressed, another unit took the patient, the call was cancelled, or
   the run ended before, is taken out of the other side too, and counted in `alone`. So both sides
   are distributions over the same calls.
3. An interval that only one side knows at all (`first_on_scene`; every interval of generated calls)
   is shown for all calls of that side.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.metrics.summary import TARGET_S, Figures, figures, group_key, share_within

INTERVALS: dict[str, tuple[str, str]] = {
    "handling": ("t_call", "t_dispatch"),
    "turnout": ("t_dispatch", "t_enroute"),
    "travel": ("t_enroute", "t_onscene"),
    "response": ("t_call", "t_onscene"),
    "scene": ("t_onscene", "t_leave"),
    "transport": ("t_leave", "t_hospital"),
    "handover": ("t_hospital", "t_clear"),
    "total": ("t_call", "t_clear"),
}
"""First and last stamp of each interval, in the order of the chain."""


TO_PATIENT: dict[str, tuple[str, str]] = {
    "to_patient": ("t_onscene", "t_patient"),
    "call_to_patient": ("t_call", "t_patient"),
}
"""Those that are told too where crews walk to their patients."""
_MAY_BE_ZERO = frozenset({"turnout", "to_patient"})


def intervals_of(*, walks: bool) -> dict[str, tuple[str, str]]:
    """Return first and last stamp of the intervals that are told, in the order of the chain.

    `walks` says whether the way to the patient is an interval of its own (`Chain.walks`).
    """
    if not walks:
        return INTERVALS
    found: dict[str, tuple[str, str]] = {}
    for name, ends in INTERVALS.items():
        found[name] = ends
        if name == "response":
            found |= TO_PATIENT
    return found


class IntervalRow(TypedDict):
    """One interval: `figures` and `alone` of each side, and how far apart the two lie (`ks`)."""

    observed: Figures
    simulated: Figures
    ks: float | None


FIRST_ON_SCENE = ("t_call", "t_first_onscene")


def interval_table(
    calls: pd.DataFrame, history: pd.DataFrame | None, *, walks: bool = False
) -> dict[str, IntervalRow]:
    """Return mean, median, 90th and 95th percentile of each interval, observed and simulated.

    Parameters
    ----------
    calls
        Calls of a run; stamps are seconds. Only medical calls count.
    history
        Recorded calls of the city, stamps are instants; None when there are none. Only medical
        calls count that also stand in `calls`, by `call_id`, and whose chain is an ambulance's or
        whose records do not say.
    walks
        As of `intervals_of`.

    Returns
    -------
    dict
        `{name: {"observed": {mean, p50, p90, p95, n, alone}, "simulated": {...}, "ks": ...}}`;
        seconds, the calls behind them, and the calls that have the interval on this side only and
        are left out; `ks` is the distance of Kolmogorov and Smirnov between the two distributions.
        All but `n` and `alone` are None where `n` is 0.
    """
    simulated = chains_of(calls)
    observed = None
    if history is not None:
        observed = chains_of(history[history["call_id"].isin(simulated.index)])
    names = dict(intervals_of(walks=walks))
    if observed is not None and FIRST_ON_SCENE[1] in observed:
        names["first_on_scene"] = FIRST_ON_SCENE
    table: dict[str, IntervalRow] = {}
    for name, ends in names.items():
        sides = {
            "observed": None if observed is None else _seconds(observed, name, *ends),
            "simulated": _seconds(simulated, name, *ends),
        }
        known = [side for side in sides.values() if side is not None]
        same = known[0].index
        if len(known) > 1:
            same = same.intersection(known[1].index)
        if name == "total" and observed is not None:
            same = same[_carried(observed.loc[same]) == _carried(simulated.loc[same])]
        kept = {
            side: np.zeros(0) if seconds is None else _of(seconds, same)
            for side, seconds in sides.items()
        }
        alone = {
            side: 0 if seconds is None else len(seconds) - len(kept[side])
            for side, seconds in sides.items()
        }
        table[name] = {
            "observed": {**figures(kept["observed"]), "alone": alone["observed"]},
            "simulated": {**figures(kept["simulated"]), "alone": alone["simulated"]},
            "ks": ks_distance(kept["observed"], kept["simulated"]),
        }
    return table


class GroupFigures(TypedDict):
    """Calls of a group, the share of them in time, and the `figures` of each interval."""

    calls: int
    share_within_target: float | None
    intervals: dict[str, Figures]


def intervals_by(
    calls: pd.DataFrame, by: str, end_s: float, target_s: float = TARGET_S, *, walks: bool = False
) -> dict[str, GroupFigures]:
    """Return every interval for each value of a column, over calls of all kinds.

    Parameters
    ----------
    calls
        The `calls` table.
    by
        As in `twin.metrics.summary.response_by`.
    end_s
        When the run ended, seconds.
    target_s
        A response within so many seconds is in time (`twin.metrics.summary.share_within`).
    walks
        As of `intervals_of`.
    """
    return {
        str(value): {
            "calls": len(group),
            "share_within_target": share_within(group, end_s, target_s),
            "intervals": {
                name: figures(np.zeros(0) if seconds is None else seconds.to_numpy())
                for name, ends in intervals_of(walks=walks).items()
                for seconds in [_seconds(group, name, *ends)]
            },
        }
        for value, group in _own_stamps(calls).groupby(group_key(calls, by), sort=True)
    }


class Apart(TypedDict):
    """How far one interval of the same calls lies from its record, seconds.

    Means over `n` calls; `difference` is the mean of simulated minus observed, `p50_apart` and
    `p90_apart` are percentiles of its absolute value.
    """

    n: int
    observed: float | None
    simulated: float | None
    difference: float | None
    p50_apart: float | None
    p90_apart: float | None


def intervals_apart(calls: pd.DataFrame, history: pd.DataFrame) -> dict[str, Apart]:
    """Return how far each interval is from its record, call by call, by the rule of the module.

    Parameters
    ----------
    calls, history
        As of `interval_table`.
    """
    simulated = chains_of(calls)
    observed = chains_of(history[history["call_id"].isin(simulated.index)])
    found: dict[str, Apart] = {}
    for name, ends in INTERVALS.items():
        then, now = _seconds(observed, name, *ends), _seconds(simulated, name, *ends)
        if then is None or now is None:
            continue
        both = pd.DataFrame({"then": then, "now": now}).dropna()
        apart = (both["now"] - both["then"]).to_numpy(np.float64)
        size = figures(np.abs(apart))
        found[name] = {
            "n": len(both),
            "observed": float(both["then"].mean()) if len(both) else None,
            "simulated": float(both["now"].mean()) if len(both) else None,
            "difference": float(apart.mean()) if len(both) else None,
            "p50_apart": size["p50"],
            "p90_apart": size["p90"],
        }
    return found


def chain_seconds(chains: pd.DataFrame, name: str) -> pd.Series:
    """Return the durations of one of `intervals_of` that count, by call; see `chains_of`."""
    seconds = _seconds(chains, name, *intervals_of(walks=True)[name])
    return pd.Series(dtype="float64") if seconds is None else seconds


def ks_distance(one: NDArray[np.float64], two: NDArray[np.float64]) -> float | None:
    """Return the greatest distance between two empirical distribution functions.

    The two-sample statistic of Smirnov 1939; None where a sample is empty.
    """
    if not len(one) or not len(two):
        return None
    at = np.concatenate([one, two])
    shares = [np.searchsorted(np.sort(side), at, side="right") / len(side) for side in (one, two)]
    return float(np.abs(shares[0] - shares[1]).max())


def chains_of(calls: pd.DataFrame) -> pd.DataFrame:
    """Return the medical calls with an ambulance's chain, by call."""
    chosen = calls["kind"] == "medical"
    if "unit_kind" in calls:
        chosen &= calls["unit_kind"].isin(["ambulance", ""])
    return _own_stamps(calls[chosen].drop_duplicates("call_id").set_index("call_id"))


def _own_stamps(calls: pd.DataFrame) -> pd.DataFrame:
    """Return the calls without the stamps of an ambulance that was not the first on scene."""
    if "carrier_id" not in calls:
        return calls
    another = calls["carrier_id"].notna() & (calls["carrier_id"] != calls["unit_id"])
    carrying = ["t_leave", "t_hospital"]
    return calls.assign(**{name: calls[name].mask(another) for name in carrying})


def _seconds(calls: pd.DataFrame, name: str, start: str, end: str) -> pd.Series | None:
    """Return the durations that count, by call; None where the table has no such stamp."""
    if start not in calls or end not in calls:
        return None
    gap = calls[end] - calls[start]
    if pd.api.types.is_timedelta64_dtype(gap.dtype):
        gap = gap.dt.total_seconds()
    gap = gap.astype("float64")
    counts = gap >= 0.0 if name in _MAY_BE_ZERO else gap > 0.0
    if name in TO_PATIENT:
        counts &= calls["kind"] == "medical"
    if name == "total":
        counts &= calls["t_onscene"].notna()
    return gap[counts]


def _of(seconds: pd.Series, calls: pd.Index) -> NDArray[np.float64]:
    """Return the durations of some calls."""
    if seconds.index is not calls:
        seconds = seconds[seconds.index.isin(calls)]
    return seconds.to_numpy()


def _carried(calls: pd.DataFrame) -> pd.Series:
    """Return whether a call's ambulance set off for a hospital."""
    return calls["t_leave"].notna() | calls["t_hospital"].notna()
