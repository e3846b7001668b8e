"""Finds Chromium for the browser tests, or installs it: Debian's package, else Playwright's own.

Run by `make chromium` (and so by `make test`). It says what it did in one sentence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-noto-cjk")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


def find_chromium() -> str | None:
    """Return the Chromium on the PATH, else the one that Playwright installed, else None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install() -> int:
    """Install Chromium by the first way that this machine allows; return the exit status."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", *PACKAGES]):
            done = subprocess.run(
                ["apt-get", *step], env=quiet, check=False, stdout=subprocess.DEVNULL
            )
            if done.returncode:
                _say(f"Chromium is missing and `apt-get {' '.join(step)}` failed.")
                return 1
        _say(f"Chromium was missing; installed Debian's packages {' and '.join(PACKAGES)}.")
        return 0
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if done.returncode:
        _say("Chromium is missing: install it so that `chromium` is on the PATH.")
        return 1
    _say("Chromium was missing; installed the one that Playwright brings.")
    return 0


if __name__ == "__main__":
    if here := find_chromium():
        _say(f"Chromium is here: {here}.")
        sys.exit(0)
    sys.exit(install())
