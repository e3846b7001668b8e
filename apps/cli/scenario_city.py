"""The city of a scenario that was named on the command line, with everything checked.

Apart from `common`, since the rules bring the agents along, which `twin traffic` starts without.
"""

from __future__ import annotations

from pathlib import Path

from apps.cli.common import load
from twin.agents.policies import fleet_faults, policy_faults
from twin.agents.roster import fleet
from twin.city.library import is_unbuilt
from twin.city.model import City
from twin.core.errors import InputError, NotFoundError, together
from twin.scenarios.change_kinds import InjectIncident
from twin.scenarios.changes import faults
from twin.scenarios.load import locate
from twin.scenarios.sensing import detector_faults
from twin.scenarios.spec import Scenario


def city_for(
    name: str, scenario: Scenario, settings: list[str] | None = None, known: City | None = None
) -> City:
    """Return a scenario's city, having checked rules and changes.

    Parameters
    ----------
    name
        How the scenario was named on the command line.
    scenario
        The scenario.
    settings
        What `--set` gave.
    known
        The city, if it is loaded already.

    Raises
    ------
    InputError
        Naming file and line, or the setting, of what is not there.
    """
    wrong = list(policy_faults(scenario))
    # Nobody waits for a city to be built to be told of a word that no city would make right.
    if not wrong or known is not None or not is_unbuilt(scenario.city):
        try:
            city = known or load(scenario.city, renew=not wrong)
        except NotFoundError as error:
            wrong.append(InputError(error.message, file=error.file, field="city", hint=error.hint))
        else:
            wrong += faults_in(scenario, city)
            if not wrong:
                return city
    raise together([placed(fault, name, settings) for fault in wrong])


def faults_in(scenario: Scenario, city: City) -> list[InputError]:
    """Return what of a scenario is not there in its city: changes, detectors, lists of rules."""
    return [
        *faults(scenario, city),
        *detector_faults(scenario, city.network),
        *fleet_faults(scenario, fleet(city, scenario)),
    ]


def lacking(scenario: Scenario, city: City) -> str:
    """Return what a run of the scenario will miss in its city, in a sentence; empty if nothing."""
    injected = any(isinstance(change, InjectIncident) for change in scenario.changes)
    drawn = scenario.calls.source == "generated" and not injected
    traffic = scenario.traffic.fidelity != "table" and not scenario.transit.wanted
    missing = {
        "demand": ("no vehicle sets out by itself", traffic and city["od"].empty),
        "units": ("nobody is sent", not fleet(city, scenario).units),
        "calls": ("nobody calls", drawn and not city["call_rates"]["per_day"].any()),
    }
    found = {what: so for what, (so, true) in missing.items() if true}
    if not found:
        return ""
    return (
        f"The city {city.meta.name} has no {_listed(list(found), 'or')}: "
        f"{_listed(list(found.values()), 'and')} in this run. docs/how-to/bring-your-own-city.md "
        "says which tables hold them; `twin traffic` lets SUMO's route files drive without."
    )


def _listed(parts: list[str], word: str) -> str:
    *more, last = parts
    return f"{', '.join(more)} {word} {last}" if more else last


def placed(error: InputError, name: str, settings: list[str] | None) -> InputError:
    """Return an error about a field of the scenario `name` with the line or setting at fault."""
    field = error.field or ""
    if error.file is not None or not f"{field}.".startswith(
        ("changes.", "policy.", "city.", "record.")
    ):
        return error
    file: Path | str
    file, row = locate(name, field)
    for setting in settings or []:
        if f"{field}.".startswith(f"{setting.partition('=')[0].strip()}."):
            file, row = f"--set {setting}", None
    return InputError(error.message, file=file, row=row, field=field, hint=error.hint)
