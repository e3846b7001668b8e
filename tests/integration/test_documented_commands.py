"""Every command in README and docs is run, in the order of its page, in an empty folder.

A block under `<!-- verify -->` takes minutes and runs in `make verify`; a block under
`<!-- data -->` needs the real data beside the repository. `make` targets are checked to exist: the
set-up they do is what runs this test.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs" / "how-to" / "files"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[a-z]+) -->\n)?```bash\n(?P<body>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of commands."""

    page: Path
    mark: str
    commands: tuple[str, ...]


def blocks(mark: str) -> list[Block]:
    """Return the blocks that carry `mark`, page by page."""
    found = []
    for page in PAGES:
        if "_build" in page.parts:
            continue
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
            if (match["mark"] or "") != mark:
                continue
            body = match["body"].replace("\\\n", " ")
            lines = [line.split(" #")[0].strip() for line in body.splitlines()]
            found.append(
                Block(page, mark, tuple(line for line in lines if line and line[0] != "#"))
            )
    return found


def pages_with(mark: str) -> list[tuple[Path, list[Block]]]:
    """Return (page, blocks), since the blocks of one page build on each other."""
    grouped: dict[Path, list[Block]] = {}
    for block in blocks(mark):
        grouped.setdefault(block.page, []).append(block)
    return sorted(grouped.items())


def environment(data: Path | None = None) -> dict[str, str]:
    """Return the environment in which a reader would run the commands."""
    env = dict(os.environ)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    env["TWIN_DEMO_SERVE"] = "0"
    if data is not None:
        env["TWIN_DATA"] = str(data.resolve())
    return env


def run_blocks(page_blocks: list[Block], folder: Path, env: dict[str, str]) -> None:
    """Run each command of a page and show its error output when it fails."""
    # As if it were a clone's root, where a reader stands.
    shutil.copytree(FILES, folder / FILES.relative_to(ROOT))
    for block in page_blocks:
        for command in block.commands:
            words = shlex.split(command)
            if words[0] == "make":
                subprocess.run(
                    ["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True
                )
                continue
            if words[:2] == ["twin", "serve"] or words[0] in {"git", "cd"}:
                continue  # the page has its own test; a clone has no remote here
            done = subprocess.run(
                words, cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{block.page.name}: {command}\n{done.stderr[-3000:]}"


def _parameters(mark: str) -> dict[str, list[Any]]:
    pages = pages_with(mark)
    return {
        "argvalues": [page_blocks for _, page_blocks in pages],
        "ids": [str(page.relative_to(ROOT)) for page, _ in pages],
    }


@pytest.mark.parametrize("page_blocks", **_parameters(""))
def test_commands_of_page_run(page_blocks: list[Block], tmp_path: Path) -> None:
    run_blocks(page_blocks, tmp_path, environment())


@pytest.mark.data
@pytest.mark.parametrize("page_blocks", **_parameters("data"))
def test_commands_on_real_data_run(
    page_blocks: list[Block], tmp_path: Path, twin_data: Path
) -> None:
    run_blocks(page_blocks, tmp_path, environment(twin_data))


@pytest.mark.verify
@pytest.mark.parametrize("page_blocks", **_parameters("verify"))
def test_long_commands_of_page_run(page_blocks: list[Block], tmp_path: Path) -> None:
    run_blocks(page_blocks, tmp_path, environment())


_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_INCLUDED = re.compile(r"^(?P<before>.*)\n\n```\{literalinclude\} (?P<path>\S+)$", re.MULTILINE)
SOURCES = [page for page in PAGES if not {"_build", "declared"} & set(page.parts)]


@pytest.mark.parametrize("page", SOURCES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_included_files_are_there_in_a_clone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in _LINK.findall(text):
        target = (page.parent / link).resolve()
        assert target.exists(), f"{page.name} links to {link}"
        assert "declared" not in target.parts, f"{page.name}: only `make docs` writes {link}"
    # Plain Markdown does not show what is included: its path must stand in words before it.
    included = _INCLUDED.findall(text)
    assert len(included) == text.count("{literalinclude}")
    for before, path in included:
        named = (page.parent / path).resolve().relative_to(ROOT)
        assert before.endswith(f"`{named}`:"), f"{page.name} does not name {named}"


def test_readme_opens_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = _BLOCK.search(text)
    assert first is not None
    assert "make demo" in first["body"]
    assert "make test" in first["body"]
