"""Rehearsal: a run that pauses for people, and goes on with what they chose.

`Rehearsal` opens the decisions of the seats that people have taken (call-taker, dispatcher,
hospital), one after the other; the clock stands still meanwhile. Rules have the other seats. The
same choices make the same run, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.agents.policies.registry import find, known, make
from twin.agents.seats import SEATS, WAIT, Decision, Seats
from twin.city.library import get_city
from twin.city.model import City
from twin.core.clock import format_clock
from twin.core.errors import InputError, did_you_mean
from twin.recording.memory import MemoryRecorder, Recorder
from twin.review import RULES, Review, after_action
from twin.scenarios.changes import check, faults
from twin.scenarios.load import load_scenario
from twin.scenarios.policy import is_own
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel, Summary

COLUMNS = ("seat", "call_id", "role", "chosen")
"""What a file of choices must hold of each."""


class Rehearsal:
    """A run in which people have seats.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one.
    seats
        Name of the person by seat: `"call-taker"`, `"dispatcher"`, `"hospital"`; or the seats
        alone.
    city
        A city, its name or its folder; the scenario's if left out.
    rules
        Names of the rules whose opinion is asked of every decision and that `review` lets run; all
        that come with Twin and can run in the city if left out.
    recorder
        Where the run's tables go; into memory if left out.
    replication
        As of `CityModel`.

    Attributes
    ----------
    model
        The run.
    taken
        Every decision that was taken and what was chosen, in order.

    Raises
    ------
    InputError
        If there is no such seat or rule, or the scenario cannot be run in the city.
    """

    def __init__(
        self,
        scenario: Scenario | Path | str,
        seats: Mapping[str, str] | Sequence[str],
        *,
        city: City | Path | str | None = None,
        rules: Sequence[str] | None = None,
        recorder: Recorder | None = None,
        replication: int = 0,
    ) -> None:
        if not isinstance(scenario, Scenario):
            scenario = load_scenario(scenario)
        if not isinstance(city, City):
            city = get_city(city or scenario.city)
        people = dict(seats) if isinstance(seats, Mapping) else {seat: seat for seat in seats}
        for seat in people:
            if seat not in SEATS:
                raise InputError(
                    f"there is no seat {seat!r}",
                    field="seats",
                    hint=did_you_mean(seat, SEATS) or f"can be: {', '.join(SEATS)}",
                )
        if not people:
            raise InputError("nobody has a seat", field="seats", hint=f"any of {', '.join(SEATS)}")
        # The review tells what every candidate was worth.
        kept = scenario.record.model_copy(update={"decisions": True})
        self.scenario = scenario.model_copy(update={"record": kept})
        self.city = city
        self.replication = replication
        self.recorder = recorder or MemoryRecorder()
        self.model = CityModel(city, self.scenario, recorder=self.recorder, replication=replication)
        self.rules = self._rules(people, rules)
        made = {
            role: {name: self._made(role, name) for name in names}
            for role, names in self.rules.items()
        }
        self.seats = self.model.seats = Seats(self.model, people, made)
        self.taken: list[tuple[Decision, str]] = []
        self._step: Iterator[None] | None = None

    @property
    def t(self) -> float:
        """The simulated second at which the run stands."""
        return float(self.model.env.now)

    def waiting(self, seat: str | None = None) -> list[Decision]:
        """Return the decisions that wait for an answer, of one seat or of all."""
        found = self.seats.unanswered()
        return [decision for decision in found if seat in {None, decision.seat}]

    def run_until(self, t: float) -> Decision | None:
        """Go on to the first step that ends at `t` or later; or to a decision, and return it."""
        while self.model.running and not self._paused():
            if self._step is None:
                if self.model.t >= t:
                    return None
                self._step = self.model.stepping()
            try:
                next(self._step)
            except StopIteration:
                self._step = None
        return next(iter(self.waiting()), None)

    def next_decision(self) -> Decision | None:
        """Go on to the next decision and return it; None when the run is over."""
        return self.run_until(np.inf)

    def choose(self, choice: str, decision: Decision | None = None) -> None:
        """Answer a decision: the first that waits, unless another is named.

        Raises
        ------
        InputError
            If that cannot be chosen, or nothing waits; everything stays as it was.
        """
        if decision is None:
            if not self.waiting():
                raise InputError("no decision waits for an answer")
            decision = self.waiting()[0]
        self.seats.choose(decision, choice)
        self.taken.append((decision, choice))

    def finish(self, decide: Callable[[Decision], str]) -> Summary:
        """Run to the end, asking a function for every decision, and return what came of it."""
        while (decision := self.next_decision()) is not None:
            self.choose(decide(decision), decision)
        return self.model.summary()

    def choices(self) -> pd.DataFrame:
        """Return what was chosen, in the order in which it came about: a file of choices."""
        rows = [
            {
                "t": decision.t,
                "seat": decision.seat,
                "person": decision.person,
                "call_id": decision.call_id,
                "role": decision.role,
                "chosen": choice,
                "policy": decision.policy,
                "by_rule": decision.by_rule,
            }
            for decision, choice in sorted(self.taken, key=lambda pair: pair[0].number)
        ]
        return pd.DataFrame(rows, columns=["t", "seat", "person", "call_id", "role", "chosen",
                                           "policy", "by_rule"])  # fmt: skip

    def review(self, calls: pd.DataFrame | None = None, *, runs: bool = True) -> Review:
        """Return what people did beside what each rule would have done, once the run is over.

        Parameters
        ----------
        calls
            The table `calls` of the run; needed where it was not recorded in memory.
        runs
            Whether the same calls are run under each rule too, which takes as long as it takes.

        Raises
        ------
        InputError
            If the run is not over.
        """
        if self.model.running:
            raise InputError(f"the run is at {format_clock(self.t)} and not over yet")
        if calls is None:
            if not isinstance(self.recorder, MemoryRecorder):
                raise InputError("the calls of the run are needed", field="calls")
            calls = self.recorder.frame("calls")
        taken = sorted(self.taken, key=lambda pair: pair[0].number)
        others = list(self._others()) if runs else []
        summary = self.model.summary()
        return after_action(
            taken,
            calls,
            summary.queued,
            others,
            self.city,
            self.replication,
            end_s=self.scenario.period.end_s,
        )

    def _others(self) -> Iterator[tuple[str, Scenario]]:
        """Yield name and scenario of the runs that a review sets beside the rehearsal."""
        quiet = self.scenario.record.model_copy(update={"decisions": False, "events": False})
        yield RULES, self.scenario.model_copy(update={"record": quiet})
        for role, names in self.rules.items():
            for name in names:
                if name != getattr(self.scenario.policy, role):
                    yield name, self.with_rule(role, name).model_copy(update={"record": quiet})

    def _paused(self) -> bool:
        return bool(self.seats.open)

    def _rules(
        self, people: Mapping[str, str], named: Sequence[str] | None
    ) -> dict[str, list[str]]:
        """Return the rules that are asked, by role."""
        roles = [role for seat in people if (role := SEATS[seat])]
        if named is None:
            return {
                role: [name for name in known(role) if self._fits(role, name)] for role in roles
            }
        found: dict[str, list[str]] = {role: [] for role in roles}
        every = [name for role in roles for name in known(role)]
        for name in named:
            own = roles[0] if roles and is_own(name) else None
            role = next((r for r in roles if name in known(r)), own)
            if role is None:
                raise InputError(
                    f"no rule of the seats that are taken is named {name!r}",
                    field="rules",
                    hint=did_you_mean(name, every) or f"known: {', '.join(every)}",
                )
            find(role, name, field="rules")
            for fault in faults(self.with_rule(role, name), self.city):
                raise fault
            found[role].append(name)
        return found

    def _fits(self, role: str, name: str) -> bool:
        """Return whether a rule can run in the city with the scenario's parameters."""
        try:
            check(self.with_rule(role, name), self.city)
            self._made(role, name)
        except InputError:
            return False
        return True

    def _made(self, role: str, name: str) -> Any:
        rule = make(role, name, self.scenario.policy.parameters)
        if role == "dispatch" and hasattr(rule, "check"):
            rule.check(self.model)
        return rule

    def with_rule(self, role: str, name: str) -> Scenario:
        """Return the scenario with another rule, to the start of its changes."""
        policy = self.scenario.policy.model_copy(update={role: name})
        return self.scenario.model_copy(update={"policy": policy})


