"""Figures in words, as the command line and the reports say them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twin.metrics.chain import BY_DISTRICT, INTERVAL
from twin.metrics.compare import DECIMALS, LEAST_FOR_PAIRING, SHARE, Difference
from twin.metrics.pairing import Reach
from twin.metrics.summary import FEW_CALLS, LEAST_BEYOND_P90, TARGET_S, few_calls, unsure_p90

TARGET_MIN = f"{TARGET_S / 60.0:g}"
OUTSIDE = "outside every district"
FEW_MARK, P90_MARK = "†", "‡"
ALONE = "clear by itself"
"""Of a line among others whose own interval excludes zero: chance alone makes some do so."""
NO_RANGE = "-"
LARGEST_GAIN = 100
"""A gain of pairing beyond this is not told apart: its own error is as large."""

INTERVAL_NAMES = {
    "handling": "call to dispatch",
    "turnout": "dispatch to en route (turnout)",
    "travel": "en route to on scene (travel)",
    "response": "call to on scene (response)",
    "to_patient": "on scene to the patient",
    "call_to_patient": "call to the patient",
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
    if group == INTERVAL:
        return INTERVAL_NAMES[value]
    if group == BY_DISTRICT:
        return f"{INTERVAL_NAMES[group]}, {value}"
    if group == "kind":
        return f"{value} ({'first ambulance' if value == 'medical' else 'first unit'})"
    return value or OUTSIDE


def figure(row: Difference, value: float | None) -> str:
    """Return the figure of one side: `min:s` with the seconds in brackets, or per cent."""
    if value is None:
        return "n/a"
    if row.statistic == SHARE:
        return percent(value)
    return f"{clock(value)} ({value:.1f})"


def amount(row: Difference, value: float | None) -> str:
    """Return a difference in its unit: seconds, or percentage points (`pp`) of a share."""
    if value is None:
        return "n/a"
    share = row.statistic == SHARE
    return f"{signed(100.0 * value if share else value)}{' pp' if share else ' s'}"


def signed(value: float) -> str:
    """Return a difference with its sign, which zero has not; what rounds to zero is zero.

    Verdicts round alike (`twin.metrics.compare.excludes_zero`), so they agree with what is printed.
    """
    return f"{value:+,.{DECIMALS}f}" if round(value, DECIMALS) else f"{0.0:.{DECIMALS}f}"


def signed_whole(*values: float) -> list[str]:
    """Return differences of a count in whole numbers, with their signs.

    Where one would read as zero all keep the decimals of `signed`, so that an interval that
    excludes zero is not printed as if it did not.
    """
    if any(not round(value) for value in values):
        return [signed(value) for value in values]
    return [f"{value:+,.0f}" for value in values]


def range_text(row: Difference) -> str:
    """Return the interval of a line; a dash (`NO_INTERVAL` says why) when there is none."""
    if row.low is None or row.high is None or not row.changed or row.same:
        return NO_RANGE
    low, high = (amount(row, end) for end in (row.low, row.high))
    return f"{low.rsplit(' ', 1)[0]} to {high}"


def rests_on(row: Difference) -> str:
    """Return on how many calls a line's figures rest; of both sides where they differ."""
    weighs_as = min(row.base_n, row.whatif_n)
    said = f"{row.base_n:,}"
    if row.whatif_n != row.base_n:
        said += f" and {row.whatif_n:,}"
    mark = p90_mark(weighs_as) if row.statistic == "p90" else ""
    return said + few_mark(row.weighs_as) + mark


def verdict(row: Difference) -> str:
    """Return what a line says, in a word or three."""
    if not row.changed:
        return "no call changed"
    if row.low is not None and not row.same and row.few:
        return "too few calls"
    main = (row.group, row.statistic) == ("overall", "mean")
    return verdict_of(row.low, same=row.same, clear=row.clear, alone=not main)


def verdict_of(low: float | None, *, same: bool, clear: bool, alone: bool) -> str:
    """Return what an interval says, whose lower end is `low`, in a word or three.

    `alone` is whether that is said of one line among others, without regard of these.
    """
    if low is None:
        return "one replication"
    if same:
        return "no difference in any pair"
    if not clear:
        return "no clear difference"
    return ALONE if alone else "clear difference"


def beside_the_response(rows: Sequence[Difference]) -> str:
    """Return one sentence on what else of the chain differs clearly; empty where nothing does."""
    said = [
        f"{INTERVAL_NAMES[row.value]} {amount(row, row.difference)} ({range_text(row)})"
        for row in rows
        if row.group == INTERVAL and row.clear
    ]
    if not said:
        return ""
    return f"Other intervals of medical calls, each {ALONE}: {'; '.join(said)}."


