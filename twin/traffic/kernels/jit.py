"""The one place that says how kernels are compiled and where the compiled code is kept.

numba notices a change in the file of a cached function, but not one in a helper of another file.
So the cache folder carries a hash of every kernel source: any change compiles afresh.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types
from numba.np import arrayobj

from twin.core.paths import cache_dir

P = ParamSpec("P")
R = TypeVar("R")


def _sources_hash() -> str:
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


_config: Any = numba.config
# An explicit NUMBA_CACHE_DIR wins: whoever sets it also decides when to clear it.
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(cache_dir() / "kernels" / _sources_hash())


_njit: Any = numba.njit
_types: Any = types
_arrays: Any = arrayobj
_wrapped: Any = _arrays.fix_integer_index
_OURS = "4twin7traffic7kernels"
"""Part of the mangled name of every function of this package."""


def _index(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
    """Emit an index into an array: in a function of this package without the test for a negative.

    Kernels count from the front only. Three instructions for each look-up, and a register for the
    length of each array, were a sixth of a tick.
    """
    if kind.signed and _OURS in builder.function.name:
        return context.cast(builder, index, kind, numba.types.intp)
    return _wrapped(context, builder, kind, index, size)


_arrays.fix_integer_index = _index
_WORD = 64
"""Bits."""


def _widened(kind: Any) -> Any:
    """Return the type as which a kernel gets an argument from another kernel."""
    kind = _types.unliteral(kind)
    return types.intp if isinstance(kind, _types.Integer) and kind.bitwidth < _WORD else kind


def _compiled(function: Callable[P, R], **flags: Any) -> Any:
    """Compile a kernel, once for whole numbers of any width, and without an entry for C.

    An index is 32 bits wide where it comes from a record, 64 where it was counted, and a constant
    is a type of its own: for each of these numba would compile every function that takes one.
    """
    flags |= {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    compiled = _njit(**flags)(function)
    if not _config.DISABLE_JIT:
        template = compiled.get_call_template

        def widened(args: Any, kws: Any) -> Any:
            return template(
                [_widened(kind) for kind in args],
                {name: _widened(kind) for name, kind in kws.items()},
            )

        compiled.get_call_template = widened
    return compiled


def _for_kernels(function: Callable[P, R], **flags: Any) -> Callable[P, R]:
    """Compile without an entry for Python, which takes as long as the kernel itself."""
    compiled = _compiled(function, no_cpython_wrapper=True, _nrt=False, **flags)
    if not _config.DISABLE_JIT:

        def refuse(*_: object) -> Any:
            message = f"{function.__qualname__} is for kernels: make it `outer` to call it here"
            raise TypeError(message)

        # Without this a call from Python would jump to address 0.
        compiled._insert = lambda *_: None  # noqa: SLF001
        compiled._compile_for_args = refuse  # noqa: SLF001
    return cast("Callable[P, R]", compiled)


def njit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel: cached on disk, without the GIL, division by zero as in IEEE 754."""
    return cast("Callable[P, R]", _compiled(function))


def outer(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel that allocates nothing.

    As `njit`, without counting references to arrays: a tick passes many of them to small
    functions, and the counting took ten times as long as the work.
    """
    return cast("Callable[P, R]", _compiled(function, _nrt=False))


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as `outer` a kernel that only other kernels call."""
    return _for_kernels(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as `inner`, always into its caller: handing over many arrays would cost more."""
    return _for_kernels(function, forceinline=True)


def njit_both(function: Callable[P, R]) -> tuple[Callable[P, R], Callable[P, R]]:
    """Compile a kernel twice from one source: for one thread, and with its `prange` in parallel.

    The second is compiled under another name, since numba's cache tells functions apart by name.
    """
    source = cast("FunctionType", function)
    name = f"{source.__name__}_parallel"
    twin = FunctionType(source.__code__, source.__globals__, name, source.__defaults__)
    twin.__qualname__ = name
    twin.__module__ = source.__module__
    twin.__annotations__ = source.__annotations__
    return njit(function), cast("Callable[P, R]", _compiled(twin, parallel=True))


def use_threads(threads: int) -> int:
    """Let parallel kernels called from this thread use `threads` threads; return how many.

    numba finds the TBB of a wheel only when it is loaded already. Without TBB, OpenMP is told not
    to spin at barriers, which would slow everything else on the machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        files = metadata.files("tbb") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "libtbb.so.12":
            ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
    granted = max(1, min(threads, int(_config.NUMBA_NUM_THREADS)))
    numba.set_num_threads(granted)
    return granted
