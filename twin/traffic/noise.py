"""Counter-based draws for whole arrays, the same numbers as `kernels.rng` gives one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.network.graph import F64, I64
from twin.traffic.kernels import rng

_PURPOSE = np.uint64(0xD1B54A32D192ED03)
_UNIT = 1.0 / (1 << 24)
_plain_mix: Any = getattr(rng.mix, "py_func", rng.mix)


def uniform(key: np.uint64, vehicle: I64, tick: int, purpose: int) -> F64:
    """Return (N,) numbers in [0, 1) that depend on the key, vehicle, tick and purpose alone."""
    first: Any = np.array([key], np.uint64)
    with np.errstate(over="ignore"):  # hashes wrap
        first ^= np.array([purpose], np.uint64) * _PURPOSE
        z = _plain_mix(_plain_mix(first) ^ np.asarray(vehicle).astype(np.uint64))
        z = _plain_mix(z ^ np.array([tick], np.uint64))
    share: F64 = (z >> np.uint64(40)).astype(np.float64) * _UNIT
    return share


def gauss(key: np.uint64, vehicle: I64, tick: int, purpose: int) -> tuple[F64, F64]:
    """Return two independent (N,) standard normal draws each (Box and Muller 1958).

    They use the purposes `purpose` and `purpose + 1`.
    """
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(key, vehicle, tick, purpose)))
    angle = 2.0 * np.pi * uniform(key, vehicle, tick, purpose + 1)
    return radius * np.cos(angle), radius * np.sin(angle)
