"""Named random streams: one per decision, so that a policy change never shifts the calls.

A stream is a Philox counter-based generator whose key is a hash of (seed, replication, name,
entity). It needs no global state, does not depend on the order in which streams are asked for,
and is the same on every thread and machine (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3").
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams of one replication.

    Parameters
    ----------
    seed
        The scenario's seed, any integer.
    replication
        Replications of one seed differ only by this number.
    """

    seed: int
    replication: int = 0

    def key(self, name: str, entity: int | str = "") -> int:
        """Return the 128-bit key of the stream `name` of `entity`."""
        text = f"{self.seed}\x1f{self.replication}\x1f{name}\x1f{entity}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")

    def stream(self, name: str, entity: int | str = "") -> np.random.Generator:
        """Return a fresh generator for the decision `name`, at the start of its sequence."""
        return np.random.Generator(np.random.Philox(key=self.key(name, entity)))

    def lent(self, name: str, entity: int | str = "") -> np.random.Generator:
        """Return what `stream` does, on loan until the next loan in this thread.

        The draws are the same, at a fourth of the cost: one generator is set to the start of
        stream after stream.
        """
        return _LOANS.at_start_of(self.key(name, entity))

    def kernel_key(self, name: str) -> np.uint64:
        """Return the 64-bit key that compiled kernels mix with (vehicle, tick, purpose)."""
        return np.uint64(self.key(name) & 0xFFFF_FFFF_FFFF_FFFF)


class _Loans(threading.local):
    """The generator that is lent out, one for each thread."""

    def __init__(self) -> None:
        self._bits = np.random.Philox(key=0)
        self._fresh = self._bits.state
        self._key = self._fresh["state"]["key"]
        self._generator = np.random.Generator(self._bits)

    def at_start_of(self, key: int) -> np.random.Generator:
        self._key[0] = key & 0xFFFF_FFFF_FFFF_FFFF
        self._key[1] = key >> 64
        self._bits.state = self._fresh
        return self._generator


_LOANS = _Loans()
