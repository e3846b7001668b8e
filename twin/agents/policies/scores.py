"""What a rule thinks of its candidates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scores(NamedTuple):
    """What a rule thinks of N candidates.

    `eta_s` (N,) is the predicted drive in seconds, nan where the rule asks for none; `score` (N,)
    is what the rule compares, the least wins and the first of equals; a candidate with an infinite
    score is not taken.
    """

    eta_s: NDArray[np.float64]
    score: NDArray[np.float64]
