"""Each interval of the emergency chain, a what-if against its base: what response times leave out.

A hospital that closes lengthens the drive to the next one, and so the time until the crew is free
again; the response to the call itself may not change at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from twin.metrics.compare import Counts, Difference, difference_of
from twin.metrics.intervals import chain_seconds, chains_of, intervals_of
from twin.metrics.pairing import Sides
from twin.metrics.summary import heaviest_as

INTERVAL = "interval"
"""Group of a line of one interval over all medical calls; its value is the interval's name."""
BY_DISTRICT = "transport"
"""The interval that is also told by district, and the group of these lines: a hospital that closes
is near to some of them."""


def chain_differences(runs: Sequence[Sides], *, walks: bool = False) -> list[Difference]:
    """Return the differences of the mean of each interval of medical calls, response aside.

    A line is over the calls that have the interval in both runs of a replication, by the rules of
    `twin.metrics.intervals`; `changed` counts those for which it is not equally long, or that have
    it in one run only. Districts stand for the drive to hospital, where any such call changed.

    Parameters
    ----------
    runs
        One pair of `calls` tables (base, what-if) a replication.
    walks
        Whether crews of a side walk to their patients (`twin.metrics.intervals.intervals_of`).
    """
    rows = []
    chains = [(chains_of(base), chains_of(whatif)) for base, whatif in runs]
    for name in intervals_of(walks=walks):
        if name == "response":
            continue
        pairs = [_beside(name, *both) for both in chains]
        rows.append(_line(INTERVAL, name, pairs))
        if name == BY_DISTRICT:
            lines = (
                _line(name, district, own)
                for district, own in _by_district(pairs, [_districts(*pair) for pair in runs])
            )
            rows += [line for line in lines if line is not None and line.changed]
    return [row for row in rows if row is not None]


def _beside(name: str, base: pd.DataFrame, whatif: pd.DataFrame) -> pd.DataFrame:
    """Return `base_s` and `whatif_s` of the calls that have an interval on a side, by call."""
    return pd.DataFrame(
        {"base_s": chain_seconds(base, name), "whatif_s": chain_seconds(whatif, name)}
    )


def _districts(base: pd.DataFrame, whatif: pd.DataFrame) -> pd.Series:
    """Return the districts of calls."""
    calls = pd.concat([side[["call_id", "district"]] for side in (base, whatif)])
    return calls.drop_duplicates("call_id").set_index("call_id")["district"]


def _by_district(
    pairs: Sequence[pd.DataFrame], districts: Sequence[pd.Series]
) -> Iterator[tuple[str, list[pd.DataFrame]]]:
    """Yield every district, in order, and its calls of each replication."""
    known = [own.reindex(pair.index).fillna("") for pair, own in zip(pairs, districts, strict=True)]
    for district in sorted({name for own in known for name in own.unique() if name}):
        yield (
            district,
            [pair[(own == district).to_numpy()] for pair, own in zip(pairs, known, strict=True)],
        )


def _line(group: str, value: str, pairs: Sequence[pd.DataFrame]) -> Difference | None:
    both = [pair.dropna(subset=["base_s", "whatif_s"]) for pair in pairs]
    found = [
        (float(pair["base_s"].mean()), float(pair["whatif_s"].mean())) for pair in both if len(pair)
    ]
    each = [len(pair) for pair in both]
    calls = sum(each)
    changed = sum(len(pair) - int((pair["base_s"] == pair["whatif_s"]).sum()) for pair in pairs)
    counts = Counts(calls, calls, calls, heaviest_as(each), changed)
    return difference_of(group, value, "mean", "pairs", found, counts)
