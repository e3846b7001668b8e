"""Response plans: which units a call asks for, as data."""

from __future__ import annotations

from collections.abc import Sequence

from twin.scenarios.care import FirePlan, Plan, Sent, read_sent

_USUAL: dict[tuple[str, int | None], tuple[str, ...]] = {
    ("medical", None): ("ambulance per patient",),
    ("fire", 1): ("2 engine", "ambulance per patient"),
    ("fire", None): ("engine", "ambulance per patient"),
    ("collision", 1): ("ambulance per patient", "engine"),
    ("collision", None): ("ambulance per patient",),
}
"""What is sent where a scenario says nothing, by kind of incident and priority (assumption: two
engines to a serious fire, as the first-due and second-due of Seoul's safety centres)."""
_MORE = (read_sent("2 engine"),)
"""What is sent with a later alarm where a scenario says nothing (assumption)."""


class ResponsePlans:
    """Finds the plan of a call: the scenario's before the usual ones, the particular first.

    Parameters
    ----------
    plans
        The scenario's; the first of those that fit equally well holds.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._lines: dict[tuple[str, str, int | None], tuple[Sent, ...]] = {}
        self._later: dict[tuple[str, int | None, int], tuple[Sent, ...]] = {}
        for plan in plans:
            key = (plan.type or "", plan.priority)
            if isinstance(plan, FirePlan) and plan.alarm > 1:
                self._later.setdefault((*key, plan.alarm), _read(plan.send))
            else:
                self._lines.setdefault((plan.kind, *key), _read(plan.send))
        for_every = {kind for kind, name, priority in self._lines if not name and priority is None}
        for (kind, priority), lines in _USUAL.items():
            if kind not in for_every:
                self._lines.setdefault((kind, "", priority), _read(lines))

    def of(self, kind: str, name: str, priority: int) -> tuple[Sent, ...]:
        """Return what is sent to a call of a kind, of a type of that name (or none), of a priority.

        A plan of the type goes before one of the priority.
        """
        lines = self._lines
        for key in ((kind, name, priority), (kind, name, None), (kind, "", priority)):
            if key in lines:
                return lines[key]
        return lines[kind, "", None]

    def more(self, name: str, priority: int, alarm: int) -> tuple[Sent, ...]:
        """Return what is sent to a fire when the second alarm or a later one is struck."""
        for key in ((name, priority), (name, None), ("", priority), ("", None)):
            if (*key, alarm) in self._later:
                return self._later[*key, alarm]
        return _MORE


def _read(lines: Sequence[str]) -> tuple[Sent, ...]:
    return tuple(read_sent(line) for line in lines)
