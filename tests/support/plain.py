"""The kernels' plain-Python form, beside the compiled one."""

from __future__ import annotations

import os
import subprocess
import sys


def plain_digest(digest: str, run: str) -> str:
    """Return the digest of a run in a process that compiles nothing.

    Parameters
    ----------
    digest, run
        Modules whose `digest` and whose `small_run` are called.
    """
    code = f"from {digest} import digest; from {run} import small_run; print(digest(small_run()))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()
