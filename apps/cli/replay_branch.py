"""A replay that branches: the recorded day up to a moment, then another rule, unit or hospital."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from apps.cli.common import command_line, notes, run_progress
from apps.report.comparison import write_comparison_report
from twin.agents.policies import check_policies, known, meant
from twin.city.model import City
from twin.city.names import unit_like
from twin.core.clock import Calendar, format_clock, parse_clock
from twin.core.errors import InputError, did_you_mean
from twin.experiment import run_scenario
from twin.metrics.branch import before_alike, in_sum, paired, reproduced
from twin.metrics.comparison import compare_runs
from twin.recording.comparison_folder import claim, run_folder
from twin.recording.reader import RunReader
from twin.scenarios.change_kinds import ChooseHospital, ChooseUnit, SetPolicy
from twin.scenarios.changes import check
from twin.scenarios.policy import OTHERWISE, RECORDED_UNIT, ROLES, is_own
from twin.scenarios.spec import Scenario

AT, RULE, UNIT, HOSPITAL = "--branch-at", "--branch-policy", "--branch-unit", "--branch-hospital"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a branch is asked for on the command line.

    Attributes
    ----------
    at
        City time, seconds since midnight; the first named call if left out.
    rules
        Names of rules, of a role each.
    units, hospitals
        What is ordered for calls, as `CALL=ID`.
    """

    at: float | None
    rules: Sequence[str]
    units: Sequence[str]
    hospitals: Sequence[str]


def wanted_of(
    at: str | None,
    rules: Sequence[str] | None,
    units: Sequence[str] | None,
    hospitals: Sequence[str] | None,
) -> Wanted | None:
    """Return what is asked for; None where nothing is. `at` is a clock time.

    Raises
    ------
    InputError
        If a moment is given and nothing that is to differ, or it is not a time.
    """
    if not (rules or units or hospitals):
        if at is not None:
            raise InputError(
                "nothing differs in the branch", field=AT, hint=f"add {RULE}, {UNIT} or {HOSPITAL}"
            )
        return None
    if at is None and rules:
        raise InputError("needs the moment from which the rule holds", field=RULE, hint=f"add {AT}")
    begin = None if at is None else parse_clock(at, field=AT)
    return Wanted(begin, rules or (), units or (), hospitals or ())


def branch(
    scenario: Scenario, city: City, wanted: Wanted, folder: Path, target_s: float
) -> dict[str, Any]:
    """Run the day and its branch, write both with what differs, and return the figures.

    Up to the moment both follow the record; from then on the day goes by the scenario's rule.

    Raises
    ------
    InputError
        If a call, unit, hospital, rule or time is not there.
    """
    # The figures rest on what was decided and what came of it, before and after.
    kept = scenario.record.model_copy(update={"decisions": True, "events": True})
    scenario = scenario.model_copy(update={"record": kept})
    orders = [*_orders(UNIT, wanted.units), *_orders(HOSPITAL, wanted.hospitals)]
    at_s = _moment(scenario, city, wanted.at, orders)
    _check_orders(city, orders)
    day = _day(scenario, city, at_s)
    other = _branch(day, wanted.rules, orders, at_s)
    with _as_options(day, other):
        check_policies(other)
        check(other, city)
    claim(folder)
    summaries = []
    for side, each in (("base", day), ("whatif", other)):
        with run_progress(each.name) as progress, _as_options(day, other):
            summaries.append(
                run_scenario(
                    each,
                    run_folder(folder, side, 0),
                    city=city,
                    progress=progress,
                    command=command_line(),
                )
            )
    found = compare_runs(day, other, folder, 1, command_line())
    found.write()
    write_comparison_report(found, city, folder / "report.html")
    one, two = (RunReader(run_folder(folder, side, 0)) for side in ("base", "whatif"))
    calls, others = one.table("calls"), two.table("calls")
    pairs = paired(calls, others, at_s)
    content = {
        "at": format_clock(at_s),
        "at_s": at_s,
        "follows_record": day.policy.dispatch == RECORDED_UNIT,
        "changes": [
            change.model_dump(mode="json", exclude_defaults=True)
            for change in other.changes[len(day.changes) :]
        ],
        "orders": [_carried_out(two, order) for order in orders],
        "reproduced": reproduced(
            calls, one.table("decisions"), city["history"], city["units"], at_s
        ),
        "before": before_alike(one, two, at_s),
        "after": {
            **in_sum(pairs, calls, others, at_s, scenario.period.end_s, target_s),
            "queued": {
                side: summary["queued"]
                for side, summary in zip(("day", "branch"), summaries, strict=True)
            },
        },
        "folder": str(folder),
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1, default=float)
    (folder / "branch.json").write_text(text + "\n", "utf-8")
    pairs.to_csv(folder / "branch.csv", index=False)
    return {"day": summaries[0], "calls": calls, "branch": content, "pairs": pairs}


