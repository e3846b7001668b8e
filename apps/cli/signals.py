"""`twin city signals`: what signals a city has, and plans designed from its traffic."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import simpy
import typer
from pydantic import ValidationError
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json, load, notes, out_option
from twin.city.bundle import check_target, save_city
from twin.city.model import City
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.network.graph import F64, Network
from twin.network.signal_design import Designed, DesignOptions, design_webster
from twin.scenarios.spec import Period, Scenario
from twin.traffic.micro import MicroTraffic
from twin.traffic.micro_mobility import MicroMobility

Design = Literal["webster", "actuated", "coordinated", "max-pressure"]


def signals(
    name: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    design: Annotated[
        Design | None, typer.Option("--design", help="How plans are designed: webster.")
    ] = None,
    start: Annotated[str, typer.Option("--start", help="Begin of the hour that counts.")] = "17:30",
    end: Annotated[str, typer.Option("--end", help="Its end.")] = "18:30",
    warm_up_min: Annotated[
        float, typer.Option("--warm-up", help="Minutes of traffic before it.")
    ] = 30.0,
    scale: Annotated[float, typer.Option("--scale", help="Factor on all trips.")] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the traffic.")] = 1,
    most_cycle_s: Annotated[
        float, typer.Option("--most-cycle", help="Longest cycle, seconds.")
    ] = 180.0,
    pedestrians: Annotated[
        bool, typer.Option("--pedestrians", help="Greens last until the crossed road is walked.")
    ] = False,
    pedestrian_stage: Annotated[
        bool, typer.Option("--pedestrian-stage", help="All traffic has red once a cycle.")
    ] = False,
    coordinate: Annotated[
        bool, typer.Option("--coordinate/--alone", help="One cycle and a green wave along roads.")
    ] = True,
    out: Annotated[Path | None, out_option("--design needs it")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what signals a city has, or design their plans from an hour of its traffic."""
    if design is None:
        _tell(load(name, renew=False).network, as_json=as_json)
        return
    if design != "webster":
        raise InputError(
            f"'{design}' is a way to run signals and no plan",
            field="--design",
            hint=f"add to a run: --set traffic.signals={design}",
        )
    if out is None:
        raise InputError("say where the city with its new plans goes", field="--out")
    check_target(out)
    options = DesignOptions(
        most_cycle_s=most_cycle_s,
        pedestrians=pedestrians,
        pedestrian_stage=pedestrian_stage,
        coordinate=coordinate,
    )
    city = load(name)
    if city["od"].empty:
        raise InputError(
            f"the city {city.meta.name} has no demand, and plans are designed from its traffic",
            field="--design",
            hint="import roads of OSM or GMNS with zones and trips (--table od=FILE.csv, see "
            "docs/how-to/bring-your-own-city.md), or design from flows of your own in Python "
            "(twin.network.signal_design.design_webster), as for networks of SUMO",
        )
    flows = counted(city, start, end, warm_up_min=warm_up_min, scale=scale, seed=seed)
    if not flows.any():
        raise InputError(
            f"nobody passes a junction from {start} to {end}, so there is nothing to design from",
            field="--start",
            hint="choose another hour (--start, --end) or more trips (--scale)",
        )
    network, made = design_webster(city.network, flows, options)
    meta = city.meta.model_copy(
        update={
            "assumptions": [
                *city.meta.assumptions,
                f"Signal plans are Webster's for the traffic of {start} to {end}.",
            ]
        }
    )
    save_city(dataclasses.replace(city, network=network, meta=meta), out)
    _show(made, out, as_json=as_json)


def counted(
    city: City, start: str, end: str, *, warm_up_min: float, scale: float, seed: int
) -> F64:
    """Return (T,) vehicles per hour that make each turn in lane-level traffic with present plans.

    Raises
    ------
    InputError
        If the times are not times.
    """
    try:
        period = Period(start=start, end=end, warm_up_min=warm_up_min)
        scenario = Scenario.model_validate(
            {
                "name": "signals",
                "city": city.meta.name,
                "seed": seed,
                "period": period.model_dump(),
                "traffic": {"demand_scale": scale},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = {"start": "--start", "end": "--end", "warm_up_min": "--warm-up"}
        field = str(first["loc"][-1]) if first["loc"] else "end"
        raise InputError(
            first["msg"].removeprefix("Value error, "), field=where.get(field, "--scale")
        ) from error
    env = simpy.Environment(initial_time=period.begin_s)
    mobility = MicroMobility(env, city, scenario, Streams(seed))
    traffic = mobility.traffic
    if not isinstance(traffic, MicroTraffic):
        raise TypeError("lane-level traffic counts turns")
    mobility.move(period.start_s)
    before = traffic.turn_counts
    mobility.move(period.end_s)
    passed = traffic.turn_counts - before
    return np.asarray(passed * (3600.0 / (period.end_s - period.start_s)), np.float64)


def _tell(network: Network, *, as_json: bool) -> None:
    cycles = Counter(network.signal_cycle.tolist())
    groups = Counter(np.bincount(network.group_signal, minlength=network.n_signals).tolist())
    content: dict[str, Any] = {
        "signals": network.n_signals,
        "right_on_red": network.n_signals_on_red,
        "by_cycle_s": {f"{k:g}": n for k, n in sorted(cycles.items())},
        "by_groups": {str(k): n for k, n in sorted(groups.items())},
    }
    if as_json:
        end_with_json(content)
        return
    console = answers()
    on_red = network.n_signals_on_red
    console.print(
        f"{network.n_signals} signals; drivers may turn right on red at {on_red or 'none'} of them"
    )
    for title, column in (("cycle, s", "by_cycle_s"), ("groups", "by_groups")):
        table = Table(title, "signals")
        for key, count in content[column].items():
            table.add_row(key, str(count))
        console.print(table)


def _show(made: list[Designed], out: Path, *, as_json: bool) -> None:
    load_of = np.array([row.load for row in made])
    before = np.array([row.before_s for row in made])
    after = np.array([row.cycle_s for row in made])
    changed = load_of > 0
    content = {
        "folder": str(out),
        "signals": len(made),
        "designed": int(changed.sum()),
        "overloaded": int((load_of > 0.9).sum()),
        "mean_cycle_before_s": round(float(before.mean()), 1) if len(made) else None,
        "mean_cycle_s": round(float(after.mean()), 1) if len(made) else None,
    }
    if as_json:
        end_with_json(content)
        return
    answers().print(
        f"{content['designed']} of {content['signals']} signals have new plans; mean cycle "
        f"{content['mean_cycle_s']} s, was {content['mean_cycle_before_s']} s; "
        f"{content['overloaded']} are loaded above 0.9."
    )
    notes.print(f"wrote {out}")
