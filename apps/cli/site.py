"""`twin site`: where ambulances should stand."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Column, Table

from apps.cli.common import (
    AsJson,
    answers,
    end_with_json,
    load,
    long_job,
    notes,
    out_option,
    read_scenario,
)
from apps.cli.places import districts_at
from apps.cli.replay_calls import with_calls, with_short_calls
from twin.agents.deployment.resite import (
    Model,
    Sited,
    Sites,
    changes_to,
    figures,
    moves_to,
    sites_of,
)
from twin.agents.deployment.resite import (
    site as find_sites,
)
from twin.agents.deployment.siting import Method
from twin.city.bundle import empty_table
from twin.city.model import City
from twin.city.toml_text import dump_toml
from twin.core.errors import InputError, did_you_mean
from twin.demand.call_file import is_call_file
from twin.network.locate import Locator
from twin.scenarios.changes import check
from twin.scenarios.coverage import Coverage
from twin.scenarios.load import load_scenario
from twin.scenarios.sources import catalogue
from twin.scenarios.spec import Period, Scenario

NEARLY_ALL = 0.99
"""A share of the demand within reach from which a siting has next to nothing to gain."""
USEFUL = 0.8
"""The share of the demand that the shorter target proposed then leaves in reach."""
STEP_S = 30.0
"""Steps of such a target, seconds."""
WORDS = {
    "within_reach": "within reach of one",
    "twice": "within reach of two",
    "expected": "finds a free one in reach",
    "mean_drive_s": "mean drive of the nearest",
}


def site(
    city: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    ambulances: Annotated[
        int | None,
        typer.Option(
            "--ambulances",
            min=1,
            max=10_000,
            help="How many there are to be in all; as many as there are if left out.",
        ),
    ] = None,
    more: Annotated[
        int | None,
        typer.Option(
            "--more", min=1, max=10_000, help="So many more than there are, not --ambulances."
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(
            "--target",
            min=1.0,
            max=86_400.0,
            help="Reach: a drive of so many seconds; the base's coverage.within_s if left out "
            "(480 where it says nothing).",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", metavar="|".join(get_args(Model)), help="What is best."),
    ] = "mexclp",
    busy: Annotated[
        float | None,
        typer.Option(
            "--busy",
            min=0.0,
            max=0.99,
            help="Share of time for which one is busy; the base's coverage.busy if left out (0.3).",
        ),
    ] = None,
    slower: Annotated[
        float | None,
        typer.Option(
            "--slower",
            min=0.1,
            max=10.0,
            help="Factor on drives on empty streets; the base's coverage.slower if left out (1).",
        ),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(
            "--most",
            min=1,
            max=10_000,
            help="Most ambulances at one station; any number if left out (p-median: 1).",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave today's where they are; site the others only.")
    ] = False,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Consider new stations, in the middle of each zone.")
    ] = False,
    district: Annotated[
        str | None,
        typer.Option(
            "--district",
            help="Change nothing outside this district; the demand of the whole city counts.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="|".join(get_args(Method)),
            help="Exactly by HiGHS, by greedy and swaps, or whichever is quick.",
        ),
    ] = "auto",
    calls: Annotated[
        Path | None,
        typer.Option(
            "--calls", help="Recorded calls (CSV, as of twin replay) that show where demand is."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="SCENARIO",
            help="Scenario whose service is changed; the city as it is if left out.",
        ),
    ] = None,
    out: Annotated[Path | None, out_option("runs/site-CITY if left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Find where ambulances should stand, and write the scenario that puts them there.

    Ambulances count as always staffed, whatever their shifts; drives are those under siren on empty
    streets, or the city's table. Queues are not known, and that others are busy only as a share.
    """
    if more is not None and ambulances is not None:
        raise InputError("say how many in all or how many more, not both", field="--more")
    chosen: Model = _one_of(model, get_args(Model), "--model")
    how: Method = _one_of(method, get_args(Method), "--method")
    if base is None:
        plain = Scenario(name="today", city=city)
        place = load(city)
        if place.is_table:
            plain = plain.model_copy(
                update={"traffic": plain.traffic.model_copy(update={"fidelity": "table"})}
            )
    else:
        plain = read_scenario(base, None, None)
        if plain.city != city:
            raise InputError(f"is of the city {plain.city!r}, not {city!r}", field="--base")
        place = load(city)
        check(plain, place)
    given = {"within_s": target, "slower": slower, "busy": busy}
    if calls is not None:
        place = _by_calls(place, calls)
    coverage = plain.coverage.model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    scenario = plain.model_copy(update={"coverage": coverage})
    with long_job() as tell:
        tell("Drives from every station to every point of demand")
        sites = sites_of(place, scenario, anywhere=anywhere)
        n = ambulances or int(sites.today.sum()) + (more or 0)
        if not n:
            raise InputError("the city has no ambulance", field="--ambulances", hint="say how many")
        tell(f"{n} ambulances, {len(sites.ids)} sites, {len(sites.cover.weight)} points: {model}")
        inside = None if district is None else _in_district(place, sites, district)
        found = find_sites(sites, n, chosen, most=most, keep=keep, inside=inside, method=how)
    changes = changes_to(place, scenario, sites, found.siting.counts)
    folder = out or Path("runs") / f"site-{Path(city).name}"
    whatif = _write(folder, plain, base, chosen, sites, found, changes, coverage)
    answer = _answer(place, scenario, sites, found, chosen, how)
    command = ["twin", "compare", whatif["base"], whatif["scenario"]]
    if scenario.traffic.fidelity != "table":
        command += ["--set", "traffic.fidelity=table"]
    if as_json:
        end_with_json({**answer, **whatif, "compare": command})
        return
    _show(answer, sites, found, streets=not place.is_table)
    notes.print(f"Scenario: {whatif['scenario']}")
    notes.print(f"Compare: {shlex.join(command)}")


