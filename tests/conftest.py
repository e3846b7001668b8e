"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twin.core.paths import data_dir


@pytest.fixture(scope="session")
def twin_data() -> Path:
    """Return the folder of real data, or skip; in CI its absence is a failure."""
    folder = data_dir()
    if not (folder / "PROVENANCE.md").is_file():
        reason = f"the real data are not in {folder}: set TWIN_DATA to their folder"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a test builds out of the user's own cache, shared by the tests of one session."""
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
