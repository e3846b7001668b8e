"""Detectors, probes and emissions of a whole run: declared, written, read; rubbish refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.emergency import DAY, QUIET, town
from twin.core.errors import InputError
from twin.network.geometry import Projection
from twin.recording.memory import MemoryRecorder
from twin.recording.store import RunReader, RunWriter
from twin.scenarios.load import from_fields, load_scenario
from twin.scenarios.sensing import check_detectors
from twin.scenarios.spec import Scenario
from twin.simulation import CityModel
from twin.traffic.emissions import POLLUTANTS

CITY = town()
CLASS = "secondary"
LINKS = [int(n) for n in CITY.network.link_id[:3]]
DETECTORS: list[dict[str, Any]] = [
    {"kind": "loops", "name": "all", "road_class": CLASS, "missed_share": 0.1},
    {
        "kind": "loops",
        "name": "three",
        "links": LINKS,
        "position_m": 30.0,
        "per_lane": True,
        "every_s": 120,
        "missed_share": 0,
        "double_share": 0,
        "speed_error": 0,
    },
    {"kind": "probes", "name": "taxis", "share": 0.2, "every_s": 30, "position_error_m": 8},
]
FIELDS: dict[str, Any] = {
    "name": "seen",
    "city": "town",
    "period": {"day": DAY, "start": "08:00", "end": "08:06", "warm_up_min": 5},
    "traffic": {"fidelity": "micro"},
    "calls": QUIET,
    "record": {"frame_every_s": 60.0, "links_every_s": 60.0},
}


def _segment() -> dict[str, Any]:
    network = CITY.network
    ahead = network.turn_to[network.turn_ptr[0] : network.turn_ptr[1]]
    ahead = ahead[network.turn_kind[network.turn_ptr[0] : network.turn_ptr[1]] == 0]
    return {
        "kind": "travel-time",
        "name": "ahead",
        "from_link": int(network.link_id[0]),
        "from_m": 20.0,
        "to_link": int(network.link_id[ahead[0]]),
        "to_m": 40.0,
        "seen_share": 0.5,
    }


def _scenario(**record: Any) -> Scenario:
    return Scenario.model_validate({**FIELDS, "record": {**FIELDS["record"], **record}})


@pytest.fixture(scope="module")
def watched() -> tuple[CityModel, MemoryRecorder]:
    recorder = MemoryRecorder()
    scenario = _scenario(detectors=[*DETECTORS, _segment()], emissions=True)
    model = CityModel(CITY, scenario, recorder=recorder)
    model.run()
    return model, recorder


def test_classes_of_the_town_are_as_the_test_thinks() -> None:
    from twin.network.graph import RoadClass

    assert RoadClass(int(CITY.network.link_class[0])).name.lower() == CLASS


def test_watching_changes_nothing_else(watched: tuple[CityModel, MemoryRecorder]) -> None:
    model, recorder = watched
    blind = MemoryRecorder()
    other = CityModel(CITY, _scenario(), recorder=blind)
    other.run()
    assert model.traffic is not None
    assert other.traffic is not None
    assert other.traffic.counters == model.traffic.counters
    assert other.sensors is None
    assert other.summary().emitted_kg is None
    for table in ("links", "trips", "pulse", "frames"):
        assert blind.frame(table).equals(recorder.frame(table))
    for table in ("detectors", "segments", "probes", "emissions"):
        assert not len(blind.frame(table))


def test_loops_are_read_every_interval(watched: tuple[CityModel, MemoryRecorder]) -> None:
    rows = watched[1].frame("detectors")
    start = 8 * 3600.0
    every = rows[rows["detector"] == "all"]
    assert sorted(every["t"].unique()) == [start + 60.0 * n for n in range(1, 7)]
    assert (every["lane"] == -1).all()
    assert every["true_vehicles"].sum() > 200
    share = every["vehicles"].sum() / every["true_vehicles"].sum()
    assert share == pytest.approx(0.9 + 0.01, abs=0.05)
    assert every["true_occupancy"].between(0, 1).all()
    assert (every["speed_mps"].isna() == (every["vehicles"] == 0)).all()
    three = rows[rows["detector"] == "three"]
    assert sorted(three["t"].unique()) == [start + 120.0 * n for n in range(1, 4)]
    lanes = CITY.network.link_lanes[:3].astype(int)
    assert len(three) == 3 * lanes.sum()
    assert (three["vehicles"] == three["true_vehicles"]).all()
    assert (three["speed_mps"].dropna() == three["true_speed_mps"].dropna()).all()
    # The same three links at about the same place, counted by both groups.
    both = every[every["link"] < 3].groupby("link")["true_vehicles"].sum()
    assert three.groupby("link")["true_vehicles"].sum().sub(both).abs().max() <= 4


def test_probes_report_with_the_error_stated(watched: tuple[CityModel, MemoryRecorder]) -> None:
    rows = watched[1].frame("probes")
    assert rows["t"].nunique() == 12
    network = CITY.network
    projection = Projection(network.lon0, network.lat0)
    x, y = projection.forward(rows["lon"], rows["lat"])
    true_x, true_y = projection.forward(rows["true_lon"], rows["true_lat"])
    for error in (x - true_x, y - true_y):
        assert error.std() == pytest.approx(8.0, rel=0.15)
        assert abs(error.mean()) < 3 * 8.0 / np.sqrt(len(rows))
    pulse = watched[1].frame("pulse")
    per_report = rows.groupby("t").size().mean() / pulse["vehicles"].iloc[1:].mean()
    assert per_report == pytest.approx(0.2, abs=0.06)
    frames = watched[1].frame("frames")
    seen = set(rows["vehicle"])
    assert len(seen) < 0.35 * frames["vehicle"].nunique()


def test_segments_hold_whole_and_known_passages(
    watched: tuple[CityModel, MemoryRecorder],
) -> None:
    rows = watched[1].frame("segments")
    assert len(rows) > 3
    assert (rows["segment"] == "ahead").all()
    network, way = CITY.network, _segment()
    metres = float(network.link_length[0]) - way["from_m"] + way["to_m"]
    fastest = metres / (1.4 * float(network.link_speed.max()))
    assert (rows["true_seconds"] > fastest).all()
    known = rows["seconds"].notna()
    assert (rows["seconds"][known] == rows["true_seconds"][known]).all()


def test_emissions_by_link_sum_to_those_of_the_run(
    watched: tuple[CityModel, MemoryRecorder],
) -> None:
    model, recorder = watched
    rows = recorder.frame("emissions")
    total = model.summary().emitted_kg
    assert total is not None
    assert rows["t"].nunique() == 6
    for name in POLLUTANTS:
        assert rows[f"{name}_g"].sum() / 1000 == pytest.approx(total[name], rel=1e-5)
    links = recorder.frame("links")
    metres = (links["vehicles"] * 60.0 * links["speed_mps"]).sum()
    # A car in town emits 150 to 400 g of carbon dioxide a kilometre; trucks and buses more.
    assert 150 < 1e6 * total["co2"] / metres < 700
    json.dumps(model.summary().as_dict())


def test_a_run_folder_holds_the_tables(tmp_path: Path) -> None:
    scenario = _scenario(detectors=DETECTORS, emissions=True)
    with RunWriter(tmp_path / "run", scenario, CITY) as writer:
        model = CityModel(CITY, scenario, recorder=writer)

        def control(view: Any) -> None:
            view.show(0, np.flatnonzero(view.network.group_signal == 0)[0])

        assert model.traffic is not None
        model.traffic.every(200, control)
        summary = model.run()
        writer.finish(summary.as_dict(), {})
    reader = RunReader(tmp_path / "run")
    assert reader.scenario == scenario
    assert len(reader.table("detectors"))
    totals = reader.query("SELECT sum(co2_g) AS g FROM emissions")
    assert totals["g"][0] > 0
    assert len(reader.query("SELECT * FROM probes")) == len(reader.table("probes"))
    changes = reader.table("changes")
    assert changes["kind"].tolist() == ["hook: hold-signal"]
    assert json.loads(changes["detail"][0])["green"][0]
    reader.meta["tables"].pop("emissions")
    (tmp_path / "run" / "emissions.parquet").unlink()
    assert not len(reader.table("emissions"))


LOOPS = '[[record.detectors]]\nkind = "loops"\nname = "a"\n'
TIMES = '[[record.detectors]]\nkind = "travel-time"\nname = "a"\nfrom_link = 1\nto_link = 2\n'
PROBES = '[[record.detectors]]\nkind = "probes"\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LOOPS, "row 3, field 'record.detectors.1'.*name `links`, a `street` or a `road_class`"),
        (LOOPS + "links = [-1]", "links.1.*greater than or equal to 0"),
        (LOOPS + "links = 3", "row 6, field 'record.detectors.1.links'.*list"),
        (LOOPS + 'road_class = "primry"', "row 6.*did you mean 'primary'"),
        (LOOPS + "links = [1]\nposition_m = 0", "row 7.*greater than 0"),
        (LOOPS + "links = [1]\nposition_m = nan", "row 7.*finite"),
        (LOOPS + "links = [1]\nevery_s = 1", "row 7.*greater than or equal to 10"),
        (LOOPS + "links = [1]\nevery_s = 1e9", "row 7.*less than or equal to 3600"),
        (LOOPS + "links = [1]\nmissed_share = 1.5", "row 7.*less than or equal to 1"),
        (
            LOOPS + "links = [1]\nmissed_share = 0.6\ndouble_share = 0.6",
            "together more than 1",
        ),
        (LOOPS + "links = [1]\nspeed_error = -0.1", "row 7.*greater than or equal to 0"),
        (LOOPS + "links = [1]\nper_lane = 7", "row 7.*bool"),
        (LOOPS + "links = [1]\nposition = 7", "row 7.*no field 'position'.*'position_m'"),
        (LOOPS + "links = [1]\n" + PROBES + "share = 0.1", "two detectors have the name 'a'"),
        (TIMES + "from_m = 1", "record.detectors.1.to_m'.*missing"),
        (TIMES + "from_m = -1\nto_m = 2", "row 8.*greater than 0"),
        (
            TIMES.replace("to_link = 2", "to_link = 1") + "from_m = 30\nto_m = 20",
            "`to_m` must lie beyond `from_m`",
        ),
        (TIMES + "from_m = 1\nto_m = 2\nseen_share = 2", "row 10.*less than or equal to 1"),
        (TIMES + "from_m = 1\nto_m = 2\ntime_error_s = -1", "row 10.*greater than or equal"),
        (PROBES, "share'.*missing"),
        (PROBES + "share = 0", "row 6.*greater than 0"),
        (PROBES + "share = 1.1", "row 6.*less than or equal to 1"),
        (PROBES + "share = 1\nevery_s = 0", "row 7.*greater than or equal to 1"),
        (PROBES + "share = 1\nposition_error_m = inf", "row 7.*finite"),
        (PROBES + 'share = 1\nspeed_error_mps = "some"', "row 7"),
        ('[[record.detectors]]\nname = "a"', "row 3.*a detector needs a `kind`.*loops"),
        ('[[record.detectors]]\nkind = "loop"\nname = "a"', "row 3.*did you mean 'loops'"),
        ('[[record.detectors]]\nkind = "probes"\nname = ""\nshare = 1', "row 5.*at least 1"),
        ('[record]\ndetectors = "all"', "row 4, field 'record.detectors'.*list"),
        ("[record]\ndetectors = [3]", "row 4.*detectors.1"),
        ('[record]\nemissions = "much"', "row 4, field 'record.emissions'.*bool"),
        ("[record]\ndiesel_share = 2", "row 4, field 'record.diesel_share'.*less than"),
    ],
)
def test_rubbish_is_told_by_row_and_field(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text('name = "x"\ncity = "seoul"\n' + text + "\n", "utf-8")
    with pytest.raises(InputError, match=message):
        load_scenario(file)


def test_settings_reach_into_detectors(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('name = "x"\ncity = "seoul"\n' + PROBES + "share = 0.1\n", "utf-8")
    scenario = load_scenario(file, ["record.detectors.1.share=0.5", "record.emissions=true"])
    assert scenario.record.detectors[0].model_dump()["share"] == 0.5
    assert from_fields(scenario.model_dump(mode="json")) == scenario
    whole = 'record.detectors=[{kind = "probes", name = "b", share = 1.0}]'
    assert load_scenario(file, [whole]).record.detectors[0].name == "b"
    for setting, message in (
        ("record.detectors.2.share=0.5", "names no detector of this scenario, which has 1"),
        (
            "record.detectors.1.shar=0.5",
            "no field 'record.detectors.1.shar'; did you mean 'record.detectors.1.share'",
        ),
        ("record.detectors.1.share=2", "--set record.detectors.1.share=2.*less than"),
        ("record.detectors=rubbish", "not a TOML list"),
    ):
        with pytest.raises(InputError, match=message):
            load_scenario(file, [setting])


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        ({"kind": "loops", "links": [99_999]}, r"detectors\.1\.links'.*no link 99999"),
        ({"kind": "loops", "street": "Nowhere"}, r"detectors\.1\.street'.*no street"),
        ({"kind": "loops", "road_class": "motorway"}, r"road_class'.*no road of the class"),
        ({"kind": "loops", "links": LINKS, "position_m": 9e4}, r"position_m'.*only 200\.0 m"),
        ({**_segment(), "to_link": 99_999}, r"to_link'.*no link"),
        ({**_segment(), "from_m": 9e4}, r"from_m'.*only"),
    ],
)
def test_detectors_that_cannot_stand_in_the_city_are_refused(
    detector: dict[str, Any], message: str
) -> None:
    scenario = _scenario(detectors=[{"name": "x", **detector}])
    with pytest.raises(InputError, match=message):
        CityModel(CITY, scenario)


def test_there_is_nothing_to_see_in_tables_of_travel_times() -> None:
    for record in ({"detectors": DETECTORS}, {"emissions": True}):
        scenario = _scenario(**record).model_copy(
            update={
                "traffic": Scenario.model_validate(FIELDS).traffic.model_copy(
                    update={"fidelity": "table"}
                )
            }
        )
        with pytest.raises(InputError, match=r"fidelity 'table'.*set traffic\.fidelity to micro"):
            check_detectors(scenario, CITY.network)
