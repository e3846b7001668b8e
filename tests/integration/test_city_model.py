"""One run as a whole: Mesa's ways of using it, determinism, both fidelities, what is written."""

from __future__ import annotations

import hashlib
import itertools
import json

import mesa
import numpy as np
import pytest

from tests.support.emergency import DAY, FixedModel, inject, plan, run, sure, town
from twin.agents.hospitals.hospital import Hospital
from twin.agents.units.ambulance import Ambulance
from twin.agents.units.fire_engine import FireEngine
from twin.city.model import City
from twin.core.errors import InputError
from twin.recording.memory import MemoryRecorder
from twin.recording.tables import RUN_TABLES
from twin.scenarios.spec import Scenario
from twin.simulation import PHASES, CityModel

MICRO = {
    "period": {"day": DAY, "start": "08:00", "end": "08:20", "warm_up_min": 5},
    "traffic": {"fidelity": "micro"},
    "calls": {"collisions": True},
    "record": {"frame_every_s": 10.0, "links_every_s": 60.0},
}


def micro_town() -> City:
    city = town(medical_per_day=600)
    city.tables["collision_rates"] = city["collision_rates"].assign(per_mvkm=5000.0)
    return city


def digests(recorder: MemoryRecorder) -> dict[str, str]:
    """Return a hash of every table."""
    return {
        table: hashlib.sha256(recorder.frame(table).to_csv(index=False).encode()).hexdigest()
        for table in RUN_TABLES
    }


def test_it_is_a_mesa_model() -> None:
    model = CityModel(town(), plan())
    assert isinstance(model, mesa.Model)
    assert len(model.agents_by_type[Ambulance]) == 3
    assert len(model.agents_by_type[FireEngine]) == 2
    assert [h.hospital_id for h in model.agents_by_type[Hospital]] == ["H0", "H1"]
    assert not len(model.vehicles.select(min_speed=1.0))
    model.step()
    assert (model.steps, model.tick, model.t) == (1, 1, 6 * 3600.0 + 60.0)
    frame = model.datacollector.get_model_vars_dataframe()
    assert frame.columns.tolist() == [
        "t",
        "calls_waiting",
        "calls_open",
        "units_busy",
        "vehicles",
    ]
    model.run_model()
    assert not model.running
    with pytest.raises(RuntimeError, match="over"):
        model.step()
    assert model.summary().simulated_s == 6 * 3600.0
    assert list(model.summary().phase_seconds) == list(PHASES)
    json.dumps(model.summary().as_dict())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mesa_runs_batches_of_it() -> None:
    rows = mesa.batch_run(
        CityModel,
        parameters={"city": [town()], "scenario": [plan()], "replication": [0, 1]},
        max_steps=10_000,
        display_progress=False,
    )
    assert [(row["replication"], row["t"]) for row in rows] == [(0, 43_200.0), (1, 43_200.0)]


def test_a_scenario_may_be_named() -> None:
    with pytest.raises(InputError, match="no-such-scenario"):
        CityModel(scenario="no-such-scenario")


@pytest.mark.parametrize(
    ("city", "settings"), [(town, {"calls": {"collisions": True}}), (micro_town, MICRO)]
)
def test_the_same_seed_writes_the_same_tables_and_another_does_not(city, settings) -> None:
    _, first = run(CityModel, city(), plan(**settings))
    _, again = run(CityModel, city(), plan(**settings))
    _, other = run(CityModel, city(), plan(**settings, seed=2))
    _, repeated = run(CityModel, city(), plan(**settings), replication=1)
    base = digests(first)
    assert digests(again) == base
    for changed in (digests(other), digests(repeated)):
        assert changed["calls"] != base["calls"]
        assert changed["unit_events"] != base["unit_events"]


def micro_run() -> tuple[CityModel, MemoryRecorder]:
    city = micro_town()
    closing = {"kind": "close-hospital", "hospital": "H0", "at": "08:01"}
    changes = [closing, inject(city, "08:00:30", patients=2)]
    return run(CityModel, city, plan(**MICRO, changes=changes))


def test_the_chain_runs_in_lane_level_traffic() -> None:
    model, recorder = micro_run()
    summary = model.summary()
    counters = model.traffic.counters
    assert counters.inserted == counters.finished + counters.running + counters.removed
    assert counters.red_run == 0
    assert summary.vehicles_detoured == counters.strayed
    assert summary.vehicles_cleared_red == counters.cleared
    assert summary.vehicles_turned_on_red == counters.on_red
    assert summary.vehicles_inserted > 100
    assert len(model.vehicles) >= summary.vehicles_running
    calls = recorder.frame("calls")
    assert summary.calls == len(calls)
    assert summary.on_scene >= 3
    reached = calls.dropna(subset=["t_onscene"])
    assert (reached["t_onscene"] >= reached["t_enroute"]).all()
    # Units do not fly: from the middle station no place of this grid is farther than 1.2 km.
    assert (reached["t_onscene"] - reached["t_enroute"] < 600.0).all()


