"""Stops that vehicles serve on their way: handed over with trips, told when they were served."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import numpy as np

from twin.core.errors import InputError, TwinError
from twin.demand.stops import Calls
from twin.network.graph import F64, I32, I64
from twin.traffic import storage
from twin.traffic.books import END_M, Books
from twin.traffic.engine import Engine
from twin.traffic.kernels.layout import AHEAD, CALL, MISSED, SERVED, TOLD, WAITING

SLACK_M = 2.0
"""Nobody stops nearer to the end of a link, metres: those who stand there are in the junction."""


class Visits(NamedTuple):
    """Stops that were served or missed, as columns; a missed one has no times (nan)."""

    vehicle: I64
    tag: I32
    link: I32
    t_arrive: F64
    t_depart: F64


class StoppingBooks(Books):
    """Vehicles that can stop on their way, whatever the fidelity."""

    def add_calls(self, vehicles: I64, calls: Calls) -> None:
        """Let vehicles that were added and have not entered yet serve stops.

        Parameters
        ----------
        vehicles
            (N,) numbers as `add_trips` returned them.
        calls
            Their stops; each must lie on the vehicle's route, in its order.

        Raises
        ------
        InputError
            If a stop lies outside its link.
        TwinError
            If a vehicle is not waiting to enter.
        """
        length = self.network.link_length[calls.link]
        off = np.flatnonzero(~((calls.pos_m >= 0) & (calls.pos_m <= length)))
        if len(off):
            raise InputError(
                f"the stop at {calls.pos_m[off[0]]:.1f} m lies off its link", row=int(off[0])
            )
        self._forget_told()
        state, n = self._state, len(calls.link)
        table = state.vehicle
        waiting = np.flatnonzero(table["state"] == WAITING)
        order = waiting[np.argsort(table["id"][waiting])]
        at = np.searchsorted(table["id"][order], vehicles)
        if len(vehicles) and (at.max() >= len(order) or (table["id"][order][at] != vehicles).any()):
            raise TwinError("stops are given to a vehicle that does not wait to enter")
        slots = order[at]
        old = len(state.call)
        call = storage.records(old + n, CALL)
        call[:old] = state.call
        row = call[old:]
        row["vehicle"] = np.repeat(vehicles, np.diff(calls.ptr))
        row["tag"], row["link"] = calls.tag, calls.link
        row["pos"] = np.maximum(np.minimum(calls.pos_m, length - (SLACK_M + END_M)), 0.0)
        row["dwell"], row["due"], row["lane"] = calls.dwell_s, self._own(calls.due_s), calls.lane
        row["bay"], row["state"] = calls.bay, AHEAD
        row["arrive"] = row["depart"] = np.nan
        table["call"][slots] = old + calls.ptr[:-1]
        table["calls_end"][slots] = old + calls.ptr[1:]
        self._state = state._replace(call=call)
        self._note_calls(calls)

    @abstractmethod
    def _own(self, seconds: F64) -> F64:
        """Return simulated seconds as the kernels count them."""

    @abstractmethod
    def _note_calls(self, calls: Calls) -> None:
        """Make room for new stops beside their records."""

    def visits(self) -> Visits:
        """Return the stops that were served or missed since the last call, by vehicle."""
        call = self._state.call
        found = np.flatnonzero((call["state"] == SERVED) | (call["state"] == MISSED))
        served = call["state"][found] == SERVED
        call["state"][found] = TOLD
        return Visits(
            np.array(call["vehicle"][found]),
            np.array(call["tag"][found]),
            np.array(call["link"][found]),
            np.where(served, call["arrive"][found], np.nan),
            np.where(served, call["depart"][found], np.nan),
        )

    def _forget_told(self) -> None:
        """Drop the stops whose outcome has been told: those of a vehicle are told in order."""
        state = self._state
        keep = state.call["state"] != TOLD
        if keep.all():
            return
        place = np.concatenate([[0], np.cumsum(keep)])
        table = state.vehicle
        ahead = table["call"] < table["calls_end"]
        for column in ("call", "calls_end"):
            table[column][~ahead] = 0
            table[column][ahead] = place[table[column][ahead]]
        self._state = state._replace(call=state.call[keep])


class StoppingTraffic(StoppingBooks, Engine):
    """Lane-level traffic whose vehicles can stop on their way (parameters as for `Engine`)."""

    def _own(self, seconds: F64) -> F64:
        return seconds

    def _note_calls(self, calls: Calls) -> None:
        self._net.link["stops"][calls.link] = 1
        bay = np.zeros(len(self._state.call), np.int32)
        bay[: len(self._state.bay)] = self._state.bay[: len(bay)]
        self._state = self._state._replace(bay=bay)
