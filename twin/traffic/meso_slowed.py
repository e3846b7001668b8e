"""Queue-level traffic in weather, through work zones and past incidents.

A lane's headway grows as its capacity falls, and a link takes longer as its speed falls; who is on
a link already goes on as he came in.
"""

from __future__ import annotations

import numpy as np

from twin.core.clock import HOUR_S
from twin.network.conditions import Conditions
from twin.traffic.conditions import (
    load_conditions,
    load_slowings,
)
from twin.traffic.kernels import meso_layout as layout
from twin.traffic.meso_engine import QueueEngine
from twin.traffic.slowable import SlowableTraffic
from twin.traffic.storage import Checkpoint


class SlowedQueues(SlowableTraffic, QueueEngine):
    """Queue-level traffic whose roads are driven in other ways (as for `QueueEngine`)."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Let these conditions hold from the next tick on."""
        self._conditions = conditions
        link, lane, of = self._net.link, self._state.lane, self._state.lane["link"]
        dry, cross, restart, headway = self._dry
        link["speed"] = conditions.speeds(dry)
        free, speed = dry.astype(np.float64), link["speed"].astype(np.float64)
        link["cross"] = np.rint(cross * (free / speed))
        link["restart"] = np.rint(restart * (speed / free))
        # The triangular diagram at the lower speed, what the work zone allows, and the weather.
        tau, spacing = self.parameters.tau_s, self.parameters.spacing_m
        slower = (tau + spacing / speed) / (tau + spacing / free)
        zone = HOUR_S * 1000.0 / conditions.lane_veh_h.astype(np.float64)
        least = np.maximum(headway, zone[of]) / conditions.capacity
        lane["headway"] = np.rint(np.maximum(headway * slower[of], least))
        empty = link["seconds"] == 0.0
        link["time"][empty] = (link["length"] / speed)[empty]

    def _slowing_changed(self, link: int) -> None:
        self._cut(link)

    def _cut(self, link: int) -> None:
        """Write what obstacles and passers-by leave of the flow of a link."""
        every = int(self.network.link_lanes[link])
        left = every - max((n for k, n in self._blocks.values() if k == link), default=0)
        share = min((s.share for s in self._slowings.values() if s.link == link), default=1.0)
        cut = layout.WHOLE
        if left <= 0:
            cut = 0
        elif left < every or share < 1.0:
            cut = round(layout.CUT_UNIT * every / left / share)
        self._net.link["cut"][link] = cut

    def _restore_slowed(self, parts: Checkpoint) -> None:
        self._slowings = load_slowings(parts)
        time = self._net.link["time"].copy()
        self.set_conditions(load_conditions(parts))
        self._net.link["time"] = time