def _by_calls(city: City, file: Path) -> City:
    """Return the city as if its demand were known by the calls of a file alone."""
    if is_call_file(file):
        found = with_short_calls(city, file, Period().day)
    else:
        found = with_calls(city, file, None)
    found.tables["call_rates"] = empty_table("call_rates")
    return found


def _in_district(city: City, sites: Sites, wanted: str) -> NDArray[np.bool_]:
    """Return (B,) whether each site is in a district: the true one of a station, else as drawn."""
    table = city["districts"]
    known = {name: name for name in city["zones"]["district"].astype(str) if name}
    for column in ("district", "name_en", "name_ko"):
        known |= dict(zip(table[column].astype(str), table["district"].astype(str), strict=True))
    if wanted not in known:
        raise InputError(
            f"the city has no district {wanted!r}",
            field="--district",
            hint=did_you_mean(wanted, known)
            or f"known: {', '.join(sorted(set(known.values()))) or 'none'}",
        )
    link, pos = [p.link for p in sites.places], [p.pos_m for p in sites.places]
    found = districts_at(city, *Locator(city.network).lonlat(np.array(link), np.array(pos)))
    stations = city["stations"]
    if "district" in stations:
        true = dict(zip(stations["station_id"], stations["district"].fillna(""), strict=True))
        found = np.array([true.get(k) or drawn for k, drawn in zip(sites.ids, found, strict=True)])
    return np.asarray(found == known[wanted], np.bool_)


def _one_of(given: str, known: tuple[str, ...], field: str) -> Any:
    if given not in known:
        raise InputError(
            f"{given!r} is none of {', '.join(known)}", field=field, hint=did_you_mean(given, known)
        )
    return given


def _write(
    folder: Path,
    plain: Scenario,
    base: str | None,
    model: Model,
    sites: Sites,
    found: Sited,
    changes: list[dict[str, Any]],
    coverage: Coverage,
) -> dict[str, str]:
    """Write the what-if, and its base if none was named; return how to name both."""
    folder.mkdir(parents=True, exist_ok=True)
    if base is None:
        file = folder / "today.toml"
        settings = plain.model_dump(mode="json", exclude_defaults=True, exclude={"name", "city"})
        file.write_text(dump_toml({"name": "today", "city": plain.city, **settings}), "utf-8")
        below, named = file.name, str(file)
    elif base in catalogue():
        below = named = base
    else:
        below, named = os.path.relpath(base, folder), base
    n, within = int(found.siting.counts.sum()), f"{coverage.within_s:g}"
    content: dict[str, Any] = {
        "name": f"sited-{n}-{model}-{within.replace('.', '-').replace('+', '')}s",
        "base": below,
        "title": {
            "en": f"{n} ambulances sited by {model}, drives of {within} s",
            "ko": f"구급차 {n}대 배치({model}, 주행 {within}초)",
        },
        "question": {
            "en": f"What changes when {n} ambulances stand where {model} covers most within "
            f"{within} s on empty streets?",
            "ko": f"빈 도로에서 {within}초 안에 가장 많이 닿도록 {model} 모형으로 구급차 {n}대를 "
            "배치하면 무엇이 달라지는가?",
        },
        "coverage": coverage.model_dump(exclude_defaults=True),
    }
    if model == "nested":
        order = [sites.ids[row] for row in found.order]
        content["policy"] = {
            "moveup": "compliance-table",
            "parameters": {"compliance-table": {"nested": order}},
        }
    whatif = folder / "sited.toml"
    whatif.write_text(dump_toml({**content, "changes": changes}), "utf-8")
    load_scenario(whatif)
    return {"base": named, "scenario": str(whatif)}


