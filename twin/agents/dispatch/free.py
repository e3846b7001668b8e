"""Which units are free, kept as they change instead of asked for at every call."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.agents.units.unit import Unit


_NUMBER = attrgetter("number")


class FreeUnits:
    """Units without a call, at a station or on their way to one, by kind and in their order.

    Attributes
    ----------
    always_on
        Whether no unit has a shift or a pause: then who is free is available, too.
    """

    def __init__(self) -> None:
        self.always_on = True
        self._of: dict[str, list[Unit]] = {}

    def keep(self, unit: Unit, *, free: bool) -> None:
        """Take note of whether a unit is free."""
        units = self._of.setdefault(unit.kind, [])
        if free:
            insort(units, unit, key=_NUMBER)
        else:
            units.remove(unit)

    def available(self, kind: str) -> list[Unit]:
        """Return the units of a kind that can be given a call (see `Unit.available`)."""
        units = self._of.get(kind, [])
        return units.copy() if self.always_on else [unit for unit in units if unit.available]
