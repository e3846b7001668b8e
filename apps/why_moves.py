"""Why a unit waits where it does: its moves in plain sentences, in the languages of the page."""

from __future__ import annotations

from collections.abc import Mapping
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


def moves_told(
    moves: pd.DataFrame, unit_id: str, words: Words, named: Mapping[str, str] | None = None
) -> list[ToldMove]:
    """Return the choices of where a unit waits, in their order.

    Parameters
    ----------
    moves
        The run's table of that name.
    unit_id
        Which unit.
    words
        Those of a language, see `apps.web.texts.words`.
    named
        What stations are called, by id; the id itself if left out.
    """
    mine = moves[moves["unit_id"] == unit_id]
    mine = mine.sort_values(["t", "score", "eta_s", "station_id"], kind="stable")
    found = []
    for _, part in mine.groupby(["t", "reason"], sort=True):
        rows = part.reset_index(drop=True)
        t = float(rows["t"].iloc[0])
        made = bool(rows["made"].any())
        found.append(ToldMove(t, _sentence(rows, words, named or {}, made=made), rows, made))
    return found


def _sentence(rows: pd.DataFrame, words: Words, named: Mapping[str, str], *, made: bool) -> str:
    say = words["why_moved"]

    def station(key: str) -> str:
        return named.get(key, key)

    chosen = rows[rows["chosen"]].iloc[0]
    what = "made" if made else "limit"
    if chosen["station_id"] == chosen["from_station"]:
        what = "stays"
    told = [
        say[what].format(
            unit=chosen["unit_id"],
            here=station(chosen["from_station"]),
            there=station(chosen["station_id"]),
            drive=duration(float(chosen["eta_s"]), words),
        ),
        say[f"reason_{chosen['reason']}"],
    ]
    others = rows[~rows["chosen"] & np.isfinite(rows["score"]) & np.isfinite(rows["eta_s"])]
    if len(others):
        other = others.iloc[0]
        drive = duration(float(other["eta_s"]), words)
        told.append(say["next"].format(other=station(other["station_id"]), drive=drive))
    return " ".join([*told, say["rule"].format(policy=chosen["policy"], n=len(rows))])
