"""The charts of a report as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.report.html import Raw, tag
from apps.report.words import TARGET_MIN, amount, describe, few_mark, percent, range_text
from twin.metrics.compare import SHARE, Difference
from twin.metrics.summary import TARGET_S, decided, few_calls, heaviest_as

COLOURS = ("#b2182b", "#d98200", "#2166ac", "#5e3c99", "#35978f", "#666666")
"""One for each series, told apart also by readers who see red and green alike."""
BASE, WHATIF = "#5b9bd5", "#d95f02"
_WIDTH = 440.0
_CLOCK_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, *(1440 * 2**k for k in range(20)))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round values that cover a range: steps of 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if span / (step * factor) <= most:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart of shares.

    Attributes
    ----------
    name
        What it is of.
    seconds
        Response times of the calls that were reached.
    weights
        Share of each of them: their sum is the share that was reached.
    within
        Share within the target, as tables say it.
    calls
        Calls that count, reached or not.
    weighs_as
        Of how many calls alike one would weigh as much as the heaviest does (`heaviest_as`).
    """

    name: str
    seconds: NDArray[np.float64]
    weights: NDArray[np.float64]
    within: float | None
    calls: int
    weighs_as: int


def curve(name: str, runs: Sequence[pd.DataFrame], end_s: float) -> Curve:
    """Return the mean over runs of the share of calls reached by time since the call.

    Calls count as they do in `twin.metrics.summary.share_within`, so that at the target the line
    stands where the tables say.

    Parameters
    ----------
    name
        What it is of.
    runs
        The `calls` table of each run.
    end_s
        When the runs ended, seconds.
    """
    counted = [calls.loc[decided(calls, end_s), "response_s"].to_numpy(float) for calls in runs]
    counted = [seconds for seconds in counted if len(seconds)]
    weights = [np.full(len(one), 1.0 / (len(one) * len(counted))) for one in counted]
    seconds = np.concatenate([np.zeros(0), *counted])
    weight = np.concatenate([np.zeros(0), *weights])
    reached = np.isfinite(seconds)
    return Curve(
        name=name,
        seconds=seconds[reached],
        weights=weight[reached],
        within=float(weight[seconds <= TARGET_S].sum()) if counted else None,
        calls=len(seconds),
        weighs_as=heaviest_as(list(map(len, counted))),
    )


def ecdf(curves: Sequence[Curve], *, width: float = _WIDTH, sides: bool = False) -> Raw:
    """Return shares of calls reached by time since the call, one line a curve, with the target.

    Parameters
    ----------
    curves
        A line ends at the share that was reached. Those without a reached call are left out; one
        of few calls is dashed and marked.
    width
        Of the drawing, pixels.
    sides
        Whether the curves are a base and a what-if, which lie close: the what-if is then drawn
        narrow and dashed over a broad base.
    """
    filled = [one for one in curves if len(one.seconds)]
    if not filled:
        return tag("p", "No call was reached.", class_="note")
    longest = max(float(np.percentile(one.seconds, 99.0)) / 60.0 for one in filled)
    right = max(1.25 * TARGET_S / 60.0, longest)
    left, top, tall = 44.0, 22.0, max(220.0, 0.34 * width)
    wide, foot = width - left - 20.0, top + tall + 56.0

    def x(minutes: float) -> float:
        return left + wide * min(minutes, right) / right

    def y(share: float) -> float:
        return top + tall * (1.0 - share)

    parts: list[Raw] = []
    for share in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0):
        parts += [
            _line(left, y(share), left + wide, y(share), "#e5e9ee"),
            _words(left - 6, y(share) + 4, f"{share:.0%}", anchor="end", soft=True),
        ]
    parts += [
        _words(x(m), top + tall + 17, f"{m:g}", anchor="middle", soft=True) for m in ticks(0, right)
    ]
    parts.append(_words(left + wide, top + tall + 34, "minutes from call", anchor="end", soft=True))
    goal = x(TARGET_S / 60.0)
    parts.append(_line(goal, top, goal, top + tall, "#888", dash="4 3"))
    parts.append(_words(goal, top - 7, f"{TARGET_MIN} min", anchor="middle", soft=True))
    for k, one in enumerate(filled):
        dash = "5 3" if few_calls(one.weighs_as) else ""
        colour, thick = COLOURS[k % len(COLOURS)], 2.0
        if sides:
            colour, thick, dash = ((BASE, 5.0, ""), (WHATIF, 2.4, "7 4"))[k]
        order = np.argsort(one.seconds, kind="stable")
        minutes, shares = one.seconds[order] / 60.0, np.cumsum(one.weights[order])
        # At most 400 corners a line: more cannot be seen.
        keep = np.unique(np.linspace(0, len(minutes) - 1, min(400, len(minutes))).astype(int))
        steps = [f"M{x(0.0):.1f} {y(0.0):.1f}"]
        steps += [
            f"H{x(float(m)):.1f}V{y(float(s)):.1f}"
            for m, s in zip(minutes[keep], shares[keep], strict=True)
            if m <= right
        ]
        parts.append(
            tag(
                "path", d="".join(steps), fill="none", stroke=colour, stroke_width=thick,
                stroke_dasharray=dash or None,
            )
        )  # fmt: skip
        row = foot + 18 * k
        parts.append(_line(left, row - 4, left + 24, row - 4, colour, width=thick + 1, dash=dash))
        calls = f"{one.calls:,} {'call' if one.calls == 1 else 'calls'}{few_mark(one.weighs_as)}"
        said = f"{one.name}: {percent(one.within)} of {calls} within {TARGET_MIN} min"
        parts.append(_words(left + 32, row, said))
    label = "Share of calls reached by time since the call"
    return _picture(width, foot + 18 * (len(filled) - 1) + 8, parts, label)


