"""Two processes that share the compilation of a tick's parts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from twin.traffic.precompile import Part, share


class Noted:
    """A kernel that notes its compilations."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def compile(self, types: tuple[Any, ...]) -> None:
        self.log.append(f"{self.name}{len(types)}")


def test_one_alone_compiles_everything_after_what_it_calls(tmp_path: Path) -> None:
    log: list[str] = []
    parts = [
        Part(Noted("a", log), (1,), calls=(2,)),
        Part(Noted("b", log), (), calls=(0, 2)),
        Part(Noted("c", log), (1, 2)),
    ]
    share(parts, tmp_path, lambda: True)
    assert log == ["c2", "a1", "b0"]


def test_each_part_is_compiled_once_by_either(tmp_path: Path) -> None:
    logs: list[list[str]] = [[], []]
    calls = [(), (0,), (0, 1), (), (3,), ()]
    both = [
        [Part(Noted(str(n), log), (), calls=called) for n, called in enumerate(calls)]
        for log in logs
    ]
    other = threading.Thread(target=share, args=(both[1], tmp_path, lambda: True))
    other.start()
    share(both[0], tmp_path, other.is_alive)
    other.join()
    assert sorted(logs[0] + logs[1]) == [f"{n}0" for n in range(len(calls))]


def test_what_a_helper_that_died_has_taken_is_left_to_the_caller(tmp_path: Path) -> None:
    log: list[str] = []
    parts = [
        Part(Noted("a", log), ()),
        Part(Noted("b", log), (), calls=(0,)),
        Part(Noted("c", log), ()),
    ]
    (tmp_path / "0.taken").touch()
    share(parts, tmp_path, lambda: False)
    assert log == ["c0"]
