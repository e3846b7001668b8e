"""Runs that stand in the folder of a comparison already: which are done, and which are strangers.

A replication whose folder is finished and was made from the same inputs by the same software is
not run again.
"""

from __future__ import annotations

from pathlib import Path

from twin.core.errors import InputError
from twin.recording.provenance import scenario_checksum, versions
from twin.recording.reader import RunReader
from twin.scenarios.spec import Scenario


def refuse_strangers(
    folder: Path, side: str, scenario: Scenario, city_sha: str, replications: int
) -> None:
    """Refuse a folder in which runs of something else would stand beside these ones.

    Parameters
    ----------
    folder
        The comparison's.
    side
        `base` or `whatif`.
    scenario
        The side's scenario.
    city_sha
        Checksum of its city.
    replications
        Pairs of runs that are asked for.

    Raises
    ------
    InputError
        If it has a run of another scenario, or one beyond the replications that this very
        scenario would not give.
    """
    for place in sorted(folder.glob(f"{side}-*")):
        digits = place.name.rpartition("-")[2]
        if not digits.isdecimal():
            continue
        number = int(digits)
        try:
            stored = RunReader(place).scenario.name
        except InputError:
            continue  # cut short or damaged: made anew, or read by nobody
        if stored != scenario.name:
            why = f"is a run of {stored}, not of {scenario.name}"
        elif number >= replications and not is_done(place, scenario, city_sha, number):
            why = f"is a run of an earlier {stored} and would stand beside new ones"
        else:
            continue
        raise InputError(why, file=place, hint="choose another --out, or delete the old comparison")


def is_done(folder: Path, scenario: Scenario, city_sha: str, replication: int) -> bool:
    """Return whether a folder holds this very run, finished, from the same inputs and versions."""
    if not (folder / "run.json").is_file():
        return False
    try:
        meta = RunReader(folder).meta
    except InputError:
        return False
    return (
        meta["status"] == "finished"
        and meta.get("inputs") == {"city": city_sha, "scenario": scenario_checksum(scenario)}
        and meta.get("replication") == replication
        and meta.get("versions") == versions()
        and (folder / "calls.parquet").is_file()
    )