def bars(rows: Sequence[tuple[str, float, str]], *, most: float, label: str) -> Raw:
    """Return horizontal bars of (name, value, what to write beside it)."""
    step = 20.0
    names = [_fitted(name, 150.0) for name, _, _ in rows]
    left = 14.0 + max(map(_width, names), default=0.0)
    right = 14.0 + max((_width(beside) for _, _, beside in rows), default=0.0)
    wide = _WIDTH - left - right
    parts: list[Raw] = []
    for k, (_, value, beside) in enumerate(rows):
        top = 4.0 + step * k
        size = max(wide * min(value / most, 1.0), 0.5) if most > 0 else 0.5
        parts += [
            _words(left - 8, top + 13, names[k], anchor="end"),
            tag("rect", x=left, y=top + 2, width=wide, height=step - 6, fill="#eef1f5"),
            tag("rect", x=left, y=top + 2, width=size, height=step - 6, fill="#2166ac"),
            _words(left + wide + 6, top + 13, beside),
        ]
    return _picture(_WIDTH, 8.0 + step * len(rows), parts, label)


def forest(rows: Sequence[Difference], *, width: float = 1000.0) -> Raw:
    """Return differences in seconds with their intervals, one line a row, around zero.

    A drawing of less than 600 pixels has names and figures above the intervals, not beside them.
    """
    timed = [row for row in rows if row.statistic != SHARE]
    if not timed:
        return tag("p", "No call changed.", class_="note")
    ends = [0.0]
    for row in timed:
        ends += [v for v in (row.difference, row.low, row.high) if v is not None]
    low, high = min(ends), max(ends)
    margin = max(0.06 * (high - low), 1.0)
    low, high = low - margin, high + margin
    above = width < 600.0
    names = [_fitted(describe(row), 320.0) for row in timed]
    said = [_said(row, short=above) for row in timed]
    step, top, drop = (42.0, 8.0, 30.0) if above else (24.0, 8.0, 12.0)
    left = right = 12.0
    if not above:
        left = 20.0 + max(map(_width, names))
        right = 24.0 + max(map(_width, said))
    wide, tall = width - left - right, step * len(timed)

    def x(value: float) -> float:
        return left + wide * (value - low) / (high - low)

    parts: list[Raw] = [
        _words(x(v), top + tall + 17, f"{v:+g} s" if v else "0", anchor="middle", soft=True)
        for v in ticks(low, high, 4 if above else 6)
    ]
    parts += [
        _line(x(v), top, x(v), top + tall, "#e5e9ee") for v in ticks(low, high, 4 if above else 6)
    ]
    parts.append(_line(x(0.0), top, x(0.0), top + tall, "#444"))
    for k, row in enumerate(timed):
        middle = top + step * k + drop
        colour = "#8a929e"
        if row.clear:
            colour = "#2166ac" if row.difference < 0 else "#b2182b"
        if row.low is not None and row.high is not None:
            parts.append(_line(x(row.low), middle, x(row.high), middle, colour, width=2.5))
        parts.append(tag("circle", cx=x(row.difference), cy=middle, r=4.5, fill=colour))
        if above:
            parts += [
                _words(2.0, middle - 14, names[k], halo=True),
                _words(width - 2, middle - 14, said[k], anchor="end", halo=True),
            ]
        else:
            parts += [
                _words(left - 10, middle + 4, names[k], anchor="end"),
                _words(width - right + 12, middle + 4, said[k], soft=not row.changed),
            ]
    parts += [
        _words(left, top + tall + 36, "← faster than the base", soft=True),
        _words(left + wide, top + tall + 36, "slower than the base →", anchor="end", soft=True),
    ]
    return _picture(width, top + tall + 44, parts, "Differences with 95% intervals")


