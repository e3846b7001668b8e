"""Figures in words, as the command line and the reports say them."""

from __future__ import annotations

import math

from twin.metrics.compare import Difference
from twin.metrics.summary import TARGET_S

INTERVAL_NAMES = {
    "handling": "call to dispatch",
    "turnout": "dispatch to en route (turnout)",
    "travel": "en route to on scene (travel)",
    "response": "call to on scene (response)",
    "scene": "on scene to leaving it",
    "transport": "leaving scene to hospital",
    "handover": "hospital to clear (handover)",
    "total": "call to clear",
    "first_on_scene": "call to first unit of any kind",
}
_STATISTICS = {"mean": "mean", "p50": "median", "p90": "90th percentile"}


def clock(seconds: float | None) -> str:
    """Return a duration as `m:ss`, or a dash."""
    if seconds is None or math.isnan(seconds):
        return "-"
    whole = round(abs(seconds))
    return f"{'-' if seconds < 0 and whole else ''}{whole // 60}:{whole % 60:02d}"


def describe(row: Difference) -> str:
    """Return what a line of a comparison is about."""
    if row.group == "overall":
        if row.statistic == "share_within_target":
            return f"all calls, share within {TARGET_S / 60:.0f} min"
        return f"all calls, {_STATISTICS[row.statistic]}"
    if row.group == "priority":
        return f"priority {row.value}"
    return row.value or f"no {row.group}"


def amount(row: Difference, value: float | None, *, sign: bool = False) -> str:
    """Return a value of a line in its unit: seconds, or percentage points."""
    if value is None:
        return "n/a"
    if row.statistic == "share_within_target":
        return f"{100 * value:{'+' if sign else ''}.1f}%"
    return f"{_zero(value):{'+' if sign else ''}.1f} s"


def range_text(row: Difference) -> str:
    """Return the interval of a line, or `n/a` when there is none."""
    if row.low is None or row.high is None:
        return "n/a"
    return f"{amount(row, row.low, sign=True)} to {amount(row, row.high, sign=True)}"


def reading(row: Difference) -> str:
    """Return one plain sentence on the mean response time over all calls."""
    change = abs(row.difference)
    if row.low is None or row.high is None:
        if not change:
            return "In the one replication that was run, the mean response time did not change."
        way = "fell" if row.difference < 0 else "rose"
        return (
            f"In the one replication that was run, the mean response time {way} by {change:.0f} s. "
            "One replication gives no interval, so this shows no difference: run more."
        )
    if row.low == row.high == 0.0:
        return "No call was answered sooner or later than in the base, in any replication."
    if not row.shown:
        return (
            f"No difference in the mean response time can be shown: the 95% interval, "
            f"{row.low:+.0f} to {row.high:+.0f} s, spans zero."
        )
    way = "falls" if row.difference < 0 else "rises"
    low, high = sorted((abs(row.low), abs(row.high)))
    return (
        f"The mean response time {way} by {change:.0f} s (95% interval {low:.0f} to {high:.0f} s)."
    )


def _zero(value: float) -> float:
    """Return the value without the sign of a zero that rounding leaves."""
    return 0.0 if abs(value) < 0.05 else value
