"""How units spent a period: hours at work, hours lost at hospital, kilometres."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.core.clock import HOUR_S

BUSY_STATES = ("turnout", "to_scene", "on_scene", "transporting", "at_hospital")
"""States of a unit that belongs to a call."""
OUT_STATES = ("off_shift", "off_road")
"""States in which there is no crew, or no vehicle: such hours are no unit hours."""
HANDOVER_STANDARD_S = 900.0
"""A unit is lost to the service from the fifteenth minute at hospital on (NHS England)."""


def utilisation(unit_events: pd.DataFrame, start_s: float, end_s: float) -> pd.DataFrame:
    """Return how each unit spent a period.

    Parameters
    ----------
    unit_events
        The `unit_events` table.
    start_s, end_s
        The period, seconds.

    Returns
    -------
    DataFrame
        One row a unit: `unit_id`, `kind`, `jobs` (calls for which it entered a busy
        state in the period), `transports` (times it set off with a patient), `busy_s`,
        `on_shift_s`, and `share` = busy_s / on_shift_s, the unit-hour utilisation: hours from
        being sent until clear over hours staffed with a vehicle on the road. Before its first event
        a unit counts as on shift and idle.
    """
    columns = ["unit_id", "kind", "jobs", "transports", "busy_s", "on_shift_s", "share"]
    if unit_events.empty:
        return pd.DataFrame(columns=columns)
    spells = _Spells(unit_events, start_s, end_s)
    n = len(spells.names)
    entered = (spells.entered >= start_s) & (spells.entered < end_s)
    busy = spells.is_in(*BUSY_STATES)
    working = entered & busy & (spells.call >= 0)
    calls = int(spells.call.max()) + 1
    jobs = np.unique(spells.unit[working] * calls + spells.call[working]) // max(calls, 1)
    left = entered & spells.is_in("transporting")
    busy_s = np.bincount(spells.unit, weights=spells.lasts_s * busy, minlength=n)
    off_s = np.bincount(
        spells.unit, weights=spells.lasts_s * spells.is_in(*OUT_STATES), minlength=n
    )
    on_shift_s = end_s - start_s - off_s
    share = np.full(n, np.nan)
    np.divide(busy_s, on_shift_s, out=share, where=on_shift_s > 0.0)
    return pd.DataFrame(
        {
            "unit_id": spells.names,
            "kind": spells.kinds,
            "jobs": np.bincount(jobs, minlength=n),
            "transports": np.bincount(spells.unit, weights=left, minlength=n).astype(np.int64),
            "busy_s": busy_s,
            "on_shift_s": on_shift_s,
            "share": share,
        }
    )


def unit_hours(units: pd.DataFrame) -> dict[str, dict[str, float | int | None]]:
    """Return the hours of all units of each kind together.

    Parameters
    ----------
    units
        As `utilisation` returns it.

    Returns
    -------
    dict
        By kind: `units`, `staffed_h`, `committed_h`, their quotient `utilisation`, `jobs`,
        `transports`, and `transports_per_staffed_h`, the other figure that goes by the name of
        unit-hour utilisation.
    """
    found: dict[str, dict[str, float | int | None]] = {}
    for kind, group in units.groupby("kind", sort=True):
        staffed = float(group["on_shift_s"].sum()) / HOUR_S
        committed = float(group["busy_s"].sum()) / HOUR_S
        transports = int(group["transports"].sum())
        found[str(kind)] = {
            "units": len(group),
            "staffed_h": staffed,
            "committed_h": committed,
            "utilisation": committed / staffed if staffed > 0.0 else None,
            "jobs": int(group["jobs"].sum()),
            "transports": transports,
            "transports_per_staffed_h": transports / staffed if staffed > 0.0 else None,
        }
    return found


def hours_in(unit_events: pd.DataFrame, state: str, start_s: float, end_s: float) -> float:
    """Return the hours that all units together spent in a state in a period."""
    if unit_events.empty or not (unit_events["state"] == state).any():
        return 0.0
    spells = _Spells(unit_events, start_s, end_s)
    return float(spells.lasts_s[spells.is_in(state)].sum()) / HOUR_S


def lost_at_hospital(
    unit_events: pd.DataFrame, start_s: float, end_s: float, standard_s: float = HANDOVER_STANDARD_S
) -> dict[str, float | int]:
    """Return the hours that units spent at hospitals beyond the standard.

    Of each stay that begins in the period, the seconds beyond `standard_s` until the unit was
    clear, or until the end of the run.

    Returns
    -------
    dict
        `stays`, those that were `over` the standard, the standard `standard_s`, and `hours` lost.
    """
    if unit_events.empty:
        stays = np.zeros(0)
    else:
        spells = _Spells(unit_events, -np.inf, end_s)
        there = spells.is_in("at_hospital") & (spells.entered >= start_s)
        stays = spells.lasts_s[there & (spells.entered < end_s)]
    beyond = np.maximum(stays - standard_s, 0.0)
    return {
        "stays": len(stays),
        "over": int((beyond > 0.0).sum()),
        "standard_s": standard_s,
        "hours": float(beyond.sum()) / HOUR_S,
    }


def move_ups(moves: pd.DataFrame) -> dict[str, Any]:
    """Return the moves that were made: how many, and how many by each unit that made one.

    Parameters
    ----------
    moves
        The `moves` table.
    """
    made = moves.loc[moves["made"], "unit_id"].value_counts().sort_index()
    return {
        "made": int(made.sum()),
        "by_unit": {str(unit): int(count) for unit, count in made.items()},
    }


def coverage(looks: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return means and the least of cover by each kind of unit; nothing where it was not recorded.

    Parameters
    ----------
    looks
        The `coverage` table; its looks are equally far apart.

    Returns
    -------
    dict
        By kind: `mean_share`, `least_share` and the first `t` of it (`least_at_s`), `mean_twice`,
        `mean_expected`, `mean_free`.
    """
    found = {}
    for kind, group in looks.groupby("kind", sort=True):
        share = group["share"].to_numpy(np.float64)
        least = int(share.argmin())
        found[str(kind)] = {
            "mean_share": float(share.mean()),
            "least_share": float(share[least]),
            "least_at_s": float(group["t"].iloc[least]),
            "mean_twice": float(group["twice"].mean()),
            "mean_expected": float(group["expected"].mean()),
            "mean_free": float(group["free"].mean()),
        }
    return found


