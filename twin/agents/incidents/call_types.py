"""Types of calls: which one a call is of, and what it turns out to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.core.random import Streams
from twin.scenarios.care import CallType, FireType, MedicalType
from twin.scenarios.care_fire import Rate


class Finding(NamedTuple):
    """What a call turns out to be.

    Attributes
    ----------
    name
        Its type; empty where it has none.
    priority
        The priority of all calls of the type; None where it has none.
    arrest
        Whether the patient's heart stands still.
    more_patients
        Patients beside those that were reported.
    p_transport
        Share of its patients taken to hospital; None as of others.
    rate
        How the fire grows; None as of others.
    need
        What a hospital must be able to treat; None as of others.
    shift
        By how much triage on scene changes the first patient's priority: -1 is more urgent.
    worse_s
        Seconds from the call until who still waits is more urgent by one priority; infinite if
        never.
    cancelled_s
        Seconds from the call until it is called off; infinite if it is not.
    check_s
        Seconds on scene until a false alarm is known as one; None where it is none.
    """

    name: str = ""
    priority: int | None = None
    arrest: bool = False
    more_patients: int = 0
    p_transport: float | None = None
    rate: Rate | None = None
    need: str | None = None
    shift: int = 0
    worse_s: float = math.inf
    cancelled_s: float = math.inf
    check_s: float | None = None


PLAIN = Finding()
"""A call of no type."""


class CallTypes:
    """Draws what each call is, from a stream of its own.

    Parameters
    ----------
    types
        The scenario's, whose shares of a kind are at most 1 together.
    streams
        Random streams of the replication.
    """

    def __init__(self, types: Sequence[CallType], streams: Streams) -> None:
        self._streams = streams
        self._of: dict[str, list[CallType]] = {}
        for each in types:
            self._of.setdefault(each.kind, []).append(each)

    def of(self, kind: str, call_id: str, name: str = "") -> Finding:
        """Return what a call is, of the type of that name or of one that is drawn.

        Nothing is drawn where its kind has no types.
        """
        if kind not in self._of:
            return PLAIN
        rng = self._streams.stream("call-type", call_id)
        u = rng.random(6)
        bounds = np.cumsum([each.share for each in self._of[kind]])
        which = int(np.searchsorted(bounds, u[0], side="right"))
        if name:
            which = [each.name for each in self._of[kind]].index(name)
        if which == len(bounds):
            return PLAIN
        found = self._of[kind][which]
        shift = -1 if u[1] < found.p_upgraded else int(u[1] >= 1.0 - found.p_downgraded)
        cancelled = u[2] < found.p_cancelled
        return Finding(
            name=found.name,
            priority=found.priority,
            arrest=isinstance(found, MedicalType) and found.arrest,
            p_transport=found.p_transport,
            rate=found.rate if isinstance(found, FireType) else None,
            need=found.need,
            shift=shift,
            worse_s=_exponential(found.worse_after_s, u[5]),
            cancelled_s=_exponential(found.cancelled_after_s if cancelled else None, u[3]),
            check_s=found.check_s if u[4] < found.p_false else None,
            more_patients=int(rng.poisson(found.more_patients)) if found.more_patients else 0,
        )


def _exponential(mean: float | None, u: float) -> float:
    """Return the exponential variate of a uniform one; infinite without a mean."""
    return math.inf if mean is None else -mean * math.log1p(-u)
