"""The calls of two runs side by side: which of them both runs reached, and which only one.

A difference of response times can only be taken over calls that both runs reached (the *pairs*). A
change that makes calls unreachable takes them out of the pairs, and the calls that remain may look
better for it. So every comparison also says how many calls each side had and reached, and what
share of *all* calls of a side was reached in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.metrics.summary import TARGET_S, decided, heaviest_as, share_in_time

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
    base_weighs_as, whatif_weighs_as
        Of how many calls alike one would weigh as much as the heaviest does in that share
        (`twin.metrics.summary.heaviest_as`).
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
    base_weighs_as: int
    whatif_weighs_as: int

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
    `district`, `lon`, `lat`, `base_s`, `whatif_s`, and of the what-if `whatif_kind`,
    `whatif_priority`, `whatif_district`.
    """
    columns = [*KEY, "kind", "priority", "district", "lon", "lat", "response_s"]
    left = base[columns].rename(columns={"response_s": "base_s"})
    own = {"response_s": "whatif_s", **{name: f"whatif_{name}" for name in GROUPS}}
    right = whatif[[*KEY, *own]].rename(columns=own)
    both = left.merge(right, on=KEY, how="inner", validate="one_to_one")
    return both.dropna(subset=["base_s", "whatif_s"]).drop(columns="t_call")


Rows = dict[tuple[str, Any], NDArray[np.int64]]
"""Numbers of the rows of each group, in their order."""
_NO_ROWS: NDArray[np.int64] = np.empty(0, np.int64)


def rows_of(calls: pd.DataFrame, columns: Sequence[str] = GROUPS) -> Rows:
    """Return which rows each group has, all of them `overall`; a call without a value is in none.

    Parameters
    ----------
    calls
        A table with these columns.
    columns
        Where the values are by which calls are told apart, in the order of `GROUPS`.
    """
    found: Rows = {("overall", ""): np.arange(len(calls))}
    for group, column in zip(GROUPS, columns, strict=True):
        number, values = pd.factorize(calls[column])
        # In order of their numbers; calls without a value come first, as number -1.
        rows = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number + 1)))[1:]
        found |= {(group, value): mine for value, mine in zip(values.tolist(), rows, strict=False)}
    return found


def in_group(rows: Rows, group: str, value: object) -> NDArray[np.int64]:
    """Return the rows of a group, of which there may be none."""
    return rows.get((group, value), _NO_ROWS)


def groups(runs: Sequence[Sides]) -> Iterator[tuple[str, Any]]:
    """Yield (`overall`, ""), then every kind, priority and district that a side has, in order.

    Medical calls stand first, for their response is the first ambulance's, as most targets are;
    calls outside every district come last.
    """
    yield "overall", ""
    for column in GROUPS:
        values = {v for pair in runs for side in pair for v in side[column].dropna().unique()}
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
    sides = [[_Side.of(pair[side], end_s) for pair in runs] for side in (0, 1)]
    paired = [rows_of(pair_calls(base, whatif)) for base, whatif in runs]
    return [_reach(sides, paired, group, value) for group, value in groups(runs)]


class _Side(NamedTuple):
    """What `reach` asks of the calls of one run."""

    rows: Rows
    asked: NDArray[np.bool_]
    """Whether a call was not cancelled."""
    counts: NDArray[np.bool_]
    """Whether it counts in the share within the target."""
    response_s: NDArray[np.float64]

    @classmethod
    def of(cls, calls: pd.DataFrame, end_s: float) -> _Side:
        return cls(
            rows_of(calls),
            (calls["fate"] != "cancelled").to_numpy(np.bool_),
            decided(calls, end_s).to_numpy(np.bool_),
            calls["response_s"].to_numpy(np.float64),
        )


def _reach(
    sides: Sequence[Sequence[_Side]], paired: Sequence[Rows], group: str, value: Any
) -> Reach:
    asked, reached, within, weighs_as = [0, 0], [0, 0], [], []
    for side, runs in enumerate(sides):
        known, each = [], []
        for run in runs:
            mine = in_group(run.rows, group, value)
            wanted = run.response_s[mine[run.asked[mine]]]
            asked[side] += len(wanted)
            reached[side] += int(np.isfinite(wanted).sum())
            counted = run.response_s[mine[run.counts[mine]]]
            share = share_in_time(counted, TARGET_S)
            if share is not None:
                known.append(share)
                each.append(len(counted))
        within.append(sum(known) / len(known) if known else None)
        weighs_as.append(heaviest_as(each))
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
        base_weighs_as=weighs_as[0],
        whatif_weighs_as=weighs_as[1],
    )
