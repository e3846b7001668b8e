"""Times of day and of the week of GMNS: `time_day` texts and `time_set_definitions.csv`."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from twin.core.errors import InputError
from twin.network.csv_columns import CsvColumns

TIMES = "time_set_definitions.csv"
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "holiday")
DEFAULT_MOMENT = "wednesday 17:30"
"""Whose plans are taken where a controller has several: the evening peak of a working day."""
_TIME_DAY = re.compile(r"([01]{8})_(\d\d):?(\d\d)_(\d\d):?(\d\d)")
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::\d\d)?")
_YES = frozenset({"1", "true", "t", "yes", "y"})
_NO = frozenset({"0", "false", "f", "no", "n"})
_HOUR = 60
_DAY = 24 * _HOUR


class Moment(NamedTuple):
    """A minute of a day: which of `DAYS`, and minutes after midnight."""

    day: int
    minute: int

    def __str__(self) -> str:
        hour, minute = divmod(self.minute, _HOUR)
        return f"{DAYS[self.day].capitalize()} {hour:02d}:{minute:02d}"


class TimeSet(NamedTuple):
    """Days of `DAYS`, and minutes after midnight at which it begins and ends."""

    days: tuple[bool, ...]
    begin: int
    end: int

    def covers(self, moment: Moment) -> bool:
        """Return whether a moment is in it; one that ends before it begins runs over midnight."""
        if not self.days[moment.day]:
            return False
        if self.begin < self.end:
            return self.begin <= moment.minute < self.end
        return moment.minute >= self.begin or moment.minute < self.end


def moment_of(text: str) -> Moment:
    """Return the moment of a text as `wednesday 17:30` or `sat 11:00`.

    Raises
    ------
    InputError
        If it is none.
    """
    word, _, clock = text.strip().lower().rpartition(" ")
    days = [k for k, day in enumerate(DAYS) if len(word) >= 3 and day.startswith(word.strip())]
    found = _CLOCK.fullmatch(clock)
    minute = _minute(found[1], found[2]) if found else -1
    if len(days) != 1 or not 0 <= minute < _DAY:
        hint = f"as in {DEFAULT_MOMENT!r}"
        raise InputError(f"{text!r} is no day and time", field="plan_at", hint=hint)
    return Moment(days[0], minute)


def _minute(hour: str, minute: str) -> int:
    """Return minutes after midnight, up to 24:00; -1 for none."""
    total = int(hour) * _HOUR + int(minute)
    return total if int(minute) < _HOUR and total <= _DAY else -1


def time_day(text: str) -> TimeSet | None:
    """Return the times of a text as `01111100_0600_0900`; None if it is none.

    The bits are Sunday to Saturday and holidays.
    """
    found = _TIME_DAY.fullmatch(text)
    if found is None:
        return None
    begin, end = _minute(found[2], found[3]), _minute(found[4], found[5])
    if begin < 0 or end < 0:
        return None
    return TimeSet(tuple(bit == "1" for bit in found[1]), begin, end)


def time_sets(table: CsvColumns) -> dict[str, TimeSet]:
    """Return the times of `time_set_definitions.csv` by `timeday_id`.

    Raises
    ------
    InputError
        Naming the file, the row and the column of the first fault.
    """
    names = table.unique_names("timeday_id")
    # The specification writes `Friday`.
    field = {name.lower(): name for name in table.header}
    days = []
    for day in DAYS:
        words = [word.lower() for word in table.text(field.get(day, day))]
        unclear = np.array([word not in _YES | _NO for word in words], np.bool_)
        table.refuse(unclear, field.get(day, day), "{} is neither true nor false")
        days.append([word in _YES for word in words])
    clock = []
    for which in ("start_time", "end_time"):
        minutes = []
        for text in table.text(which):
            found = _CLOCK.fullmatch(text)
            minutes.append(_minute(found[1], found[2]) if found else -1)
        table.refuse(np.array(minutes) < 0, which, "{} is no time, as in 06:00")
        clock.append(minutes)
    rows = zip(names, zip(*days, strict=True), *clock, strict=True)
    return {name: TimeSet(own, begin, end) for name, own, begin, end in rows}
