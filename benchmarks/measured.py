"""Runs the command line in a process of its own and says what that cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_TWIN = "import sys; sys.argv[0] = 'twin'; from apps.cli.main import main; sys.exit(main())"


class Cost(NamedTuple):
    """What a command answered and took; the memory is that of its largest process."""

    answer: dict[str, Any]
    wall_s: float
    cpu_s: float
    peak_mb: float


def one_core() -> None:
    """Let this process use one core; given to `twin` as what its process does first."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def twin(arguments: Sequence[str], *, start: Callable[[], None] | None = None) -> Cost:
    """Run `twin` with these arguments, which end with one JSON object on stdout."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _TWIN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=start,  # noqa: PLW1509  # one thread here
    ) as process:
        text = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"twin {' '.join(arguments)} ended with status {process.returncode}")
    wall_s = time.perf_counter() - begun
    answer = json.loads(text.splitlines()[-1])
    return Cost(answer, wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024.0)
