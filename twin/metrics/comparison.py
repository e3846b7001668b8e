"""A comparison: pairs of runs in a folder, and the figures that are made from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from twin.core.errors import InputError, NotFoundError
from twin.metrics.cautions import Caution, cautions, cautions_of_runs
from twin.metrics.chain import chain_differences
from twin.metrics.compare import Difference, compare
from twin.metrics.driven import driven
from twin.metrics.outcomes import Outcome, outcomes
from twin.metrics.pairing import Reach, Sides, reach
from twin.metrics.run_differences import (
    RunDifference,
    move_up_differences,
    traffic_differences,
)
from twin.metrics.street_differences import StreetDifferences, street_differences
from twin.metrics.summary import TARGET_S
from twin.recording.comparison_folder import FILE, run_folder
from twin.recording.damage import damaged
from twin.recording.reader import RunReader
from twin.scenarios.spec import Scenario


@dataclass(frozen=True, slots=True)
class Comparison:
    """A what-if against its base.

    Attributes
    ----------
    base, whatif
        The scenarios that were run.
    folder
        Holds the runs `base-000`, `whatif-000`, ... and `compare.json`.
    replications
        Pairs of runs.
    rows
        The differences, line by line.
    reach
        How many calls each side had and reached; the first line is over all calls.
    command
        The command line that made it.
    outcomes
        Differences in expected survivors and in what burnt, where these were followed.
    of_runs
        What to know of the runs of each side, see `cautions_of_runs`.
    chain
        Differences of the other intervals of the chain, see `chain_differences`.
    traffic, moves
        Differences in traffic and of what move-up costs, see `twin.metrics.run_differences`.
    streets
        Those whose traffic differs most; None where a side moves none.
    """

    base: Scenario
    whatif: Scenario
    folder: Path
    replications: int
    rows: list[Difference]
    reach: list[Reach]
    command: list[str]
    outcomes: list[Outcome] = field(default_factory=list)
    of_runs: list[Caution] = field(default_factory=list)
    chain: list[Difference] = field(default_factory=list)
    traffic: list[RunDifference] = field(default_factory=list)
    moves: list[RunDifference] = field(default_factory=list)
    streets: StreetDifferences | None = None

    @property
    def headline(self) -> Difference | None:
        """The difference of the mean response time over all calls; None when no call has one."""
        first = self.rows[0] if self.rows else None
        return first if first is not None and first.basis == "pairs" else None

    @property
    def notes(self) -> list[Caution]:
        """What a reader has to know before the figures."""
        return cautions(self.base, self.whatif, self.reach, self.of_runs)

    def runs(self, side: str) -> list[Path]:
        """Return the run folders of `base` or `whatif`, by replication."""
        return [run_folder(self.folder, side, r) for r in range(self.replications)]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "base": self.base.name,
            "whatif": self.whatif.name,
            "city": self.base.city,
            "period": self.base.period.model_dump(mode="json"),
            "fidelity": {
                "base": self.base.traffic.fidelity,
                "whatif": self.whatif.traffic.fidelity,
            },
            "seed": self.base.seed,
            "replications": self.replications,
            "folder": str(self.folder),
            "target_s": TARGET_S,
            "overall": None if self.headline is None else self.headline.as_dict(),
            "rows": [row.as_dict() for row in self.rows],
            "chain": [row.as_dict() for row in self.chain],
            "traffic": [row.as_dict() for row in self.traffic],
            "streets": None if self.streets is None else self.streets.as_dict(),
            "moves": [row.as_dict() for row in self.moves],
            "outcomes": [line.as_dict() for line in self.outcomes],
            "reach": [line.as_dict() for line in self.reach],
            "notes": [note.as_dict() for note in self.notes],
        }

    def write(self) -> None:
        """Write `compare.json` whole or not at all."""
        hidden = self.folder / f"{FILE}.tmp"
        content = {"schema_version": 1, "command": self.command, **self.as_dict()}
        hidden.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        hidden.rename(self.folder / FILE)


class _Stored(BaseModel):
    """What is read of `compare.json` again; every figure comes from the runs."""

    schema_version: Literal[1]
    replications: int = Field(ge=1, le=10_000)
    command: list[str]


def compare_runs(
    base: Scenario, whatif: Scenario, folder: Path, replications: int, command: Sequence[str] = ()
) -> Comparison:
    """Return the comparison of the finished runs in a folder.

    Raises
    ------
    InputError
        If a run is missing or damaged.
    """
    readers = [
        (RunReader(run_folder(folder, "base", r)), RunReader(run_folder(folder, "whatif", r)))
        for r in range(replications)
    ]
    sides = [
        (scenario, [pair[side].meta["summary"] for pair in readers])
        for side, scenario in enumerate((base, whatif))
    ]
    runs: list[Sides] = [(one.table("calls"), two.table("calls")) for one, two in readers]
    end_s = base.period.end_s
    drove = [(driven(one), driven(two)) for one, two in readers]
    return Comparison(
        base=base,
        whatif=whatif,
        folder=folder,
        replications=replications,
        rows=compare(runs, end_s),
        reach=reach(runs, end_s),
        command=list(command),
        outcomes=outcomes(readers),
        chain=chain_differences(runs, walks=base.chain.walks or whatif.chain.walks),
        traffic=traffic_differences(readers, drove),
        moves=move_up_differences(base, whatif, readers),
        streets=street_differences(readers, drove),
        of_runs=cautions_of_runs(sides),
    )


def read_comparison(folder: Path | str) -> Comparison:
    """Return a comparison that was made before, from its runs.

    Raises
    ------
    InputError
        If `compare.json` or a run is missing or damaged; names the file and the field.
    """
    file = Path(folder) / FILE
    try:
        stored = _Stored.model_validate(json.loads(file.read_text("utf-8")))
    except FileNotFoundError as error:
        raise NotFoundError("there is no comparison here", file=file) from error
    except ValidationError as error:
        raise damaged(error, file) from error
    except (OSError, ValueError) as error:
        raise InputError("is damaged: it is not the JSON of a comparison", file=file) from error
    return compare_runs(
        base=RunReader(run_folder(file.parent, "base", 0)).scenario,
        whatif=RunReader(run_folder(file.parent, "whatif", 0)).scenario,
        folder=file.parent,
        replications=stored.replications,
        command=stored.command,
    )