@dataclass(frozen=True, slots=True)
class _Order:
    option: str
    call: str
    id: str


def _orders(option: str, texts: Sequence[str]) -> Iterator[_Order]:
    seen: set[str] = set()
    for text in texts:
        call, equals, name = (part.strip() for part in text.rpartition("="))
        if not (equals and call and name):
            what = "UNIT" if option == UNIT else "HOSPITAL"
            raise InputError(f"{text!r} is not CALL={what}", field=option)
        if call in seen:
            raise InputError(f"call {call!r} is named twice", field=option)
        seen.add(call)
        yield _Order(option, call, name)


def _moment(scenario: Scenario, city: City, at_s: float | None, orders: Sequence[_Order]) -> float:
    """Return when the branch begins, once it is known that nothing in it lies before that."""
    history = city["history"]
    calendar = Calendar(scenario.period.day, city.meta.timezone)
    since = pd.to_datetime(history["t_call"], utc=True) - pd.Timestamp(calendar.midnight_utc)
    came = dict(zip(history["call_id"], since.dt.total_seconds(), strict=True))
    begin, end = scenario.period.start_s, scenario.period.end_s
    for order in orders:
        t = came.get(order.call)
        if t is None or not begin <= t < end:
            calls = [call for call, t in came.items() if begin <= t < end]
            raise InputError(
                f"the replay has no call {order.call!r}",
                field=order.option,
                hint=did_you_mean(order.call, calls) or f"it has {len(calls)}",
            )
        if at_s is not None and t < at_s:
            raise InputError(
                f"call {order.call!r} came at {format_clock(t)}, before the branch",
                field=order.option,
                hint=f"branch at {format_clock(t)} or sooner",
            )
    if at_s is None:
        at_s = float(int(min(came[order.call] for order in orders)))
    if not begin <= at_s < end:
        raise InputError(
            f"{format_clock(at_s)} is not in the replay",
            field=AT,
            hint=f"it runs from {format_clock(begin)} to {format_clock(end)}",
        )
    return at_s


def _check_orders(city: City, orders: Sequence[_Order]) -> None:
    tables = {
        UNIT: ("unit", "units", "unit_id"),
        HOSPITAL: ("hospital", "hospitals", "hospital_id"),
    }
    for order in orders:
        what, table, column = tables[order.option]
        ids = city[table][column].astype(str)
        if order.id in set(ids):
            continue
        if order.option == UNIT:
            near = unit_like(order.id, dict(zip(ids, city[table]["kind"], strict=True)))
        else:
            near = did_you_mean(order.id, sorted(ids))
        raise InputError(
            f"there is no {what} {order.id!r}",
            field=order.option,
            hint=near or f"the city has {len(ids)}",
        )


