"""Response standards as named scorecards, and how a run does by them.

A standard is a TOML file: one that ships here, by name, or a user's own. Each of its lines takes
the calls of some kinds and priorities, one interval of the chain between two stamps of the `calls`
table, a statistic, and what that has to be.

A call counts in a line when its interval has begun and it was not cancelled. One whose interval had
not ended when the run did counts with the seconds that had passed by then if these were over the
limit already, and not at all if they were not: nobody knows whether it was going to be in time. So
what is never reached is late, and a mean or percentile that holds such calls is a lower bound.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from twin.core.errors import InputError, NotFoundError, did_you_mean
from twin.metrics.compare import (
    NOTHING,
    SHARE,
    Counts,
    Difference,
    difference_of,
    interval,
)
from twin.metrics.pairing import KEY, Sides
from twin.metrics.summary import few_calls, heaviest_as

Stamp = Literal[
    "t_call",
    "t_answer",
    "t_dispatch",
    "t_enroute",
    "t_first_enroute",
    "t_first",
    "t_capable",
    "t_onscene",
    "t_full",
    "t_patient",
    "t_leave",
    "t_hospital",
    "t_clear",
]
_STAMPS: tuple[str, ...] = get_args(Stamp)
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0}
_HERE = Path(__file__).parent
NAMES = tuple(sorted(file.stem for file in _HERE.glob("*.toml")))
"""Standards that ship with Twin."""


class Words(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    ko: str


class Line(BaseModel):
    """One thing that a standard asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Words
    kinds: tuple[Literal["medical", "fire", "collision"], ...] = Field(
        default=(), description="Kinds of call; all where empty."
    )
    priorities: tuple[int, ...] = Field(default=(), description="Priorities; all where empty.")
    start: Stamp = Field(alias="from", description="Stamp at which the interval begins.")
    end: Stamp = Field(alias="to", description="Stamp at which it ends.")
    statistic: Literal["share", "mean", "p50", "p90", "p95"]
    seconds: float = Field(gt=0.0, description="What the interval or its statistic may be, s.")
    share: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Least share of calls within `seconds`; none is asked for where left out.",
    )

    @model_validator(mode="after")
    def _agrees(self) -> Line:
        if _STAMPS.index(self.start) >= _STAMPS.index(self.end):
            raise ValueError(f"{self.end} does not come after {self.start}")
        if self.share is not None and self.statistic != "share":
            raise ValueError('share goes with statistic = "share"')
        return self