def kilometres(unit_frames: pd.DataFrame, side_m: float) -> dict[str, float]:
    """Return the kilometres that each unit drove, by straight lines between recorded positions.

    They cut corners, so this is a little less than what was driven: the more so the longer the time
    between frames.

    Parameters
    ----------
    unit_frames
        The `unit_frames` table.
    side_m
        Side of the square that positions are scaled to (`box` in `run.json`), metres.
    """
    frames = unit_frames.sort_values(["unit_id", "t"], kind="stable")
    unit, names = pd.factorize(frames["unit_id"])
    steps = [np.diff(frames[axis].to_numpy(np.float64)) for axis in ("x", "y")]
    far = np.hypot(*steps) * (side_m / 65_535.0)
    same = unit[1:] == unit[:-1]
    km = np.bincount(unit[1:], weights=far * same, minlength=len(names)) / 1000.0
    return dict(zip(map(str, names), km.tolist(), strict=True))


class _Spells:
    """What every unit did from each of its events to the next, clipped to a period.

    Attributes
    ----------
    names, kinds
        (U,) of each unit, in order of its name.
    unit, entered, lasts_s
        (E,) the unit's place in `names`, when it entered the state, how long it stayed in it.
    call
        (E,) a number for each call; -1 without one.
    """

    def __init__(self, unit_events: pd.DataFrame, start_s: float, end_s: float) -> None:
        unit, names = pd.factorize(unit_events["unit_id"], sort=True)
        kind, kinds = pd.factorize(unit_events["kind"])
        state, states = pd.factorize(unit_events["state"])
        t = unit_events["t"].to_numpy(np.float64)
        order = np.lexsort((t, unit))
        self.names = [str(name) for name in names]
        self.unit: NDArray[np.int64] = unit[order].astype(np.int64)
        self.entered: NDArray[np.float64] = t[order]
        last = np.ones(len(order), np.bool_)
        last[:-1] = self.unit[1:] != self.unit[:-1]
        until = np.full(len(order), end_s)
        until[:-1][~last[:-1]] = self.entered[1:][~last[:-1]]
        clipped = np.clip(self.entered, start_s, end_s)
        self.lasts_s: NDArray[np.float64] = np.clip(until, start_s, end_s) - clipped
        self.call = pd.factorize(unit_events["call_id"])[0][order]
        self.kinds = [str(kinds[kind[order[k]]]) for k in np.flatnonzero(np.roll(last, 1))]
        self._state, self._states = state[order], states

    def is_in(self, *states: str) -> NDArray[np.bool_]:
        """Return (E,) whether the unit was in one of some states."""
        found: NDArray[np.bool_] = np.isin(np.asarray(self._states, object), states)[self._state]
        return found
