"""When units are staffed: daily shifts, those of some weekdays, and changes of crew."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.core.clock import DAY_S
from twin.core.errors import InputError


def weekdays(text: object) -> frozenset[int]:
    """Return the days of the week of a text such as `"67"`; none for an empty or missing one.

    Raises
    ------
    InputError
        If it is anything else.
    """
    digits = text.strip() if isinstance(text, str) else ""
    if set(digits) - set("1234567"):
        raise InputError(
            f"{digits!r} are no days of the week",
            field="days",
            hint="write a digit for each, 1 is Monday and 7 Sunday, as 67 for the weekend",
        )
    return frozenset(int(digit) for digit in digits)


@dataclass(frozen=True, slots=True)
class Shift:
    """A daily shift from `on_s` to `off_s`, seconds since midnight; equal times mean always.

    Parameters
    ----------
    on_s, off_s
        Seconds since midnight.
    days
        Days of the week (1 is Monday) on which it begins; every day if empty.
    first_day
        Day of the week of the first simulated day.
    changes_s
        Where it lasts always: times of day at which one crew follows another, in their order.
    """

    on_s: float
    off_s: float
    days: frozenset[int] = frozenset()
    first_day: int = 1
    changes_s: tuple[float, ...] = ()

    def at(self, t: float) -> tuple[float, float]:
        """Return from when to when the shift lasts that holds at `t`, or else the next one."""
        length = (self.off_s - self.on_s) % DAY_S
        if length == 0 and not self.days:
            return self._crew_at(t)
        length = length or DAY_S
        start = self.on_s + math.floor((t - self.on_s) / DAY_S) * DAY_S
        while t >= start + length or not self._begins_at(start):
            start += DAY_S
        return start, start + length

    def _begins_at(self, start: float) -> bool:
        return not self.days or (self.first_day - 1 + int(start // DAY_S)) % 7 + 1 in self.days

    def _crew_at(self, t: float) -> tuple[float, float]:
        if not self.changes_s:
            return -math.inf, math.inf
        midnight = math.floor(t / DAY_S) * DAY_S
        times = [
            midnight + day * DAY_S + at for day in (-1, 0, 1) for at in self.changes_s
        ]  # fmt: skip
        begun = max(at for at in times if at <= t)
        return begun, min(at for at in times if at > t)