class Standard(BaseModel):
    """A scorecard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source: str
    title: Words
    note: Words | None = None
    lines: tuple[Line, ...] = Field(alias="line", min_length=1)

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("a standard needs a name")
        return name


@dataclass(frozen=True, slots=True)
class Score:
    """How runs do on a line of a standard.

    Attributes
    ----------
    title
        What it asks for, by language.
    statistic, seconds, share
        See `Line`.
    replications
        Runs that were asked, whether or not they have such calls.
    n
        Calls that count, all replications together.
    unended
        Those of them whose interval was over the limit and had not ended.
    value
        The statistic, a share or seconds: mean over the replications that have such calls; None
        without calls.
    low, high
        Ends of the 95% t interval of the value, a share's within 0 and 1; None with fewer than two
        replications that have such calls, and where all of these have the same value.
    met
        Whether the value, and all of its interval, is what is asked for; None where nothing is,
        without calls, or where it is not clear.
    unclear
        Whether the interval holds values that are what is asked for and others that are not.
    few
        Whether it rests on too few calls to rely on.
    """

    title: dict[str, str]
    statistic: str
    seconds: float
    share: float | None
    replications: int
    n: int
    unended: int
    value: float | None
    low: float | None
    high: float | None
    met: bool | None
    unclear: bool
    few: bool


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How runs do by a standard."""

    name: str
    title: dict[str, str]
    note: dict[str, str] | None
    source: str
    lines: list[Score]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def load_standard(name_or_path: str | Path) -> Standard:
    """Return a standard by name, or one from a TOML file.

    Raises
    ------
    NotFoundError
        If there is no such standard or file.
    InputError
        If the file is not TOML or not a standard; names the field.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = _HERE / f"{name_or_path}.toml"
        if str(name_or_path) not in NAMES:
            near = did_you_mean(str(name_or_path), NAMES)
            raise NotFoundError(
                f"there is no standard '{name_or_path}'",
                hint=near or f"choose of {', '.join(NAMES)}, or name a TOML file",
            )
    try:
        return Standard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise NotFoundError("there is no such file", file=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a TOML file: {error}", file=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise InputError(said, file=path, field=field or None) from error


def scorecard(
    standard: Standard, runs: Sequence[pd.DataFrame], end_s: float, *, from_s: float | None = None
) -> Scorecard:
    """Return how runs do by a standard.

    Parameters
    ----------
    standard
        What is asked for.
    runs
        The `calls` table of each replication.
    end_s
        When the runs ended, seconds.
    from_s
        Calls before this second are left out; none where it is not given.
    """
    if from_s is not None:
        runs = [calls[calls["t_call"] >= from_s] for calls in runs]
    return Scorecard(
        name=standard.name,
        title=standard.title.model_dump(),
        note=None if standard.note is None else standard.note.model_dump(),
        source=standard.source,
        lines=[_score(line, runs, end_s) for line in standard.lines],
    )


def _score(line: Line, runs: Sequence[pd.DataFrame], end_s: float) -> Score:
    values, each, unended = [], [], 0
    for calls in runs:
        seconds, open_ones = _seconds(line, calls, end_s)
        each.append(len(seconds))
        unended += open_ones
        if len(seconds):
            values.append(_statistic(line, seconds))
    value = float(np.mean(values)) if values else None
    low, high = interval(np.array(values))
    if low is not None and high is not None and high - low < NOTHING:
        low = high = None
    if line.statistic == "share" and low is not None and high is not None:
        low, high = max(low, 0.0), min(high, 1.0)
    ends = (value, low, high)
    if line.share == 1.0:
        ends = (value, None, None)  # one call that fails is enough, whatever the interval
    verdicts = {_met(line, each) for each in ends if each is not None}
    return Score(
        title=line.title.model_dump(),
        statistic=line.statistic,
        seconds=line.seconds,
        share=line.share,
        replications=len(runs),
        n=sum(each),
        unended=unended,
        value=value,
        low=low,
        high=high,
        met=verdicts.pop() if len(verdicts) == 1 else None,
        unclear=len(verdicts) > 1,
        few=few_calls(heaviest_as(each)),
    )


def _met(line: Line, value: float) -> bool | None:
    """Return whether a value is what a line asks for; None where it asks for nothing."""
    if line.statistic != "share":
        return value <= line.seconds
    return None if line.share is None else value >= line.share


def differences(
    standard: Standard, runs: Sequence[Sides], end_s: float, *, from_s: float | None = None
) -> list[Difference]:
    """Return what a what-if changes on the lines of a standard, by the paired t interval.

    Parameters
    ----------
    standard
        What is asked for.
    runs
        One pair of `calls` tables (base, what-if) a replication.
    end_s, from_s
        As in `scorecard`.

    Returns
    -------
    list
        One line (`group` is "standard", `value` its title) for each line for which a replication
        has calls on both sides. Figures are over all calls of each side that count there.
    """
    lines = (_line_difference(line, runs, end_s, from_s or -np.inf) for line in standard.lines)
    return [line for line in lines if line is not None]


def _line_difference(
    line: Line, runs: Sequence[Sides], end_s: float, from_s: float
) -> Difference | None:
    found: list[tuple[float | None, float | None]] = []
    both = changed = 0
    each: list[tuple[int, int]] = []
    for sides in runs:
        base, whatif = (
            _seconds(line, calls[calls["t_call"] >= from_s].set_index(KEY, drop=False), end_s)[0]
            for calls in sides
        )
        ends = [_statistic(line, one) if len(one) else None for one in (base, whatif)]
        found.append((ends[0], ends[1]))
        shared = base.index.intersection(whatif.index)
        both += len(shared)
        each.append((len(base), len(whatif)))
        changed += len(base) + len(whatif) - 2 * len(shared)
        changed += int((base[shared] != whatif[shared]).sum())
    statistic = SHARE if line.statistic == "share" else line.statistic
    base_n, whatif_n = (sum(side) for side in zip(*each, strict=True))
    weighs_as = min(heaviest_as([n[side] for n in each if all(n)]) for side in (0, 1))
    counts = Counts(both, base_n, whatif_n, weighs_as, changed)
    return difference_of("standard", line.title.en, statistic, "sides", found, counts)


def _seconds(line: Line, calls: pd.DataFrame, end_s: float) -> tuple[pd.Series[float], int]:
    """Return the interval of the calls that count, and how many of them had not ended."""
    chosen = (calls["fate"] != "cancelled") & calls[line.start].notna()
    if line.kinds:
        chosen &= calls["kind"].isin(line.kinds)
    if line.priorities:
        chosen &= calls["priority"].isin(line.priorities)
    start = calls.loc[chosen, line.start].to_numpy(np.float64)
    end = calls.loc[chosen, line.end].to_numpy(np.float64)
    ended = ~np.isnan(end)
    lasted = np.where(ended, end, end_s) - start
    counts = ended | (lasted > line.seconds)
    seconds = pd.Series(lasted, index=calls.index[chosen])[counts]
    return seconds, int((counts & ~ended).sum())


def _statistic(line: Line, series: pd.Series[float]) -> float:
    seconds = np.asarray(series, np.float64)
    if line.statistic == "share":
        return float((seconds <= line.seconds).mean())
    if line.statistic == "mean":
        return float(seconds.mean())
    return float(np.percentile(seconds, _PERCENTILES[line.statistic]))
