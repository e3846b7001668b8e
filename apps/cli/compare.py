"""`twin compare`: a what-if beside its base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import (
    AsJson,
    Seed,
    Setting,
    answers,
    end_with_json,
    notes,
    out_option,
    read_scenario,
    runs_progress,
)
from apps.cli.scenario_city import city_for
from apps.cli.tables import chain_table, comparison_table, run_differences_table, streets_table
from apps.report.care import outcome_difference
from apps.report.comparison import write_comparison_report
from apps.report.differences import run_alike, settings_line, settings_of
from apps.report.run_differences import MOVES_NOTE, TRAFFIC_NOTE, comparison_reading
from apps.report.street_differences import STREETS_IN_SHORT, streets_reading
from apps.report.words import (
    BASIS,
    CHANGED,
    CHANGED_INTERVALS,
    CLEAR,
    NO_INTERVAL,
    SMALL_NUMBERS_OF_SEVERAL,
    beside_the_response,
    reached,
)
from twin.core.errors import InputError
from twin.experiment import check_pair
from twin.experiment import compare as run_comparison
from twin.metrics.cautions import cautions
from twin.metrics.comparison import Comparison
from twin.scenarios.spec import Scenario


def compare(
    base: Annotated[str, typer.Argument(help="Scenario to compare with.")],
    whatif: Annotated[str, typer.Argument(help="Scenario with the change.")],
    *,
    replications: Annotated[
        int, typer.Option("--replications", "-n", min=1, max=10_000, help="Pairs of runs.")
    ] = 8,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; one a CPU if left out.")
    ] = None,
    settings: Setting = None,
    seed: Seed = None,
    out: Annotated[Path | None, out_option("runs/WHATIF-against-BASE if left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Run both scenarios with the same random numbers and print the differences."""
    found, report = compare_named(
        base, whatif, replications, workers, settings=settings, seed=seed, out=out
    )
    if as_json:
        end_with_json({**found.as_dict(), "report": str(report)})
        return
    show(found, report)


def compare_named(
    base: str,
    whatif: str,
    replications: int,
    workers: int | None,
    *,
    settings: list[str] | None = None,
    seed: int | None = None,
    out: Path | None = None,
) -> tuple[Comparison, Path]:
    """Compare two scenarios given by name and write the report; return both.

    `settings` hold for both sides. What the report calls the command is the `twin compare` that
    does the same, whichever verb asked for it.

    Raises
    ------
    InputError
        If the two cannot be paired, do not differ in anything that runs, or cannot be run.
    """
    one = read_scenario(base, settings, seed)
    two = read_scenario(whatif, settings, seed)
    check_pair(one, two)  # before a city is built for nothing
    _refuse_alike(one, two, settings)
    city = city_for(base, one, settings)
    city_for(whatif, two, settings, city if two.city == one.city else None)
    folder = out or Path("runs") / f"{two.name}-against-{one.name}"
    command = ["twin", "compare", base, whatif, "--replications", str(replications)]
    command += [word for setting in settings or [] for word in ("--set", setting)]
    command += [] if seed is None else ["--seed", str(seed)]
    command += ["--out", str(folder)]
    for note in cautions(one, two, []):
        notes.print(f"Note: {note.text}")
    if replications == 1:
        notes.print(
            "Note: one pair of runs gives no interval, and cannot tell a difference from chance; "
            "ask for --replications 8 or more. Pairs that are there are not run again."
        )
    with runs_progress(f"{two.name} against {one.name}") as (progress, watch):
        found = run_comparison(
            one,
            two,
            folder,
            replications=replications,
            workers=workers,
            progress=progress,
            watch=watch,
            command=command,
        )
    report = write_comparison_report(found, city, folder / "report.html")
    return found, report


def _refuse_alike(base: Scenario, whatif: Scenario, settings: list[str] | None) -> None:
    """Refuse two scenarios that run alike: "no call changed" would look like an answer."""
    if not run_alike(base, whatif):
        return
    hint = f"make a what-if: a file with base = {base.name!r} and what it changes"
    if settings:
        hint = (
            "--set holds on both sides: put the field into the what-if's file, not on the "
            "command line"
        )
    names = base.name if base.name == whatif.name else f"{base.name} and {whatif.name}"
    raise InputError(
        f"both sides run alike ({names}), so no call could change: there is nothing to compare",
        hint=hint,
    )


def show(found: Comparison, report: Path) -> None:
    """Print the table of differences, what it means, and where the report is."""
    console = answers()
    title = (
        f"{found.whatif.name} against {found.base.name}, {found.replications} replications, "
        f"seed {found.base.seed}"
    )
    if found.replications > 1:
        title += " (calls: of all of them together)"
    if first := settings_line(settings_of(found.command)):
        console.print(first)
    console.print(comparison_table(found.rows, title))
    console.print(comparison_reading(found.headline, found.traffic, found.base.period))
    if any(row.changed for row in found.chain):
        console.print(chain_table(found.chain), CHANGED_INTERVALS, sep="\n")
        if beside := beside_the_response(found.chain):
            console.print(beside)
    for heading, rows, about in (
        ("Traffic", found.traffic, TRAFFIC_NOTE),
        ("What move-up costs", found.moves, MOVES_NOTE),
    ):
        if rows:
            console.print(run_differences_table(rows, heading), about, sep="\n")
    if found.streets is not None:
        if found.streets.gained or found.streets.lost:
            console.print(streets_table(found.streets))
        console.print(streets_reading(found.streets), STREETS_IN_SHORT)
    for outcome in found.outcomes:
        console.print(outcome_difference(outcome))
    for note in found.notes:
        console.print(f"Note: {note.text}")
    console.print(reached(found.reach[0]))
    console.print(CLEAR, NO_INTERVAL, BASIS, SMALL_NUMBERS_OF_SEVERAL, CHANGED, sep="\n")
    notes.print(f"Report: {report}")
