"""What traffic does, whatever its fidelity: lanes (`micro`) or queues (`meso`).

The calls are explained at `twin.traffic.micro.MicroTraffic`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from twin.demand.trips import Trips
from twin.network.conditions import Conditions
from twin.network.graph import F32, I32, I64, Network, Place
from twin.traffic.figures import Counters, Finished, LinkStats, Running
from twin.traffic.kernels.layout import AMBULANCE
from twin.traffic.storage import Checkpoint
from twin.traffic.vehicles import VehicleView


class Traffic(Protocol):
    """Vehicles on a network, moved by ticks of `dt_s` seconds."""

    network: Network
    dt_s: float
    tick: int

    @property
    def t(self) -> float:
        """Simulated second now."""

    @property
    def counters(self) -> Counters:
        """Totals since the start."""

    @property
    def vehicles(self) -> VehicleView:
        """The vehicles on the road now."""

    @property
    def closed(self) -> I32:
        """Links that nobody may enter."""

    def add_trips(self, trips: Trips) -> I64:
        """Queue trips at their first links; return their vehicle numbers."""

    def advance(self, n_ticks: int) -> None:
        """Advance by ticks."""

    def finished(self) -> Finished:
        """Return the trips that ended since the last call."""

    def link_stats(self, *, reset: bool = True) -> LinkStats:
        """Return what happened on every link since the last reset."""

    def link_travel_time(self) -> F32:
        """(L,) current travel time of every link, seconds."""

    def turn_delay(self) -> F32:
        """(T,) seconds that who will make a turn loses on its link beside the mean of all there."""

    def insert_unit(
        self,
        unit: int,
        place: Place,
        route: I32,
        end_pos_m: float,
        *,
        speed_factor: float,
        siren: bool,
        kind: int = AMBULANCE,
    ) -> None:
        """Let a unit enter the road and drive a route."""

    def reroute_unit(self, unit: int, route: I32, end_pos_m: float | None = None) -> None:
        """Give a unit a new route."""

    def remove_unit(self, unit: int) -> Place:
        """Take a unit off the road and return where it was."""

    def unit_running(self, unit: int) -> bool:
        """Return whether a unit is on the road."""

    def unit_place(self, unit: int) -> Place:
        """Return where a unit is."""

    def arrivals(self) -> list[tuple[int, float]]:
        """Return the units that arrived since the last call, and when."""

    def close_lanes(self, link: int, lanes: int | None = None) -> None:
        """Close a link or lanes of it."""

    def open_lanes(self, link: int) -> None:
        """Open a link and all its lanes."""

    def leads_out(self, links: I32) -> bool:
        """Return whether who is on the first of some links may drive along all of them."""

    def set_bus_lanes(self, link: int, lanes: Iterable[int]) -> None:
        """Keep these lanes of a link for buses and emergency units, and no others of it."""

    @property
    def bus_lanes(self) -> dict[int, tuple[int, ...]]:
        """Lanes of links that are kept for buses and emergency units."""

    @property
    def banned(self) -> I32:
        """The turns that are banned."""

    def ban_turns(self, turns: I32) -> None:
        """Ban these turns and no others."""

    def block(self, place: Place, lanes: int) -> int:
        """Take lanes at a place out of use; return a token."""

    def unblock(self, token: int) -> None:
        """Give the lanes of `block` back."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Let weather and work zones be these."""

    def slow(self, place: Place, share: float) -> int:
        """Let drivers slow where they pass a place; return a token."""

    def unslow(self, token: int) -> None:
        """Let drivers pass as anywhere."""

    def vehicles_with(self, link: int) -> I64:
        """Return the vehicles that have yet to enter a link."""

    def vehicles_turning(self, turns: I32) -> I64:
        """Return the vehicles that have yet to make one of these turns."""

    def ways_ahead(self, vehicles: I64) -> tuple[I32, I32]:
        """Return the routes of vehicles from the links they are on, as compressed rows."""

    def set_route(self, ids: I64, route_ptr: I32, route_link: I32) -> int:
        """Give vehicles new routes; return how many took theirs."""

    def running_routes(self, *, share: float = 1.0) -> Running:
        """Return the link and the goal of vehicles on the road."""

    def checkpoint(self) -> Checkpoint:
        """Return the whole state."""

    def restore(self, parts: Checkpoint) -> None:
        """Take the state of a checkpoint."""
