"""From unit responses to calls: one row a call, with the chain of the unit that it waited for."""

from __future__ import annotations

import pandas as pd

from calibration.feeds.cad import CadFeed

CALL_COLUMNS = (
    *("call_id", "kind", "priority", "lon", "lat", "t_call", "t_dispatch", "t_enroute"),
    *("t_onscene", "t_leave", "t_hospital", "t_clear", "transported", "unit_id", "unit_kind"),
    *("station_area", "district", "t_first_dispatch", "t_first_onscene"),
)
"""Columns of the table of calls."""


def calls_of(feed: CadFeed) -> pd.DataFrame:
    """Return one row a call, in order of receipt.

    The chain (`t_dispatch` to `t_clear`, `unit_id`) is that of one unit, so that its intervals add
    up. For medical calls and collisions it is an ambulance, a unit that can transport: the first
    on scene; if none arrived, the first that was dispatched. For a fire it is an engine by the same
    rule. A call to which no such unit was sent takes the chain of the first unit of any kind.
    `t_first_onscene` is the first arrival of any unit, and `t_first_dispatch` the first dispatch of
    a unit of the chain's kind, which later changes of assignment do not move. `transported` holds
    when any unit of the call transported; where that was not the chain's unit, the stamps from
    "leave" on belong to nobody in the row and stay empty.
    """
    table = feed.responses
    wanted = table["kind"].map({"fire": "engine"}).fillna("ambulance")
    table = table.assign(
        _fit=(table["unit_kind"] == wanted).astype(int),
        _came=table["t_onscene"].notna().astype(int),
    )
    table = table.sort_values(
        ["call_id", "_fit", "_came", "t_onscene", "t_dispatch", "sequence", "unit_id"],
        ascending=[True, False, False, True, True, True, True],
        kind="stable",
    )
    by_call = table.groupby("call_id", sort=True)
    calls = by_call.head(1).set_index("call_id")
    fits = table[table["_fit"] == by_call["_fit"].transform("max")]
    calls["t_first_dispatch"] = fits.groupby("call_id")["t_dispatch"].min()
    calls["t_first_onscene"] = by_call["t_onscene"].min()
    # The most urgent code and the earliest receipt that any of its responses carries.
    calls["priority"] = by_call["priority"].min()
    calls["t_call"] = by_call["t_call"].min()
    calls["transported"] = by_call["transported"].any()
    calls = calls.reset_index().sort_values(["t_call", "call_id"], kind="stable")
    return calls[list(CALL_COLUMNS)].reset_index(drop=True)


def note_chains(feed: CadFeed, calls: pd.DataFrame) -> None:
    """Write what the step from responses to calls left out into the feed's quality report."""
    quality = feed.quality
    quality.note("calls", len(calls))
    for kind, count in calls["kind"].value_counts().sort_index().items():
        quality.note(f"calls of kind {kind}", int(count))
    served = calls[calls["kind"] != "other"]
    want = served["kind"].map({"fire": "engine"}).fillna("ambulance")
    quality.note(
        "calls without a unit of the fitting kind", int((served["unit_kind"] != want).sum())
    )
    quality.note("calls whose chain's unit never arrived", int(served["t_onscene"].isna().sum()))
    other = served["transported"] & served["t_leave"].isna() & served["t_hospital"].isna()
    quality.note("calls transported by another unit than the chain's", int(other.sum()))
