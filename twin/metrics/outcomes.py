"""What a what-if changes for people and houses: expected survivors, area that burnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from twin.metrics.compare import Paired
from twin.metrics.fires import fire_figures
from twin.metrics.survivors import survivors
from twin.recording.reader import RunReader

Measure = Literal["survivors", "burnt_m2"]
DECIMALS = 2
"""Decimals in which an outcome is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Paired):
    """The difference of one measure, over the replications in which both runs know it.

    Attributes
    ----------
    measure
        `survivors`, expected ones in a run, or `burnt_m2`, the area that burnt in a run.
    base_n, whatif_n
        Patients whose chance is known, or fires that came under control, of all replications.
    """

    decimals: ClassVar[int] = DECIMALS

    measure: Measure
    base_n: int
    whatif_n: int


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
    return Outcome.between(
        base,
        whatif,
        measure=measure,
        base_n=sum(one[1] for one, _ in pairs),
        whatif_n=sum(two[1] for _, two in pairs),
    )
