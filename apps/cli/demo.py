"""`twin demo`: a base and a what-if in a few minutes, a report, the page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import notes
from apps.cli.compare import compare_named, show
from apps.web.server import serve as serve_page

BASE, WHATIF = "seoul-core-evening-peak", "seoul-core-two-more-ambulances"
REPLICATIONS = 4


def demo(
    *,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="TCP port.")] = 5006,
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs.")] = Path("runs/demo"),
) -> None:
    """Compare downtown Seoul with and without two more ambulances, then show the page."""
    notes.print(f"{WHATIF} against {BASE}: {REPLICATIONS} pairs of runs in live traffic.")
    found, report = compare_named(BASE, WHATIF, REPLICATIONS, None, out=out)
    show(found, report)
    if os.environ.get("TWIN_DEMO_SERVE") == "0":
        return
    notes.print(f"The page is at http://127.0.0.1:{port}/ (Ctrl+C ends it).")
    serve_page(port, runs=out, run=found.runs("whatif")[0])
