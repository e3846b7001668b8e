"""What scenarios say of signals: what holds where, what is refused, and that it comes about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from tests.support.cities import two_zone_city
from tests.support.emergency import plan
from twin.core.errors import InputError
from twin.network.generate import grid
from twin.scenarios.change_kinds import Change
from twin.scenarios.changes import faults
from twin.scenarios.signals import settings_for
from twin.scenarios.spec import Traffic
from twin.traffic.micro import MicroTraffic
from twin.traffic.signal_running import SignalRunner

NETWORK = grid(3, 4, 150.0, 2, 13.9)
SIGNALLED = [int(n) for n in NETWORK.node_id[NETWORK.node_signal >= 0]]
BEND = int(NETWORK.node_id[NETWORK.node_signal < 0][0])


def change(**fields):
    return TypeAdapter(Change).validate_python(fields)


def at(number: int) -> int:
    return int(NETWORK.node_signal[NETWORK.node_id == number][0])


def test_what_holds_follows_from_all_in_force():
    city = Traffic(signals="coordinated")
    one, two = SIGNALLED[:2]
    now = settings_for(
        city,
        [
            change(kind="retime-signals", mode="actuated", junctions=[one]),
            change(kind="retime-signals", cycle_s=90, junctions=[one, two]),
            change(kind="preempt-signals", junctions=[two], detection_m=250, longest_s=60),
        ],
        NETWORK,
    )
    assert now.mode[at(one)] == "actuated"
    assert (np.delete(now.mode, at(one)) == "coordinated").all()
    assert np.flatnonzero(now.cycle_s == 90).tolist() == sorted([at(one), at(two)])
    assert np.flatnonzero(now.listens).tolist() == [at(two)]
    assert (now.detection_m, now.longest_s) == (250, 60)
    everywhere = settings_for(Traffic(preemption={"enabled": True, "detection_s": 30}), [], NETWORK)
    assert everywhere.listens.all()
    assert (everywhere.detection_m, everywhere.detection_s) == (400, 30)


def test_links_and_streets_name_the_signals_at_their_ends():
    one = SIGNALLED[0]
    node = int(np.flatnonzero(NETWORK.node_id == one)[0])
    link = int(NETWORK.link_id[np.flatnonzero(NETWORK.link_to == node)[0]])
    now = settings_for(
        Traffic(), [change(kind="retime-signals", mode="actuated", links=[link])], NETWORK
    )
    assert np.flatnonzero(now.mode == "actuated").tolist() == [at(one)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "retime-signals"}, "mode"),
        ({"kind": "retime-signals", "mode": "adaptive"}, "actuated"),
        ({"kind": "retime-signals", "cycle_s": 10}, "20"),
        ({"kind": "retime-signals", "cycle_s": "long"}, "number"),
        ({"kind": "preempt-signals", "detection_m": -5}, "0"),
        ({"kind": "preempt-signals", "junctions": ["here"]}, "integer"),
        ({"kind": "preempt-signals", "detection_m": float("nan")}, "finite"),
    ],
)
def test_rubbish_in_a_change_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        change(**fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"signals": "green"}, "actuated"),
        ({"signals": "actuated", "fidelity": "table"}, "micro"),
        ({"preemption": {"enabled": True}, "fidelity": "meso"}, "micro"),
        ({"preemption": {"enabled": "perhaps"}}, "boolean"),
        ({"preemption": {"longest_s": 0}}, "10"),
        ({"preemption": {"reach": 3}}, "reach"),
    ],
)
def test_rubbish_in_the_settings_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        Traffic.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"kind": "retime-signals", "mode": "actuated", "junctions": [999_999]}, "junctions",
         "no junction 999999"),
        ({"kind": "preempt-signals", "junctions": [BEND]}, "junctions", "no signal"),
        ({"kind": "preempt-signals", "links": [999_999]}, "links", "no link"),
        ({"kind": "preempt-signals", "street": "Nowhere"}, "street", "no street"),
        ({"kind": "retime-signals", "cycle_s": 20}, "cycle_s", "shorter than 5 s"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_happen_is_a_fault(fields, field, said):
    first = np.concatenate([[True], np.diff(NETWORK.group_signal) > 0])
    uneven = replace(
        NETWORK,
        group_green_from=np.where(first, 0, 45).astype(np.float32),
        group_green_to=np.where(first, 40, 55).astype(np.float32),
    )
    city = two_zone_city(uneven, 0, 5, 10.0)
    scenario = plan(changes=[fields], traffic={"fidelity": "micro"})
    (fault,) = faults(scenario, city)
    assert isinstance(fault, InputError)
    assert said in fault.message
    assert fault.field == f"changes.1.{field}"


def test_signals_are_not_run_by_table():
    city = two_zone_city(NETWORK, 0, 5, 10.0)
    scenario = plan(changes=[{"kind": "preempt-signals"}], traffic={"fidelity": "table"})
    (fault,) = faults(scenario, city)
    assert "micro" in fault.message


def test_the_runner_sets_what_changes_and_takes_it_back():
    traffic = MicroTraffic(NETWORK, seed=np.uint64(1))
    runner = SignalRunner(traffic)
    runner.set(settings_for(Traffic(), [], NETWORK))
    assert not len(traffic._signals.control)  # nothing asked, nothing built
    one = SIGNALLED[0]
    runner.set(
        settings_for(
            Traffic(preemption={"enabled": True}),
            [
                change(kind="retime-signals", mode="actuated"),
                change(kind="retime-signals", cycle_s=90, junctions=[one]),
            ],
            NETWORK,
        )
    )
    control = traffic._signals.control
    assert (control["mode"] == 1).all()
    assert (control["takes"] == 1).all()
    mine = NETWORK.group_signal == at(one)
    assert (traffic._net.group["cycle"][mine] == 90).all()
    assert (traffic._net.group["cycle"][~mine] == 60).all()
    runner.set(settings_for(Traffic(), [], NETWORK))
    control = traffic._signals.control
    assert (control["mode"] == 0).all()
    assert (control["takes"] == 0).all()
    assert (traffic._net.group["cycle"] == 60).all()
