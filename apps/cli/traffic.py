"""`twin traffic`: the vehicles of SUMO route files on a city's streets, and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from apps.cli.common import AsJson, answers, end_with_json, load, notes, seconds_progress
from apps.cli.traffic_files import refuse_clashes
from twin.city.bundle import empty_table
from twin.core.errors import InputError
from twin.core.random import Streams
from twin.demand.sumo_edges import edge_table
from twin.demand.sumo_routes import read_routes
from twin.network.graph import Network
from twin.recording.sumo_output import EdgeNames
from twin.recording.trip_run import Outputs, Totals, drive, prepare
from twin.scenarios.vehicle_types import Model
from twin.traffic.file_types import Driven, driven, unknown_to_queues
from twin.traffic.interface import Traffic
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.router import Router

Fidelity = Literal["micro", "meso"]
_MODELS: dict[str, Model] = {"idm": "idm", "krauss": "krauss"}
_LABELS = {
    "inserted": "entered the road, vehicles",
    "finished": "reached their goal, vehicles",
    "running_max": "on the road at once at most, vehicles",
    "running_mean": "on the road on average, vehicles",
    "waiting_to_insert": "due and not on the road yet, vehicles",
    "removed": "removed on their way, vehicles",
    "mean_duration_s": "mean duration, s",
    "mean_time_loss_s": "mean time loss, s",
    "mean_speed_mps": "mean speed, m/s",
    "updates": "updates: moves of a vehicle by one tick",
    "cpu_s": "CPU time, s",
    "updates_per_cpu_s": "updates a second of CPU time, 1/s",
    "wall_s": "time by the clock, s",
    "peak_rss_mb": "most memory held, MB",
}
"""What the figures of `Totals` are called where people read them, with their units."""


def traffic(
    city: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    routes: Annotated[
        list[Path],
        typer.Option("--routes", help="SUMO route file (.rou.xml, gzip or not); may come again."),
    ],
    end: Annotated[float, typer.Option("--end", help="Second at which the run ends.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the drivers.")] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256)] = 1,
    fidelity: Annotated[str, typer.Option("--fidelity", help="micro or meso.")] = "micro",
    car_following: Annotated[
        str,
        typer.Option(
            "--car-following",
            help="idm, or krauss as SUMO has it: of vehicles whose type names none.",
        ),
    ] = "idm",
    tripinfo: Annotated[
        Path | None, typer.Option("--tripinfo", help="Write SUMO's tripinfo there.")
    ] = None,
    edgedata: Annotated[
        Path | None, typer.Option("--edgedata", help="Write SUMO's edgeData there.")
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option("--interval", help="Seconds of an interval of --edgedata; the whole run."),
    ] = None,
    fcd: Annotated[Path | None, typer.Option("--fcd", help="Write SUMO's fcd there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let the vehicles of SUMO route files drive in a city and say what became of them."""
    for option, value in (("--end", end), ("--interval", 1.0 if interval is None else interval)):
        if not 1.0 <= value <= 1e8:
            raise InputError(f"{value:g} s is not from 1 to 1e8", field=option)
    if interval is not None and edgedata is None:
        raise InputError(
            "without --edgedata nothing is written by interval",
            field="--interval",
            hint="add --edgedata FILE, or leave --interval out",
        )
    refuse_clashes({"--tripinfo": tripinfo, "--edgedata": edgedata, "--fcd": fcd}, routes, city)
    network_city = load(city, renew=False)
    names = edge_table(network_city)
    network = network_city.network
    demand = read_routes(
        routes,
        network,
        names.link_of,
        Router(network, threads=threads).routes,
        seed=seed,
        end_s=end,
        entry_m=names.entry_m,
        lanes=names.lanes,
    )
    if car_following not in _MODELS:
        raise InputError(f"{car_following!r} is not idm or krauss", field="--car-following")
    by_type = driven(demand, _MODELS[car_following])
    demand = demand._replace(trips=by_type.trips)
    left_out = demand.left_out + by_type.left_out
    if fidelity == "meso":
        left_out += unknown_to_queues(demand.trips, by_type.types)
    _tell("left aside", left_out)
    modes = network_city.tables.get("signals", empty_table("signals"))
    controlled = [(str(mode), rows["signal"].to_numpy()) for mode, rows in modes.groupby("mode")]
    if fidelity == "meso":
        for mode, signals in controlled:
            notes.print(f"{len(signals)} signals that are {mode} follow their plans in {fidelity}")

    def streets() -> Traffic:
        engine = _engine(fidelity, network, seed, threads, by_type)
        if isinstance(engine, MicroTraffic):
            for mode, signals in controlled:
                engine.control_signals(mode, signals)
        return engine

    called = EdgeNames.of(names.edge, names.entry_m, names.lanes, plane=names.plane)
    outputs = Outputs(tripinfo, edgedata, fcd, interval)
    prepare(streets, demand, called, end_s=end, outputs=outputs)
    with seconds_progress("driving", end) as progress:
        totals = drive(streets(), demand, called, end_s=end, outputs=outputs, progress=progress)
    _answer(totals, as_json=as_json)


def _engine(fidelity: str, network: Network, seed: int, threads: int, by_type: Driven) -> Traffic:
    key = Streams(seed).kernel_key("traffic")
    if fidelity == "micro":
        return MicroTraffic(network, seed=key, threads=threads, file_types=by_type.types)
    if fidelity == "meso":
        return MesoTraffic(
            network,
            threads=threads,
            file_types=by_type.types,
            space_share=by_type.space_share,
        )
    raise InputError(f"{fidelity!r} is not micro or meso", field="--fidelity")


def _tell(what: str, counts: Counter[str]) -> None:
    if counts:
        notes.print(f"{what}: {', '.join(f'{name}: {n:,}' for name, n in counts.items())}")


def _answer(totals: Totals, *, as_json: bool) -> None:
    content: dict[str, Any] = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(totals).items()
    }
    if as_json:
        end_with_json(content)
        return
    table = Table("figure", "value")
    for name, value in content.items():
        text = (
            "-" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        )
        table.add_row(_LABELS[name], text)
    answers().print(table)
