"""The Panel side of the map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

_HERE = Path(__file__).parent


class TwinMap(JSComponent):
    """Map, key figures, charts, story and timeline around one clock, which the browser owns.

    Parameters
    ----------
    answer
        Called with each message of the browser, such as `{"ask": "window", "window": 3}`.
    """

    scene = param.Bytes(default=b"", doc="What stands still; a message of `apps.web.wire`.")
    chunk = param.Bytes(default=b"", doc="The latest part of what moves; likewise.")
    text = param.Dict(default={}, doc="The words of the chosen language.")
    story = param.Dict(default={}, doc="The story of what is selected; empty for none.")
    selected = param.String(default="", doc="Key of what is selected, such as `unit:A1`.")
    time = param.Number(default=0.0, doc="Where the clock is, s; told by the browser.")
    playing = param.Boolean(default=False, doc="Whether the clock runs; told by the browser.")
    speed = param.Number(default=30.0, doc="Simulated seconds per second.")
    opened = param.String(
        default="", doc="Number of the stage that stands in the browser now, and its run."
    )

    _esm: ClassVar[Path] = _HERE / "src" / "index.js"
    _bundle: ClassVar[Path] = _HERE / "twin-map.bundle.js"

    def __init__(self, answer: Callable[[dict[str, Any]], None], **params: Any) -> None:
        style = (_HERE / "style.css").read_text("utf-8")
        super().__init__(stylesheets=[style], **params)
        self._answer = answer
        self.param.watch(self._begin, "opened")

    def _begin(self, event: param.parameterized.Event) -> None:
        self._answer({"ask": "start", "run": event.new.partition(" ")[2]})

    def _handle_msg(self, data: dict[str, Any]) -> None:
        self._answer(data)
