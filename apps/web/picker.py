"""The list of runs in the header, and beside it the runs of the comparison that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import panel_material_ui as pmui
import param

from apps.web.runs import Listing, RunEntry, listings

MENU: dict[str, Any] = {
    "MuiMenu": {
        "styleOverrides": {
            "paper": {
                "backgroundColor": "#1a2440 !important",
                "backgroundImage": "none !important",
                "border": "1px solid #2a3657",
            },
        }
    },
    "MuiMenuItem": {
        "styleOverrides": {
            "root": {
                "whiteSpace": "normal",
                "minHeight": "44px",
                "&.Mui-selected": {"backgroundColor": "#2b4a80 !important"},
            }
        }
    },
}
"""Part of the page's theme: lists that stand out from the page, with rows of any length."""


def _select(**params: Any) -> pmui.Select:
    return pmui.Select(
        options=[],
        size="small",
        variant="outlined",
        margin=(0, 0, 0, 8),
        align="center",
        label="",
        **params,
    )


class RunPicker:
    """Two lists: runs and comparisons, and the runs of a comparison.

    Parameters
    ----------
    choose
        Called with the run that was chosen, and whether it lies beside the one before, so that
        the same moment can be shown.
    """

    def __init__(self, choose: Callable[[str, bool], None]) -> None:
        self._choose = choose
        self._rows: list[Listing] = []
        self._run = ""
        self.rows = _select(
            min_width=60,
            max_width=900,
            sizing_mode="stretch_width",
            styles={"flex": "1 1 0", "min-width": "0", "overflow": "hidden"},
        )
        self.parts = _select(
            visible=False, width=132, styles={"max-width": "var(--part, 132px)", "flex": "none"}
        )
        self.rows.param.watch(self._row_chosen, "value")
        self.parts.param.watch(self._part_chosen, "value")

    def update(self, entries: Sequence[RunEntry], run: str, lang: str) -> None:
        """List the runs in a language, with `run` chosen."""
        self._run = run
        self._rows = listings(entries)
        row = self._row()
        options = {each.label(lang): each.key for each in self._rows}
        key = row.key if row else run
        if run and row is None:
            options[run] = run  # what was asked for stays in the list, though not found
        if self.rows.options != options or self.rows.value != key:
            self.rows.param.update(options=options, value=key or None)
        several = row is not None and row.compares
        parts = {each.part(lang): each.run_id for each in row.entries} if row and several else {}
        if self.parts.options != parts or (several and self.parts.value != run):
            self.parts.param.update(options=parts, value=run if several else None)
        self.parts.visible = several

    def _row(self) -> Listing | None:
        """Return the row of the list that the run is in."""
        runs = (row for row in self._rows if any(e.run_id == self._run for e in row.entries))
        return next(runs, None)

    def _row_chosen(self, event: param.parameterized.Event) -> None:
        row = next((each for each in self._rows if each.key == event.new), None)
        if row is not None and row != self._row():
            self._choose(row.shown.run_id, False)

    def _part_chosen(self, event: param.parameterized.Event) -> None:
        if event.new and event.new != self._run:
            self._choose(event.new, True)
