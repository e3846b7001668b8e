"""`twin demo`: a base and a what-if in a few minutes, a report, a run in traffic, the page."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import notes, out_folder, read_scenario, run_progress
from apps.cli.compare import compare_named, show
from apps.web.server import serve as serve_page
from twin.experiment import run_scenario

BASE, WHATIF = "seoul-core-evening-peak", "seoul-core-two-more-ambulances"
REPLICATIONS = 8
BY_TABLE = ["traffic.fidelity=table", "period.end=20:00"]
"""Two hours by travel-time table: a replication takes seconds, and the interval gets narrow."""
IN_TRAFFIC = ["period.end=18:10", "period.warm_up_min=5"]
"""Ten minutes lane by lane, to be watched on the page."""


def demo(
    *,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="TCP port.")] = 5006,
    out: Annotated[
        Path,
        typer.Option("--out", parser=out_folder, metavar="<path>", help="Folder of the runs."),
    ] = Path("runs/demo"),
) -> None:
    """Compare downtown Seoul with and without two more ambulances, then show the page."""
    notes.print(f"{WHATIF} against {BASE}: {REPLICATIONS} pairs of two hours by travel-time table.")
    found, report = compare_named(
        BASE, WHATIF, REPLICATIONS, None, settings=BY_TABLE, out=out / "compared"
    )
    notes.print("Ten minutes of the what-if in live traffic, for the page.")
    scenario = read_scenario(WHATIF, IN_TRAFFIC, None)
    folder = out / "in-traffic"
    settings = [word for setting in IN_TRAFFIC for word in ("--set", setting)]
    command = ["twin", "run", WHATIF, *settings, "--out", str(folder)]
    with run_progress(scenario.name) as progress:
        run_scenario(scenario, folder, progress=progress, command=command)
    show(found, report)
    if os.environ.get("TWIN_DEMO_SERVE") == "0":
        return
    ready = partial(notes.print, f"The page is at http://127.0.0.1:{port}/ (Ctrl+C ends it).")
    serve_page(port, runs=out, run=folder, ready=ready)
