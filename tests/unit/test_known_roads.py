"""Links, lanes and turns that are not there are refused, in lanes and in queues alike."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import make_trips, road
from twin.core.errors import InputError
from twin.traffic.hook import View
from twin.traffic.meso import MesoTraffic
from twin.traffic.micro import MicroTraffic

ROAD = road([200.0, 200.0, 200.0], lanes=2)
"""Links 0 to 2 and turns 0 and 1."""


@pytest.fixture(params=["micro", "meso"])
def traffic(request):
    if request.param == "meso":
        return MesoTraffic(ROAD)
    return MicroTraffic(ROAD, seed=np.uint64(1))


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("close_lanes", (-1,), "field 'link': there is no link -1"),
        ("close_lanes", (3,), "field 'link': there is no link 3"),
        ("close_lanes", (0.5,), "field 'link': there is no link 0.5"),
        ("close_lanes", (float("nan"),), "field 'link': there is no link nan"),
        ("close_lanes", (-1, 1), "field 'link': there is no link -1"),
        ("close_lanes", (1, -1), "field 'lanes': -1 lanes cannot be closed"),
        ("close_lanes", (1, 0), "field 'lanes': 0 lanes cannot be closed"),
        ("close_lanes", (1, 1.5), "field 'lanes': 1.5 lanes cannot be closed"),
        ("open_lanes", (-1,), "field 'link': there is no link -1"),
        ("set_bus_lanes", (-1, [0]), "field 'link': there is no link -1"),
        ("set_bus_lanes", (1, [2]), "field 'lanes': link 1 has no lane 2: its lanes are 0 to 1"),
        (
            "set_bus_lanes",
            (1, [0, -1]),
            "field 'lanes': link 1 has no lane -1: its lanes are 0 to 1",
        ),
        (
            "set_bus_lanes",
            (1, [0.5]),
            "field 'lanes': link 1 has no lane 0.5: its lanes are 0 to 1",
        ),
        ("ban_turns", ([-1],), "field 'turns': there is no turn -1"),
        ("ban_turns", ([0, 2],), "field 'turns': there is no turn 2"),
    ],
)
def test_what_is_not_there_is_refused_and_nothing_changes(traffic, name, given, said) -> None:
    traffic.ban_turns(np.array([1], np.int32))
    with pytest.raises(InputError) as error:
        getattr(traffic, name)(*given)
    assert str(error.value) == said
    assert traffic.banned.tolist() == [1]
    assert traffic.closed.tolist() == []
    assert traffic.bus_lanes == {}
    traffic.ban_turns(np.empty(0, np.int32))
    traffic.add_trips(make_trips([0.0, 0.0], [[0, 1, 2], [0, 1, 2]], [190.0, 190.0]))
    traffic.advance(120)
    assert traffic.counters.finished == 2


@pytest.mark.parametrize("given", [(-1,), (1, -1), (0.5,)])
def test_a_hook_refuses_the_same_and_logs_nothing(given) -> None:
    traffic = MicroTraffic(ROAD, seed=np.uint64(1))
    traffic.commands = []
    with pytest.raises(InputError) as error:
        traffic.close_lanes(*given)
    with pytest.raises(InputError) as hooked:
        View(traffic).close_lanes(*given)
    assert str(hooked.value) == str(error.value)
    assert traffic.commands == []


def test_what_is_there_is_closed_and_banned(traffic) -> None:
    traffic.close_lanes(np.int64(2))
    traffic.close_lanes(1, np.int32(1))
    traffic.close_lanes(0, 5)
    traffic.ban_turns(np.array([0, 1], np.int32))
    assert traffic.closed.tolist() == [0, 2]
    assert traffic.banned.tolist() == [0, 1]


def test_of_two_closures_the_last_counts(traffic) -> None:
    def drive(seconds: int) -> int:
        begin = traffic.counters.finished
        trips = make_trips([traffic.t] * 4, [[0, 1, 2]] * 4, [190.0] * 4)
        traffic.add_trips(trips)
        traffic.advance(seconds)
        return int(traffic.counters.finished) - begin

    traffic.close_lanes(1)
    traffic.close_lanes(1, 1)
    assert traffic.closed.tolist() == []
    assert drive(200) == 4
    traffic.close_lanes(1)
    assert traffic.closed.tolist() == [1]
    assert drive(200) == 0
    # And the lane that was closed before is open when the road is.
    assert traffic._net.link["first_open"].tolist() == [0, 0, 0]
    traffic.open_lanes(1)
    traffic.advance(200)
    assert traffic.counters.finished == 8