def _day(scenario: Scenario, city: City, at_s: float) -> Scenario:
    """Return the day: by the record up to the moment, where it names units, then by the rule."""
    rule = scenario.policy.dispatch
    named = city["history"]["unit_id"].isin(city["units"]["unit_id"]).any()
    if rule == RECORDED_UNIT or not named:
        if not named:
            notes.print("The record names no unit of the city: the rule decides before the branch.")
        return scenario
    kept = {} if is_own(rule) else {RECORDED_UNIT: {OTHERWISE: rule}}
    followed = scenario.policy.model_copy(
        update={"dispatch": RECORDED_UNIT, "parameters": {**scenario.policy.parameters, **kept}}
    )
    change = SetPolicy(kind="set-policy", at=format_clock(at_s), dispatch=rule)
    changes = [*scenario.changes, change]
    return scenario.model_copy(update={"policy": followed, "changes": changes})


def _branch(day: Scenario, rules: Sequence[str], orders: Sequence[_Order], at_s: float) -> Scenario:
    changes: list[Any] = list(day.changes)
    if rules:
        named: dict[str, str] = {}
        for rule in rules:
            role = "dispatch" if is_own(rule) else _role(rule)
            if role in named:
                raise InputError(f"both {named[role]!r} and {rule!r} are of {role}", field=RULE)
            named[role] = rule
        fields: dict[str, Any] = {"kind": "set-policy", "at": format_clock(at_s), **named}
        changes.append(SetPolicy.model_validate(fields))
    for order in orders:
        if order.option == UNIT:
            changes.append(ChooseUnit(kind="choose-unit", call=order.call, unit=order.id))
        else:
            changes.append(
                ChooseHospital(kind="choose-hospital", call=order.call, hospital=order.id)
            )
    name = f"{day.name}-branch"
    when = format_clock(at_s)
    title = {
        "en": f"Branch of {day.title.get('en', day.name)} at {when}",
        "ko": f"{day.title.get('ko', day.name)}, {when}에서 분기",
    }
    return day.model_copy(update={"name": name, "title": title, "changes": changes})


def _role(rule: str) -> str:
    every = [name for role in ROLES for name in known(role)]
    for role in ROLES:
        if rule in known(role):
            return role
    raise InputError(
        f"there is no rule {rule!r}",
        field=RULE,
        hint=meant(rule, every) or f"known: {', '.join(sorted(every))}",
    )


@contextmanager
def _as_options(day: Scenario, other: Scenario) -> Iterator[None]:
    """Name the option that a refused change of the branch came from."""
    try:
        yield
    except InputError as raised:
        # SimPy raises a copy that knows its sentence only.
        error = raised.__cause__ if isinstance(raised.__cause__, InputError) else raised
        parts = (error.field or "").split(".")
        numbered = parts[0] == "changes" and len(parts) > 1 and parts[1].isdigit()
        at = int(parts[1]) - 1 if numbered else -1
        if not len(day.changes) <= at < len(other.changes):
            raise
        option = {"set-policy": RULE, "choose-unit": UNIT}.get(other.changes[at].kind, HOSPITAL)
        raise InputError(error.message, field=option, hint=error.hint) from error


def _carried_out(reader: RunReader, order: _Order) -> dict[str, Any]:
    """Return an order, and whether a choice came for it: not where nobody was taken, say."""
    if order.option == UNIT:
        rows = reader.table("decisions", ["call_id", "unit_id", "why"])
        done = (rows["call_id"] == order.call) & (rows["why"] == "ordered")
        kept = bool(done.any())
    else:
        calls = reader.table("calls", ["call_id", "hospital_id"]).set_index("call_id")
        kept = bool((calls["hospital_id"] == order.id).get(order.call, default=False))
    if not kept:
        what = "unit was sought" if order.option == UNIT else "patient was taken there"
        notes.print(f"Note: no {what} for call {order.call} in the branch ({order.id}).")
    key = "unit" if order.option == UNIT else "hospital"
    return {"call": order.call, key: order.id, "carried_out": kept}