def without_unchanged(rows: Sequence[Difference]) -> tuple[list[Difference], str]:
    """Return the lines but for districts where no call changed, and one sentence on these.

    The sentence is empty when a call changed in every district.
    """
    still = [row for row in rows if row.group == "district" and not row.changed]
    kept = [row for row in rows if row not in still]
    named = [row.value for row in still if row.value]
    parts = [f"{len(named)} {'district' if len(named) == 1 else 'districts'}"] if named else []
    parts += [OUTSIDE] if len(named) < len(still) else []
    names = f" ({', '.join(named)})" if named else ""
    return kept, f"{_capital(' and '.join(parts))}: no call changed{names}." if still else ""


def gain(row: Difference) -> str:
    """Return how much pairing gained on a line, or why that is not said."""
    if row.replications < 2:
        return "n/a: one replication"
    if row.replications < LEAST_FOR_PAIRING:
        return f"n/a: fewer than {LEAST_FOR_PAIRING} replications"
    if not row.changed:
        return "n/a: no call changed"
    if row.variance_reduction is None:
        return "n/a: nearly the same in every replication"
    if row.variance_reduction > LARGEST_GAIN:
        return f"over {LARGEST_GAIN} times"
    return f"{row.variance_reduction:.1f} times"


def count(n: int) -> str:
    """Return a number of calls, marked when figures that rest on it say little."""
    return f"{n:,}{few_mark(n)}"


