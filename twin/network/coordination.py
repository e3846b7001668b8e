"""Signals in step: which of them platoons join, their offsets, and the band that they leave."""

from __future__ import annotations

import numpy as np

from twin.network.graph import F64


def bandwidth(
    cycle_s: float, green_from: list[float], green_for: list[float], arrive: list[float]
) -> float:
    """Return the seconds of a cycle in which one may set out and meet green at every signal.

    Parameters
    ----------
    cycle_s
        Common cycle.
    green_from, green_for
        Begin (seconds of the clock) and length of each green.
    arrive
        Driving time from the start to each signal, seconds.
    """
    begins = [(g - a) % cycle_s for g, a in zip(green_from, arrive, strict=True)]
    best = 0.0
    for begin in begins:
        left = [g - (begin - other) % cycle_s for other, g in zip(begins, green_for, strict=True)]
        best = max(best, min(left))
    return best


def corridors(nxt: list[int]) -> list[int]:
    """Return for each signal the lowest one that streams join it with.

    Parameters
    ----------
    nxt
        The signal that the main stream of each comes to next; -1 for none.
    """
    head = list(range(len(nxt)))

    def root(n: int) -> int:
        while head[n] != n:
            head[n] = head[head[n]]
            n = head[n]
        return n

    for signal, target in enumerate(nxt):
        if target >= 0:
            low, high = sorted((root(signal), root(target)))
            head[high] = low
    return [root(n) for n in range(len(nxt))]


def wave_offsets(nxt: list[int], delay: list[float], cycle: F64, main_at: F64) -> F64:
    """Return offsets by which the main green of each begins when its platoon arrives.

    Parameters
    ----------
    nxt, delay
        The signal that the main stream of each comes to next (-1 for none), and the seconds to it.
    cycle
        (S,) seconds, the same along a corridor.
    main_at
        (S,) second of the cycle, from the offset on, at which the main green begins.

    Returns
    -------
    (S,) whole seconds, less than the cycle.
    """
    offset = np.full(len(nxt), np.nan)
    entered = set(nxt)
    for start in sorted(range(len(nxt)), key=lambda s: (s in entered, s)):
        signal, t = start, 0.0
        while signal >= 0 and np.isnan(offset[signal]):
            offset[signal] = round(t - float(main_at[signal]))
            t += delay[signal]
            signal = nxt[signal]
    return np.asarray(offset % cycle, np.float64)
