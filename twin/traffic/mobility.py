"""The one call that agents make of the streets: `yield mobility.drive(unit, destination)`.

Two fidelities stand behind it, with the same agents and the same calls: `micro` puts the unit into
lane-level traffic, `table` looks its travel time up. An agent never touches an array.

A place on a two-way street is reached from either side, and who stands there sets out on either;
who is on the move keeps its side to the next junction (`kernels.both_sides`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import simpy
from numpy.typing import NDArray

from twin.core.errors import TwinError
from twin.network.conditions import Conditions
from twin.network.graph import Place
from twin.scenarios.signals import SignalSettings
from twin.traffic.buses import Buses
from twin.traffic.trip_routes import RouteBook


class UnreachableError(TwinError):
    """No open road leads from where a unit is to where it should go."""


class Mobility(Protocol):
    """What agents see of the streets. Times are simulated seconds (see `twin.core.clock`)."""

    tick_s: float
    """Longest step that the clock may take at once, seconds."""
    book: RouteBook | None
    """Routes that trips planned and drove, if they are recorded."""
    buses: Buses | None
    """Buses of lines, if there are any."""

    def add_unit(self, unit_id: str, kind: str, place: Place) -> int:
        """Put a parked unit on the map and return its handle (0, 1, 2, ...)."""

    def remove_unit(self, unit: int) -> None:
        """Take a unit off the map (end of shift, change of base)."""

    def drive(self, unit: int, destination: Place, *, siren: bool) -> simpy.Event:
        """Start a drive from where the unit is; the event's value is the exact time of arrival.

        Driving again before arrival turns the unit round where it is; the earlier event never
        happens. An event fails with `UnreachableError` when no open road leads there.
        """

    def stop(self, unit: int) -> Place:
        """Let a unit halt where it is and return the place."""

    def place_of(self, unit: int) -> Place:
        """Return the unit's true position on the road."""

    def moving(self, unit: int) -> bool:
        """Return whether a unit is on the move."""

    def etas(
        self,
        units: Sequence[int],
        destination: Place,
        *,
        siren: bool,
        beside: NDArray[np.float64] | None = None,
        within_s: float | None = None,
    ) -> NDArray[np.float64]:
        """(U,) predicted seconds of driving to `destination`; `inf` where no road leads there.

        Who wants to know only which unit has the least sum of its drive and (U,) seconds `beside`
        it gives those: then the drives of units that cannot have it may be `inf` too, which costs
        a small part of a search of the whole city. So does who asks for the drives `within_s` only.
        """

    def travel_times(
        self,
        origin: Place,
        destinations: Sequence[Place],
        *,
        siren: bool,
        beside: NDArray[np.float64] | None = None,
        moving: bool = False,
    ) -> NDArray[np.float64]:
        """(D,) predicted seconds of driving from `origin`; `inf` where no road leads there.

        The unit stands there, or is `moving`. With (D,) seconds `beside`, as in `etas`.
        """

    def move(self, t_to: float) -> None:
        """Advance everything that moves to simulated second `t_to`."""

    def arrive(self) -> None:
        """Succeed the events of the units that have reached their goal, in order of unit handle."""

    def block(self, place: Place, lanes: int, *, opposite: bool = False) -> int:
        """Take `lanes` lanes at `place` out of use (an incident); return a token.

        Who passes slows; with `opposite`, who drives the other way does too.
        """

    def unblock(self, token: int) -> None:
        """Give the lanes of `block` back."""

    def close_links(self, links: Sequence[int], lanes: int | None) -> None:
        """Close links (`lanes` None) or that many of their kerb lanes, until `open_links`."""

    def open_links(self, links: Sequence[int]) -> None:
        """Open every lane of the links that `close_links` closed."""

    def set_tolls(self, seconds: NDArray[np.float32]) -> None:
        """Set (L,) seconds that the charge for entering each link is worth to ordinary drivers."""

    def ban_turns(self, turns: NDArray[np.int32]) -> None:
        """Let nobody make these turns, and allow all others; a siren makes no exception."""

    def set_bus_lanes(self, lanes: Mapping[int, Sequence[int]]) -> None:
        """Keep these lanes, by link, for buses and emergency units, and no others."""

    def set_signals(self, settings: SignalSettings) -> None:
        """Run the signals of lane-level traffic as these settings say."""

    def set_conditions(self, conditions: Conditions) -> None:
        """Let weather and the speeds and capacities of work zones be these from now on."""

    def scale_demand(self, factor: float) -> None:
        """Let the trips that depart from now on be `factor` times the scenario's."""


@runtime_checkable
class Bounded(Protocol):
    """A mobility that knows, for much less than a prediction costs, what drives take at least."""

    def least_times(
        self,
        origins: Sequence[Place],
        destinations: Sequence[Place],
        moving: NDArray[np.bool_],
        *,
        siren: bool,
    ) -> NDArray[np.float64] | None:
        """(U, D) seconds that `Mobility.travel_times` never undercuts, of units of which (U,) move.

        None where nothing is known of the destinations.
        """
