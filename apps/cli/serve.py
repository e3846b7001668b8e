"""`twin serve`: the page."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.common import notes
from twin.core.errors import InputError
from twin.recording.reader import RunReader


def serve(
    *,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="TCP port.")] = 5006,
    runs: Annotated[Path, typer.Option("--runs", help="Folder of runs to choose from.")] = Path(
        "runs"
    ),
    run: Annotated[Path | None, typer.Option("--run", help="A run to show first.")] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = False,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Show the page until interrupted."""
    if runs.exists() and not runs.is_dir():
        raise InputError("is a file, not a folder of runs", file=runs, field="--runs")
    if run is not None:
        RunReader(run)  # refuses what is not a run
    notes.print("Starting the page …")
    # By name and only now: the page's libraries take many seconds to load.
    import_module("apps.web.server").serve(
        port,
        runs=runs,
        run=run,
        show=open_browser,
        host=host,
        ready=partial(notes.print, f"The page is at http://{host}:{port}/ (Ctrl+C ends it)."),
    )
