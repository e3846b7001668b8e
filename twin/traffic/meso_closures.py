"""Where queue-level traffic may not go: closed links and lanes, obstacles, banned turns."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from twin.network.graph import I32, Place
from twin.traffic.closures import leads_out
from twin.traffic.figures import lanes_by_link
from twin.traffic.kernels.meso_layout import HELD_UP
from twin.traffic.known_roads import check_closing, check_lanes, check_link, check_turns
from twin.traffic.meso_slowed import SlowedQueues


class ClosableQueues(SlowedQueues):
    """Queue-level traffic whose lanes, links and turns can be closed (as for `QueueEngine`)."""

    def close_lanes(self, link: int, lanes: int | None = None) -> None:
        """Close a link, or its `lanes` lanes at the kerb.

        Nobody enters a closed link or lane; those on it drive on, over others that were
        closed at the same tick, to the end of the closure. The last call counts.

        Raises
        ------
        InputError
            If there is no such link, or the lanes are not one or more.
        """
        check_closing(self.network, link, lanes)
        if lanes is None or lanes >= int(self.network.link_lanes[link]):
            closed = self._net.link["closed"]
            closed[link] = self._closures.number(self.tick, closed)
            self._net.link["first_open"][link] = 0
        else:
            self._net.link["closed"][link] = 0
            self._net.link["first_open"][link] = lanes

    def open_lanes(self, link: int) -> None:
        """Open a link and all its lanes (raises as `close_lanes`)."""
        check_link(self.network, link)
        self._net.link["closed"][link] = 0
        self._net.link["first_open"][link] = 0

    def leads_out(self, links: I32) -> bool:
        """Return whether who is on the first of some links may drive along all of them."""
        return leads_out(self._net.link["closed"], links)

    def set_bus_lanes(self, link: int, lanes: Iterable[int]) -> None:
        """Keep these lanes of a link for buses, and no others of it; who is in one stays.

        Raises
        ------
        InputError
            If there is no such link, or it has no such lane.
        """
        kept = set(check_lanes(self.network, link, lanes))
        marks = self._net.link["lane_marks"]
        marks[link] = marks[link] & HELD_UP | sum(1 << lane for lane in kept)

    @property
    def bus_lanes(self) -> dict[int, tuple[int, ...]]:
        """Lanes of links that are kept for buses."""
        return lanes_by_link(self._net.link["lane_marks"] & ~HELD_UP)

    @property
    def closed(self) -> I32:
        """Links that nobody may enter."""
        return np.flatnonzero(self._net.link["closed"]).astype(np.int32)

    def block(self, place: Place, lanes: int) -> int:
        """Take `lanes` lanes of the capacity of a link; return a token for `unblock`.

        The queue stands along the whole link, whatever the place on it.
        """
        token = self._next_token
        self._next_token += 1
        self._blocks[token] = (place.link, lanes)
        self._cut(place.link)
        return token

    def unblock(self, token: int) -> None:
        """Give the lanes of `token` back.

        Raises
        ------
        KeyError
            If there is none.
        """
        link, _ = self._blocks.pop(token)
        self._cut(link)

    @property
    def banned(self) -> I32:
        """The turns that are banned, ascending."""
        return np.flatnonzero(self._net.turn["banned"]).astype(np.int32)

    def ban_turns(self, turns: I32) -> None:
        """Ban these turns and no others; who has one in his route waits until he has another.

        Raises
        ------
        InputError
            If there is no such turn.
        """
        check_turns(self.network, turns)
        self._net.turn["banned"] = 0
        self._net.turn["banned"][turns] = 1
