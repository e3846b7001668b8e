"""What a reader of a comparison has to know before its figures: what was not simulated or counted.

The sentences stand under the table of `twin compare`, in `notes` of `compare.json`, in the report
and, by their code in the reader's language, on the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twin.metrics.pairing import Reach
from twin.scenarios.change_kinds import (
    BanTurn,
    Change,
    ChooseHospital,
    CloseHospital,
    CloseLinks,
    OpenHospital,
    RetimeSignals,
    ScaleDemand,
    SetPolicy,
    Toll,
    WorkZone,
)
from twin.scenarios.spec import Scenario

Summaries = Sequence[Mapping[str, Any]]
"""`summary` of each run of a scenario; those of earlier versions may lack figures."""

MOST_LEFT_OUT = 0.05
"""Share of the calls that means and percentiles may leave out without a caution."""
COLLISIONS = ("kind", "collision")
"""Group and value of the calls that come of a run's own traffic."""

TEXTS = {
    "swapped": "The sides may be the wrong way round: {base} is itself a what-if of {whatif}, so "
    "the differences are those of taking its change back.",
    "table-roads": "By table a closed road or a banned turn only sends ambulances and engines "
    "another way. The cars that used it crowd no other road, so a small or no difference does not "
    "say that it does no harm; live traffic (meso or micro) answers that.",
    "table-lanes": "By table, closed lanes and work zones only make their own links slower: closed "
    "lanes by all lanes over the open ones. No queue forms and no car goes another way, so a small "
    "or no difference does not say that they do no harm; live traffic (meso or micro) answers "
    "that.",
    "table-toll": "By table a toll changes nothing: units pay none, and nobody else drives. Live "
    "traffic (meso or micro) answers it.",
    "table-demand": "By table, more or fewer trips change the times of all roads by a curve for "
    "their class: no queue forms. Live traffic (meso or micro) answers it.",
    "right-on-red": "Pedestrians are not modelled: they hold nobody up on a crossing, so right "
    "turns on red gain more here than in a city, and what they mean for safety is not told.",
    "signals": "Signals that do not run by fixed plans (actuated, coordinated, max-pressure) know "
    "no pedestrians: nobody who wants to cross is counted or waited for; only a stage for "
    "pedestrians that the plan has is kept. Unless a file stated the plans, they are a "
    "generator's, which a city's own may well beat: what is gained over them flatters.",
    "order-unasked": "In {n} of {of} runs of {scenario} the order for call {call} ({id}) had no "
    "effect: no such choice came for that call.",
    "no-hospital": "In {n} of {of} runs of {scenario} there were patients whom no hospital could "
    "take, {patients} in all: their crews stayed with them and took no other call, "
    "{left} of them until the run ended.",
    "no-beds": "Hospitals have no beds in these runs: a handover takes no longer however many "
    "patients come, so none gets crowded. Give them beds (`hospitals.beds`, see `twin scenario "
    "fields hospitals`) to see crowding.",
    "left-out": "{n} of {of} calls ({percent}) are in no mean, median or percentile, not counting "
    "collisions of one run's own traffic: {one_sided} reached in one run only, the others in "
    "neither before the run ended. Leaving out so many "
    "can turn a mean around: read the share in time, and choose a period that ends in a quiet "
    "hour.",
    "own-collisions": "{n} of {of} calls ({percent}) are collisions that units reached in one run "
    "only: they come of the traffic, so each run has its own. They are in no mean, median or "
    "percentile; medical calls and fires are the same on both sides.",
}


@dataclass(frozen=True, slots=True)
class Caution:
    """One thing to know.

    Attributes
    ----------
    code
        Which of `TEXTS`.
    numbers
        What stands in its gaps.
    """

    code: str
    numbers: dict[str, str]

    @property
    def text(self) -> str:
        """The sentence in English."""
        return TEXTS[self.code].format(**self.numbers)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "text": self.text}


def cautions(
    base: Scenario,
    whatif: Scenario,
    reach: Sequence[Reach],
    of_runs: Sequence[Caution] = (),
) -> list[Caution]:
    """Return what to know of a comparison, in the order of `TEXTS`.

    Parameters
    ----------
    base, whatif
        The scenarios; changes that both make are not asked about.
    reach
        What each side reached; the first line is over all calls.
    of_runs
        What `cautions_of_runs` returns.
    """
    mine = [c for c in whatif.changes if c not in base.changes]
    theirs = [c for c in base.changes if c not in whatif.changes]
    asked = [
        change
        for scenario, changes in ((whatif, mine), (base, theirs))
        if scenario.traffic.fidelity == "table"
        for change in changes
    ]
    found = []
    if base.base is not None and whatif.name in {base.base, Path(base.base).stem}:
        found.append(Caution("swapped", {"base": base.name, "whatif": whatif.name}))
    codes = {code for change in asked if (code := _by_table(change)) is not None}
    codes |= _of_signals(base, whatif)
    found += [Caution(code, {}) for code in TEXTS if code in codes]
    found += of_runs
    return [*found, *_left_out(reach)] if reach else found


