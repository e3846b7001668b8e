"""What a hook sees of the traffic between two ticks, as arrays, and what it may do there.

A hook is a function of one argument, the `View`, registered by `MicroTraffic.every`. Nothing is
read or copied before the hook asks for it, and a run without hooks does not know of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.core.errors import InputError
from twin.network.graph import I8, I32, I64, Network
from twin.traffic.kernels.layout import Net, Records, State
from twin.traffic.kernels.observing import count_lanes
from twin.traffic.kernels.signals.holding import HOLD_GREEN, HOLD_RED, PLAN, RELEASE
from twin.traffic.vehicles import VehicleView

if TYPE_CHECKING:
    from twin.traffic.micro import MicroTraffic

QUEUE_MPS = 1.4
"""Vehicles slower than a walk (5 km/h) count as queued."""


class Command(NamedTuple):
    """Something that a hook did: when, what, and with what."""

    t: float
    kind: str
    detail: dict[str, Any]


class View:
    """The traffic between two ticks; valid until the hook returns.

    Parameters
    ----------
    traffic
        The vehicles.

    Attributes
    ----------
    t, tick
        Simulated second, and ticks since the traffic began.
    dt_s
        Length of a tick, seconds.
    network
        The roads.
    """

    def __init__(self, traffic: MicroTraffic) -> None:
        self._traffic = traffic
        self.t: float = traffic.t
        self.tick: int = traffic.tick
        self.dt_s: float = traffic.dt_s
        self.network: Network = traffic.network

    # What it sees

    @property
    def kernel_state(self) -> tuple[State, Net, Records]:
        """The memory that kernels work on (see `kernels.layout`), for kernels that only read it."""
        traffic = self._traffic
        return traffic._state, traffic._net, traffic._records  # noqa: SLF001

    @cached_property
    def _lanes(self) -> tuple[I32, I32]:
        state, _, record = self.kernel_state
        count = int(self.lane_ptr[-1])
        vehicles, queued = np.empty(count, np.int32), np.empty(count, np.int32)
        count_lanes(np.float32(QUEUE_MPS), state, record, vehicles, queued)
        return vehicles, queued

    @cached_property
    def lane_ptr(self) -> I64:
        """(L + 1,) where the lanes of each link begin, the kerb first, and where all end."""
        return np.concatenate([[0], np.cumsum(self.network.link_lanes, dtype=np.int64)])

    @property
    def lane_vehicles(self) -> I32:
        """(K,) vehicles on every lane."""
        return self._lanes[0]

    @property
    def lane_queues(self) -> I32:
        """(K,) of them, those slower than `QUEUE_MPS`."""
        return self._lanes[1]

    @property
    def link_vehicles(self) -> I32:
        """(L,) vehicles on every link."""
        return np.add.reduceat(self._lanes[0], self.lane_ptr[:-1], dtype=np.int32)

    @property
    def link_queues(self) -> I32:
        """(L,) of them, those slower than `QUEUE_MPS`."""
        return np.add.reduceat(self._lanes[1], self.lane_ptr[:-1], dtype=np.int32)

    @cached_property
    def vehicles(self) -> VehicleView:
        """The vehicles on the road, as columns."""
        return self._traffic.vehicles

    @property
    def group_states(self) -> I8:
        """(G,) state of every signal group in the last tick: 0 green, 1 yellow, 2 red."""
        state: I8 = self._traffic._net.group["state"].astype(np.int8)  # noqa: SLF001
        return state

    @property
    def group_held(self) -> NDArray[np.bool_]:
        """(G,) whether a hook holds the group against its plan."""
        held: NDArray[np.bool_] = self._traffic._net.group["held"] != PLAN  # noqa: SLF001
        return held

    # What it may do

    def hold(self, groups: ArrayLike, *, green: ArrayLike) -> None:
        """Hold signal groups green or red from the next tick on, until `release`.

        Yellow comes before red, and a group waits for the others of its signal that are held red
        to clear the junction before it turns green. Which groups may be green together is for the
        caller to know.

        Parameters
        ----------
        groups
            Indices of groups.
        green
            Whether each is to be green; one value stands for all.

        Raises
        ------
        InputError
            If there is no such group, or `green` has neither one value nor one for each.
        """
        index = self._groups(groups)
        want = np.where(green, HOLD_GREEN, HOLD_RED)
        if want.shape not in ((), (1,), index.shape):
            why = f"{want.size} values for {len(index)} signal groups"
            raise InputError(why, field="green")
        want = np.broadcast_to(want, index.shape)
        self._set_held(index, want.astype(np.int32), "hold-signal")

    def show(self, signal: int, groups: ArrayLike) -> None:
        """Hold `groups` of a signal green and all its others red."""
        if not 0 <= signal < self.network.n_signals:
            raise InputError(f"there is no signal {signal}", field="signal")
        mine = np.flatnonzero(self.network.group_signal == signal)
        chosen = self._groups(groups)
        if not np.isin(chosen, mine).all():
            raise InputError(f"signal {signal} has no such groups", field="groups")
        self.hold(mine, green=np.isin(mine, chosen))

    def release(self, groups: ArrayLike) -> None:
        """Lead held groups back to their plans."""
        index = self._groups(groups)
        index = index[self.group_held[index]]
        self._set_held(index, np.full(len(index), RELEASE, np.int32), "release-signal")

    def set_plan(
        self,
        signal: int,
        *,
        cycle_s: float,
        offset_s: float,
        green_from: ArrayLike,
        green_to: ArrayLike,
        groups: ArrayLike | None = None,
    ) -> None:
        """Give a signal another fixed plan (see `MicroTraffic.set_plan`)."""
        begin, end = np.asarray(green_from, np.float64), np.asarray(green_to, np.float64)
        mine = np.flatnonzero(self.network.group_signal == signal)
        owner = mine if groups is None else np.asarray(groups, np.int64)
        self._traffic.set_plan(
            signal,
            cycle_s=cycle_s,
            offset_s=offset_s,
            green_from=begin,
            green_to=end,
            groups=owner,
        )
        self._log(
            "set-plan",
            signal=signal,
            cycle_s=cycle_s,
            offset_s=offset_s,
            green_from=begin.tolist(),
            green_to=end.tolist(),
            groups=owner.tolist(),
        )

    def close_lanes(self, link: int, lanes: int | None = None) -> None:
        """Close a link, or its `lanes` lanes at the kerb (see `MicroTraffic.close_lanes`)."""
        self._traffic.close_lanes(link, lanes)
        self._log("close-lanes", link=int(self.network.link_id[link]), lanes=lanes)

    def open_lanes(self, link: int) -> None:
        """Open a link and all its lanes."""
        self._traffic.open_lanes(link)
        self._log("open-lanes", link=int(self.network.link_id[link]))

    def reroute(self, chosen: ArrayLike, route_ptr: ArrayLike, route_link: ArrayLike) -> int:
        """Give vehicles new routes that begin on the links they are on.

        Parameters
        ----------
        chosen
            (N,) mask over `vehicles`, or the numbers of vehicles.
        route_ptr, route_link
            (M + 1,), (R,) the links of the routes, one route to each chosen vehicle.

        Returns
        -------
        int
            How many took theirs.

        Raises
        ------
        InputError
            If a route is broken, or there is not one to each vehicle.
        """
        # An empty list is an array of floats, by which nothing can be indexed.
        mask = np.asarray(chosen)
        ptr, links = np.asarray(route_ptr, np.int64), np.asarray(route_link, np.int64)
        if mask.dtype == np.bool_ and len(mask) != len(self.vehicles.id):
            why = f"a mask of {len(mask)} for {len(self.vehicles.id)} vehicles"
            raise InputError(why, field="chosen")
        ids = self.vehicles.id[mask] if mask.dtype == np.bool_ else np.asarray(mask, np.int64)
        if len(ptr) != len(ids) + 1:
            raise InputError(f"{len(ids)} vehicles need as many routes", field="route_ptr")
        taken = self._traffic.set_route(ids, ptr.astype(np.int32), links.astype(np.int32))
        goal = self.network.link_id[links[ptr[1:] - 1]]
        self._log("reroute", vehicles=ids.tolist(), goals=goal.tolist(), taken=taken)
        return taken

    # Inside

    def _groups(self, groups: ArrayLike) -> I64:
        index = np.atleast_1d(np.asarray(groups, np.int64))
        most = len(self.network.group_signal)
        if ((index < 0) | (index >= most)).any():
            raise InputError(f"there are signal groups 0 to {most - 1}", field="groups")
        return index

    def _set_held(self, index: I64, want: I32, kind: str | None) -> None:
        group = self._traffic._net.group  # noqa: SLF001
        change = group["held"][index] != want
        index, want = index[change], want[change]
        if not len(index):
            return
        # From now on the hook has the say, not the signal's controller.
        self._traffic.free_signals(np.unique(group["signal"][index]))
        # Who was in yellow or red by plan stays in it for as long.
        planned = index[group["held"][index] == PLAN]
        before = self.t - self._traffic.dt_s
        group["until"][planned] = before + group["left"][planned].astype(np.float64)
        group["held"][index] = want
        if kind is not None:
            self._log(kind, groups=index.tolist(), green=(want == HOLD_GREEN).tolist())

    def _log(self, kind: str, **detail: Any) -> None:
        log = self._traffic.commands
        if log is not None:
            log.append(Command(self.t, kind, detail))


Hook: TypeAlias = Callable[[View], None]
"""What `MicroTraffic.every` calls."""
