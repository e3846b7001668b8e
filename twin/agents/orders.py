"""Units and hospitals that a scenario orders for calls: `choose-unit` and `choose-hospital`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from twin.city.names import unit_like
from twin.core.clock import format_clock
from twin.core.errors import InputError, did_you_mean
from twin.scenarios.change_kinds import Change, ChooseHospital, ChooseUnit

if TYPE_CHECKING:
    from twin.agents.hospitals.hospital import Hospital
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

_MADE = ("I-", "X-")
"""Calls whose ids begin so are made while the run goes on: injected ones and collisions."""


class Orders:
    """What a scenario orders, by call and role; each order holds for the first choice.

    Attributes
    ----------
    units, hospitals
        Number of the change and id, by call and role.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self.units: dict[tuple[str, str], tuple[int, str]] = {}
        self.hospitals: dict[tuple[str, str], tuple[int, str]] = {}
        for number, change in enumerate(changes, start=1):
            if isinstance(change, ChooseUnit):
                self.units[change.call, change.role] = (number, change.unit)
            elif isinstance(change, ChooseHospital):
                role = change.role or "ambulance-1"
                self.hospitals[change.call, role] = (number, change.hospital)

    def check(self, world: World, calls: pd.DataFrame) -> None:
        """Refuse orders for calls or units that the run will not have.

        An order that does not say for which request of the call it is, is for the first one of the
        unit's kind.

        Raises
        ------
        InputError
            Naming the change and its field.
        """
        if not (self.units or self.hospitals):
            return
        known = set(calls["call_id"])
        for orders in (self.units, self.hospitals):
            for (call, _), (number, _) in orders.items():
                if call not in known and not call.startswith(_MADE):
                    raise InputError(
                        f"the run has no call {call!r}",
                        field=f"changes.{number}.call",
                        hint=did_you_mean(call, sorted(known)) or f"it has {len(known)}",
                    )
        kinds = {unit.unit_id: unit.kind for unit in world.units}
        for (call, role), (number, unit) in list(self.units.items()):
            if unit not in kinds:
                raise InputError(
                    f"there is no unit {unit!r}",
                    field=f"changes.{number}.unit",
                    hint=unit_like(unit, kinds, role.partition("-")[0])
                    or "`twin city places` lists the units of a city",
                )
            if not role:
                del self.units[call, role]
                self.units[call, f"{kinds[unit]}-1"] = (number, unit)

    def unasked(self) -> list[dict[str, str | int]]:
        """Return the orders for which no choice has come: number of the change, call, and id.

        The id is that of a `unit` or of a `hospital`. It may be that nobody was sought for
        the call, or that the patient was taken nowhere.
        """
        return sorted(
            (
                {"change": number, "call": call, what: wanted}
                for what, orders in (("unit", self.units), ("hospital", self.hospitals))
                for (call, _), (number, wanted) in orders.items()
            ),
            key=lambda order: int(order["change"]),
        )

    def has_unit(self, task: Task) -> bool:
        """Return whether a unit is ordered for a request."""
        return bool(self.units) and _key(task) in self.units

    def unit_for(self, task: Task, free: Sequence[Unit]) -> Unit | None:
        """Return the unit that is ordered for a request, out of the free ones of its kind.

        Raises
        ------
        InputError
            If that unit cannot go.
        """
        key = _key(task)
        if key not in self.units:
            return None
        number, wanted = self.units[key]
        for unit in free:
            if unit.unit_id == wanted and task.takes(unit):
                del self.units[key]
                return unit
        can = [unit.unit_id for unit in free if task.takes(unit)]
        raise InputError(
            f"{wanted!r} cannot go to call {key[0]} at {_when(task)}",
            field=f"changes.{number}.unit",
            hint=f"free then: {', '.join(can) or 'no unit of that kind'}",
        )

    def hospital_for(self, task: Task, accepting: Sequence[Hospital]) -> Hospital | None:
        """Return the hospital that is ordered for a patient, out of those that accept them.

        Raises
        ------
        InputError
            If that hospital does not.
        """
        key = _key(task)
        if key not in self.hospitals:
            return None
        number, wanted = self.hospitals[key]
        for hospital in accepting:
            if hospital.hospital_id == wanted:
                del self.hospitals[key]
                return hospital
        raise InputError(
            f"{wanted!r} does not accept the patient of call {key[0]} at {_when(task)}",
            field=f"changes.{number}.hospital",
            hint=f"do: {', '.join(hospital.hospital_id for hospital in accepting) or 'none'}",
        )


def _key(task: Task) -> tuple[str, str]:
    return task.incident.call_id, task.role


def _when(task: Task) -> str:
    return format_clock(task.incident.world.env.now)
