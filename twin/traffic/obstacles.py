"""Obstacles on the road, and how traffic gets past one that takes every lane."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.network.graph import Place
from twin.traffic.congestion import SQUEEZE_LANES
from twin.traffic.interface import Traffic
from twin.traffic.passers_by import PassersBy

TURN_S = 60.0
"""Period in which traffic squeezes past by turns, seconds."""
CLEAR_M = 12.0
"""Units stop so far before an obstacle, behind the scene."""
END_MARGIN_M = 15.0
"""No obstacle stands nearer to a junction than this (or 0.4 of a link's length, if shorter)."""


@dataclass(slots=True)
class _Obstacle:
    place: Place
    lanes: int
    token: int | None
    """The traffic's; None while traffic is let past."""
    whole: bool
    """Takes every lane."""
    slowed: list[int]
    """Tokens of the stretches on which drivers slow to pass it."""


class Obstacles:
    """The obstacles of a run.

    One that takes every lane is out of the way for the last `SQUEEZE_LANES` of every `TURN_S`
    seconds: drivers pass it one at a time through what room there is, and so do units.

    Parameters
    ----------
    traffic
        The vehicles.
    """

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._standing: dict[int, _Obstacle] = {}
        self._next = 0
        self._passers_by = PassersBy(traffic.network)

    def put(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        """Put an obstacle on `lanes` lanes at about `place` and return its token.

        Who passes it slows, and with `opposite` who drives the other way.
        """
        length = float(self._traffic.network.link_length[place.link])
        margin = min(END_MARGIN_M, 0.4 * length)
        spot = Place(place.link, min(max(place.pos_m, margin), length - margin))
        every = int(self._traffic.network.link_lanes[place.link])
        slowed = [
            self._traffic.slow(*seen)
            for seen in self._passers_by.seen(spot, lanes, opposite=opposite)
        ]
        token = self._next
        self._next += 1
        self._standing[token] = _Obstacle(
            spot, lanes, self._traffic.block(spot, lanes), lanes >= every, slowed
        )
        return token

    def take(self, token: int) -> None:
        """Take an obstacle away."""
        obstacle = self._standing.pop(token)
        if obstacle.token is not None:
            self._traffic.unblock(obstacle.token)
        for slowed in obstacle.slowed:
            self._traffic.unslow(slowed)

    def take_turns(self, t: float) -> float:
        """Let traffic past, or stop it, where an obstacle takes the road; return when next."""
        closed_s = TURN_S * (1.0 - SQUEEZE_LANES)
        begin = math.floor(t / TURN_S) * TURN_S
        passing = t - begin >= closed_s
        busy = False
        for obstacle in self._standing.values():
            if not obstacle.whole:
                continue
            busy = True
            if passing and obstacle.token is not None:
                self._traffic.unblock(obstacle.token)
                obstacle.token = None
            elif not passing and obstacle.token is None:
                obstacle.token = self._traffic.block(obstacle.place, obstacle.lanes)
        if not busy:
            return math.inf
        return begin + (TURN_S if passing else closed_s)

    def goal(self, place: Place) -> Place:
        """Return where a unit bound for `place` stops: before an obstacle that stands there."""
        for obstacle in self._standing.values():
            link, pos = obstacle.place
            if link == place.link and abs(pos - place.pos_m) < CLEAR_M:
                return Place(link, max(pos - CLEAR_M, 1.0))
        return place
