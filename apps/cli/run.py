"""`twin run`: a scenario, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import (
    AsJson,
    Seed,
    Setting,
    answers,
    command_line,
    end_with_json,
    notes,
    out_option,
    read_scenario,
    run_progress,
)
from apps.cli.scenario_city import city_for, lacking
from apps.cli.tables import run_tables
from apps.report.differences import settings_line, settings_of
from twin.experiment import run_scenario

Replication = Annotated[
    int, typer.Option("--replication", min=0, max=999_999, help="Number of the replication.")
]


def run(
    scenario: Annotated[str, typer.Argument(help="A name in the catalogue, or a TOML file.")],
    *,
    settings: Setting = None,
    seed: Seed = None,
    replication: Replication = 0,
    out: Annotated[Path | None, out_option("runs/SCENARIO-sSEED if left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario into a run folder and print its figures."""
    wanted = read_scenario(scenario, settings, seed)
    city = city_for(scenario, wanted, settings)
    if said := lacking(wanted, city):
        notes.print(said)
    folder = out or default_folder(wanted.name, wanted.seed, replication)
    with run_progress(wanted.name) as progress:
        summary = run_scenario(
            wanted,
            folder,
            city=city,
            replication=replication,
            progress=progress,
            command=command_line(),
        )
    notes.print(f"The run is in {folder}; `twin report {folder}` writes its report.")
    if as_json:
        end_with_json(summary)
    else:
        typed = [word for setting in settings or [] for word in ("--set", setting)]
        first = settings_line(settings_of(typed))
        answers().print(*[first] * bool(first), *run_tables(summary), sep="\n")


def default_folder(name: str, seed: int, replication: int) -> Path:
    """Return where a run goes when nobody says."""
    more = f"-r{replication}" if replication else ""
    return Path("runs") / f"{name}-s{seed}{more}"
