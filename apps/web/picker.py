"""The list of runs in the header, and beside it the runs of the comparison that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import panel_material_ui as pmui
import param

from apps.web.runs import Listing, RunEntry, listings

NARROW_PX = 90
"""Least width of a short list or a switch: what a phone has room for."""
KIOSK = "@media (min-width: 3200px)"
KIOSK_ZOOM = 2.4
"""How much larger the header is on a wall or a kiosk."""
MENU: dict[str, Any] = {
    "MuiMenu": {
        "styleOverrides": {
            # The list is placed in pixels of the window, which the zoom of the header would move.
            "root": {KIOSK: {"zoom": 1 / KIOSK_ZOOM}},
            "paper": {
                "backgroundColor": "#1a2440 !important",
                "backgroundImage": "none !important",
                "border": "1px solid #2a3657",
            },
        }
    },
    "MuiMenuItem": {
        # Every menu of the page is the list of a select: what a screen reader looks for in one.
        "defaultProps": {"role": "option"},
        "styleOverrides": {
            "root": {
                "whiteSpace": "normal",
                "minHeight": "44px",
                KIOSK: {
                    "minHeight": "100px",
                    "padding": "14px 38px",
                    "&, & *": {"fontSize": "38px !important"},
                },
                "&.Mui-selected": {"backgroundColor": "#2b4a80 !important"},
            }
        },
    },
}
"""Part of the page's theme: lists that stand out from the page, with rows of any length."""


def _select(**params: Any) -> pmui.Select:
    return pmui.Select(
        options=[],
        size="small",
        variant="outlined",
        margin=0,
        align="center",
        label="",
        **params,
    )


def _offer(select: pmui.Select, options: dict[str, str], value: str) -> None:
    if select.options != options:
        # The browser holds the words of the choice, which stay as they were if it stays the same.
        select.param.update(options=options, value=None)
    if select.value != (value or None):
        select.value = value or None


class RunPicker:
    """Two lists: runs and comparisons, and the runs of a comparison.

    Parameters
    ----------
    choose
        Called with the run that was chosen, and whether it lies beside the one before, so that
        the same moment can be shown.
    opened
        Called when the list of runs is opened: the moment to look for new ones.
    """

    def __init__(self, choose: Callable[[str, bool], None], opened: Callable[[], None]) -> None:
        self._choose = choose
        self._opened = opened
        self._rows: list[Listing] = []
        self._run = ""
        self._filling = False
        self.rows = _select(
            min_width=60,
            max_width=1400,
            sizing_mode="stretch_width",
            styles={"flex": "1 1 0", "min-width": "0", "overflow": "hidden"},
        )
        self.parts = _select(
            visible=False,
            sizing_mode="stretch_width",
            min_width=NARROW_PX,
            styles={"flex": "0 0 var(--part, 132px)"},
        )
        self.rows.param.watch(self._row_chosen, "value")
        self.rows.param.watch(self._list_opened, "dropdown_open")
        self.parts.param.watch(self._part_chosen, "value")

    def update(self, entries: Sequence[RunEntry], run: str, lang: str) -> None:
        """List the runs in a language, with `run` chosen."""
        self._filling = True  # whatever value the lists take on meanwhile, nobody chose it
        try:
            self._fill(entries, run, lang)
        finally:
            self._filling = False

    def _fill(self, entries: Sequence[RunEntry], run: str, lang: str) -> None:
        self._run = run
        self._rows = listings(entries)
        row = self._row()
        options = {each.label(lang): each.key for each in self._rows}
        key = row.key if row else run
        if run and row is None:
            options[run] = run  # what was asked for stays in the list, though not found
        _offer(self.rows, options, key)
        several = row is not None and row.compares
        parts = {each.part(lang): each.run_id for each in row.entries} if row and several else {}
        _offer(self.parts, parts, run if several else "")
        self.parts.visible = several

    def _row(self) -> Listing | None:
        """Return the row of the list that the run is in."""
        runs = (row for row in self._rows if any(e.run_id == self._run for e in row.entries))
        return next(runs, None)

    def _list_opened(self, event: param.parameterized.Event) -> None:
        if event.new:
            self._opened()

    def _row_chosen(self, event: param.parameterized.Event) -> None:
        row = next((each for each in self._rows if each.key == event.new), None)
        if not self._filling and row is not None and row != self._row():
            self._choose(row.shown.run_id, False)

    def _part_chosen(self, event: param.parameterized.Event) -> None:
        if not self._filling and event.new and event.new != self._run:
            self._choose(event.new, True)
