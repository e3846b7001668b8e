"""A crossing with signals and a side street, as SUMO writes it, and vehicles on it."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "docs" / "how-to" / "files" / "crossing"
NET = (_FOLDER / "crossing.net.xml").read_text(encoding="utf-8")
ROUTES = (_FOLDER / "crossing.rou.xml").read_text(encoding="utf-8")
