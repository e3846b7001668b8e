"""Simulated time: seconds since city midnight of the scenario's first day.

Every time in a run (`t`, `t_call`, ...) is that number, so 08:00 is 28,800 whatever the day. The
instant of that midnight in UTC is kept beside it, and only the edges turn one into the other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from twin.core.errors import InputError

DAY_S = 86_400.0
HOUR_S = 3_600.0
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?")


def parse_clock(text: str, *, field: str = "time") -> float:
    """Return the seconds since midnight of `"HH:MM"` or `"HH:MM:SS"`; 24:00 and later are legal.

    Raises
    ------
    InputError
        If the text is not a clock time.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"{text!r} is not a clock time", field=field, hint="write HH:MM or HH:MM:SS"
        )
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * HOUR_S + minutes * 60.0 + seconds


def format_clock(seconds: float) -> str:
    """Return `"HH:MM:SS"` of a time of day; hours run past 24 on later days."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def is_weekend(day: date, t: float = 0.0) -> bool:
    """Return whether second `t` after the midnight of `day` is on a Saturday or a Sunday."""
    return (day.weekday() + int(t // DAY_S)) % 7 >= 5


SKIPPED = "an hour that the clock change skips, moved to its end"
REPEATED = "an hour that the clock change repeats, read as its first"


def instant_of(stamp: datetime, timezone: str, mended: Counter[str] | None = None) -> datetime:
    """Return the instant of a time stamp in UTC; one that names no zone is time of `timezone`.

    Clocks never showed a time of an hour that the spring change skips: it is moved to the end of
    the gap. One of the hour that the autumn change repeats is read as the first of the two.

    Parameters
    ----------
    stamp
        A time stamp.
    timezone
        IANA name of a zone.
    mended
        Counts stamps by the rule that was applied (`SKIPPED`, `REPEATED`).
    """
    if stamp.tzinfo is not None:
        return stamp.astimezone(UTC)
    zone = ZoneInfo(timezone)
    # Of a repeated hour the first; in a gap it counts on with the offset before it, so too late.
    found, other = (stamp.replace(tzinfo=zone, fold=k).astimezone(UTC) for k in (0, 1))
    if found == other:
        return found
    skipped = other < found
    if mended is not None:
        mended[SKIPPED if skipped else REPEATED] += 1
    return _change_between(other, found, zone) if skipped else found


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the whole second from which on clocks have the offset that they have at `after`."""
    low, high = math.floor(before.timestamp()), math.ceil(after.timestamp())
    offset = after.astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Turns simulated seconds into instants and city time.

    Parameters
    ----------
    day
        The scenario's first day.
    timezone
        IANA name of the city's zone.
    """

    day: date
    timezone: str

    @property
    def midnight_utc(self) -> datetime:
        """The instant of `t = 0`."""
        local = datetime(
            self.day.year, self.day.month, self.day.day, tzinfo=ZoneInfo(self.timezone)
        )
        return local.astimezone(UTC)

    def utc(self, t: float) -> datetime:
        """Return the instant of simulated second `t`."""
        return self.midnight_utc + timedelta(seconds=t)

    def local(self, t: float) -> datetime:
        """Return city time at simulated second `t`."""
        return self.utc(t).astimezone(ZoneInfo(self.timezone))

    def seconds(self, instant: datetime) -> float:
        """Return the simulated second of an aware `instant`."""
        return (instant - self.midnight_utc).total_seconds()
