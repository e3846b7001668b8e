"""A dispatch of units by a table of times in plain Python: the oracle of `twin replay`.

It shares no code with Twin: a heap of events, units as dictionaries, and the rules as the how-to
page states them.
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Any


def simulate(
    times: list[list[float]],
    xy: list[tuple[float, float]],
    bases: list[int],
    hospitals: list[int],
    calls: list[dict[str, Any]],
    *,
    turnout: float = 0.0,
    slow: float = 0.95,
    nearest: bool = False,
    first_come: bool = False,
) -> list[dict[str, Any]]:
    """Return unit, hospital and stamps of each call.

    A call has `t`, `place`, `delay`, `scene`, `transport`, `hospital` (or None), `handover` and
    `priority`.
    """
    n = len(times)
    order = itertools.count()
    events: list[tuple[float, int, str, int]] = []
    units = [
        {
            "base": b,
            "free": True,
            "from": list(times[b]),
            "at": xy[b],
            "to": b,
            "t0": -1.0,
            "t1": -1.0,
        }
        for b in bases
    ]
    done: list[dict[str, Any]] = [{"queued": False} for _ in calls]
    waiting: list[int] = []

    def share(unit: dict[str, Any], now: float) -> float:
        if now >= unit["t1"]:
            return 1.0
        return (now - unit["t0"]) / (unit["t1"] - unit["t0"])

    def at_base(unit: dict[str, Any], now: float) -> bool:
        """Whether the crew has left the vehicle: not in the moment in which it is clear."""
        return bool(now >= unit["t1"] and now > unit["t0"])

    def point(unit: dict[str, Any], f: float) -> tuple[float, float]:
        (x0, y0), (x1, y1) = unit["at"], xy[unit["to"]]
        return x0 + f * (x1 - x0), y0 + f * (y1 - y0)

    def row(unit: dict[str, Any], now: float) -> list[float]:
        """Seconds under siren from where a unit is to each place."""
        f = share(unit, now)
        if f == 1.0:
            return times[unit["to"]]
        if nearest:
            x, y = point(unit, f)
            gap = [(math.hypot(xy[k][0] - x, xy[k][1] - y), k) for k in range(n)]
            return times[min(gap)[1]]
        return [(1.0 - f) * unit["from"][c] + f * times[unit["to"]][c] for c in range(n)]

    def go(unit: dict[str, Any], now: float, goal: int, factor: float) -> float:
        here, f = row(unit, now), share(unit, now)
        where = point(unit, f)
        if nearest and f < 1.0:
            where = xy[times.index(here)]
        unit.update({"from": here, "at": where, "to": goal, "t0": now})
        unit["t1"] = now + here[goal] * factor
        return float(unit["t1"])

    def serve(now: float) -> None:
        key = (lambda c: (calls[c]["t"], c)) if first_come else (
            lambda c: (calls[c]["priority"], calls[c]["t"], c)
        )  # fmt: skip
        for c in sorted(waiting, key=key):
            best = None
            for k, unit in enumerate(units):
                if not unit["free"]:
                    continue
                cost = row(unit, now)[calls[c]["place"]] + (turnout if at_base(unit, now) else 0)
                if best is None or cost < best[0]:
                    best = cost, k
            if best is None:
                return
            unit = units[best[1]]
            waiting.remove(c)
            unit["free"] = False
            done[c].update(unit=best[1], t_dispatch=now)
            leaves = now + turnout if at_base(unit, now) else now
            heapq.heappush(events, (leaves, next(order), "leave", c))

    for c, call in enumerate(calls):
        heapq.heappush(events, (call["t"] + call["delay"], next(order), "ask", c))
    while events:
        now, _, what, c = heapq.heappop(events)
        call, out = calls[c], done[c]
        unit = units[out["unit"]] if "unit" in out else {}
        if what == "ask":
            waiting.append(c)
            serve(now)
            out["queued"] = c in waiting
        elif what == "leave":
            t = go(unit, now, call["place"], 1.0)
            heapq.heappush(events, (t, next(order), "arrive", c))
        elif what == "arrive":
            out["t_onscene"] = now
            heapq.heappush(events, (now + call["scene"], next(order), "treated", c))
        elif what == "treated" and call["transport"]:
            near = min(range(len(hospitals)), key=lambda h: times[call["place"]][hospitals[h]])
            out["hospital"] = near if call["hospital"] is None else call["hospital"]
            factor = 1.0 if call["priority"] == 1 else 1.0 / slow
            t = go(unit, now, hospitals[out["hospital"]], factor)
            heapq.heappush(events, (t, next(order), "at hospital", c))
        elif what == "at hospital":
            heapq.heappush(events, (now + call["handover"], next(order), "clear", c))
        else:
            out["t_clear"] = now
            unit["free"] = True
            go(unit, now, unit["base"], 1.0 / slow)
            serve(now)
    return done
