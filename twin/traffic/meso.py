"""Queue-level traffic on a network, behind the same calls as lane-level traffic.

A link is a queue for each of its lanes; see `kernels.meso` for the model. Nothing in it is random:
equal trips give equal bits. Trips and ticks are in `meso_engine`; routes, units and closures each
in `meso_*`.
"""

from __future__ import annotations

import numpy as np

from twin.network.graph import F32
from twin.traffic.kernels import meso_units
from twin.traffic.kernels.meso_layout import DRIVING, ROUTE_USED, TICK
from twin.traffic.meso_closures import ClosableQueues
from twin.traffic.meso_network import Parameters
from twin.traffic.meso_routes import RoutedQueues
from twin.traffic.meso_stopping import StoppingQueues
from twin.traffic.meso_units import UnitQueues
from twin.traffic.storage import Checkpoint
from twin.traffic.vehicles import VehicleView

__all__ = ["MesoTraffic", "Parameters"]

SAVED = (
    "call",
    "lane",
    "place",
    "vehicle",
    "unit",
    "due",
    "pushed",
    "wheel",
    "done",
    "bay",
    "lost",
    "tally",
)
SAVED_NET = ("link", "node", "turn")


class MesoTraffic(RoutedQueues, UnitQueues, ClosableQueues, StoppingQueues):
    """Queue-level traffic with units, closures and stops (parameters as for `QueueEngine`)."""

    @property
    def vehicles(self) -> VehicleView:
        """The vehicles on the road now, where their queues let them be."""
        slot, link, lane, pos, vel = self._running()
        row = self._state.vehicle[slot]
        unit = self._state.unit
        on = np.flatnonzero(unit["state"] == DRIVING)
        at = np.array(
            [meso_units.unit_position(int(u), self._now, self._state) for u in on], np.float32
        )
        took = np.maximum(unit["leave"][on] - unit["entered"][on], 1) / TICK
        speed = ((unit["to_pos"][on] - unit["from_pos"][on]) / took).astype(np.float32)
        return VehicleView(
            np.concatenate([row["id"], VehicleView.UNIT_ID + on.astype(np.int64)]),
            np.concatenate([self.fleet.kind[row["kind"]], unit["kind"][on]]).astype(np.uint8),
            np.concatenate([link, unit["link"][on]]),
            np.concatenate([lane, np.zeros(len(on), np.uint8)]),
            np.concatenate([pos, at]),
            np.concatenate([vel, speed]),
            self._geometry,
        )

    def link_travel_time(self) -> F32:
        """Return (L,) the current travel time of every link, seconds, never below free flow."""
        now: F32 = self._net.link["time"].astype(np.float32)
        return now

    def turn_delay(self) -> F32:
        """Return (T,) zeros: the times of queues are of whole links."""
        return np.zeros(self.network.n_turns, np.float32)

    def checkpoint(self) -> Checkpoint:
        """Return the whole state as plain arrays; a run restored from them has the same bits."""
        state = self._state
        parts: Checkpoint = {name: np.array(getattr(state, name)) for name in SAVED}
        parts |= {name: np.array(getattr(self._net, name)) for name in SAVED_NET}
        parts["counts"] = state.counts.copy()
        parts["route"] = state.route[: int(state.counts[ROUTE_USED])].copy()
        parts["route_size"] = np.array([len(state.route)])
        self._save_books(parts)
        tokens = [(token, *cut) for token, cut in self._blocks.items()]
        parts["blocks"] = np.array(tokens, np.int64).reshape(-1, 3)
        self._save_slowed(parts)
        return parts

    def restore(self, parts: Checkpoint) -> None:
        """Take the state of a checkpoint of the same network, types of vehicles and turns on red.

        Raises
        ------
        InputError
            If it is of others.
        """
        self._check_network(parts)
        values = {}
        for name in (*SAVED, "counts"):
            value = np.array(parts[name])
            values[name] = value.view(np.recarray) if value.dtype.names else value
        route = np.zeros(int(parts["route_size"][0]), np.int32)
        route[: len(parts["route"])] = parts["route"]
        self._state = self._state._replace(
            **values, route=route, search=np.zeros_like(self._state.search)
        )
        for name in SAVED_NET:
            getattr(self._net, name)[:] = parts[name]
        self._restore_books(parts)
        self._blocks = {int(token): (int(k), int(n)) for token, k, n in parts["blocks"]}
        self._restore_slowed(parts)