def cautions_of_runs(sides: Sequence[tuple[Scenario, Summaries]]) -> list[Caution]:
    """Return what to know of the runs of each side, in the order of `TEXTS`.

    Orders for which no choice came in some of them, patients whom no hospital could take, and
    that hospitals without beds do not get crowded where the sides differ in who is taken where.

    Parameters
    ----------
    sides
        Scenario and summaries of the base and of the what-if.
    """
    found = [
        caution
        for told in (_unasked_orders, _without_hospital)
        for scenario, runs in sides
        for caution in told(scenario, runs)
    ]
    beds = [_has_beds(run) for _, runs in sides for run in runs]
    if _other_hospitals([scenario for scenario, _ in sides]) and not any(beds) and None not in beds:
        found.append(Caution("no-beds", {}))
    return found


def _unasked_orders(scenario: Scenario, runs: Summaries) -> list[Caution]:
    times = Counter(
        (order["change"], order["call"], order.get("unit") or order.get("hospital"))
        for run in runs
        for order in run.get("unasked_orders", [])
    )
    return [
        Caution(
            "order-unasked",
            {
                "n": str(n),
                "of": str(len(runs)),
                "scenario": scenario.name,
                "call": str(call),
                "id": str(wanted),
            },
        )
        for (_, call, wanted), n in sorted(times.items())
    ]


def _without_hospital(scenario: Scenario, runs: Summaries) -> list[Caution]:
    found = [run.get("without_hospital", {}) for run in runs]
    hit = [each for each in found if each.get("patients")]
    if not hit:
        return []
    numbers = {
        "n": str(len(hit)),
        "of": str(len(runs)),
        "scenario": scenario.name,
        "patients": f"{sum(each['patients'] for each in hit):,}",
        "left": f"{sum(each['left'] for each in hit):,}",
    }
    return [Caution("no-hospital", numbers)]


def _has_beds(run: Mapping[str, Any]) -> bool | None:
    """Return whether hospitals of a run have beds; None if an earlier version made it."""
    if "hospitals" not in run:
        return None
    rooms = run["hospitals"]
    return rooms is not None and rooms["all"]["beds"] > 0


def _other_hospitals(scenarios: Sequence[Scenario]) -> bool:
    """Return whether scenarios differ in which hospitals take patients, or in how one is chosen."""
    if len({scenario.policy.hospital for scenario in scenarios}) > 1:
        return True
    return any(
        isinstance(change, CloseHospital | OpenHospital | ChooseHospital)
        or (isinstance(change, SetPolicy) and change.hospital is not None)
        for one in scenarios
        for other in scenarios
        for change in one.changes
        if change not in other.changes
    )


def by_other_than_plans(scenario: Scenario) -> bool:
    """Return whether a scenario runs any signals by what stands before them."""
    return scenario.traffic.fidelity == "micro" and (
        scenario.traffic.signals != "fixed"
        or any(
            isinstance(change, RetimeSignals) and change.mode not in {None, "fixed"}
            for change in scenario.changes
        )
    )


def _of_signals(base: Scenario, whatif: Scenario) -> set[str]:
    """Return what to know of signals run by traffic, and of right turns on red where sides differ.

    Not by table, where nobody else drives.
    """
    sides = (base, whatif)
    codes = {"signals"} if any(map(by_other_than_plans, sides)) else set()
    moving = all(side.traffic.fidelity != "table" for side in sides)
    if moving and base.traffic.right_on_red != whatif.traffic.right_on_red:
        codes.add("right-on-red")
    return codes


def _by_table(change: Change) -> str | None:
    match change:
        case CloseLinks(lanes=None) | BanTurn():
            return "table-roads"
        case CloseLinks() | WorkZone():
            return "table-lanes"
        case Toll():
            return "table-toll"
        case ScaleDemand():
            return "table-demand"
        case _:
            return None


def _left_out(reach: Sequence[Reach]) -> list[Caution]:
    line = reach[0]
    # Collisions arise from the traffic, so each side may have calls that the other has not.
    of = max(line.base_calls, line.whatif_calls, line.both + line.one_sided)
    own = sum(each.one_sided for each in reach if (each.group, each.value) == COLLISIONS)
    found = []
    if (n := of - line.both - own) > MOST_LEFT_OUT * of:
        told = _share(n, of) | {"one_sided": f"{line.one_sided - own:,}"}
        found.append(Caution("left-out", told))
    if own > MOST_LEFT_OUT * of:
        found.append(Caution("own-collisions", _share(own, of)))
    return found


def _share(n: int, of: int) -> dict[str, str]:
    return {"n": f"{n:,}", "of": f"{of:,}", "percent": f"{100.0 * n / of:.1f}%"}
