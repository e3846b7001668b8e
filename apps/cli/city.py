"""`twin city`: cities to run in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Column, Table

from apps.cli.city_sumo import name_of, sumo_city
from apps.cli.city_tables import read_city_table
from apps.cli.common import AsJson, answers, end_with_json, load, long_job, notes, out_folder
from apps.cli.places import places
from apps.cli.signals import signals
from calibration.recipes import RECIPES
from twin.city.bundle import check_target, save_city
from twin.city.library import BUILT_IN, list_cities, store_city
from twin.city.model import TABLES, City, Meta
from twin.city.report import picture, quality
from twin.city.travel_table import read_table_city
from twin.core.errors import InputError, NotFoundError, did_you_mean
from twin.core.paths import city_home, data_dir
from twin.network.build import BuildOptions, build_network
from twin.network.gmns import write_gmns
from twin.network.gmns_read import read_gmns
from twin.network.gmns_times import DEFAULT_MOMENT
from twin.network.graph import RoadClass
from twin.network.graphml import read_graphml
from twin.network.osm import read_osm
from twin.network.raw import RawRoads
from twin.network.stated import StatedRoads

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
bring = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
give = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command("places")(places)
app.command("signals")(signals)
app.add_typer(bring, name="import", help="Make a city of road files of your own.")
app.add_typer(give, name="export", help="Write a city's roads for other programs.")

Name = Annotated[str, typer.Option("--name", help="Name of the city: a-z, 0-9 and hyphens.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=out_folder,
        metavar="<path>",
        help="Folder; kept under its name if left out.",
    ),
]
Zone = Annotated[str, typer.Option("--timezone", help="IANA time zone, as in Asia/Seoul.")]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="NAME=FILE.csv",
        help="A table of places or demand (stations, units, hospitals, ...); may be given again.",
    ),
]
RightOnRed = Annotated[
    bool,
    typer.Option(
        "--right-on-red",
        help="Drivers may turn right on red, as by law in Korea, China and most of North America.",
    ),
]
Roads = Annotated[Path, typer.Argument(help="The file of roads.")]


@app.command("list")
def list_known(*, as_json: AsJson = False) -> None:
    """List the cities that are stored or can be built."""
    entries = list_cities()
    if as_json:
        fields = ("name", "title", "origin", "folder", "synthesised")
        rows = [{f: getattr(e, f) for f in fields} for e in entries]
        end_with_json({"cities": [{**r, "folder": str(r["folder"] or "") or None} for r in rows]})
        return
    table = Table(Column("city", no_wrap=True), "title", "origin", "network", "stored in")
    for entry in entries:
        drawn = "synthesised" if entry.synthesised else "surveyed"
        stored = str(entry.folder or "not built yet")
        table.add_row(entry.name, entry.title.get("en", ""), entry.origin, drawn, stored)
    answers().print(table)
    answers().print(
        "Quote figures from seoul. seoul-core, six districts cut out, is for quick looks: units "
        "and calls beyond its border are missing, so its districts' figures differ."
    )


@app.command()
def build(
    name: Annotated[str, typer.Argument(help="A built-in city, or one with a recipe.")],
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the recipe's files; TWIN_DATA.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a city, print how good its network is, and draw it."""
    if name in BUILT_IN:
        city = load(name)
        folder = city_home() / name
    elif name in RECIPES:
        for file in RECIPES[name].files:
            notes.print(f"{file.path}: {file.what}, from {file.source} ({file.licence})")
        with long_job() as tell:
            city = RECIPES[name].build(data or data_dir(), progress=tell)
        folder = store_city(city)
    else:
        known = [*BUILT_IN, *RECIPES]
        raise NotFoundError(
            f"there is no recipe for a city '{name}'",
            hint=did_you_mean(name, known) or f"known are {', '.join(known)}",
        )
    _show(city, folder, as_json=as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    picture_file: Annotated[
        Path | None, typer.Option("--picture", help="PNG file; in the city's folder if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what a city holds and how good its network is, and draw it."""
    if picture_file is not None:
        _check_picture(picture_file)
    city = load(name, renew=False)
    stored = Path(name) if Path(name).is_dir() else city_home() / city.meta.name
    _show(city, stored, picture_file=picture_file, as_json=as_json)


def _check_picture(file: Path) -> None:
    """Refuse a file that is no picture, so that nobody's notes are drawn over."""
    if file.suffix.lower() != ".png":
        raise InputError("is not the name of a PNG file", file=file, field="--picture")
    if file.is_dir():
        raise InputError("is a folder; name a file", file=file, field="--picture")


def _import_of(read: Callable[[Path], RawRoads]) -> Callable[..., None]:
    """Return the command that makes a city of one file of OpenStreetMap's roads."""

    def command(
        file: Roads,
        *,
        name: Name,
        out: Folder = None,
        timezone: Zone = "UTC",
        tables: Tables = None,
        right_on_red: RightOnRed = False,
        as_json: AsJson = False,
    ) -> None:
        source = "© OpenStreetMap contributors, ODbL"
        _bring(
            lambda: StatedRoads(read(file), None),
            name, out, timezone, tables, source, right_on_red=right_on_red, as_json=as_json,
        )  # fmt: skip

    return command


bring.command("osm", help="Make a city of an OpenStreetMap file (.osm, .osm.gz, .osm.pbf).")(
    _import_of(read_osm)
)
bring.command("graphml", help="Make a city of a graph that OSMnx saved.")(_import_of(read_graphml))


@bring.command("gmns")
def import_gmns(
    *,
    nodes: Annotated[Path, typer.Option("--nodes", help="CSV of nodes.")],
    links: Annotated[Path, typer.Option("--links", help="CSV of links.")],
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="TOML of column names that are not GMNS's.")
    ] = None,
    plan_at: Annotated[
        str,
        typer.Option("--plan-at", help="Day and time whose plan a signal with several gets."),
    ] = DEFAULT_MOMENT,
    name: Name,
    out: Folder = None,
    timezone: Zone = "UTC",
    tables: Tables = None,
    right_on_red: RightOnRed = False,
    as_json: AsJson = False,
) -> None:
    """Make a city of GMNS tables: nodes, links; lanes, movements and signals beside the links."""
    _bring(
        lambda: read_gmns(nodes, links, mapping, plan_at=plan_at),
        name, out, timezone, tables, "", right_on_red=right_on_red, as_json=as_json,
    )  # fmt: skip


@bring.command("sumo")
def import_sumo(
    file: Annotated[Path, typer.Argument(help="The network: .net.xml, gzip or not.")],
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the city; that of the file if left out.")
    ] = None,
    out: Folder = None,
    timezone: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Make a city of a SUMO network, with its lanes, right of way and signals."""
    title = name_of(file) if name is None else name
    meta = _meta(title, timezone, "", "What the network states is taken as it is.")
    folder = _target(title, out)
    _keep(sumo_city(file, meta), out, folder, as_json=as_json)


@bring.command("table")
def import_table(
    *,
    times: Annotated[
        Path, typer.Option("--times", help="CSV: from, to, seconds under siren; or a square table.")
    ],
    places_file: Annotated[
        Path, typer.Option("--places", help="CSV: id, lon, lat; or id, x, y in metres.")
    ],
    units: Annotated[
        Path, typer.Option("--units", help="CSV: id, base, and on, off if not always staffed.")
    ],
    hospitals: Annotated[Path, typer.Option("--hospitals", help="CSV: id, place.")],
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the city; that of --out, or of --times, if left out."),
    ] = None,
    out: Folder = None,
    timezone: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Make a city of a table of travel times between places, without streets."""
    title = name_of(out or times) if name is None else name
    meta = _meta(title, timezone, "", "Drives take the times of a table; there are no streets.")
    folder = _target(title, out)
    city = read_table_city(meta, times=times, places=places_file, units=units, hospitals=hospitals)
    _keep(city, out, folder, as_json=as_json)


@give.command("gmns")
def export_gmns(
    name: Annotated[str, typer.Argument(help="Name or folder of a city.")],
    *,
    out: Annotated[Path, typer.Option("--out", parser=out_folder, metavar="<path>")],
    as_json: AsJson = False,
) -> None:
    """Write a city's nodes, links, lanes, movements and signals as GMNS tables."""
    files = [str(file) for file in write_gmns(load(name, renew=False).network, out)]
    if as_json:
        end_with_json({"files": files})
    else:
        answers().print(*files, sep="\n")


def _bring(
    read: Callable[[], StatedRoads],
    name: str,
    out: Path | None,
    timezone: str,
    tables: list[str] | None,
    attribution: str,
    *,
    right_on_red: bool,
    as_json: bool,
) -> None:
    meta = _meta(
        name,
        timezone,
        attribution,
        "What the road file does not state of lanes, speeds and signals is imputed.",
    )
    folder = _target(name, out)
    raw, stated = read()
    # Important roads are signalled where they meet: few road files say where signals stand.
    told = stated is not None and bool((stated.control >= 0).any())
    infer = None if told else RoadClass.SECONDARY
    options = BuildOptions(infer_signals=infer, right_on_red=right_on_red)
    network, report = build_network(raw, stated=stated, options=options)
    city = City(meta=meta, network=network, build=report)
    for setting in tables or []:
        table, equals, file = setting.partition("=")
        if not equals:
            raise InputError(f"{setting!r} is not TABLE=FILE.csv", field="--table")
        if table not in TABLES:
            raise InputError(
                f"a city has no table {table!r}",
                field="--table",
                hint=did_you_mean(table, TABLES) or f"tables are {', '.join(TABLES)}",
            )
        city.tables[table] = read_city_table(table, Path(file), network)
    if not as_json:
        plans = 0 if stated is None or stated.signals is None else len(stated.signals.cycle)
        designed = network.n_signals - plans
        notes.print(f"Signals: {plans} with plans as stated, {designed} with designed plans.")
    _keep(city, out, folder, as_json=as_json)


def _meta(name: str, timezone: str, attribution: str, assumption: str) -> Meta:
    """Return what an imported city says of itself, refusing a name or zone that is none."""
    try:
        return Meta(
            name=name,
            title={"en": name},
            timezone=timezone,
            attribution=[attribution] if attribution else [],
            built_by="twin city import",
            assumptions=[assumption],
        )
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("timezone",):
            raise InputError(
                f"{timezone!r} is no time zone", field="--timezone", hint="as in Asia/Seoul"
            ) from error
        raise InputError(
            f"{name!r} is not a name for a city", field="--name", hint="use a-z, 0-9 and hyphens"
        ) from error


def _target(name: str, out: Path | None) -> Path:
    """Return where a city will be stored: asked before the work, so that nobody waits in vain."""
    if out is not None:
        check_target(out)
        return out
    if name in {*BUILT_IN, *RECIPES}:
        raise InputError(
            f"the name {name!r} belongs to a city of Twin's own",
            field="--name",
            hint="choose another, or a folder with --out",
        )
    return city_home() / name


def _keep(city: City, out: Path | None, folder: Path, *, as_json: bool) -> None:
    if out is None:
        store_city(city)
    else:
        save_city(city, out)
    _show(city, folder, as_json=as_json)


def _show(
    city: City,
    folder: Path,
    *,
    picture_file: Path | None = None,
    as_json: bool,
) -> None:
    rows = quality(city)
    drawn = picture_file or folder / f"{city.meta.name}.png"
    try:
        picture(city, drawn)
    except OSError as error:
        raise InputError(
            f"the picture cannot be written ({error.strerror})",
            file=drawn,
            hint="name another file with --picture",
        ) from error
    sizes = {name: len(table) for name, table in city.tables.items() if len(table)}
    if as_json:
        end_with_json(
            {
                "city": city.meta.model_dump(mode="json"),
                "folder": str(folder),
                "picture": str(drawn),
                "quality": [row._asdict() for row in rows],
                "tables": sizes,
            }
        )
        return
    console = answers()
    title = city.meta.title.get("en", city.meta.name)
    console.print(f"{title}{' (synthesised: our own drawing)' if city.meta.synthesised else ''}")
    for text in city.meta.notice.values():
        console.print(text)
    table = Table("part", "item", "value", "note")
    for row in rows:
        table.add_row(row.part, row.item, row.text, row.note)
    for name, size in sizes.items():
        table.add_row("tables", name, f"{size:,}", "")
    console.print(table)
    notes.print(f"City: {folder}\nPicture: {drawn}")
