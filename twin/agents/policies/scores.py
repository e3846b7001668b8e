"""What a rule thinks of its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from twin.agents.station import Station
    from twin.agents.units.unit import Unit

F64 = NDArray[np.float64]


class Scores(NamedTuple):
    """What a rule thinks of N candidates.

    Attributes
    ----------
    eta_s
        (N,) predicted drive in seconds, nan where the rule asks for none.
    score
        (N,) what the rule compares: the least wins, of equals the one that is there first, and of
        these the first; a candidate with an infinite score is not taken.
    wait_s
        (N,) expected seconds until each sets out: turnout, or the end of what it does now.
    term, value
        What the rule weighs beside time, by a word, and (N,) its values.
    why
        A word for why the winner is taken (see `WHY`), if the rule has one of its own.
    """

    eta_s: F64
    score: F64
    wait_s: F64 | None = None
    term: str = ""
    value: F64 | None = None
    why: str = ""

    @property
    def arrival_s(self) -> F64:
        """(N,) expected seconds until each is there."""
        return self.eta_s if self.wait_s is None else self.wait_s + self.eta_s

    def best(self) -> int:
        """Return the number of the winner, which may have an infinite score."""
        first = int(self.score.argmin())
        if np.count_nonzero(self.score == self.score[first]) == 1:
            return first
        ties = np.flatnonzero(self.score == self.score[first])
        if self.wait_s is not None:
            arrival = self.wait_s[ties] + self.eta_s[ties]
            return int(ties[np.argmin(np.where(np.isnan(arrival), np.inf, arrival))])
        return int(ties[0])


WHY = (
    "only",  # no other unit could go
    "first",  # it is expected on scene first
    "nearest",  # it is nearest as the crow flies
    "beat",  # no other free unit stands higher on the list of the place
    "cover",  # of those in time its leaving costs the least cover
    "late",  # nobody can be in time, so the rule chose among all
    "prepared",  # of those in time its leaving keeps the city best prepared
    "urgent",  # the call is urgent, so the first on scene goes
    "held",  # busy, but expected there before any free unit: the call waits for it
    "diverted",  # it was on its way to a less urgent call
    "person",  # a person chose it, in a rehearsal
    "recorded",  # it went to the call by the record, which is followed
    "ordered",  # the scenario orders it for the call: `choose-unit`
    "score",  # a rule of one's own gave it the least score
)
"""Words for why a candidate won (`decisions.why`)."""


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
