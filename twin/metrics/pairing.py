"""The calls of two runs side by side: which of them both runs reached, and which only one.

A difference of response times can only be taken over calls that both runs reached (the *pairs*). A
change that makes calls unreachable takes them out of the pairs, and the calls that remain may look
better for it. So every comparison also says how many calls each side had and reached, and what
share of *all* calls of a side was reached in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from twin.metrics.summary import share_within

Sides = tuple[pd.DataFrame, pd.DataFrame]
"""The `calls` tables of a replication: base, what-if."""

GROUPS = ("kind", "priority", "district")
"""Columns by which calls are told apart."""

KEY = ["call_id", "t_call"]
"""What makes a call of one run the same as one of another."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How many calls of a group each side had and reached, all replications together.

    Attributes
    ----------
    group, value
        `overall`, or `kind`, `priority`, `district` and which one; a call outside every district
        has the district "".
    base_calls, whatif_calls
        Calls of the side that were not cancelled.
    base_reached, whatif_reached
        Those that a unit reached before the run ended.
    both
        Calls that were reached in both: what means and percentiles of the comparison rest on.
    only_base, only_whatif
        Calls that were reached on this side and on the other not, or did not happen there.
    base_within, whatif_within
        Share of the side's calls that were reached within the target, by the rule of
        `twin.metrics.summary.share_within`; mean over the replications, None without calls.
    """

    group: str
    value: str
    base_calls: int
    whatif_calls: int
    base_reached: int
    whatif_reached: int
    both: int
    only_base: int
    only_whatif: int
    base_within: float | None
    whatif_within: float | None

    @property
    def one_sided(self) -> int:
        """Calls that were reached on one side only, which no paired figure holds."""
        return self.only_base + self.only_whatif

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def pair_calls(base: pd.DataFrame, whatif: pd.DataFrame) -> pd.DataFrame:
    """Return the calls of a replication that a unit reached in both runs.

    Calls are the same when number and time of call are. Columns: `call_id`, `kind`, `priority`,
    `district`, `lon`, `lat`, `base_s`, `whatif_s`.
    """
    columns = [*KEY, "kind", "priority", "district", "lon", "lat", "response_s"]
    left = base[columns].rename(columns={"response_s": "base_s"})
    right = whatif[[*KEY, "response_s"]].rename(columns={"response_s": "whatif_s"})
    both = left.merge(right, on=KEY, how="inner", validate="one_to_one")
    return both.dropna(subset=["base_s", "whatif_s"]).drop(columns="t_call")


def in_group(calls: pd.DataFrame, group: str, value: object) -> pd.DataFrame:
    """Return the calls of a group; all of them for `overall`."""
    return calls if group == "overall" else calls[calls[group] == value]


def groups(runs: Sequence[Sides]) -> Iterator[tuple[str, Any]]:
    """Yield (`overall`, ""), then every kind, priority and district that a side has, in order.

    Medical calls stand first, for their response is the first ambulance's, as most targets are;
    calls outside every district come last.
    """
    yield "overall", ""
    for column in GROUPS:
        values = {value for pair in runs for side in pair for value in side[column].dropna()}
        ordered = sorted(values, key=lambda v: (v == "", v != "medical", v))
        yield from ((column, value) for value in ordered)


def reach(runs: Sequence[Sides], end_s: float) -> list[Reach]:
    """Return what each side reached, over everything and by group; the first line is `overall`.

    Parameters
    ----------
    runs
        One pair of `calls` tables a replication.
    end_s
        When the runs ended, seconds.
    """
    paired = [pair_calls(base, whatif) for base, whatif in runs]
    return [_reach(runs, paired, end_s, group, value) for group, value in groups(runs)]


def _reach(
    runs: Sequence[Sides], paired: Sequence[pd.DataFrame], end_s: float, group: str, value: Any
) -> Reach:
    asked, reached, within = [], [], []
    for side in (0, 1):
        calls = pd.concat([in_group(pair[side], group, value) for pair in runs])
        calls = calls[calls["fate"] != "cancelled"]
        asked.append(len(calls))
        reached.append(int(calls["response_s"].notna().sum()))
        shares = [share_within(in_group(pair[side], group, value), end_s) for pair in runs]
        known = [share for share in shares if share is not None]
        within.append(sum(known) / len(known) if known else None)
    both = sum(len(in_group(pair, group, value)) for pair in paired)
    return Reach(
        group=group,
        value=str(value),
        base_calls=asked[0],
        whatif_calls=asked[1],
        base_reached=reached[0],
        whatif_reached=reached[1],
        both=both,
        only_base=reached[0] - both,
        only_whatif=reached[1] - both,
        base_within=within[0],
        whatif_within=within[1],
    )
