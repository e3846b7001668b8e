"""Where Twin keeps what it builds: cached cities, compiled kernels, runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the folder of built cities and compiled kernels (`TWIN_CACHE`, else XDG)."""
    if explicit := os.environ.get("TWIN_CACHE"):
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "twin"


def city_home() -> Path:
    """Return the folder in which built and imported cities are kept by name."""
    return cache_dir() / "cities"


def data_dir() -> Path:
    """Return the folder of real data files that recipes read (`TWIN_DATA`)."""
    return Path(os.environ.get("TWIN_DATA", "../shared/data"))