def counted(n: int, noun: str) -> str:
    """Return a number with what it counts, in the plural where it is not one."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def few_mark(n: int) -> str:
    """Return what stands behind a figure of `n` calls; nothing when they are enough."""
    return f" {FEW_MARK}" if few_calls(n) else ""


def p90_mark(n: int) -> str:
    """Return what stands behind a 90th percentile of `n` calls; nothing when it is sure enough."""
    return f" {P90_MARK}" if unsure_p90(n) else ""


_UNSURE_P90 = (
    f"{P90_MARK} fewer than {10 * LEAST_BEYOND_P90} calls: one call more or less can move this "
    "90th percentile."
)
SMALL_NUMBERS = f"{FEW_MARK} fewer than {FEW_CALLS} calls: too few to rely on. {_UNSURE_P90}"
FEW_IN_ONE = (
    f"{FEW_MARK} fewer than {FEW_CALLS} calls, or one of them weighs as much as one of fewer: too "
    "few to rely on. Each replication counts the same, so in one of few calls each call weighs "
    "much, and a single late one can move the average of all."
)
"""What the mark means behind an average of replications."""
SMALL_NUMBERS_OF_SEVERAL = f"{FEW_IN_ONE} {_UNSURE_P90}"
_FEW_CHANGED = "; where they are few, a difference rests on them."
CHANGED = (
    "Changed, of response times: calls reached at another moment than in the base, or in one run "
    f"only{_FEW_CHANGED}"
)
CHANGED_INTERVALS = (
    "Changed, of an interval: calls in which it is longer or shorter than in the base, or which "
    f"have it in one run only{_FEW_CHANGED}"
)
NO_INTERVAL = (
    f"{NO_RANGE} for an interval: only one replication has such calls, or the figure was the same "
    "in both runs of every one."
)
WITHIN = (
    f"Share within {TARGET_MIN} min: calls still waiting when the run ended count as late if they "
    f"had waited more than {TARGET_MIN} min, and are left out if they had not."
)
BASIS = (
    "Base and what-if are averages of the replications, each replication counting the same. Mean, "
    "median and 90th percentile use only the calls reached in both runs; the share within "
    f"{TARGET_MIN} min uses all calls of each run, so it can rest on different numbers. "
    "Each figure is rounded by itself: a difference may not be that of the two rounded figures "
    f"beside it. {WITHIN}"
)
CLEAR = (
    "A difference is clear when its 95% interval, rounded as it is shown, does not include zero "
    "and it rests on calls enough. Only main figures are called so: the mean of all calls; of "
    f"traffic, trips finished and the mean speed of all roads. Any other line is “{ALONE}”: of "
    "twenty lines chance alone makes about one look so, hence look at it as a hint and ask again "
    "with more replications."
)


def reached(line: Reach) -> str:
    """Return how many calls each side reached, in two sentences."""
    return (
        f"Calls reached before the run ended: {line.base_reached:,} of {line.base_calls:,} in the "
        f"base, {line.whatif_reached:,} of {line.whatif_calls:,} in the what-if; {line.both:,} in "
        f"both, {line.only_base:,} only in the base, {line.only_whatif:,} only in the what-if. "
        f"Within {TARGET_MIN} min: {within(line.base_within, line.base_weighs_as)} in the base, "
        f"{within(line.whatif_within, line.whatif_weighs_as)} in the what-if."
    )


def within(share: float | None, weighs_as: int) -> str:
    """Return a share in which the heaviest call weighs as one of `weighs_as` alike."""
    return percent(share) + ("" if share is None else few_mark(weighs_as))


def percent(share: float | None) -> str:
    """Return a share as per cent with one decimal, or a dash."""
    return "-" if share is None else f"{100.0 * share:.1f}%"


def reading(row: Difference) -> str:
    """Return one plain sentence on the mean response time over all calls."""
    change = f"by {signed(row.difference).lstrip('+-')} s"
    if not round(row.difference, DECIMALS):
        change = "by less than 0.1 s"
    if not row.changed:
        many = "any replication" if row.replications > 1 else "the one replication that was run"
        return f"No call was reached sooner or later than in the base, in {many}."
    if row.same or (row.low is None and not row.difference):
        return (
            "Every call that was reached in both runs was reached at the same moment; "
            f"{row.changed:,} were reached in one of them only."
        )
    if row.low is None or row.high is None:
        way = "fell" if row.difference < 0 else "rose"
        return (
            f"In the one replication that was run, the mean response time {way} {change}. "
            "One replication cannot tell a real difference from chance: run more."
        )
    if row.few:
        one = ""
        if row.weighs_as < row.calls:
            one = f", of which one weighs as much as one of {row.weighs_as:,}"
        return (
            f"Too few calls to tell ({row.calls:,}{one}): the mean response time changed by "
            f"{signed(row.difference)} s (95% interval {range_text(row)})."
        )
    if not row.shown:
        return (
            "No clear difference in the mean response time: the 95% interval, "
            f"{range_text(row)}, includes zero."
        )
    way = "falls" if row.difference < 0 else "rises"
    low, high = (signed(end).lstrip("+-") for end in sorted((row.low, row.high), key=abs))
    return f"The mean response time {way} {change} (95% interval {low} to {high} s)."


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def speed_cells(row: Mapping[str, Any]) -> list[str]:
    """Return published and simulated speed, how far apart they are, and the hours simulated.

    Parameters
    ----------
    row
        A `twin.metrics.road_speeds.PublishedSpeed` whose speed the run has.
    """
    apart = row["simulated_kmh"] / row["published_kmh"] - 1.0
    return [
        f"{row['published_kmh']:.1f}",
        f"{row['simulated_kmh']:.1f}",
        f"{100.0 * apart:+.0f}%",
        f"{row['from_h']:g} to {row['to_h']:g}",
    ]


def no_hospital_sentence(found: Mapping[str, int]) -> str:
    """Return what became of patients whom no hospital could take; empty where there were none.

    `found` is `without_hospital` of a run's summary.
    """
    n = found.get("patients", 0)
    if not n:
        return ""
    if found["hospitals"]:
        said = f"No hospital could take {counted(n, 'patient')} for a while at least."
    else:
        said = (
            f"The city has no hospital, and {counted(n, 'patient')} should have been taken to one: "
            "give it hospitals, or set chain.p_transport = 0, by which nobody is transported."
        )
    end = "none did so to the end of the run."
    if found["left"]:
        end = f"{found['left']:,} still did so when the run ended, and these calls stay open."
    return (
        f"{said} Their crews stay with them where they are, ask again every minute and take no "
        f"other call; {end}"
    )


def preemption_sentence(found: Mapping[str, int] | None) -> str:
    """Return how often units under siren held signals; empty where they held none.

    `found` is `preemptions` of a run's summary.
    """
    if not found or not found["held"]:
        return ""
    times = "once" if found["held"] == 1 else f"{found['held']:,} times"
    return f"Units under siren held {counted(found['signals'], 'signal')}, {times} in all."


def unasked_sentence(order: dict[str, Any]) -> str:
    """Return what is to be known of an order for which no choice came in a run."""
    if order.get("unit"):
        return (
            f"Change {order['change']} had no effect: no unit was sought for call {order['call']} "
            f"as it orders ({order['unit']})."
        )
    return (
        f"Change {order['change']} had no effect: no patient of call {order['call']} was to be "
        f"taken to a hospital ({order['hospital']})."
    )
