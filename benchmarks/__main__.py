"""Run every benchmark, or those named: `python -m benchmarks [NAME ...]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def names() -> list[str]:
    """Return the benchmarks: the modules of this folder that have a `main`."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [
        file.stem
        for file in files
        if file.stem != "__main__" and "\ndef main(" in file.read_text(encoding="utf-8")
    ]


def run() -> None:
    """Run the benchmarks asked for, all of them by default."""
    wanted = sys.argv[1:] or names()
    for name in wanted:
        if name not in names():
            raise SystemExit(f"there is no benchmark '{name}'; there are: {', '.join(names())}")
        print(f"== {name}")
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    run()
