"""Which plan of a GMNS controller is taken, and when it begins.

Plans may hold at times of their own; coordination tells when a plan's cycle begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from twin.network.csv_columns import CsvColumns
from twin.network.gmns_phases import TimedPhase
from twin.network.gmns_signals import CONTROLLERS, PLANS
from twin.network.gmns_times import TIMES, Moment, TimeSet, time_day, time_sets
from twin.network.graph import YELLOW_S

MAX_OFFSET_S = 86_400.0
_GREEN, _YELLOW, _RED = "begin_of_green", "begin_of_yellow", "begin_of_red"


def numbered(table: CsvColumns, field: str) -> dict[str, int]:
    """Return the rows of a table by a column of different names.

    Raises
    ------
    InputError
        If a name is missing or occurs twice.
    """
    return {name: row for row, name in enumerate(table.unique_names(field))}


def places(table: CsvColumns, field: str, known: Mapping[str, int], file: str) -> list[int]:
    """Return the rows of another table, `file`, that a column names.

    Raises
    ------
    InputError
        At the first name that is not there.
    """
    names = table.text(field)
    unknown = np.array([name not in known for name in names], np.bool_)
    hint = f"state one that is, or add it to {file}"
    table.refuse(unknown, field, f"{{}} is not in {file}", hint=hint)
    return [known[name] for name in names]


class Chooser:
    """The times at which plans hold.

    Parameters
    ----------
    table
        `signal_timing_plan.csv`.
    folder, delimiter
        Where `time_set_definitions.csv` is, and what stands between its values.
    moment
        Of several plans, that is taken which holds then.

    Raises
    ------
    InputError
        Naming the row and the column of the first time that is none.
    """

    def __init__(self, table: CsvColumns, folder: Path, delimiter: str, moment: Moment) -> None:
        self.moment = moment
        self._table = table
        self._sets: list[TimeSet | None] = [None] * table.count
        texts = table.optional_text("time_day")
        names = table.optional_text("timeday_id")
        known: dict[str, TimeSet] = {}
        if any(names) and (folder / TIMES).is_file():
            known = time_sets(CsvColumns(folder / TIMES, delimiter, may_be_empty=True))
        for row, (name, text) in enumerate(zip(names, texts, strict=True)):
            if name:
                if name not in known:
                    hint = "add it there, or state time_day"
                    raise table.fault(row, "timeday_id", f"{{}} is not in {TIMES}", hint)
                self._sets[row] = known[name]
            elif text:
                self._sets[row] = time_day(text)
                if self._sets[row] is None:
                    hint = "as in 01111100_0600_0900: Sunday to Saturday and holidays, from, to"
                    raise table.fault(row, "time_day", "{} is no time", hint)

    def choose(self, plans: list[int], controller: str) -> int:
        """Return the plan of a controller that holds at the moment, or its only one.

        One without times holds where no other does.

        Raises
        ------
        InputError
            If none or several hold.
        """
        if len(plans) == 1:
            return plans[0]
        sets = {plan: self._sets[plan] for plan in plans}
        holding = [plan for plan, own in sets.items() if own and own.covers(self.moment)]
        holding = holding or [plan for plan, own in sets.items() if own is None]
        if len(holding) == 1:
            return holding[0]
        many = f"plan {{}} is not the only one of controller {controller!r} on {self.moment}"
        none = f"no plan of controller {controller!r} holds on {self.moment}"
        hint = "state in time_day when each holds, or choose another moment (--plan-at)"
        row = holding[1] if holding else plans[0]
        raise self._table.fault(row, "timing_plan_id", many if holding else none, hint)


class Coordination:
    """Offsets of plans.

    Parameters
    ----------
    table
        `signal_coordination.csv`, if there is one.
    plans, controllers
        Rows of the tables of plans and controllers by name.
    controller_of
        Controller of each plan.

    Raises
    ------
    InputError
        Naming the row and the column of the first fault.
    """

    def __init__(
        self,
        table: CsvColumns | None,
        plans: Mapping[str, int],
        controllers: Mapping[str, int],
        controller_of: list[int],
    ) -> None:
        self._table = table
        self._row: dict[int, int] = {}
        if table is None:
            return
        numbered(table, "coordination_id")
        plan = places(table, "timing_plan_id", plans, PLANS)
        controller = places(table, "controller_id", controllers, CONTROLLERS)
        masters = table.optional_text("coord_contr_id")
        unknown = np.array([name not in {"", *controllers} for name in masters], np.bool_)
        hint = "name a controller, or leave it out"
        table.refuse(unknown, "coord_contr_id", f"{{}} is not in {CONTROLLERS}", hint=hint)
        self._references = [word.lower() for word in table.optional_text("coord_ref_to")]
        wrong = np.array([word not in {"", _GREEN, _YELLOW, _RED} for word in self._references])
        hint = f"known are {_GREEN}, {_YELLOW} and {_RED}"
        table.refuse(wrong, "coord_ref_to", "{} is not known", hint=hint)
        self._offset = table.optional_numbers("offset", 0.0, MAX_OFFSET_S)
        self._phase = table.optional_keys("coord_phase")
        for row, (own, mine) in enumerate(zip(plan, controller, strict=True)):
            if controller_of[own] != mine:
                hint = "give each controller a plan of its own"
                raise table.fault(row, "controller_id", "the plan is not one of {}", hint)
            if own in self._row:
                hint = "leave one of both rows out"
                raise table.fault(row, "timing_plan_id", "plan {} is coordinated twice", hint)
            if self._phase[row] is None and self._references[row] not in {"", _GREEN}:
                hint = "name a phase in coord_phase"
                raise table.fault(row, "coord_ref_to", "{} is said of no phase", hint)
            self._row[own] = row

    def offset(
        self, plan: int, timed: Mapping[int, TimedPhase], number: Mapping[int, int]
    ) -> float:
        """Return when the cycle of a plan begins, in seconds after midnight.

        Parameters
        ----------
        plan
            The plan.
        timed, number
            When each of its phases shows, and its `signal_phase_num`.

        Raises
        ------
        InputError
            If coordination starts at a phase that the plan does not have once.
        """
        row = self._row.get(plan)
        if row is None or self._table is None:
            return 0.0
        offset = float(np.nan_to_num(self._offset[row]))
        if self._phase[row] is None:
            return offset
        named = [phase for phase in timed if number[phase] == self._phase[row]]
        if len(named) != 1:
            why = "the plan has " + ("several phases" if named else "no phase") + " {}"
            raise self._table.fault(row, "coord_phase", why, "state a signal_phase_num of the plan")
        phase = timed[named[0]]
        start = {_YELLOW: phase.green_end, _RED: phase.green_end + YELLOW_S}
        return offset - start.get(self._references[row], phase.begin)

    def __contains__(self, plan: int) -> bool:
        return plan in self._row
