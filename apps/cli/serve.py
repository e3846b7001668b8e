"""`twin serve`: the page."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from twin.core.errors import InputError

REFUSED = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670)}
    | {6679, 6697, 10_080}
)
"""Ports from 1024 on that every browser refuses to open (the Fetch standard's bad ports)."""


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
    if port in REFUSED:
        raise InputError(f"browsers refuse port {port}", field="--port", hint="choose another")
    _tell("Starting the page …")
    if runs.exists() and not runs.is_dir():
        raise InputError("is a file, not a folder of runs", file=runs, field="--runs")
    if run is not None:
        import_module("twin.recording.reader").RunReader(run)  # refuses what is not a run
    # By name and only now: the libraries of the page and of runs take many seconds to load.
    import_module("apps.web.server").serve(
        port,
        runs=runs,
        run=run,
        show=open_browser,
        host=host,
        ready=partial(_tell, f"The page is at http://{host}:{port}/ (Ctrl+C ends it)."),
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
