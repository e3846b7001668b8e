"""What lanes and queues share of drivers who slow: tokens, conditions, their checkpoint."""

from __future__ import annotations

from abc import abstractmethod

from twin.network.conditions import Conditions
from twin.network.graph import Place
from twin.traffic.books import Books
from twin.traffic.conditions import Slowing, save_conditions, save_slowings
from twin.traffic.storage import Checkpoint


class SlowableTraffic(Books):
    """Traffic whose drivers slow where they pass an incident."""

    _conditions: Conditions
    _slowings: dict[int, Slowing]
    _next_token: int

    @abstractmethod
    def _slowing_changed(self, link: int) -> None:
        """Write what passers-by on a link do now."""

    def slow(self, place: Place, share: float) -> int:
        """Let drivers slow where they pass `place`; return a token for `unslow`.

        Parameters
        ----------
        place
            What they look at.
        share
            Of the flow that still passes. In lanes also of the speed: drivers do everything in
            1 / `share` of the time.
        """
        token = self._next_token
        self._next_token += 1
        self._slowings[token] = Slowing.around(place, share)
        self._slowing_changed(place.link)
        return token

    def unslow(self, token: int) -> None:
        """Let drivers pass as anywhere.

        Raises
        ------
        KeyError
            If there is no such token.
        """
        self._slowing_changed(self._slowings.pop(token).link)

    def _save_slowed(self, parts: Checkpoint) -> None:
        parts.update(save_slowings(self._slowings), **save_conditions(self._conditions))
