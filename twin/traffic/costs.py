"""What links cost at present, to everybody and to units under siren, and which are closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.core.random import Streams
from twin.network.conditions import Conditions
from twin.network.graph import F32, F64, I32, I64, Network, Place, TurnKind
from twin.traffic.unit_router import UnitRouter

SIREN_DELAY_SHARE = 0.4
"""Share of the others' delay (queues, signals) that a unit under siren suffers.

Drives in lane-level traffic fit 0.21 to 0.53 by lanes and load, 0.32 together (`python -m
benchmarks siren_share`); 0.4 saves what lights and sirens were measured to save over whole drives,
39% (Ho and Casey 1998).
"""


def signal_wait(network: Network) -> F32:
    """Return (L,) mean seconds that a vehicle arriving at random waits for green at a link's end.

    A group makes it wait the sum of r^2 / (2 C) over the reds of r seconds in its cycle of C (with
    one, the uniform delay of Webster 1958 at vanishing flow), averaged here over the link's turns
    other than U-turns.
    """
    group = network.turn_group
    signalled = (group >= 0) & (network.turn_kind != TurnKind.U_TURN)
    wait = np.zeros(network.n_turns)
    if signalled.any():
        wait[signalled] = _group_wait(network)[group[signalled]]
    counted = (network.turn_kind != TurnKind.U_TURN).astype(np.float64)
    turn_from = network.turn_from
    total = np.bincount(turn_from, weights=wait * counted, minlength=network.n_links)
    turns = np.bincount(turn_from, weights=counted, minlength=network.n_links)
    return (total / np.maximum(turns, 1.0)).astype(np.float32)


def _group_wait(network: Network) -> F64:
    """Return (G,) mean seconds until green of who comes to a signal group at random."""
    every = np.arange(len(network.group_signal))
    of = np.append(every, network.more_group)
    cycle = network.signal_cycle[network.group_signal].astype(np.float64)
    begin = np.append(network.group_green_from, network.more_from).astype(np.float64)
    end = np.append(network.group_green_to, network.more_to).astype(np.float64)
    # Of each group one green after the other, from the one that begins first in the cycle.
    turned = np.floor(begin / cycle[of]) * cycle[of]
    begin, end = begin - turned, end - turned
    order = np.lexsort((begin, of))
    of, begin, end = of[order], begin[order], end[order]
    first = np.searchsorted(of, every)
    last = np.append(first[1:], len(of)) - 1
    until = np.append(begin[1:], 0.0)
    until[last] = begin[first] + cycle
    red = np.clip(until - end, 0.0, None)
    wait: F64 = np.bincount(of, weights=red**2, minlength=len(every)) / (2.0 * cycle)
    return wait


class RoadCosts:
    """The two routers of a run, kept in step with link times and closures.

    A unit under siren drives its free-flow time divided by `siren_factor` plus `SIREN_DELAY_SHARE`
    of what the others lose on the link.

    Parameters
    ----------
    network
        The streets.
    speed_factor
        Factor on every link's free-flow speed.
    siren_factor
        Desired speed under siren over free-flow speed.
    threads
        Threads of bulk routing.
    streams
        Draws how drivers perceive link times; None: as they are.

    Attributes
    ----------
    ordinary, siren
        Routers at the times of ordinary traffic and of units under siren.
    free_s, undisturbed_s
        (L,) seconds at free flow; the same with the mean wait at the signal.
    closed_lanes
        (L,) lanes closed by `close`, at most the link's.
    """

    def __init__(
        self,
        network: Network,
        *,
        speed_factor: float = 1.0,
        siren_factor: float = 1.0,
        threads: int = 1,
        streams: Streams | None = None,
    ) -> None:
        self.network = network
        self._siren_factor = siren_factor
        self.ordinary = UnitRouter(network, threads=threads, streams=streams)
        self.siren = UnitRouter(network, graph=self.ordinary.graph)
        self.siren.across = self.ordinary.across
        self._dry_s: F32 = (network.free_flow_s / np.float32(speed_factor)).astype(np.float32)
        self.free_s: F32 = self._dry_s.copy()
        self._wait_s = signal_wait(network)
        self.undisturbed_s: F32 = self.free_s + self._wait_s
        self.closed_lanes: I32 = np.zeros(network.n_links, np.int32)
        self.set_times(self.undisturbed_s)

    def set_conditions(self, conditions: Conditions) -> F32:
        """Let the free-flow times be those of weather and work zones; return the dry speeds, m/s.

        Both arrays of times are written in place, for those who read them too.
        """
        dry: F32 = self.network.link_length / self._dry_s
        share = dry / conditions.speeds(dry)
        self.free_s[:] = self._dry_s * share
        self.undisturbed_s[:] = self.free_s + self._wait_s
        return dry

    def set_times(self, seconds: F32, turn_delay: F32 | None = None) -> None:
        """Set what streets take ordinary traffic.

        Parameters
        ----------
        seconds
            (L,) link times; none is taken to be below `undisturbed_s`.
        turn_delay
            (T,) seconds that each turn's drivers lose beside them; none if left out.
        """
        times = np.maximum(seconds, self.undisturbed_s)
        self.ordinary.set_costs(times)
        self.siren.set_costs(self.under_siren(times))
        if turn_delay is not None:
            self.ordinary.set_turn_delays(turn_delay)
            self.siren.set_turn_delays(np.float32(SIREN_DELAY_SHARE) * turn_delay)

    def under_siren(self, times: F32, links: I32 | I64 | slice = slice(None)) -> F32:
        """Return the times of links under siren where ordinary traffic takes `times`."""
        free = self.free_s[links]
        out: F32 = free / np.float32(self._siren_factor) + np.float32(SIREN_DELAY_SHARE) * (
            times - free
        )
        return out

    def router(self, *, siren: bool) -> UnitRouter:
        """Return the router of a drive."""
        return self.siren if siren else self.ordinary

    def close(self, links: Iterable[int], lanes: int | None) -> None:
        """Close links, or that many lanes of each; all lanes closed closes the link."""
        for link in links:
            total = int(self.network.link_lanes[link])
            self.closed_lanes[link] = total if lanes is None else min(lanes, total)
        self._apply()

    def open(self, links: Iterable[int]) -> None:
        """Open every lane of links."""
        for link in links:
            self.closed_lanes[link] = 0
        self._apply()

    def set_tolls(self, seconds: F32) -> None:
        """Set (L,) what charges are worth to ordinary drivers; units pay nothing."""
        self.ordinary.set_tolls(seconds)

    def ban_turns(self, turns: I32) -> None:
        """Ban these turns and no others, to everybody."""
        for router in (self.ordinary, self.siren):
            router.set_banned(turns)

    def _apply(self) -> None:
        shut = self.closed_lanes >= self.network.link_lanes
        for router in (self.ordinary, self.siren):
            router.set_closed(shut)

    def etas(
        self,
        places: Sequence[Place],
        destination: Place,
        *,
        siren: bool,
        beside: F64 | None = None,
        within_s: float | None = None,
        moving: NDArray[np.bool_] | None = None,
    ) -> F64:
        """Return (U,) predicted seconds to `destination`, as `UnitRouter.etas` does."""
        if not places:
            return np.empty(0)
        return self.router(siren=siren).etas(places, destination, beside, within_s, moving)

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: F64 | None = None,
        moving: bool = False,
    ) -> F64:
        """Return (D,) predicted seconds from `origin`; see `Mobility.travel_times`."""
        if not destinations:
            return np.empty(0)
        return self.router(siren=siren).travel_times(origin, destinations, beside, moving=moving)
