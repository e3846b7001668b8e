"""`twin assign`: let the drivers of a scenario learn their routes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from apps.cli.common import (
    AsJson,
    Seed,
    Setting,
    answers,
    count_progress,
    end_with_json,
    notes,
    out_option,
    read_scenario,
)
from apps.cli.run import Replication
from apps.cli.scenario_city import city_for
from twin.traffic.assignment_files import Iteration, refuse_folder, save_assignment
from twin.traffic.assignment_runs import assign as learn


def assign(
    scenario: Annotated[str, typer.Argument(help="A name in the catalogue, or a TOML file.")],
    *,
    iterations: Annotated[
        int, typer.Option("--iterations", min=1, max=1000, help="At most so many.")
    ] = 20,
    gap: Annotated[
        float, typer.Option("--gap", min=0.0, max=10.0, help="Relative gap that is enough.")
    ] = 0.02,
    spread: Annotated[
        float,
        typer.Option(
            "--spread", min=0.0, max=0.25,
            help="Standard deviation of drivers' errors, as a share of a link's time.",
        ),
    ] = 0.1,
    minutes: Annotated[
        float, typer.Option("--slice", min=1.0, max=120.0, help="Minutes of a slice of link times.")
    ] = 15.0,
    settings: Setting = None,
    seed: Seed = None,
    replication: Replication = 0,
    out: Annotated[Path | None, out_option("runs/SCENARIO-sSEED if left out")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Run a scenario's traffic again and again until drivers keep their routes, and store these."""
    wanted = read_scenario(scenario, settings, seed)
    folder = out or default_folder(wanted.name, wanted.seed, replication)
    refuse_folder(folder)
    city = city_for(scenario, wanted, settings)
    with count_progress(f"{wanted.name}: iteration") as show:
        show(0, iterations)

        def tell(iteration: Iteration) -> None:
            show(iteration.number, iterations)
            notes.print(
                f"iteration {iteration.number}: relative gap {iteration.gap:.4f}, "
                f"mean trip {iteration.mean_s:.0f} s, {iteration.changed:,} trips change route"
            )

        found = learn(
            city,
            wanted,
            iterations=iterations,
            gap=gap,
            spread=spread,
            span_s=60.0 * minutes,
            replication=replication,
            progress=tell,
        )
    save_assignment(found, folder, city.network, city.meta.name)
    notes.print(f"The routes are in {folder}; use them with `--set traffic.routes={folder}`.")
    reached = found.iterations[-1].gap <= gap
    if not reached:
        notes.print(f"The gap is still above {gap:g}; more iterations may lower it.")
    if as_json:
        end_with_json(
            {
                "folder": str(folder),
                "trips": len(found.trips),
                "reached": reached,
                "iterations": [iteration._asdict() for iteration in found.iterations],
            }
        )
    else:
        answers().print(_table(found.iterations))


def _table(iterations: tuple[Iteration, ...]) -> Table:
    table = Table(box=box.SIMPLE)
    for name in (
        "iteration", "relative gap", "mean trip s", "finished", "on the road", "waiting", "removed",
        "no way", "change route", "wall s",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for row in iterations:
        table.add_row(
            str(row.number), f"{row.gap:.4f}", f"{row.mean_s:.1f}", f"{row.finished:,}",
            f"{row.running:,}", f"{row.waiting:,}", f"{row.removed:,}", f"{row.lost:,}",
            f"{row.changed:,}", f"{row.wall_s:.1f}",
        )  # fmt: skip
    return table


def default_folder(name: str, seed: int, replication: int) -> Path:
    """Return where an assignment goes when nobody says."""
    more = f"-r{replication}" if replication else ""
    return Path("routes") / f"{name}-s{seed}{more}"
