"""Routes that take into account what the trips routed with them will do to the streets.

Measured travel times alone send all trips of some minutes down the same fastest streets, which the
measurements show only when it is too late. So the trips of a slice are routed in waves. Each wave
sees, beside the measured times, those that a delay curve gives for a flow that the waves before it
have moved towards their own: incremental assignment within the first slice, successive averages
from slice to slice (Sheffi 1985, "Urban Transportation Networks", sections 5.1 and 5.2). The
averaged flow stands for what drivers know from other days.
"""

from __future__ import annotations

import numpy as np

from twin.city.model import City
from twin.core.clock import HOUR_S
from twin.network.graph import F32, F64, I32, Network, RoadClass, TurnKind
from twin.traffic.congestion import FREEWAY_CURVE, STREET_CURVE
from twin.traffic.kernels.route_bulk import scatter_rows
from twin.traffic.router import Router

WAVES = 4
STEP = 0.3
"""Weight of a slice's own flow in the average, after the first."""


def green_share(network: Network) -> F64:
    """Return (L,) the mean share of green of a link's turns, U-turns aside; 1 without signals."""
    share = np.ones(network.n_turns)
    group = network.turn_group
    signalled = group >= 0
    shares = network.green_s / network.signal_cycle[network.group_signal]
    share[signalled] = shares[group[signalled]]
    counted = (network.turn_kind != TurnKind.U_TURN).astype(np.float64)
    total = np.bincount(network.turn_from, weights=share * counted, minlength=network.n_links)
    turns = np.bincount(network.turn_from, weights=counted, minlength=network.n_links)
    return np.where(turns > 0, total / np.maximum(turns, 1.0), 1.0)


class Loading:
    """Routes the trips of one slice after another.

    Parameters
    ----------
    router
        Of ordinary drivers; its times are the measured ones.
    undisturbed_s
        (L,) times without other traffic.

    Attributes
    ----------
    router
        As given.
    flow
        (L,) veh/h that the routes of the slices so far bring, averaged.
    """

    def __init__(self, router: Router, undisturbed_s: F32) -> None:
        network = router.network
        self.router = router
        self._undisturbed_s = undisturbed_s
        lanes = network.link_lanes.astype(np.float64)
        for_cars = 1.0 - np.bincount(network.bus_link, minlength=network.n_links) / lanes
        self._capacity = np.maximum(network.link_capacity * for_cars * green_share(network), 1.0)
        freeway = network.link_class <= RoadClass.TRUNK
        self._a = np.where(freeway, FREEWAY_CURVE[0], STREET_CURVE[0])
        self._b = np.where(freeway, FREEWAY_CURVE[1], STREET_CURVE[1])
        self.flow: F64 = np.zeros(network.n_links)
        self._step = 1.0

    def expected(self, flow: F64) -> F32:
        """Return (L,) seconds at a flow in veh/h, by the delay curve of the link's class."""
        factor = 1.0 + self._a * (flow / self._capacity) ** self._b
        times: F32 = (self._undisturbed_s * factor).astype(np.float32)
        return times

    def routes(
        self, origin: I32, goal: I32, area: I32, departing: int, span_s: float, *, turn: int
    ) -> tuple[I32, I32]:
        """Return the routes of N drivers, as `Router.routes`.

        Parameters
        ----------
        origin, goal, area
            (N,) links, and area of the goal.
        departing
            The first so many depart in this slice; the others are on their way.
        span_s
            Length of the slice, seconds; 0 leaves the flow as it is.
        turn
            Number of the slice.
        """
        measured = self.router.times
        n = len(origin)
        length = np.zeros(n, np.int32)
        rows, parts = [], []
        brought = np.zeros_like(self.flow)
        flow = self.flow
        routed = 0
        for wave in range(WAVES):
            # The turn changes which areas come first.
            mine = np.flatnonzero((area + turn) % WAVES == wave).astype(np.int32)
            self.router.set_costs(np.maximum(measured, self.expected(flow)))
            ptr, links = self.router.routes(origin[mine], goal[mine], areas=area[mine], turn=turn)
            length[mine] = np.diff(ptr)
            rows.append(mine)
            parts.append((ptr, links))
            new = int(np.searchsorted(mine, departing))
            routed += new
            if span_s > 0:
                counts = np.bincount(links[: ptr[new]], minlength=len(brought))
                brought += counts * (HOUR_S / span_s)
                done = routed / max(departing, 1)
                flow = self.flow + self._step * (brought - done * self.flow)
        self.router.set_costs(measured)
        if span_s > 0:
            self.flow = flow
            self._step = STEP
        out_ptr = np.zeros(n + 1, np.int32)
        np.cumsum(length, out=out_ptr[1:])
        out = np.empty(int(out_ptr[-1]), np.int32)
        for mine, (ptr, links) in zip(rows, parts, strict=True):
            scatter_rows(ptr, links, mine, out_ptr, out)
        return out_ptr, out


def area_of_links(city: City) -> I32:
    """Return (L,) a number for each link's zone, and one of its own for links of no zone."""
    n = city.network.n_links
    table = city["zone_links"]
    rows = np.unique(table["zone_id"].to_numpy(), return_inverse=True)[1].astype(np.int32)
    area = np.arange(n, dtype=np.int32) + (int(rows.max()) + 1 if len(rows) else 0)
    # A link of several zones belongs to the first that names it.
    area[table["link"].to_numpy()[::-1]] = rows[::-1]
    return area
