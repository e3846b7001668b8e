"""Why units went, and what it cost in time that it was not the soonest one."""

from __future__ import annotations

import pandas as pd

HELD, DIVERTED = "held", "diverted"
_COLUMNS = ["t", "call_id", "role", "policy", "eta_s", "wait_s", "chosen", "doing", "why"]
FREE = ("idle", "returning", "moving_up")
"""States of a unit that can go at once."""


def reasons(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return how often units were sent for each reason.

    Parameters
    ----------
    decisions
        The run's table of that name.

    Returns
    -------
    DataFrame
        One row a rule and reason, the most frequent first: `policy`, `why`, `sent` (units sent; for
        `held` the times that a call began to wait for a busy unit), `arrival_s` (mean expected
        seconds until it was there) and `later_s` (by how many seconds the soonest free unit of that
        decision would have been sooner, on average; nan where no drives were predicted).
    """
    rows = decisions[_COLUMNS].assign(arrival_s=decisions["eta_s"] + decisions["wait_s"].fillna(0))
    free = rows["arrival_s"].where(rows["doing"].isin(FREE))
    rows["soonest_s"] = free.groupby([rows["t"], rows["call_id"], rows["role"]]).transform("min")
    won = rows[rows["why"].notna()]
    won = won.assign(later_s=(won["arrival_s"] - won["soonest_s"]).clip(lower=0.0))
    found = won.groupby(["policy", "why"], as_index=False).agg(
        sent=("why", "size"), arrival_s=("arrival_s", "mean"), later_s=("later_s", "mean")
    )
    return found.sort_values(["sent", "policy", "why"], ascending=[False, True, True]).reset_index(
        drop=True
    )
