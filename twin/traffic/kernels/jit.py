"""The one place that says how kernels are compiled and where the compiled code is kept.

numba notices a change in the file of a cached function, but not one in a helper of another file.
So the cache folder carries a hash of every kernel source: any change compiles afresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

from twin.core.paths import cache_dir

P = ParamSpec("P")
R = TypeVar("R")


def _sources_hash() -> str:
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


_config: Any = numba.config
# An explicit NUMBA_CACHE_DIR wins: whoever sets it also decides when to clear it.
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(cache_dir() / "kernels" / _sources_hash())


def njit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel: cached on disk, without the GIL, division by zero as in IEEE 754."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast("Callable[P, R]", compiled)
