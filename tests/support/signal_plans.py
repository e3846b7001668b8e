"""Random plans: greens that overlap as they like, several a cycle, in fractions of seconds."""

from __future__ import annotations

import dataclasses

import numpy as np

from twin.network.graph import F32, Network

LEAST_S = 0.2


def with_random_plans(network: Network, seed: int) -> Network:
    """Return a network with other cycles, offsets and greens."""
    rng = np.random.default_rng(seed)
    cycle = _seconds(rng, rng.uniform(30.0, 200.0, network.n_signals))
    offset = _seconds(rng, rng.uniform(0.0, 1.0, network.n_signals) * (cycle - 1.0))
    first: list[tuple[np.float32, np.float32]] = []
    more: list[tuple[int, np.float32, np.float32]] = []
    for group, signal in enumerate(network.group_signal.tolist()):
        own = _greens(rng, float(cycle[signal]))
        first.append(own[0])
        more += [(group, begin, end) for begin, end in own[1:]]
    return dataclasses.replace(
        network,
        signal_cycle=cycle,
        signal_offset=offset,
        group_green_from=np.array([begin for begin, _ in first], np.float32),
        group_green_to=np.array([end for _, end in first], np.float32),
        more_group=np.array([group for group, _, _ in more], np.int32),
        more_from=np.array([begin for _, begin, _ in more], np.float32),
        more_to=np.array([end for _, _, end in more], np.float32),
    )


def _seconds(rng: np.random.Generator, values: np.ndarray) -> F32:
    """Return seconds in whole numbers, tenths or as they are."""
    digits = rng.choice([0, 1, 7])
    return np.round(values, digits).astype(np.float32)


def _greens(rng: np.random.Generator, cycle: float) -> list[tuple[np.float32, np.float32]]:
    """Return greens between random edges of the cycle, of which one may pass its end."""
    while True:
        edges = np.unique(_seconds(rng, rng.uniform(0.0, cycle - LEAST_S, 2 * rng.integers(1, 4))))
        if len(edges) % 2 == 0 and (np.diff(edges) > LEAST_S).all():
            break
    greens = list(zip(edges[::2], edges[1::2], strict=True))
    if rng.random() < 0.4:
        # All that was red is green, and the other way round.
        last = np.float32(edges[0] + np.float32(cycle))
        greens = [*zip(edges[1:-1:2], edges[2::2], strict=True), (edges[-1], last)]
    greens.sort(key=lambda green: float(green[0]) - float(green[1]))
    return greens