@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_trips_that_find_no_open_road_are_counted(fidelity: str) -> None:
    city = micro_town()
    network = city.network
    into_a_corner = network.link_id[network.link_to == network.link_to[0]].tolist()
    closing = {"kind": "close-links", "links": into_a_corner, "at": "08:05"}
    settings = {**MICRO, "traffic": {"fidelity": fidelity}}
    model, _ = run(CityModel, city, plan(**settings))
    assert model.summary().vehicles_without_route == 0
    wished = wishes(model)
    model, _ = run(CityModel, city, plan(**settings, changes=[closing]))
    found = model.summary().vehicles_without_route
    assert found > 0
    assert wishes(model) + found == wished


def wishes(model: CityModel) -> int:
    """Return the trips that entered or wait to."""
    return model.traffic.counters.inserted + model.traffic.counters.waiting_to_insert


def test_signals_that_units_under_siren_hold_are_counted() -> None:
    model, _ = micro_run()
    assert model.summary().preemptions == {"held": 0, "signals": 0}
    city = micro_town()
    traffic = {**MICRO["traffic"], "preemption": {"enabled": True}}
    settings = {**MICRO, "traffic": traffic}
    model, _ = run(CityModel, city, plan(**settings, changes=[inject(city, "08:00:30")]))
    times = model.traffic.signal_counts.preemptions
    found = model.summary().preemptions
    assert found == {"held": times.sum(), "signals": (times > 0).sum()}
    assert found["held"] > found["signals"] > 0
    model, _ = run(CityModel, town(), plan())
    assert model.summary().preemptions is None


def test_what_is_seen_is_written_when_it_is_due() -> None:
    model, recorder = micro_run()
    start, end = 8 * 3600.0, 8 * 3600.0 + 1200.0
    pulse = recorder.frame("pulse")
    assert pulse["t"].tolist() == np.arange(start, end + 1, 10.0).tolist()
    frames = recorder.frame("frames")
    assert set(frames["t"]) <= set(pulse["t"])
    counts = frames.groupby("t").size().reindex(pulse["t"], fill_value=0)
    running = pulse["vehicles"].to_numpy()
    assert (np.abs(counts.to_numpy() - running) <= 1).all()
    units = recorder.frame("unit_frames")
    assert (units.groupby("t").size() == 5).all()
    links = recorder.frame("links")
    assert sorted(set(links["t"])) == np.arange(start + 60.0, end + 1, 60.0).tolist()
    # Vehicle-seconds of the links are those of the vehicles, within the sampling of the pulse.
    seconds = (links["vehicles"] * 60.0).sum()
    assert seconds == pytest.approx(10.0 * running[1:].sum(), rel=0.05)
    _, plain = run(CityModel, town(), plan(record={"frame_every_s": 420.0}))
    table = plain.frame("pulse")["t"]
    assert table.iloc[[0, 1, -1]].tolist() == [21_600.0, 22_020.0, 43_200.0]
    trips = recorder.frame("trips")
    warm_up = (trips["t_arrive"] < start).sum()
    assert len(trips) - warm_up > 50
    assert (trips["t_arrive"] >= trips["t_depart"]).all()
    assert len(trips) == model.summary().vehicles_finished


@pytest.mark.parametrize("every", [7.0, 45.0, 86_400.0])
@pytest.mark.parametrize("fidelity", ["micro", "meso"])
def test_frames_are_as_far_apart_as_asked(every: float, fidelity: str) -> None:
    settings = MICRO | {
        "traffic": {"fidelity": fidelity},
        "record": {"frame_every_s": every, "links_every_s": 60.0},
    }
    _, recorder = run(CityModel, micro_town(), plan(**settings))
    start, end = 8 * 3600.0, 8 * 3600.0 + 20 * 60.0
    # The first at the start, the last at the end, whether the interval divides the period or not.
    wanted = [*np.arange(start, end, every).tolist(), end]
    assert recorder.frame("pulse")["t"].tolist() == wanted
    for table in ("frames", "unit_frames"):
        assert sorted(set(recorder.frame(table)["t"])) == wanted, table


def test_frames_keep_to_their_number_and_to_the_same_vehicles() -> None:
    settings = MICRO | {"record": {"frame_every_s": 10.0, "frame_vehicles": 5}}
    _, recorder = run(CityModel, micro_town(), plan(**settings))
    frames = recorder.frame("frames")
    sizes = frames.groupby("t").size()
    assert sizes.max() == 5
    groups = [set(g) for _, g in frames.groupby("t")["vehicle"]]
    kept = [len(a & b) for a, b in itertools.pairwise(groups)]
    assert np.mean(kept) > 3.0


def test_progress_is_told_as_it_goes() -> None:
    told: list[float] = []
    FixedModel(town(), plan()).run(lambda model: told.append(model.t))
    assert told[-1] == 12 * 3600.0
    assert told == sorted(told)
    assert len(told) == 360


def test_a_hospital_that_closes_is_not_used_in_traffic_either() -> None:
    city = town(service=sure(1.0), medical_per_day=600)
    closing = {"kind": "close-hospital", "hospital": "H0"}
    scenario: Scenario = plan(**MICRO, changes=[closing])
    _, recorder = run(CityModel, city, scenario)
    used = set(recorder.frame("calls")["hospital_id"].dropna())
    assert used == {"H1"}
