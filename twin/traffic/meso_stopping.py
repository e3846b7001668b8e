"""Queue-level traffic whose vehicles stop on their way."""

from __future__ import annotations

from twin.demand.stops import Calls
from twin.network.graph import F32, F64, I32
from twin.traffic.figures import Finished
from twin.traffic.kernels.layout import AHEAD, MISSED, SERVED, SERVING
from twin.traffic.meso_engine import QueueEngine
from twin.traffic.stopping import StoppingBooks, Visits


class StoppingQueues(StoppingBooks, QueueEngine):
    """Queue-level traffic with stops (parameters as for `QueueEngine`).

    When a stop in the lane begins and ends is known from the moment at which the bus comes to its
    link, or from that at which the queue that stood over its stop lets it through.
    """

    def _own(self, seconds: F64) -> F64:
        return seconds - self.start_s

    def _note_calls(self, calls: Calls) -> None:
        """Need nothing more."""

    def visits(self) -> Visits:
        """Return the stops that were served or missed since the last call, by vehicle."""
        call = self._state.call
        # From a bay it leaves when it finds room, which the kernel notes.
        in_lane = (call["state"] == SERVING) & (call["bay"] == 0)
        call["state"][in_lane & (call["depart"] < self.tick * self.dt_s)] = SERVED
        told = super().visits()
        return told._replace(
            t_arrive=told.t_arrive + self.start_s, t_depart=told.t_depart + self.start_s
        )

    def _end(self, slots: I32, reached: int, speed_factor: F32) -> Finished:
        row = self._state.vehicle[slots]
        for begin, end in zip(row["call"].tolist(), row["calls_end"].tolist(), strict=True):
            left = self._state.call["state"][begin:end]
            left[left == AHEAD] = MISSED
        return super()._end(slots, reached, speed_factor)