def _answer(
    city: City, scenario: Scenario, sites: Sites, found: Sited, model: Model, method: Method
) -> dict[str, Any]:
    siting = found.siting
    moves = moves_to(city, scenario, sites, siting.counts)
    used = np.flatnonzero((siting.counts > 0) | (sites.today > 0)).tolist()
    return {
        "city": city.meta.name,
        "model": model,
        "nearly_complete": _nearly_complete(sites, model),
        "method": method,
        "ambulances": int(siting.counts.sum()),
        "ambulances_today": int(sites.today.sum()),
        "target_s": scenario.coverage.within_s,
        "slower": scenario.coverage.slower,
        "busy": scenario.coverage.busy,
        "objective": siting.value,
        "bound": siting.bound,
        "exact": siting.exact,
        "gap": siting.gap,
        "today": figures(sites, sites.today),
        "sited": figures(sites, siting.counts),
        "order": [sites.ids[row] for row in found.order],
        "stations": [
            {
                "station_id": sites.ids[row],
                "name": sites.names[row],
                "new": bool(sites.new[row]),
                "today": int(sites.today[row]),
                "sited": int(siting.counts[row]),
            }
            for row in used
        ],
        "moves": [
            {"unit_id": unit, "from": sites.ids[a], "to": sites.ids[b], "drive_s": seconds}
            for unit, a, b, seconds in moves
        ],
    }


def _nearly_complete(sites: Sites, model: Model) -> dict[str, float | None] | None:
    """Return what is in reach today, if that is nearly all, and a target that is not so easy."""
    today = sites.cover.share(sites.today)
    if model == "p-median" or today < NEARLY_ALL:
        return None
    weight, nearest = sites.cover.weight, sites.cover.seconds[sites.today > 0].min(axis=0)
    order = np.argsort(nearest, kind="stable")
    summed = np.cumsum(weight[order])
    at = float(nearest[order][np.searchsorted(summed, USEFUL * summed[-1])])
    shorter = max(STEP_S, STEP_S * round(at / STEP_S))
    return {"within_reach": today, "target_s": shorter if shorter < sites.cover.within_s else None}


def _show(answer: dict[str, Any], sites: Sites, found: Sited, *, streets: bool) -> None:
    console = answers()
    table = Table(
        Column("station"),
        Column("name"),
        Column("today", justify="right"),
        Column("sited", justify="right"),
    )
    same = 0
    for row in answer["stations"]:
        if row["today"] == row["sited"]:
            same += 1
            continue
        name = f"{row['name']} (new)" if row["new"] else row["name"]
        table.add_row(row["station_id"], name, str(row["today"]), str(row["sited"]))
    console.print(f"{answer['ambulances']} ambulances in {answer['city']} by {answer['model']}:")
    if table.row_count:
        console.print(table)
    console.print(f"{same} stations keep what they have.")
    shares = Table("demand", Column("today", justify="right"), Column("sited", justify="right"))
    for key, words in WORDS.items():
        cells = (answer["today"][key], answer["sited"][key])
        if key == "mean_drive_s":
            shares.add_row(words, *(f"{value:.0f} s" for value in cells))
        else:
            shares.add_row(words, *(f"{100.0 * value:.2f}%" for value in cells))
    console.print(shares)
    drive = "under siren on empty streets" if streets else "by the city's table"
    console.print(
        f"Target: a drive of {answer['target_s']:g} s {drive}; each is busy for "
        f"{answer['busy']:g} of its time; {len(answer['moves'])} ambulances change their station."
    )
    if answer["order"]:
        console.print("To be manned in this order: " + ", ".join(sites.ids[r] for r in found.order))
    if answer["exact"]:
        console.print(f"By {answer['model']} no siting is better (HiGHS, proved).")
    else:
        console.print(
            f"Found by greedy and swaps: by {answer['model']} no siting is better by more than "
            f"{100.0 * answer['gap']:.2f}%."
        )
    unknown = "neither traffic nor queues of calls" if streets else "no queues of calls"
    console.print(
        f"That is about the model, not about response times: it knows {unknown}, and that an "
        "ambulance is busy is a share, the same for all. What it brings, only a comparison tells."
    )
    if answer["nearly_complete"]:
        console.print(_warning(answer))


def _warning(answer: dict[str, Any]) -> str:
    """Return how little decides where nearly everything is in reach already."""
    nearly = answer["nearly_complete"]
    key = "within_reach" if answer["model"] == "mclp" else "expected"
    added = 100.0 * (answer["sited"][key] - answer["today"][key])
    target = nearly["target_s"]
    hint = "" if target is None else f"; ask for more with --target {target:g}"
    return (
        f"Warning: today's stations reach {100.0 * nearly['within_reach']:.2f}% of the demand "
        f"within {answer['target_s']:g} s. Of such a target {added:+.3f} percentage points "
        f"({WORDS[key]}) decide where ambulances stand{hint}."
    )
