"""The movements of a SUMO network, and who gives way to whom."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError
from twin.network.graph import I64, U8, TurnYield
from twin.network.sumo_read import SumoFile
from twin.network.sumo_signals import goes_after_stop, meet, shows_stop

Flags = NDArray[np.bool_]


class Turns(NamedTuple):
    """Movements by from-link and to-link, and the connections (rows of the file) of each."""

    start: I64
    end: I64
    rows: list[list[int]]
    of_row: dict[int, int]


def movements(file: SumoFile, place: dict[str, int]) -> Turns:
    """Return the movements: pairs of edges that any connection for cars joins."""
    found: dict[tuple[int, int], list[int]] = {}
    for rows in file.order.values():
        for row in rows:
            if row >= 0:
                joined = file.connections[row]
                found.setdefault((place[joined.start], place[joined.end]), []).append(row)
    pairs = sorted(found)
    rows_of = [found[pair] for pair in pairs]
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    of_row = {row: turn for turn, rows in enumerate(rows_of) for row in rows}
    return Turns(ends[:, 0].copy(), ends[:, 1].copy(), rows_of, of_row)


def right_of_way(file: SumoFile, turns: Turns) -> tuple[I64, I64]:
    """Return (yielding movement, movement it gives way to) as the junctions' requests say."""
    pairs: set[tuple[int, int]] = set()
    for junction in file.junctions.values():
        if not junction.response:
            continue
        links = [row for lane in junction.lanes for row in file.order.get(lane, [])]
        if len(links) > len(junction.response):
            raise InputError(
                f"it has {len(junction.response)} requests for {len(links)} connections",
                file=file.path,
                row=f"junction {junction.id!r}",
                field="request",
            )
        for place, row in enumerate(links):
            if row < 0:
                continue
            bits = junction.response[place]
            for other, foe in enumerate(links):
                if foe >= 0 and bits >> other & 1:
                    _add_pair(file, turns, row, foe, pairs)
    both = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def _add_pair(
    file: SumoFile, turns: Turns, row: int, foe: int, pairs: set[tuple[int, int]]
) -> None:
    a, b = turns.of_row[row], turns.of_row[foe]
    one, other = file.connections[row], file.connections[foe]
    if turns.start[a] != turns.start[b] and meet(file, one, other):
        pairs.add((a, b))


def yields(file: SumoFile, turns: Turns, waits: Flags, all_stop: Flags, counts: Counter[str]) -> U8:
    """Return (T,) `TurnYield`: `waits` are the movements with foes, `all_stop` the edges (L,)."""
    out = np.where(waits, TurnYield.GIVES_WAY, TurnYield.FREE).astype(np.uint8)
    out[waits & all_stop[turns.start]] = TurnYield.ALL_WAY_STOP
    for turn, rows in enumerate(turns.rows):
        if all(goes_after_stop(file, file.connections[row]) for row in rows):
            out[turn] = TurnYield.ON_RED
        else:
            some = any(shows_stop(file, file.connections[row]) for row in rows)
            counts["turns after a stop in some of their reds: taken as red"] += some
        signs = any(c.stops and not c.light for c in (file.connections[row] for row in rows))
        counts["turns behind a stop sign: they give way without a stop"] += signs
    return out
