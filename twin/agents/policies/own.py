"""Rules of a user's own: a class on the Python path, named in a scenario as `module:Class`."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.agents.policies.scores import Move, Scores
from twin.core.errors import InputError, TwinError

if TYPE_CHECKING:
    from twin.agents.task import Task
    from twin.agents.units.unit import Unit
    from twin.agents.world import World

METHODS = {"queue": "key", "moveup": "moves"}
"""What a class must have to be a rule of a role, where it is not `score`."""
TRIGGERS = frozenset({"free", "dispatch", "shift"})
"""When a rule of move-up can be asked."""


def load(role: str, name: str, field: str) -> type:
    """Return the class `module:Class`.

    This runs the module, so it is done only for scenarios that the machine's own user gave
    (see `twin.scenarios.policy.refuse_own_code`).

    Raises
    ------
    InputError
        If it cannot be imported, is no class, or has not the method of its role.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        raise InputError(
            f"there is no Python module {error.name!r}",
            field=field,
            hint="put the folder of the file on the Python path: PYTHONPATH=. twin ...",
        ) from error
    except (Exception, SystemExit) as error:
        raise InputError(f"{module!r} cannot be read: {_what(error)}", field=field) from error
    if not isinstance(found, type):
        raise InputError(f"the module {module!r} has no class {attribute!r}", field=field)
    method = METHODS.get(role, "score")
    if not callable(getattr(found, method, None)):
        raise InputError(f"{name!r} is no rule for it: it has no method {method!r}", field=field)
    return found


def code_checksum(name: str) -> str:
    """Return the SHA-256 of the file that holds a rule of a user's own, which it loads.

    Raises
    ------
    InputError
        If there is no such rule.
    """
    module = name.partition(":")[0]
    try:
        file = inspect.getfile(importlib.import_module(module))
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except (ImportError, TypeError, OSError) as error:
        raise InputError(f"the code of {name!r} cannot be read: {_what(error)}") from error


class OwnRule:
    """A rule of a user's own: what it does wrong is told with its name, file and line.

    Parameters
    ----------
    rule
        The user's class.
    name
        How the scenario names it, and the run's tables.
    parameters
        What the class is made with.
    """

    def __init__(self, rule: type, name: str, parameters: Mapping[str, Any]) -> None:
        self.name = name
        self._file = inspect.getfile(rule)
        self._rule = self._told(lambda: rule(**parameters))
        self.hold_s = self._number("hold_s", 0.0)

    def score(self, *asked: Any) -> Scores:
        """Judge the candidates, the last of what is asked."""
        found = self._told(self._rule.score, *asked)
        return self._scores(found, asked[-1])

    def key(self, task: Task) -> tuple[float, ...]:
        """Return what tasks are sorted by."""
        found = self._told(self._rule.key, task)
        try:
            key = tuple(float(value) for value in np.atleast_1d(found))
        except (TypeError, ValueError) as error:
            raise InputError(f"the rule {self.name!r} gave no key, but {found!r}") from error
        if np.isnan(key).any():
            raise InputError(f"the rule {self.name!r} gave a key that is not a number")
        return key

    @property
    def triggers(self) -> frozenset[str]:
        """When a rule of move-up is asked; when a unit is free after a call if it does not say."""
        found = getattr(self._rule, "triggers", {"free"})
        if not isinstance(found, (set, frozenset, list, tuple)) or not TRIGGERS.issuperset(found):
            raise InputError(
                f"the rule {self.name!r} has triggers = {found!r}",
                hint=f"give a set of {', '.join(sorted(TRIGGERS))}",
            )
        return frozenset(found)

    def check(self, world: World) -> None:
        """Let a rule of move-up look at the city, if it wants to."""
        if hasattr(self._rule, "check"):
            self._told(self._rule.check, world)

    def moves(self, world: World, units: Sequence[Unit], freed: Unit | None) -> list[Move]:
        """Return where free units are to wait."""
        found = self._told(self._rule.moves, world, units, freed)
        for move in found if isinstance(found, (list, tuple)) else [found]:
            if (
                not isinstance(move, Move)
                or not any(move.unit is unit for unit in units)
                or not any(move.station is station for station in world.stations.values())
                or not isinstance(move.stations, Sequence)
                or not np.shape(move.eta_s) == np.shape(move.score) == (len(move.stations),)
            ):
                raise InputError(
                    f"the rule {self.name!r} gave {move!r}",
                    hint="return a list of Move(unit, station, stations, eta_s, score)",
                )
        return list(found)

    def _number(self, name: str, default: float) -> float:
        found = getattr(self._rule, name, default)
        if not isinstance(found, (int, float)) or not found >= 0.0:
            raise InputError(f"the rule {self.name!r} has {name} = {found!r}, not seconds")
        return float(found)

    def _scores(self, found: Any, candidates: Sequence[Any]) -> Scores:
        if not isinstance(found, Scores):
            raise InputError(
                f"the rule {self.name!r} gave {type(found).__name__}", hint="return Scores(...)"
            )
        for word in ("term", "why"):
            if not isinstance(said := getattr(found, word), str):
                raise InputError(f"the rule {self.name!r} gave {word} = {said!r}, which is no text")
        numbers: dict[str, Any] = {}
        for column in ("eta_s", "score", "wait_s", "value"):
            values = getattr(found, column)
            if values is None and column in {"wait_s", "value"}:
                continue
            if np.shape(values) != (len(candidates),):
                raise InputError(
                    f"the rule {self.name!r} gave {column} of shape {np.shape(values)} for "
                    f"{len(candidates)} candidates"
                )
            try:
                numbers[column] = np.asarray(values, np.float64)
            except (TypeError, ValueError) as error:
                raise InputError(f"the rule {self.name!r} gave {column} = {values!r}") from error
        if np.isnan(numbers["score"]).any():
            raise InputError(f"the rule {self.name!r} gave a score that is not a number")
        return found._replace(**numbers)

    def _told(self, call: Callable[..., Any], *asked: Any) -> Any:
        try:
            return call(*asked)
        except TwinError:
            raise
        except (Exception, SystemExit) as error:
            frames = traceback.extract_tb(error.__traceback__)
            mine = [frame for frame in frames if frame.filename != __file__]
            at = next((f for f in reversed(mine) if f.filename == self._file), mine[-1])
            raise InputError(
                f"the rule {self.name!r} failed: {_what(error)}", file=at.filename, row=at.lineno
            ) from error


def _what(error: BaseException) -> str:
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
