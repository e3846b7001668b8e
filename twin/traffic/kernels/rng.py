"""Counter-based randomness: a draw is a hash of what it is for, so order and threads do not matter.

The mixer is splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators"): a 64-bit finaliser over a counter; the counter here is (key, vehicle, tick, purpose).
"""

from __future__ import annotations

import numpy as np

from twin.traffic.kernels.jit import outer

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STEP_A = np.uint64(0xBF58476D1CE4E5B9)
_STEP_B = np.uint64(0x94D049BB133111EB)
_PURPOSE = np.uint64(0xD1B54A32D192ED03)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)
_S40 = np.uint64(40)
_UNIT = np.float32(1.0 / (1 << 24))

LANE_CHANGE = np.uint64(1)
SPEED_A = np.uint64(2)
SPEED_B = np.uint64(3)
PATIENCE = np.uint64(4)
ENTRY_LANE = np.uint64(5)
DRIVER = np.uint64(6)
LOOKS = np.uint64(7)
DAWDLES = np.uint64(8)


@outer
def mix(z: np.uint64) -> np.uint64:
    """Return the splitmix64 hash of a counter."""
    z = z + _GOLDEN
    z = (z ^ (z >> _S30)) * _STEP_A
    z = (z ^ (z >> _S27)) * _STEP_B
    return z ^ (z >> _S31)


@outer
def uniform(key: np.uint64, vehicle: int, tick: int, purpose: np.uint64) -> np.float32:
    """Return a number in [0, 1) that depends on the four arguments alone."""
    z = mix(key ^ (purpose * _PURPOSE))
    z = mix(z ^ np.uint64(vehicle))
    z = mix(z ^ np.uint64(tick))
    return np.float32(z >> _S40) * _UNIT
