"""Named random streams: one per decision, so that a policy change never shifts the calls.

A stream is a Philox counter-based generator whose key is a hash of (seed, replication, name,
entity). It needs no global state, does not depend on the order in which streams are asked for,
and is the same on every thread and machine (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3").
"""

from __future__ import annotations

import hashlib
import struct
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
        return int.from_bytes(self._digest(name, entity), "little")

    def stream(self, name: str, entity: int | str = "") -> np.random.Generator:
        """Return a fresh generator for the decision `name`, at the start of its sequence."""
        return np.random.Generator(np.random.Philox(key=self.key(name, entity)))

    def lent(self, name: str, entity: int | str = "") -> np.random.Generator:
        """Return what `stream` does, on loan until the next loan in this thread.

        The draws are the same, at a tenth of the cost: one generator is set to the start of
        stream after stream.
        """
        return _LOANS.at_start_of(self._digest(name, entity))

    def kernel_key(self, name: str) -> np.uint64:
        """Return the 64-bit key that compiled kernels mix with (vehicle, tick, purpose)."""
        return np.uint64(self.key(name) & 0xFFFF_FFFF_FFFF_FFFF)

    def _digest(self, name: str, entity: int | str) -> bytes:
        """Return the 16 bytes of a key, the lowest first."""
        hashed = _begun(self.seed, self.replication, name).copy()
        hashed.update(str(entity).encode())
        return hashed.digest()


@lru_cache(maxsize=1024)
def _begun(seed: int, replication: int, name: str) -> hashlib.blake2b:
    """Return the hash of what all keys of a name begin with."""
    return hashlib.blake2b(f"{seed}\x1f{replication}\x1f{name}\x1f".encode(), digest_size=16)


class _Loans(threading.local):
    """The generator that is lent out, one for each thread."""

    def __init__(self) -> None:
        self._bits = np.random.Philox(key=0)
        self._generator = np.random.Generator(self._bits)
        # Tuples: a bit generator takes its state from plain numbers five times as fast as from
        # arrays.
        self._inner: dict[str, tuple[int, ...]] = {"counter": (0, 0, 0, 0), "key": (0, 0)}
        self._start: Any = {
            "bit_generator": "Philox",
            "state": self._inner,
            "buffer": (0, 0, 0, 0),
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }

    def at_start_of(self, digest: bytes) -> np.random.Generator:
        self._inner["key"] = _WORDS.unpack(digest)
        self._bits.state = self._start
        return self._generator


_WORDS = struct.Struct("<2Q")
_LOANS = _Loans()
