"""How busy the units of a run were, in its report."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from apps.report.charts import bars
from apps.report.html import Raw, section, tag
from apps.rows import rows_of

_MOST_UNITS = 25


def units_section(units: pd.DataFrame, notes: Sequence[str]) -> Raw:
    """Return the share of its time that each unit was on calls, by kind, and what else is known.

    Parameters
    ----------
    units
        As `twin.metrics.units.utilisation` returns them.
    notes
        Sentences that stand below.
    """
    content: list[Raw] = []
    for kind, group in units.groupby("kind", sort=True):
        used = group.dropna(subset=["share"]).sort_values(
            ["share", "unit_id"], ascending=[False, True]
        )
        sent = used[used["jobs"] > 0]
        mean = used["busy_s"].sum() / max(used["on_shift_s"].sum(), 1.0)
        whose = "1 unit's" if len(used) == 1 else f"{len(used)} units'"
        content.append(
            tag(
                "div",
                tag(
                    "h3",
                    f"{str(kind).capitalize()}: {mean:.0%} of {whose} time on calls",
                ),
                bars(
                    [
                        (
                            row.unit_id,
                            row.share,
                            f"{row.share:.0%}, {row.jobs} {'call' if row.jobs == 1 else 'calls'}",
                        )
                        for row in rows_of(sent.head(_MOST_UNITS))
                    ],
                    most=max(float(used["share"].max()), 0.05) if len(used) else 1.0,
                    label=f"Utilisation of each {kind}",
                )
                if len(sent)
                else None,
                tag("p", _which_units(len(sent), len(used)), class_="note"),
            )
        )
    if not content:
        content = [tag("p", "No unit moved.", class_="note")]
    told = [tag("p", note) for note in notes]
    return section("How busy the units were", tag("div", *content, class_="two"), *told)


def _which_units(sent: int, all_units: int) -> str:
    if not sent:
        return "None was sent to a call."
    idle = all_units - sent
    others = f"{idle} {'was' if idle == 1 else 'were'} not"
    if sent == 1:
        return f"The one that was sent to a call; {others}."
    shown = f"busiest {_MOST_UNITS} of {sent}" if sent > _MOST_UNITS else f"{sent}"
    return f"The {shown} that were sent to a call; {others}."
