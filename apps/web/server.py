"""The server behind `twin serve`. It serves this machine only unless told otherwise."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
from bokeh.settings import settings
from tornado.websocket import WebSocketClosedError

from apps.web.app import Library, Visit
from twin.core.errors import InputError

ADDRESS = {
    "run": "run",
    "t": "t",
    "lang": "lang",
    "speed": "speed",
    "sel": "sel",
}
"""Parameters of a visit that stand in the address of the page."""


def serve(
    port: int = 5006,
    *,
    runs: Path = Path("runs"),
    run: Path | None = None,
    show: bool = False,
    host: str = "127.0.0.1",
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve the page until the process is interrupted.

    Parameters
    ----------
    port
        TCP port.
    runs
        Folder of runs to choose from; it may be empty or not there yet.
    run
        A run to show first.
    show
        Open a browser.
    host
        Address to listen on.
    ready
        Called once the page answers.

    Raises
    ------
    InputError
        If the port is taken or not allowed.
    """
    settings.resources = "server"  # the page never asks another host for a script or a font
    library = Library(runs, run)
    pn.config.notifications = False

    def page() -> object:
        visit = Visit(library)
        if pn.state.location is not None:
            pn.state.location.sync(visit, ADDRESS)
        visit.open()
        return visit.__panel__()

    origins = [f"{name}:{port}" for name in {host, "127.0.0.1", "localhost"}]
    try:
        server = pn.serve(
            {"/": page},
            address=host,
            port=port,
            show=show,
            start=False,
            verbose=False,
            title="Twin",
            websocket_origin=origins,
        )
    except OSError as error:
        raise InputError(
            f"port {port} cannot be used ({error.strerror})",
            field="--port",
            hint="choose another port",
        ) from error
    server.io_loop.asyncio_loop.set_exception_handler(let_go)
    if ready is not None:
        server.io_loop.add_callback(ready)
    server.run_until_shutdown()


def let_go(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over a message that was on its way to a visitor who left; tell of everything else.

    Panel looks at what became of its messages in the next round of the visitor's document, and
    that round does not come when the page was closed or loaded anew.
    """
    if not isinstance(context.get("exception"), WebSocketClosedError):
        loop.default_exception_handler(context)
