"""The report of a what-if beside its base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from apps.report.care import outcomes_section
from apps.report.changes import change_sentences
from apps.report.charts import curve, ecdf, forest
from apps.report.comparison_map import comparison_map
from apps.report.differences import (
    changes_of_whatif,
    fields_apart,
    run_alike,
    settings_of,
    stands_instead,
)
from apps.report.html import (
    Raw,
    at_both_widths,
    folded,
    key_figures,
    page,
    section,
    table,
    tag,
    write_page,
)
from apps.report.parts import MOVES, again, assumed, bullets, head, heading
from apps.report.run_differences import comparison_reading, moves_section, traffic_section
from apps.report.stored import read_origin
from apps.report.street_differences import streets_section
from apps.report.words import (
    BASIS,
    CHANGED,
    CHANGED_INTERVALS,
    CLEAR,
    FEW_IN_ONE,
    NO_INTERVAL,
    SMALL_NUMBERS_OF_SEVERAL,
    TARGET_MIN,
    WITHIN,
    amount,
    beside_the_response,
    clock,
    count,
    describe,
    figure,
    gain,
    group_name,
    range_text,
    reached,
    rests_on,
    signed,
    verdict,
    within,
    without_unchanged,
)
from twin.city.model import City
from twin.metrics.compare import LEAST_FOR_PAIRING, Difference
from twin.metrics.comparison import Comparison
from twin.metrics.pairing import Sides, pair_calls
from twin.recording.reader import RunReader
from twin.scenarios.spec import Scenario

_SIDES = ("base", "what-if")
_COLUMNS = (
    *("base, min:s (s)", "what-if, min:s (s)", "difference", "95% interval"),
    *("calls", "changed", "result"),
)


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
    settings = settings_of(found.command)
    facts = [
        f"against “{heading(base, 'en', settings)}”",
        _moves(base, whatif),
        f"{found.replications} {'pair' if found.replications == 1 else 'pairs'} of runs",
    ]
    runs = [
        (RunReader(one).table("calls"), RunReader(two).table("calls"))
        for one, two in zip(found.runs("base"), found.runs("whatif"), strict=True)
    ]
    origin = read_origin(RunReader(found.runs("whatif")[0]))
    return page(
        heading(whatif, "en", settings),
        head(whatif, city, facts, settings=settings),
        *_answer(found),
        *([bullets([note.text for note in found.notes])] if found.notes else []),
        section("What changes", *_changes(base, whatif, city)),
        _table(found.rows),
        _chain(found.chain),
        traffic_section(found.traffic),
        streets_section(found.streets),
        moves_section(found.moves),
        outcomes_section(found.outcomes),
        _reach(found),
        comparison_map(found, city, runs),
        _curves(runs, base.period.end_s),
        _runs(found, [pair_calls(*pair) for pair in runs]),
        assumed(whatif, city),
        again(origin, found.command),
        _pairing(found),
    )


def _curves(runs: Sequence[Sides], end_s: float) -> Raw:
    curves = [curve(name, [pair[side] for pair in runs], end_s) for side, name in enumerate(_SIDES)]
    return section(
        "How soon calls are reached",
        at_both_widths(
            ecdf(curves, width=960.0, sides=True), ecdf(curves, width=380.0, sides=True)
        ),
        tag("p", f"Average of the replications. {WITHIN}", class_="note"),
    )


def _moves(base: Scenario, whatif: Scenario) -> str:
    one, two = base.traffic.fidelity, whatif.traffic.fidelity
    if one == two:
        return MOVES[one]
    return f"the base {MOVES[one]}, the what-if {MOVES[two]}"


def _changes(base: Scenario, whatif: Scenario, city: City) -> list[Raw]:
    """Return what only the what-if changes, and what both sides change."""
    mine = changes_of_whatif(base, whatif)
    shared = len(whatif.changes) - len(mine)
    said = [*change_sentences(whatif, city, shared), *fields_apart(base, whatif)]
    nothing = "Nothing of its own."
    if run_alike(base, whatif):
        nothing = "Nothing: both runs are of one scenario."
    content = [bullets(said) if said else tag("p", nothing)]
    if base.changes:
        both = "In the base instead" if stands_instead(base, whatif) else "In both sides"
        content += [tag("h3", both), bullets(change_sentences(base, city))]
    return content


def _answer(found: Comparison) -> list[Raw]:
    overall, everything = found.headline, found.reach[0]
    said = tag("p", comparison_reading(overall, found.traffic, found.base.period), class_="reading")
    if overall is None:
        return [said, tag("p", reached(everything))]
    return [
        said,
        *([tag("p", beside)] if (beside := beside_the_response(found.chain)) else []),
        key_figures(
            [
                (figure(overall, overall.base), "mean response, base, min:s (s)"),
                (figure(overall, overall.whatif), "mean response, what-if, min:s (s)"),
                (amount(overall, overall.difference), "mean difference"),
                (range_text(overall), "95% interval of the difference"),
                (rests_on(overall), f"calls reached in both runs{_summed(found)}"),
                (f"{everything.one_sided:,}", f"calls reached in one run only{_summed(found)}"),
            ]
        ),
    ]


def _summed(found: Comparison) -> str:
    """Return what says that calls are those of all replications; empty with one."""
    return f", all {found.replications} replications" if found.replications > 1 else ""


def _lines(rows: Sequence[Difference]) -> list[list[str]]:
    return [
        [
            describe(row), figure(row, row.base), figure(row, row.whatif),
            amount(row, row.difference), range_text(row), rests_on(row),
            f"{row.changed:,}", verdict(row),
        ]
        for row in rows
    ]  # fmt: skip


def _chain(rows: Sequence[Difference]) -> Raw | None:
    """Return the other intervals of medical calls; None where the what-if changed none."""
    if not any(row.changed for row in rows):
        return None
    return section(
        "Differences in the other intervals of medical calls",
        table(["mean time from", *_COLUMNS], _lines(rows)),
        tag(
            "p",
            "Over the calls that have the interval in both runs of a replication. The drive to "
            f"hospital also stands by district, where any changed. {CHANGED_INTERVALS}",
            class_="note",
        ),
    )


def _table(rows: Sequence[Difference]) -> Raw:
    kept, unchanged = without_unchanged(rows)
    return section(
        "Differences in response time",
        at_both_widths(forest(kept), forest(kept, width=350.0)) if rows else None,
        table(
            ["", *_COLUMNS],
            _lines(kept),
        ),
        tag("p", unchanged) if unchanged else None,
        tag(
            "p",
            f"{CLEAR} {NO_INTERVAL} {BASIS} pp: percentage points. {SMALL_NUMBERS_OF_SEVERAL} "
            f"{CHANGED}",
            class_="note",
        ),
        tag(
            "p",
            "Both runs of a replication have the same calls, draws of crew times and trips, so "
            "only what was changed makes them differ. The interval is Student's t over the "
            "replications.",
            class_="note",
        ),
    )


def _reach(found: Comparison) -> Raw:
    """Return how many calls each side reached: what the pairs leave out."""
    kept, unchanged = without_unchanged(found.rows)
    still = {row.value for row in found.rows if row not in kept}
    lines = [line for line in found.reach if line.group != "district" or line.value not in still]
    rows = [
        [
            group_name(line.group, line.value),
            count(line.base_calls), count(line.whatif_calls),
            f"{line.base_reached:,}", f"{line.whatif_reached:,}",
            f"{line.both:,}", f"{line.only_base:,}", f"{line.only_whatif:,}",
            within(line.base_within, line.base_weighs_as),
            within(line.whatif_within, line.whatif_weighs_as),
        ]
        for line in lines
    ]  # fmt: skip
    target = f"within {TARGET_MIN} min"
    return section(
        "Calls that each run reached",
        table(
            ["", "calls, base", "calls, what-if", "reached, base", "reached, what-if",
             "reached in both", "only in the base", "only in the what-if",
             f"{target}, base", f"{target}, what-if"],
            rows,
        ),
        tag("p", unchanged) if unchanged else None,
        tag(
            "p",
            "Calls of all replications added up; shares are averages of the replications. A call "
            "that only one run reached is in no mean or percentile above: a change that leaves "
            "calls without help shows here and in the share within the target. In moving traffic "
            "collisions come from the traffic, so the two runs may have different ones. "
            f"{FEW_IN_ONE}",
            class_="note",
        ),
    )  # fmt: skip


def _runs(found: Comparison, pairs: Sequence[pd.DataFrame]) -> Raw:
    lines = []
    for number, pair in enumerate(pairs):
        if not len(pair):
            lines.append([f"replication {number}", "0", "-", "-", "-"])
            continue
        base, whatif = float(pair["base_s"].mean()), float(pair["whatif_s"].mean())
        lines.append(
            [
                f"replication {number}", f"{len(pair):,}", f"{clock(base)} ({base:.1f})",
                f"{clock(whatif)} ({whatif:.1f})", f"{signed(whatif - base)} s",
            ]
        )  # fmt: skip
    return section(
        "Each replication",
        table(
            ["", "calls reached in both", "mean, base, min:s (s)", "mean, what-if, min:s (s)",
             "difference"],
            lines,
        ),
        tag("p", f"The runs are in {found.folder}.", class_="note"),
    )  # fmt: skip


def _pairing(found: Comparison) -> Raw:
    """Return what pairing gained: for readers who check the statistics, so at the end."""
    return section(
        "Appendix",
        folded(
            "For statisticians: what running both on the same calls gains",
            table(
                ["", "replications", "correlation of the two runs", "fewer replications needed"],
                [
                    [
                        describe(row),
                        str(row.replications),
                        "n/a" if row.correlation is None else f"{row.correlation:.3f}",
                        gain(row),
                    ]
                    for row in found.rows
                    if row.changed
                ],
            ),
            tag(
                "p",
                "Fewer replications needed: with other calls in each run it would take so many "
                "times more for the same interval. Not given with fewer than "
                f"{LEAST_FOR_PAIRING} replications, or where all replications give nearly the same "
                "difference. Lines where no call changed are left out.",
                class_="note",
            ),
        ),
    )
