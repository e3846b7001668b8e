"""Turns that are forbidden for a time, and the routes that vehicles still have before them."""

from __future__ import annotations

import numpy as np

from twin.network.graph import I32, I64
from twin.traffic import storage
from twin.traffic.engine import Engine
from twin.traffic.kernels import layout, routes
from twin.traffic.kernels.escape import BANNED
from twin.traffic.rows import rows_with


class TurnBans(Engine):
    """Lane-level traffic in which turns can be banned (parameters as for `Engine`).

    Nobody finds a gap for a banned turn: who strays never takes it, and who still has it in his
    route waits at the line until he has found another way.
    """

    _allowed: tuple[layout.U8, layout.F32] | None = None

    @property
    def banned(self) -> I32:
        """The turns that are banned, ascending."""
        return np.flatnonzero(self._net.turn["look"] < 0).astype(np.int32)

    def ban_turns(self, turns: I32) -> None:
        """Ban these turns and no others."""
        turn = self._net.turn
        if self._allowed is None:
            self._allowed = (turn["gives_way"].copy(), turn["look"].copy())
        turn["gives_way"], turn["look"] = self._allowed
        turn["gives_way"][turns], turn["look"][turns] = 1, BANNED

    def vehicles_turning(self, turns: I32) -> I64:
        """Return the numbers of vehicles, also waiting ones, that have yet to make one of `turns`.

        Emergency units are left out.
        """
        marked = np.zeros(self.network.n_turns, np.uint8)
        marked[turns] = 1
        ids = np.empty(len(self._state.vehicle), np.int64)
        count = routes.find_turning(marked, ids, self._state, self._records)
        return ids[:count]

    def ways_ahead(self, vehicles: I64) -> tuple[I32, I32]:
        """Return the routes of vehicles from the links they are on, as compressed rows.

        A vehicle that is not on the road has an empty row.
        """
        lane, records = self._state.lane, self._records
        count = int((lane["end"] - lane["start"]).sum())
        index, link = np.empty(count, np.int32), np.empty(count, np.int32)
        own = np.empty(count, np.uint8)
        count = routes.list_running(self._net, self._state, records, index, link, own)
        if not count:
            return np.zeros(len(vehicles) + 1, np.int32), np.empty(0, np.int32)
        ids = self._state.vehicle["id"][records["slot"][index[:count]]]
        row = rows_with(ids, vehicles)
        found = np.where(row >= 0, link[:count][row], -1).astype(np.int32)
        rpos = records["rpos"][index[:count]][row].astype(np.int32)
        return routes.ways_ahead(found, rpos, self._state.route, self.network.turn_to)

    def _save_bans(self, parts: storage.Checkpoint) -> None:
        parts["banned"] = self.banned

    def _restore_bans(self, parts: storage.Checkpoint) -> None:
        self.ban_turns(parts["banned"])
