"""What a what-if changes for people and houses: expected survivors, area that burnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from twin.metrics.compare import beside, excludes_zero
from twin.metrics.fires import fire_figures
from twin.metrics.survivors import survivors
from twin.recording.reader import RunReader

Measure = Literal["survivors", "burnt_m2"]
DECIMALS = 2
"""Decimals in which an outcome is shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The difference of one measure, over the replications in which both runs know it.

    Attributes
    ----------
    measure
        `survivors`, expected ones in a run, or `burnt_m2`, the area that burnt in a run.
    replications
        Pairs of runs.
    base_n, whatif_n
        Patients whose chance is known, or fires that came under control, of all replications.
    base, whatif, difference
        Means over the replications; the difference is the what-if's figure minus the base's.
    low, high
        Ends of the 95% interval of the difference (paired t); `None` with fewer than two.
    """

    measure: Measure
    replications: int
    base_n: int
    whatif_n: int
    base: float
    whatif: float
    difference: float
    low: float | None
    high: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval excludes zero (`twin.metrics.compare.excludes_zero`)."""
        return excludes_zero(self.low, self.high, 1.0, DECIMALS)

    def as_dict(self) -> dict[str, Any]:
        """Return the line for JSON."""
        return {**asdict(self), "shown": self.shown}


def outcomes(runs: Sequence[tuple[RunReader, RunReader]]) -> list[Outcome]:
    """Return the differences of what was followed on both sides; the list may be empty.

    Parameters
    ----------
    runs
        One pair of runs (base, what-if) a replication.
    """
    found: dict[Measure, list[tuple[tuple[float, int], tuple[float, int]]]] = {}
    for pair in runs:
        one, two = (_of(reader) for reader in pair)
        for measure in one.keys() & two.keys():
            found.setdefault(measure, []).append((one[measure], two[measure]))
    return [_outcome(measure, found[measure]) for measure in sorted(found, reverse=True)]


def _of(reader: RunReader) -> dict[Measure, tuple[float, int]]:
    """Return each measure of a run and on how many patients or fires it rests."""
    measured: dict[Measure, tuple[float, int]] = {}
    people = survivors(reader.table("patients", ["condition", "survival"]))
    if people is not None and people["judged"]:
        measured["survivors"] = (people["expected"], people["judged"])
    fires = fire_figures(reader.table("fires", ["alarm", "burnt_m2"]))
    if fires is not None and fires["held"]:
        measured["burnt_m2"] = (float(fires["burnt_m2"] or 0.0), int(fires["held"]))
    return measured


def _outcome(
    measure: Measure, pairs: Sequence[tuple[tuple[float, int], tuple[float, int]]]
) -> Outcome:
    base, whatif = np.array([[one[0], two[0]] for one, two in pairs]).T
    return Outcome(
        measure=measure,
        base_n=sum(one[1] for one, _ in pairs),
        whatif_n=sum(two[1] for _, two in pairs),
        **beside(base, whatif)._asdict(),
    )
