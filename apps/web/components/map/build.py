"""Builds the bundle of the map: `python -m apps.web.components.map.build`; needs node and npm.

The bundle is committed, so that nobody needs node to run Twin. `package-lock.json` pins every
package by version and checksum and holds no address: npm asks the registry it is set up with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE = HERE / "twin-map.bundle.js"


def build(here: Path = HERE, bundle: Path = BUNDLE) -> None:
    """Install the pinned packages in a scratch folder and bundle the sources.

    Raises
    ------
    SystemExit
        If npm is not there or a step fails.
    """
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("building the map needs node and npm, and npm is not on the PATH")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(here / name, folder / name)
        shutil.copytree(here / "src", folder / "src")
        steps = [
            [npm, "ci", "--no-audit", "--no-fund", "--silent"],
            [npm, "run", "--silent", "bundle"],
        ]
        for step in steps:
            done = subprocess.run(step, cwd=folder, check=False)  # noqa: S603
            if done.returncode:
                sys.exit(f"`{' '.join(step[1:])}` failed with status {done.returncode}")
        shutil.copy(folder / "bundle.js", bundle)
    print(f"{bundle.name}: {bundle.stat().st_size / 1e6:.2f} MB")  # noqa: T201


def lock_without_addresses(lock: Path = HERE / "package-lock.json") -> None:
    """Remove the addresses that npm writes when packages are added or moved to new versions."""
    held = json.loads(lock.read_text("utf-8"))
    for package in held["packages"].values():
        for key in ("resolved", "funding"):
            package.pop(key, None)
    lock.write_text(json.dumps(held, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    lock_without_addresses()
    build()
