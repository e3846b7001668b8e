"""What one visitor sees: the run that was chosen, in the language that was chosen."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections import deque
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewer

from apps.web.components.map import TwinMap
from apps.web.feed import RunFeed
from apps.web.notes import broken, loading, no_runs
from apps.web.picker import KIOSK, KIOSK_ZOOM, MENU, NARROW_PX, RunPicker
from apps.web.runs import RunEntry, list_runs
from apps.web.story import tell
from apps.web.texts import LANGUAGES, words
from twin.core.errors import TwinError

POLL_MS = 1000
_serial = count()
SPEEDS = (1, 5, 10, 30, 60, 120, 300)


class Library:
    """The runs that a server shows; feeds are shared by all its visitors.

    Parameters
    ----------
    runs
        Folder of runs.
    run
        One more run, shown first.
    """

    def __init__(self, runs: Path, run: Path | None) -> None:
        self.runs = runs
        self.first = run
        self._feeds: dict[tuple[Path, str], RunFeed] = {}
        self._lock = threading.Lock()

    def entries(self) -> list[RunEntry]:
        """Return the runs there are now."""
        return list_runs(self.runs, self.first)

    def default(self, entries: list[RunEntry]) -> str:
        """Return the id of the run to show when none is asked for; "" if there is none."""
        first = None if self.first is None else self.first.resolve()
        for entry in entries:
            if entry.folder.resolve() == first:
                return entry.run_id
        return entries[0].run_id if entries else ""

    def known(self, entry: RunEntry) -> RunFeed | None:
        """Return the feed of a run if it has been read already and can have grown no more."""
        feed = self._feeds.get(self._key(entry))
        return None if feed is None or feed.status == "running" else feed

    def feed(self, entry: RunEntry) -> RunFeed:
        """Return the feed of a run, as it is now; one that was run again is read again.

        This may take a while: a built-in city is built when it is first needed.

        Raises
        ------
        TwinError
            If it cannot be read.
        """
        key = self._key(entry)
        with self._lock:
            if key not in self._feeds:
                self._feeds[key] = RunFeed(entry.folder)
            feed = self._feeds[key]
        feed.refresh()  # what somebody else looked at a while ago may have grown
        return feed

    @staticmethod
    def _key(entry: RunEntry) -> tuple[Path, str]:
        return entry.folder.resolve(), entry.started


class Visit(Viewer):
    """One visitor's page.

    Parameters
    ----------
    library
        The runs of this server.
    """

    run = param.String(default="", doc="Id of the run; in the address.")
    t = param.Integer(default=0, doc="City time, s; in the address.")
    lang = param.Selector(default="en", objects=list(LANGUAGES), doc="In the address.")
    speed = param.Selector(default=30, objects=list(SPEEDS), doc="In the address.")
    sel = param.String(default="", doc="What is selected; in the address.")

    def __init__(self, library: Library, **params: Any) -> None:
        super().__init__(**params)
        self._library = library
        self._feed: RunFeed | None = None
        self._loaded = False
        self._started = False
        self._early: list[dict[str, Any]] = []
        self._outbox: deque[bytes] = deque()
        self._in_flight = False
        self._sent_tracks = -1.0
        self._seen_version = -1
        self._entries: list[RunEntry] = []
        self._map = TwinMap(self._answer, sizing_mode="stretch_both", margin=0)
        self._note = pn.pane.HTML("", sizing_mode="stretch_both", margin=0)
        self._picker = RunPicker(self._turn_to, opened=self._list)
        self._language = pmui.RadioButtonGroup(
            options={name: code for code, name in LANGUAGES.items()},
            value=self.lang,
            size="small",
            margin=0,
            sizing_mode="stretch_width",
            min_width=NARROW_PX,
            align="center",
            button_style="outlined",
            styles={
                "flex": "0 0 var(--languages, 126px)",
                "margin-left": "auto",
                "white-space": "nowrap",
            },
        )
        self._page = self._make_page()
        self._problem = ""
        self._missing = False
        self._language.link(self, value="lang", bidirectional=True)
        self._map.param.watch(self._moved, ["time", "speed", "selected"])

    def open(self) -> None:
        """Fill the page for the address that it was opened with, and keep it fresh."""
        self._page.title = words(self.lang)["page"]["title"]
        if not self.run:
            self.run = self._library.default(self._library.entries())
        self._list()
        self._show()
        self.param.watch(lambda _: self._show(), "run")
        self.param.watch(lambda _: self._translate(), "lang")
        self.param.watch(self._steered, ["speed", "sel"])
        pn.state.onload(self._load)
        pn.state.add_periodic_callback(self._poll, period=POLL_MS)

    def __panel__(self) -> pmui.Page:
        """Return the page."""
        return self._page

    def _make_page(self) -> pmui.Page:
        return pmui.Page(
            title=words(self.lang)["page"]["title"],
            header=[
                pn.Row(
                    self._picker.rows,
                    self._picker.parts,
                    self._language,
                    margin=0,
                    # As wide as the window allows, less the title, which a phone does without.
                    styles={
                        "width": "calc(100vw / var(--zoom, 1) - var(--brand, 100px))",
                        "align-items": "center",
                        "column-gap": "8px",
                        "padding-left": "var(--indent, 8px)",
                        "box-sizing": "border-box",
                    },
                )
            ],
            main=[],
            dark_theme=True,
            theme_toggle=False,
            busy_indicator=None,
            meta_name="Twin",
            sx={
                "& .MuiAppBar-root": {
                    "backgroundColor": "#121a2e !important",
                    "backgroundImage": "none",
                    "boxShadow": "none",
                    "borderBottom": "1px solid #2a3657",
                },
                "@media (max-width: 760px)": {
                    "--brand": "24px",
                    "--indent": "0px",
                    "--part": "112px",
                    "--languages": "96px",
                    "& .MuiToolbar-root .MuiSelect-select": {
                        "fontSize": "15px !important",
                        "paddingLeft": "10px !important",
                        "paddingRight": "26px !important",
                    },
                    "& .MuiToolbar-root .MuiSelect-icon": {"right": "2px"},
                    "& .MuiToolbar-root .title": {"display": "none"},
                    "& .MuiToolbar-root": {"paddingLeft": "8px !important"},
                },
                KIOSK: {
                    "--zoom": str(KIOSK_ZOOM),
                    "& .MuiAppBar-root": {"zoom": str(KIOSK_ZOOM)},
                    "& main": {"paddingTop": "80px"},  # what the bar has grown by
                },
                "& .MuiToolbar-root": {"minHeight": "56px !important", "paddingRight": "12px"},
            },
            theme_config={
                "palette": {
                    "mode": "dark",
                    "primary": {"main": "#4da3ff"},
                    "background": {"default": "#0b1020", "paper": "#121a2e"},
                },
                "components": MENU,
            },
        )

    def _list(self) -> None:
        self._entries = self._library.entries()
        self._picker.update(self._entries, self.run, self.lang)

    def _turn_to(self, run: str, same_moment: bool) -> None:
        """Show another run: from its beginning, or at the moment that is shown now."""
        t = self.t if same_moment else 0
        self.param.update(sel="", t=t)
        self._map.param.update(time=float(t), selected="", playing=False)
        self.run = run

    def _show(self) -> None:
        """Show the chosen run, or say in clear words why not."""
        self._feed = None
        entry = next((each for each in self._entries if each.run_id == self.run), None)
        self._list()
        self._missing = entry is None
        if entry is None:
            self._say()
            return
        if feed := self._library.known(entry):
            self._present(feed)
            return
        self._note.object = loading(words(self.lang)["page"])
        self._page.main = [self._note]
        pn.state.onload(partial(self._read, entry))

    async def _read(self, entry: RunEntry) -> None:
        """Read a run without holding up other visitors, and show it if it is still wanted."""
        try:
            feed = await asyncio.to_thread(self._library.feed, entry)
        except TwinError as error:
            if entry.run_id == self.run:
                self._say(str(error))
            return
        if entry.run_id == self.run:
            self._present(feed)

    def _present(self, feed: RunFeed) -> None:
        """Show a run."""
        self._feed = feed
        self._map.param.update(
            text=words(self.lang), time=float(self.t), speed=float(self.speed), selected=self.sel
        )
        self._send_scene()
        self._page.main = [self._map]

    def _say(self, problem: str = "") -> None:
        """Show a note in the place of the map."""
        self._problem = problem
        text = words(self.lang)["page"]
        folder = str(self._library.runs)
        if problem:
            self._note.object = broken(text, problem)
        elif self.run:
            self._note.object = broken(
                text, text["unknown_run"].format(run=self.run, folder=folder)
            )
        else:
            self._note.object = no_runs(text, folder)
        self._page.main = [self._note]

    def _translate(self) -> None:
        self._page.title = words(self.lang)["page"]["title"]
        self._map.text = words(self.lang)
        self._list()
        self._tell()
        if self._feed is None:
            self._say(self._problem)

    def _moved(self, *events: param.parameterized.Event) -> None:
        """Note what the browser told."""
        for event in events:
            if event.name == "time":
                self.t = int(event.new)
            elif event.name == "speed" and event.new in SPEEDS:
                self.speed = int(event.new)
            elif event.name == "selected":
                self.sel = event.new
                self._tell()

    def _steered(self, *events: param.parameterized.Event) -> None:
        """Follow the address."""
        for event in events:
            if event.name == "speed":
                self._map.speed = float(event.new)
            else:
                self._map.selected = event.new

    def _tell(self) -> None:
        feed = self._feed
        story = {} if feed is None or not self.sel else tell(feed, self.sel, words(self.lang))
        self._map.story = story

    def _answer(self, message: dict[str, Any]) -> None:
        """Answer a message of the browser without holding up other visitors."""
        if message.get("ask") == "next":
            self._in_flight = False
            self._flush()
        elif not self._loaded:
            self._early.append(message)
        elif self._feed is not None:
            pn.state.execute(partial(self._serve, self._feed, message))

    def _load(self) -> None:
        """Answer what was asked before the page had loaded: until then nothing can be sent."""
        self._loaded = True
        for message in self._early:
            self._answer(message)

    async def _serve(self, feed: RunFeed, message: dict[str, Any]) -> None:
        ask = message.get("ask")
        if ask == "window":
            number = max(0, int(message["window"]))
            self._send(await asyncio.to_thread(feed.window, self.run, number))
        elif ask == "speeds" and 0 <= int(message["interval"]) < len(feed.link_times):
            number = int(message["interval"])
            self._send(await asyncio.to_thread(feed.speeds, self.run, number))
        elif ask == "start" and message.get("run") == self.run:
            # A new stage stands in the browser: nothing is on its way to it yet.
            self._started = True
            self._outbox.clear()
            self._in_flight = False
            self._sent_tracks = -1.0
            await self._send_news(feed)
            self._tell()

    def _send(self, message: bytes) -> None:
        """Send a part after those before it; the browser tells when it has each."""
        self._outbox.append(message)
        self._flush()

    def _flush(self) -> None:
        """Send the next part, unless one is on its way: two at once would become one."""
        if self._outbox and not self._in_flight:
            self._in_flight = True
            # The number at the end makes equal parts differ, so that both are sent.
            self._map.chunk = self._outbox.popleft() + struct.pack("<Q", next(_serial))

    def _send_scene(self) -> None:
        if self._feed is not None:
            self._started = False
            self._scene_of = (self._feed.first_t, len(self._feed.units))
            self._map.scene = self._feed.scene(self.run) + struct.pack("<Q", next(_serial))

    async def _send_news(self, feed: RunFeed) -> None:
        """Send the figures, and the tracks since the last that were sent."""
        self._seen_version = feed.version
        tracks, last = await asyncio.to_thread(feed.tracks, self.run, self._sent_tracks)
        self._send(tracks)
        self._sent_tracks = last
        self._send(await asyncio.to_thread(feed.figures, self.run))

    async def _poll(self) -> None:
        """Look for new runs, and for more of a run that is still going."""
        feed = self._feed
        if not self._loaded:
            return
        if feed is None or feed.status == "running":
            await asyncio.to_thread(lambda: None if feed is None else feed.refresh())
            self._list()
        if feed is None:
            if not self.run and self._entries:
                self.run = self._library.default(self._entries)
                self._list()
            elif self._missing and any(each.run_id == self.run for each in self._entries):
                self._show()  # what was asked for has begun meanwhile
            return
        if self._started and feed is self._feed and feed.version != self._seen_version:
            if self._scene_of != (feed.first_t, len(feed.units)):
                self._send_scene()
            else:
                await self._send_news(feed)