class Choices:
    """Choices made before, to be made again: each in its turn for its seat, call and role.

    A decision for which there is none (any more) is left to the rule. So a rehearsal is replayed to
    the same bits by its own choices, and a branch of it by a changed copy.

    Parameters
    ----------
    frame
        Columns `seat`, `call_id`, `role`, `chosen`, and maybe others.
    file
        Where they come from, for messages.
    """

    def __init__(self, frame: pd.DataFrame, file: Path | None = None) -> None:
        self._file = file
        self._of: dict[tuple[str, str, str], list[tuple[int, str]]] = {}
        lacking = [name for name in COLUMNS if name not in frame]
        if lacking:
            raise InputError(
                f"has no column {lacking[0]!r}", file=file, hint=f"needed: {', '.join(COLUMNS)}"
            )
        columns = [frame[name].fillna("").astype(str).str.strip() for name in COLUMNS]
        for row, (seat, call, role, chosen) in enumerate(zip(*columns, strict=True), start=1):
            if seat not in SEATS:
                raise InputError(
                    f"there is no seat {seat!r}",
                    file=file,
                    row=row,
                    hint=did_you_mean(seat, SEATS) or f"can be: {', '.join(SEATS)}",
                )
            if not call or not chosen:
                raise InputError("`call_id` or `chosen` is empty", file=file, row=row)
            self._of.setdefault((seat, call, role), []).append((row, chosen))

    @property
    def seats(self) -> list[str]:
        """The seats for which there are choices."""
        named = {seat for seat, _, _ in self._of}
        return [seat for seat in SEATS if seat in named]

    @property
    def left(self) -> int:
        """How many wait for a decision that has not been opened yet."""
        return sum(len(rows) for rows in self._of.values())

    def of(self, decision: Decision) -> str:
        """Return what is chosen of a decision, and what the rule would if nothing is said.

        Raises
        ------
        InputError
            Naming the row, if that cannot be chosen.
        """
        rows = self._of.get((decision.seat, decision.call_id, decision.role))
        if not rows:
            return by_rule(decision)
        row, chosen = rows.pop(0)
        try:
            decision.check(chosen)
        except InputError as error:
            raise InputError(error.message, file=self._file, row=row, hint=error.hint) from error
        return chosen

    def check_all_made(self) -> None:
        """Refuse choices of which no decision was opened.

        Raises
        ------
        InputError
            Naming the first row.
        """
        rows = sorted((row, key) for key, left in self._of.items() for row, _ in left)
        if rows:
            row, (seat, call, role) = rows[0]
            what = f"{seat}, call {call}" + (f", {role}" if role else "")
            raise InputError(
                f"there was no such decision ({what})",
                file=self._file,
                row=row,
                hint="call_id and role must be those of the run",
            )


def by_rule(decision: Decision) -> str:
    """Return what the rule would choose of a decision."""
    if decision.by_rule is not None:
        return decision.by_rule
    return WAIT
