"""Where lane-level traffic may not go: closed links and lanes, obstacles, banned turns."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from twin.network.graph import I32, Place
from twin.traffic.closures import leads_out
from twin.traffic.control import note_zippers
from twin.traffic.engine import Engine
from twin.traffic.figures import lanes_by_link
from twin.traffic.kernels import insertion, lane_space, layout, routes
from twin.traffic.kernels.escape import BANNED
from twin.traffic.known_roads import check_closing, check_lanes, check_link, check_turns
from twin.traffic.unit_ways import stop_on


class ClosableTraffic(Engine):
    """Lane-level traffic whose lanes, links and turns can be closed (parameters as for `Engine`).

    Nobody finds a gap for a banned turn: who strays never takes it, and who still has it in his
    route waits at the line until he has found another way.
    """

    _allowed: tuple[layout.U8, layout.F32] | None = None

    def close_lanes(self, link: int, lanes: int | None = None) -> None:
        """Close a link, or its `lanes` lanes at the kerb.

        Nobody enters a closed link; those on it drive on, over others that were
        closed at the same tick, to the end of the closure. Closed lanes are merged out of. The
        last call counts: a closed link of which some lanes are closed then has its others open.

        Raises
        ------
        InputError
            If there is no such link, or the lanes are not one or more.
        """
        check_closing(self.network, link, lanes)
        every = int(self.network.link_lanes[link])
        if lanes is None or lanes >= every:
            closed = self._net.link["closed"]
            closed[link] = self._closures.number(self.tick, closed)
            if self._net.link["first_open"][link]:
                self._open_from(link, 0)
            return
        self._net.link["closed"][link] = 0
        self._open_from(link, lanes)

    def open_lanes(self, link: int) -> None:
        """Open a link and all its lanes (raises as `close_lanes`)."""
        check_link(self.network, link)
        self._net.link["closed"][link] = 0
        self._open_from(link, 0)

    def _open_from(self, link: int, lane: int) -> None:
        self._net.link["first_open"][link] = lane
        self._many_will_change_lanes()
        self._note_zippers()
        routes.refresh_wishes(link, self._net, self._state, self._records)

    def _note_zippers(self) -> None:
        note_zippers(self._net)
        self._state.lane["asks"] = -1

    def leads_out(self, links: I32) -> bool:
        """Return whether who is on the first of some links may drive along all of them."""
        return leads_out(self._net.link["closed"], links)

    def set_bus_lanes(self, link: int, lanes: Iterable[int]) -> None:
        """Keep these lanes of a link for buses and emergency units, and no others of it.

        Raises
        ------
        InputError
            If there is no such link, or it has no such lane.
        """
        mask = sum(1 << lane for lane in set(check_lanes(self.network, link, lanes)))
        self._net.link["bus_lanes"][link] = mask
        self._many_will_change_lanes()
        routes.refresh_wishes(link, self._net, self._state, self._records)

    @property
    def bus_lanes(self) -> dict[int, tuple[int, ...]]:
        """Lanes of links that are kept for buses and emergency units."""
        return lanes_by_link(self._net.link["bus_lanes"])

    @property
    def closed(self) -> I32:
        """Links that nobody may enter."""
        return np.flatnonzero(self._net.link["closed"]).astype(np.int32)

    def block(self, place: Place, lanes: int) -> int:
        """Stand an obstacle on `lanes` lanes at the kerb; return a token for `unblock`.

        Where a vehicle is in the way, the obstacle stands behind it.
        """
        token = self._next_token
        self._next_token += 1
        self._blocks[token] = place.link
        self._lay_out_with_room()
        first = int(self._net.link["lane0"][place.link])
        every = int(self.network.link_lanes[place.link])
        pos = stop_on(self.network, place.link, place.pos_m)
        for lane in range(first, first + min(lanes, every)):
            insertion.put_obstacle(
                lane, np.float32(pos), token, self._net, self._state, self._records
            )
        insertion.note_obstacles(place.link, self._net, self._state, self._records)
        self._many_will_change_lanes()
        return token

    def unblock(self, token: int) -> None:
        """Remove the obstacle of `token`.

        Raises
        ------
        KeyError
            If there is none.
        """
        link = self._blocks.pop(token)
        insertion.take_obstacles(link, token, self._net, self._state, self._records)
        insertion.note_obstacles(link, self._net, self._state, self._records)

    def _lay_out_with_room(self) -> None:
        self._many_will_change_lanes()
        self._make_buffer_room()
        new = self._buffers[1 - self._current]
        self._current ^= lane_space.make_space(self._net, self._state, self._records, new)

    def _many_will_change_lanes(self) -> None:
        self._state.counts[layout.CROWDED] = 1

    @property
    def banned(self) -> I32:
        """The turns that are banned, ascending."""
        return np.flatnonzero(self._net.turn["look"] < 0).astype(np.int32)

    def ban_turns(self, turns: I32) -> None:
        """Ban these turns and no others.

        Raises
        ------
        InputError
            If there is no such turn.
        """
        check_turns(self.network, turns)
        turn = self._net.turn
        if self._allowed is None:
            self._allowed = (turn["gives_way"].copy(), turn["look"].copy())
        turn["gives_way"], turn["look"] = self._allowed
        turn["gives_way"][turns], turn["look"][turns] = 1, BANNED
        self._note_zippers()
