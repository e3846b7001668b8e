"""The report of a what-if beside its base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.report.changes import change_sentences, fields_apart, settings_of
from apps.report.charts import ecdf, forest
from apps.report.html import Raw, key_figures, page, section, table, tag, write_page
from apps.report.map import CLOSED, DIVERGING, PLACES, Drawing, graded, legend
from apps.report.parts import MOVES, again, assumed, bullets, head
from apps.report.run import closed_links
from apps.report.stored import read_origin
from apps.report.words import (
    BASIS,
    SMALL_NUMBERS,
    TARGET_MIN,
    amount,
    clock,
    count,
    describe,
    gain,
    group_name,
    p90_mark,
    percent,
    range_text,
    reached,
    reading,
    verdict,
)
from apps.rows import rows_of
from twin.city.model import City
from twin.metrics.compare import LEAST_FOR_PAIRING, Difference
from twin.metrics.comparison import Comparison
from twin.metrics.pairing import Reach, Sides, pair_calls
from twin.metrics.summary import TARGET_S
from twin.recording.reader import RunReader
from twin.scenarios.spec import Scenario

LEAST_SCALE_S = 30.0
"""Differences are coloured on a scale of at least this many seconds, so that none looks large."""
MOVED_S = 30.0
"""Calls that were reached so much sooner or later are drawn."""
SOONER, LATER = DIVERGING[0], DIVERGING[-1]
_SIDES = ("base", "what-if")


def write_comparison_report(found: Comparison, city: City, target: Path) -> Path:
    """Write the report of a comparison and return its file.

    Raises
    ------
    InputError
        If a run is damaged or the file cannot be written.
    """
    return write_page(target, comparison_page(found, city))


def comparison_page(found: Comparison, city: City) -> str:
    """Return the report of a comparison as one HTML document."""
    base, whatif = found.base, found.whatif
    title = whatif.title.get("en", whatif.name)
    facts = [
        f"against “{base.title.get('en', base.name)}”",
        _moves(base, whatif),
        f"{found.replications} {'pair' if found.replications == 1 else 'pairs'} of runs",
    ]
    runs = [
        (RunReader(one).table("calls"), RunReader(two).table("calls"))
        for one, two in zip(found.runs("base"), found.runs("whatif"), strict=True)
    ]
    origin = read_origin(RunReader(found.runs("whatif")[0]))
    return page(
        title,
        head(title, whatif, city, facts, settings=settings_of(found.command)),
        *_answer(found),
        section("What changes", *_changes(base, whatif, city)),
        _table(found.rows),
        _reach(found.reach),
        _map(found, city, runs),
        section(
            "Response times, all replications together",
            ecdf(
                [_asked(name, [pair[side] for pair in runs]) for side, name in enumerate(_SIDES)],
                TARGET_S,
            ),
            tag(
                "p",
                "Of all calls of each side: a line ends at the share that was reached before the "
                "run ended.",
                class_="note",
            ),
        ),
        _runs(found, [pair_calls(*pair) for pair in runs]),
        assumed(whatif, city),
        again(origin, found.command),
    )


def _moves(base: Scenario, whatif: Scenario) -> str:
    one, two = base.traffic.fidelity, whatif.traffic.fidelity
    if one == two:
        return MOVES[one]
    return f"the base {MOVES[one]}, the what-if {MOVES[two]}"


def _changes(base: Scenario, whatif: Scenario, city: City) -> list[Raw]:
    """Return what only the what-if changes, and what both sides change."""
    shared = len(base.changes)
    if whatif.changes[:shared] != base.changes:
        shared = 0
    said = [*change_sentences(whatif, city, shared), *fields_apart(base, whatif)]
    content = [bullets(said) if said else tag("p", "Nothing: both sides are the same scenario.")]
    if base.changes:
        both = "In both sides" if shared else "In the base instead"
        content += [tag("h3", both), bullets(change_sentences(base, city))]
    return content


def _answer(found: Comparison) -> list[Raw]:
    overall, everything = found.headline, found.reach[0]
    if overall is None:
        return [
            tag("p", "No call was answered in both runs of a replication.", class_="reading"),
            tag("p", reached(everything)),
        ]
    return [
        tag("p", reading(overall), class_="reading"),
        key_figures(
            [
                (amount(overall, overall.base), f"mean response, base ({clock(overall.base)})"),
                (
                    amount(overall, overall.whatif),
                    f"mean response, what-if ({clock(overall.whatif)})",
                ),
                (amount(overall, overall.difference, sign=True), "mean difference"),
                (range_text(overall), "95% interval"),
                (f"{everything.both:,}", "calls that both sides reached"),
                (f"{everything.one_sided:,}", "calls that only one side reached"),
            ]
        ),
    ]


def _table(rows: Sequence[Difference]) -> Raw:
    lines = [
        [
            describe(row), amount(row, row.base),
            amount(row, row.whatif), amount(row, row.difference, sign=True), range_text(row),
            verdict(row), row.basis,
            count(row.calls) + (p90_mark(row.calls) if row.statistic == "p90" else ""),
        ]
        for row in rows
    ]  # fmt: skip
    return section(
        "Differences in response time",
        forest(rows) if rows else None,
        table(
            ["", "base", "what-if", "difference", "95% interval", "reading", "rests on",
             "calls in both"],
            lines,
        ),
        tag("p", f"{BASIS} pp: percentage points. {SMALL_NUMBERS}", class_="note"),
        tag(
            "p",
            "Each replication runs both scenarios with the same calls, durations and trips. "
            "Intervals are Student's t over the replications' differences. A difference is shown "
            "when its interval leaves zero out; of twenty groups without any difference, one will "
            "seem to have one.",
            class_="note",
        ),
    )  # fmt: skip


def _reach(lines: Sequence[Reach]) -> Raw:
    """Return how many calls each side reached: what the pairs leave out."""
    rows = [
        [
            group_name(line.group, line.value),
            count(line.base_calls), count(line.whatif_calls),
            f"{line.base_reached:,}", f"{line.whatif_reached:,}",
            f"{line.both:,}", f"{line.only_base:,}", f"{line.only_whatif:,}",
            percent(line.base_within), percent(line.whatif_within),
        ]
        for line in lines
    ]  # fmt: skip
    within = f"within {TARGET_MIN} min"
    return section(
        "Calls that each side reached",
        table(
            ["", "calls, base", "calls, what-if", "reached, base", "reached, what-if",
             "reached in both", "only in the base", "only in the what-if",
             f"{within}, base", f"{within}, what-if"],
            rows,
        ),
        tag(
            "p",
            "All replications together; the shares are means over the replications. A call that "
            "only one side reached has no difference and is in no mean above: a change that makes "
            "calls unreachable shows here, and in the share within the target. In lane-level "
            "traffic collisions arise from the traffic, so the two sides may have different ones.",
            class_="note",
        ),
    )  # fmt: skip


def _asked(name: str, sides: Sequence[pd.DataFrame]) -> tuple[str, NDArray[np.float64], int]:
    calls = pd.concat(sides, ignore_index=True)
    calls = calls[calls["fate"] != "cancelled"]
    return name, calls["response_s"].dropna().to_numpy(np.float64), len(calls)


def _map(found: Comparison, city: City, runs: Sequence[Sides]) -> Raw:
    drawing = Drawing(city)
    rows = {row.value: row for row in found.rows if row.group == "district"}
    most = max([LEAST_SCALE_S, *(abs(row.difference) for row in rows.values())])
    drawing.districts(
        graded({name: row.difference for name, row in rows.items()}, DIVERGING, -most, most),
        lambda name: f"{name}: {_said(rows[name])}" if name in rows else name,
        [name for name, row in rows.items() if row.shown],
    )
    _draw_moved(drawing, pd.concat([pair_calls(*pair) for pair in runs], ignore_index=True))
    _draw_one_sided(drawing, runs)
    drawing.places()
    closed = closed_links(found.whatif, city)
    drawing.links(closed, "closed in the what-if")
    step = 2 * most / len(DIVERGING)
    return section(
        "Where it changes",
        drawing.svg("Map of the change in mean response by district"),
        legend(
            [
                ("dot", SOONER, f"call reached {MOVED_S:.0f} s sooner or more"),
                ("dot", LATER, f"{MOVED_S:.0f} s later or more"),
                ("ring", SOONER, "reached only in the what-if"),
                ("ring", LATER, "reached only in the base"),
                *PLACES,
                *([CLOSED] if len(closed) else []),
            ]
        ),
        legend(
            [
                ("box", colour, f"{-most + k * step:+.0f} to {-most + (k + 1) * step:+.0f} s")
                for k, colour in enumerate(DIVERGING)
            ]
        ),
        tag(
            "p",
            "District colour: difference of the mean response over the calls that both sides "
            "reached; a dark edge where its interval leaves zero out. White: no such call.",
            class_="note",
        ),
    )


def _draw_moved(drawing: Drawing, pairs: pd.DataFrame) -> None:
    """Draw the calls that were reached much sooner or later."""
    apart = pairs["whatif_s"] - pairs["base_s"]
    for chosen, colour in ((apart <= -MOVED_S, SOONER), (apart >= MOVED_S, LATER)):
        calls = pairs[chosen]
        titles = [
            f"{row.call_id}: {clock(row.base_s)} in the base, {clock(row.whatif_s)} in the what-if"
            for row in rows_of(calls)
        ]
        drawing.calls(
            calls["lon"].to_numpy(), calls["lat"].to_numpy(), titles, colour=colour, radius=2.6
        )


def _draw_one_sided(drawing: Drawing, runs: Sequence[Sides]) -> None:
    """Draw the calls that both sides had and only one reached."""
    key = ["call_id", "t_call"]
    for mine, other, colour, side in ((0, 1, LATER, "base"), (1, 0, SOONER, "what-if")):
        lost = [
            pair[mine].merge(pair[other].loc[pair[other]["response_s"].isna(), key], on=key)
            for pair in runs
        ]
        calls = pd.concat(lost, ignore_index=True).dropna(subset=["response_s"])
        titles = [f"{name}: reached only in the {side}" for name in calls["call_id"]]
        drawing.calls(
            calls["lon"].to_numpy(), calls["lat"].to_numpy(), titles,
            colour=colour, radius=5.0, shape="ring",
        )  # fmt: skip


def _said(row: Difference) -> str:
    return f"{amount(row, row.difference, sign=True)} ({range_text(row)})"


def _runs(found: Comparison, pairs: Sequence[pd.DataFrame]) -> Raw:
    lines = []
    for number, pair in enumerate(pairs):
        if not len(pair):
            lines.append([f"replication {number}", "0", "-", "-", "-"])
            continue
        base, whatif = float(pair["base_s"].mean()), float(pair["whatif_s"].mean())
        lines.append(
            [
                f"replication {number}", f"{len(pair):,}", f"{base:.1f} s", f"{whatif:.1f} s",
                f"{whatif - base:+.1f} s",
            ]
        )  # fmt: skip
    return section(
        "Each replication",
        table(["", "calls in both", "mean, base", "mean, what-if", "difference"], lines),
        tag("h3", "What pairing gains"),
        table(
            ["", "replications", "correlation of the two sides", "pairing gains"],
            [
                [
                    describe(row),
                    str(row.replications),
                    "n/a" if row.correlation is None else f"{row.correlation:.3f}",
                    gain(row),
                ]
                for row in found.rows
            ],
        ),
        tag(
            "p",
            "“Pairing gains”: how many times more replications would be needed without pairing; "
            f"neither it nor the correlation is said with fewer than {LEAST_FOR_PAIRING} "
            "replications, for two points always lie on a line; nor is the gain where the "
            "differences hardly vary, for it would be a quotient of next to nothing.",
            class_="note",
        ),
        tag("p", f"The runs are in {found.folder}.", class_="note"),
    )
