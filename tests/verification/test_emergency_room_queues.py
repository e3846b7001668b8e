"""Emergency rooms as queues: waits, diversion and hospital choice against what is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.emergency import FixedModel, InstantModel, constant, plan, run, sure, town
from tests.support.emergency_rooms import FLAT, clinic, diverted, hours, time_mean
from tests.support.queueing import within
from twin.queueing.erlang import erlang_b, erlang_c
from twin.simulation import CityModel

pytestmark = pytest.mark.verify

REPLICATIONS = 8
SETTLED_S = 3600.0


def of_h0(
    load: float, beds: int, n_hours: int, *, second: bool, **rooms: Any
) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Return patients and states of H0, to which calls come at once, per replication.

    Stays are exponential with a mean of one minute.
    """
    city = clinic(load, beds=beds, second=second)
    found = []
    for replication in range(REPLICATIONS):
        exponential = {"stay_min": 1.0, "stay_cv": 1.0}
        scenario = hours(n_hours, hospitals=exponential | rooms)
        _, recorder = run(InstantModel, city, scenario, replication=replication)
        status = recorder.frame("hospital_status")
        found.append((recorder.frame("calls"), status[status["hospital_id"] == "H0"]))
        if not second:
            found[-1] = (recorder.frame("hospital_patients"), found[-1][1])
    return found


@pytest.mark.parametrize(("load", "beds", "known"), [(1.5, 3, 0.236842), (2.0, 4, 0.173913)])
def test_crews_wait_for_a_bed_as_erlang_says(load, beds, known) -> None:
    chance = erlang_c(load, beds)
    assert chance == pytest.approx(known, abs=1e-6)
    waited, mean, gone = [], [], []
    for patients, _ in of_h0(load, beds, 16, second=False):
        kept = patients[(patients["t_door"] > SETTLED_S) & patients["t_bed"].notna()]
        wait = (kept["t_bed"] - kept["t_door"]).to_numpy() / 60.0
        waited.append(float((wait > 1e-9).mean()))
        mean.append(float(wait.mean()))
        # Crews are gone as soon as there is a bed: the offload delay is the wait.
        released = kept["t_released"].notna()
        gone.append(float((kept["t_released"] - kept["t_bed"])[released].abs().max()))
    assert within(waited, chance)
    assert within(mean, chance / (beds - load))
    assert max(gone) < 1e-6


@pytest.mark.parametrize(("load", "beds", "known"), [(1.5, 3, 0.134328), (2.0, 4, 0.095238)])
def test_the_share_that_goes_elsewhere_is_erlangs_loss(load, beds, known) -> None:
    assert erlang_b(load, beds) == pytest.approx(known, abs=1e-6)
    shares = []
    for cv in (1.0, 0.0):  # the loss formula does not ask how stays are distributed
        found = of_h0(load, beds, 8, second=True, divert_at=1.0, reopen_at=0.999, stay_cv=cv)
        shares.append(
            [
                float((calls["hospital_id"] == "H1")[calls["t_call"] > SETTLED_S].mean())
                for calls, _ in found
            ]
        )
    assert within(shares[0], known)
    assert within(shares[1], known)


def test_diversion_with_hysteresis_lasts_as_its_markov_chain_says() -> None:
    load, beds, reopen = 3.0, 6, 3
    found = of_h0(load, beds, 8, second=True, divert_at=1.0, reopen_at=reopen / beds)
    shares = [
        time_mean(status.assign(turned=status["status"] == "divert"), "turned", SETTLED_S, 28_800.0)
        for _, status in found
    ]
    assert within(shares, diverted(load, beds, reopen))
    elsewhere = [float((calls["hospital_id"] == "H1").mean()) for calls, _ in found]
    assert within(elsewhere, diverted(load, beds, reopen))  # who calls sees means over time


def test_expected_treatment_beats_the_nearest_hospital_in_pairs() -> None:
    """Call to treatment, 40 paired seeds: at least 38 are better by drive + wait + asking.

    One hospital is overfull with people who walk in, the other has beds to spare.
    """
    service = sure(1.0)
    service = service.model_copy(
        update={"durations": service.durations | {"handover": constant(300.0)}}
    )
    city = town(ambulances=40, medical_per_day=300.0, fire_per_day=0.0, service=service, rows=5)
    city.tables["hospitals"] = city["hospitals"].assign(
        beds=np.array([16, 16], np.int32), walk_ins_per_day=[300.0, 40.0]
    )
    rooms = {
        "stay_min": 60.0, "preparation_min": 0.0, "walk_in_priority": 1, "walk_in_hours": FLAT,
        "refusal": 0.05, "refusal_when_full": 0.3, "enquiry_s": 60.0, "report_every_min": 5.0,
    }  # fmt: skip
    better = 0
    for seed in range(40):
        means = []
        for rule in ("nearest-suitable", "soonest-treatment"):
            scenario = plan(
                seed=seed,
                period={"start": "06:00", "end": "18:00"},
                policy={"hospital": rule},
                record={"frame_every_s": 600.0, "decisions": False},
                hospitals=rooms,
            )
            _, recorder = run(CityModel, city, scenario)
            seen = recorder.frame("hospital_patients")
            calls = recorder.frame("calls").set_index("call_id")["t_call"]
            began = seen["t_treatment"].fillna(18 * 3600.0)
            means.append(float((began - calls.loc[seen["call_id"]].to_numpy()).mean()))
        better += means[1] < means[0]
    assert better >= 38


def test_bed_state_that_is_wrong_costs_time_and_no_patient() -> None:
    """The older the reports, the longer the wait for a bed; everybody ends somewhere."""
    city = town(ambulances=60, medical_per_day=250.0, fire_per_day=0.0, service=sure(1.0))
    means = []
    for every in (0.0, 240.0):
        waits = []
        for seed in range(REPLICATIONS):
            scenario = plan(
                seed=seed,
                policy={"hospital": "soonest-treatment"},
                record={"frame_every_s": 600.0, "decisions": False},
                hospitals={
                    "beds": 8, "walk_ins_per_bed": 4.0, "stay_min": 90.0, "divert_at": 1.0,
                    "report_every_min": every, "at_door": "turn-away",
                },
            )  # fmt: skip
            _, recorder = run(FixedModel, city, scenario)
            calls = recorder.frame("calls")
            early = calls[calls["t_call"] < 9 * 3600.0]
            assert early["t_hospital"].notna().all()
            seen = recorder.frame("hospital_patients")
            waits.append(float((seen["t_bed"].fillna(43_200.0) - seen["t_door"]).mean()))
        means.append(float(np.mean(waits)))
    assert means[1] > means[0]
