"""What a rule thinks of its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from twin.agents.station import Station
    from twin.agents.unit import Unit


class Scores(NamedTuple):
    """What a rule thinks of N candidates.

    `eta_s` (N,) is the predicted drive in seconds, nan where the rule asks for none; `score` (N,)
    is what the rule compares, the least wins and the first of equals; a candidate with an infinite
    score is not taken.
    """

    eta_s: NDArray[np.float64]
    score: NDArray[np.float64]


class Move(NamedTuple):
    """Where a free unit is to wait, out of S stations.

    `eta_s` (S,) is the drive to each in seconds without siren, `score` (S,) what the rule compares,
    the least wins. The move is none if the station is the unit's base already.
    """

    unit: Unit
    station: Station
    stations: Sequence[Station]
    eta_s: NDArray[np.float64]
    score: NDArray[np.float64]