def _said(row: Difference, *, short: bool) -> str:
    if not row.changed:
        return "no call changed"
    difference = amount(row, row.difference)
    if short:
        return difference
    if row.same:
        return "no difference in any pair"
    return f"{difference}  ({'no interval' if row.low is None else range_text(row)})"


def over_time(hours: NDArray[np.float64], values: NDArray[np.float64], label: str) -> Raw:
    """Return a line over city time.

    Parameters
    ----------
    hours, values
        (N,) hours since midnight, in order; what is drawn, from zero up.
    label
        What it is.
    """
    height, left, bottom, top = 180.0, 56.0, 30.0, 22.0
    wide, tall = _WIDTH - left - 24.0, height - bottom - top
    first, last = float(hours[0]), max(float(hours[-1]), float(hours[0]) + 1e-6)
    most = max(float(values.max()), 1.0) * 1.05
    keep = np.unique(np.linspace(0, len(hours) - 1, min(500, len(hours))).astype(int))

    def x(hour: float) -> float:
        return left + wide * (hour - first) / (last - first)

    def y(value: float) -> float:
        return top + tall * (1.0 - value / most)

    parts = [_words(left, 12, label, soft=True)]
    # What is counted has no halves.
    for v in (tick for tick in ticks(0.0, most, 4) if tick.is_integer()):
        parts.append(_line(left, y(v), left + wide, y(v), "#e5e9ee"))
        parts.append(_words(left - 6, y(v) + 4, f"{v:,.6g}", anchor="end", soft=True))
    step = next(s for s in _CLOCK_STEPS_MIN if 60.0 * (last - first) / s <= 8)
    for minute in range(math.ceil(60.0 * first / step) * step, int(60.0 * last) + 1, step):
        said = f"{minute // 60:02d}:{minute % 60:02d}"
        parts.append(_words(x(minute / 60.0), height - 10, said, anchor="middle", soft=True))
    points = " ".join(f"{x(float(hours[k])):.1f},{y(float(values[k])):.1f}" for k in keep)
    parts.append(tag("polyline", points=points, fill="none", stroke="#2166ac", stroke_width=1.6))
    return _picture(_WIDTH, height, parts, label)


def _picture(width: float, height: float, parts: Sequence[Raw], label: str) -> Raw:
    return tag(
        "svg", *parts, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label,
        class_="chart" if width <= _WIDTH else None,
    )  # fmt: skip


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1.0, dash: str = ""
) -> Raw:
    return tag(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width,
        stroke_dasharray=dash or None,
    )  # fmt: skip


def _words(
    x: float, y: float, text: str, *, anchor: str = "", soft: bool = False, halo: bool = False
) -> Raw:
    look = "soft" if soft else "halo" if halo else None
    return tag("text", text, x=x, y=y, text_anchor=anchor or None, class_=look)


def _width(text: str) -> float:
    """Return about how wide a text is drawn, pixels; Korean signs are as wide as they are high."""
    return sum(12.0 if ord(letter) >= 0x1100 else 6.9 for letter in text)


def _fitted(text: str, most: float) -> str:
    """Return a text, cut to a width in pixels."""
    if _width(text) <= most:
        return text
    while text and _width(text) > most - 12.0:
        text = text[:-1]
    return f"{text}…"
