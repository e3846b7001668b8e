"""Why a unit waits where it does: its moves in plain sentences, in the languages of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from apps.why import duration

Words = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToldMove:
    """One choice of where a free unit waits.

    Attributes
    ----------
    t
        When it was made, city time in seconds.
    sentence
        What was decided and why.
    rows
        The stations that were weighed, the best first.
    made
        Whether the unit was sent to another station.
    """

    t: float
    sentence: str
    rows: pd.DataFrame
    made: bool


def moves_told(moves: pd.DataFrame, unit_id: str, words: Words) -> list[ToldMove]:
    """Return the choices of where a unit waits, in their order.

    Parameters
    ----------
    moves
        The run's table of that name.
    unit_id
        Which unit.
    words
        Those of a language, see `apps.web.texts.words`.
    """
    mine = moves[moves["unit_id"] == unit_id]
    mine = mine.sort_values(["t", "score", "eta_s", "station_id"], kind="stable")
    found = []
    for _, part in mine.groupby(["t", "reason"], sort=True):
        rows = part.reset_index(drop=True)
        t = float(rows["t"].iloc[0])
        made = bool(rows["made"].any())
        found.append(ToldMove(t, _sentence(rows, words, made=made), rows, made))
    return found


def _sentence(rows: pd.DataFrame, words: Words, *, made: bool) -> str:
    say = words["why_moved"]
    chosen = rows[rows["chosen"]].iloc[0]
    what = "made" if made else "limit"
    if chosen["station_id"] == chosen["from_station"]:
        what = "stays"
    told = [
        say[what].format(
            unit=chosen["unit_id"],
            here=chosen["from_station"],
            there=chosen["station_id"],
            drive=duration(float(chosen["eta_s"]), words),
        ),
        say[f"reason_{chosen['reason']}"],
    ]
    others = rows[~rows["chosen"] & np.isfinite(rows["score"]) & np.isfinite(rows["eta_s"])]
    if len(others):
        other = others.iloc[0]
        drive = duration(float(other["eta_s"]), words)
        told.append(say["next"].format(other=other["station_id"], drive=drive))
    return " ".join([*told, say["rule"].format(policy=chosen["policy"], n=len(rows))])
