"""Figures in words, as the command line and the reports say them."""

from __future__ import annotations

import math

from twin.metrics.compare import LEAST_FOR_PAIRING, SHARE, Difference
from twin.metrics.pairing import Reach
from twin.metrics.summary import FEW_CALLS, LEAST_BEYOND_P90, TARGET_S, few_calls, unsure_p90

TARGET_MIN = f"{TARGET_S / 60.0:g}"
OUTSIDE = "outside every district"
FEW_MARK, P90_MARK = "†", "‡"
LARGEST_GAIN = 100
"""A gain of pairing beyond this is not told apart: its own error is as large."""

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
    what = group_name(row.group, row.value)
    if row.statistic == SHARE:
        return f"{what}, share within {TARGET_MIN} min"
    whole = row.group == "overall" or (row.group, row.value) == ("kind", "medical")
    return f"{what}, {_STATISTICS[row.statistic]}" if whole else what


def group_name(group: str, value: str) -> str:
    """Return the name of a group of calls."""
    if group == "overall":
        return "all calls"
    if group == "priority":
        return f"priority {value}"
    if group == "kind":
        return f"{value} ({'first ambulance' if value == 'medical' else 'first unit'})"
    return value or OUTSIDE


def amount(row: Difference, value: float | None, *, sign: bool = False) -> str:
    """Return a value of a line in its unit: seconds or per cent; with a sign, a difference.

    A difference of two shares is in percentage points, `pp`.
    """
    if value is None:
        return "n/a"
    share = row.statistic == SHARE
    shown = round(100.0 * value if share else value, 1) + 0.0
    if not sign:
        return f"{shown:.1f}{'%' if share else ' s'}"
    return f"{shown:{'+' if shown else ''}.1f}{' pp' if share else ' s'}"


def range_text(row: Difference) -> str:
    """Return the interval of a line, or `n/a` when there is none."""
    if row.low is None or row.high is None:
        return "n/a"
    low, high = (amount(row, end, sign=True) for end in (row.low, row.high))
    return f"{low.rsplit(' ', 1)[0]} to {high}"


def verdict(row: Difference) -> str:
    """Return what a line shows, in a word or three."""
    if not row.changed:
        return "no call changed"
    if row.low is None:
        return "one replication"
    return "shown" if row.shown else "not shown"


def gain(row: Difference) -> str:
    """Return how much pairing gained on a line, or why that is not said."""
    if row.replications < 2:
        return "n/a: one replication"
    if row.replications < LEAST_FOR_PAIRING:
        return f"n/a: fewer than {LEAST_FOR_PAIRING} replications"
    if not row.changed:
        return "n/a: no call changed"
    if row.variance_reduction is None:
        return "n/a: the differences hardly vary"
    if row.variance_reduction > LARGEST_GAIN:
        return f"over {LARGEST_GAIN} times"
    return f"{row.variance_reduction:.1f} times"


def count(n: int) -> str:
    """Return a number of calls, marked when figures that rest on it say little."""
    return f"{n:,}{f' {FEW_MARK}' if few_calls(n) else ''}"


def p90_mark(n: int) -> str:
    """Return what stands behind a 90th percentile of `n` calls; nothing when it is sure enough."""
    return f" {P90_MARK}" if unsure_p90(n) else ""


SMALL_NUMBERS = (
    f"{FEW_MARK} fewer than {FEW_CALLS} calls: says little. {P90_MARK} fewer than "
    f"{LEAST_BEYOND_P90} calls lie beyond this 90th percentile (of under {10 * LEAST_BEYOND_P90} "
    "calls): one call more or less moves it."
)
BASIS = (
    "Mean, median and 90th percentile are over the calls that both sides reached (pairs). The "
    f"share within {TARGET_MIN} min is over all calls of each side: one that had waited longer in "
    "vain when the run ended is late, one that had waited less counts neither way."
)


def reached(line: Reach) -> str:
    """Return one sentence on how many calls each side reached."""
    return (
        f"Reached: {line.base_reached:,} of {line.base_calls:,} calls in the base, "
        f"{line.whatif_reached:,} of {line.whatif_calls:,} in the what-if; {line.both:,} in both, "
        f"{line.only_base:,} only in the base, {line.only_whatif:,} only in the what-if. "
        f"Share within {TARGET_MIN} min, each side on its own: {percent(line.base_within)} in the "
        f"base, {percent(line.whatif_within)} in the what-if."
    )


def percent(share: float | None) -> str:
    """Return a share as per cent with one decimal, or a dash."""
    return "-" if share is None else f"{100.0 * share:.1f}%"


def reading(row: Difference) -> str:
    """Return one plain sentence on the mean response time over all calls."""
    change = f"{abs(row.difference):.1f} s"
    if not row.changed:
        many = "any replication" if row.replications > 1 else "the one replication that was run"
        return f"No call was answered sooner or later than in the base, in {many}."
    if row.low == row.high == 0.0 or (row.low is None and not row.difference):
        return (
            "Every call that both sides reached was answered at the same moment; "
            f"{row.changed:,} were reached on one side only."
        )
    if row.low is None or row.high is None:
        way = "fell" if row.difference < 0 else "rose"
        return (
            f"In the one replication that was run, the mean response time {way} by {change}. "
            "One replication gives no interval, so this shows no difference: run more."
        )
    if not row.shown:
        return (
            "No difference in the mean response time can be shown: the 95% interval, "
            f"{range_text(row)}, spans zero."
        )
    way = "falls" if row.difference < 0 else "rises"
    low, high = sorted((abs(row.low), abs(row.high)))
    return f"The mean response time {way} by {change} (95% interval {low:.1f} to {high:.1f} s)."
