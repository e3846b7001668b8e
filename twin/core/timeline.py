"""The event queue of the agents."""

# ruff: noqa: SLF001  # it does what SimPy does with its own events

from __future__ import annotations

from collections.abc import Generator
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any

import simpy
from simpy.events import NORMAL, Timeout


class QuietEvent(simpy.Event):
    """An event that takes no turn in the queue if nobody waits for it when it succeeds."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.callbacks = []

    def succeed(self, value: Any = None) -> simpy.Event:
        """Let it happen, when those who wait for it have their turn."""
        if self.callbacks or self.triggered:
            return super().succeed(value)
        succeed_now(self, value)
        return self


class _Process(simpy.Process):
    """A process that takes no turn in the queue either if nobody waits for its end."""

    def _resume(self, event: simpy.Event) -> None:
        send = self._generator.send
        while event._ok:
            try:
                event = send(event._value)
            except StopIteration as end:
                self._ok, self._value = True, end.value
                if self.callbacks:
                    self.env.schedule(self)
                else:
                    happen(self)
                return
            except BaseException as error:  # noqa: BLE001  # whoever waits for it is told
                self._ok, self._value = False, error
                self.env.schedule(self)
                return
            if event.callbacks is not None:
                self._target = event
                event.callbacks.append(self._resume)
                return
        super()._resume(event)


class Timeline(simpy.Environment):
    """SimPy's environment: the same events in the same order, at less cost for each."""

    # The getter is one of C: the time is asked for more often than anything else.
    now = property(attrgetter("_now"))

    def run(self, until: Any = None) -> Any:
        """Process all events before `until`, a time, and let that be now; else as SimPy does."""
        if not isinstance(until, float) or until <= self._now:
            return super().run(until)
        queue, pop = self._queue, heappop
        while queue and queue[0][0] < until:
            self._now, _, _, event = pop(queue)
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
            for callback in callbacks:
                callback(event)
            if not event._ok and not event.defused:
                raise event._value
        self._now = until
        return None

    # SimPy makes its own events through classes that are bound on access.
    def event(self) -> simpy.Event:
        """Return an event that nobody has let happen yet."""
        return QuietEvent(self)

    def process(self, generator: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Let a process begin at this moment."""
        return _Process(self, generator)

    def timeout(self, delay: float = 0.0, value: Any = None) -> Timeout:
        """Return an event that happens after `delay` seconds."""
        if delay < 0.0:
            raise ValueError(f"Negative delay {delay}")
        event = Timeout.__new__(Timeout)
        event.env = self
        event.callbacks = []
        event._value = value
        event._delay = delay
        event._ok = True
        heappush(self._queue, (self._now + delay, NORMAL, next(self._eid), event))
        return event


def happen(event: simpy.Event) -> None:
    """Let those who wait for an event go on."""
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]  # as SimPy does
    for callback in callbacks:
        callback(event)


def succeed_now(event: simpy.Event, value: Any = None) -> None:
    """Let an event succeed and happen at once, without a turn in the queue."""
    event._ok = True
    event._value = value
    happen(event)
