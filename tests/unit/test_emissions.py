"""Emissions against values worked out by hand from the published polynomials."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.roads import CALM, make_trips, random_trips, road
from twin.network.generate import grid
from twin.network.graph import Place
from twin.traffic.emissions import _TABLE, POLLUTANTS, Emissions
from twin.traffic.kernels.emitting import PACE, emit
from twin.traffic.micro import MicroTraffic
from twin.traffic.storage import records

PETROL, DIESEL, TRUCK, BUS = range(4)
KEY = np.uint64(3)


def _grams(row: int, v: float, a: float) -> np.ndarray:
    """Return grams of one second at speed `v` after one at `v - a`, by the kernel."""
    traffic = MicroTraffic(road([500.0]), seed=np.uint64(1))
    traffic.add_trips(make_trips([0.0], [[0]], [450.0]))
    traffic.advance(1)
    pace, out = records(len(traffic._state.vehicle), PACE), np.zeros((4, 1))
    at = int(traffic._state.lane["start"][0])
    traffic._records["vel"][at] = v
    pace["vel"], pace["tick"], pace["row"] = v - a, 0, row
    row_of = np.full(6, row, np.int32)
    emit(
        1,
        1.0,
        KEY,
        np.float32(0),
        row_of,
        _TABLE,
        traffic._net,
        traffic._state,
        traffic._records,
        pace,
        out,
    )
    return out[:, 0]


@pytest.mark.parametrize(
    ("row", "v", "a", "pollutant", "grams"),
    [
        (PETROL, 10.0, 0.0, "co2", 0.553 + 1.61 - 0.289),
        (PETROL, 10.0, 1.0, "co2", 1.874 + 0.266 + 0.511 + 1.83),
        (PETROL, 0.0, 0.0, "co2", 0.553),
        (PETROL, 10.0, -1.0, "nox", 2.17e-4),
        (PETROL, 10.0, -0.5, "nox", 6.19e-4 + 8e-4 - 4.03e-4 + 2.065e-4 + 0.95e-4 - 8.85e-4),
        (PETROL, 10.0, 0.0, "pm", 1.57e-4 - 0.921e-4),
        (DIESEL, 20.0, 0.0, "co2", 0.324 + 1.718 + 1.984),
        (DIESEL, 20.0, 0.0, "nox", 2.41e-3 - 8.22e-3 + 2.692e-2),
        (DIESEL, 0.0, 0.0, "voc", 9.22e-5),
        (DIESEL, 10.0, -2.0, "pm", 0.0),
        (TRUCK, 10.0, 0.0, "co2", 1.52 + 18.8 - 6.95),
        (TRUCK, 10.0, 0.5, "nox", 0.0356 + 0.0971 - 0.024 + 0.0163 + 0.003325 + 0.0575),
        (BUS, 10.0, 0.0, "co2", 0.904 + 11.3 - 4.27),
        (BUS, 0.0, 0.0, "pm", 2.23e-4),
        # Cut to -4 m/s²: 0.553 - 1.064 + 8.176.
        (PETROL, 0.0, -9.0, "co2", 0.553 - 1.064 + 8.176),
    ],
)
def test_hand_computed_values(row, v, a, pollutant, grams):
    assert _grams(row, v, a)[POLLUTANTS.index(pollutant)] == pytest.approx(
        max(grams, 0.0), rel=2e-5
    )


def test_a_trip_at_constant_speed_gives_the_rate_times_its_seconds():
    traffic = MicroTraffic(road([400.0, 600.0], speed=10.0), seed=np.uint64(1), kinds=CALM)
    emissions = Emissions(traffic, diesel_share=0.0, key=KEY)
    traffic.add_trips(make_trips([0.0], [[0, 1]], [500.0]))
    traffic.advance(60)
    grams = emissions.take()
    assert grams.shape == (4, 2)
    assert grams[0].sum() == pytest.approx(60 * 1.874, rel=1e-4)
    # 400 m at 10 m/s, then the rest.
    assert grams[0] == pytest.approx([40 * 1.874, 20 * 1.874], abs=1.9)
    traffic.advance(60)
    emissions.take()
    # The trip ends after 90 s; afterwards nobody is there.
    assert emissions.total[0] == pytest.approx(90 * 1.874, abs=1.9)
    emissions.restart()
    assert not emissions.total.any()


def test_who_stands_in_a_queue_idles():
    traffic = MicroTraffic(road([400.0], speed=10.0), seed=np.uint64(1), kinds=CALM)
    traffic.add_trips(make_trips([0.0, 0.0], [[0], [0]], [350.0, 350.0], [0, 3]))
    traffic.block(Place(0, 200.0), 1)
    emissions = Emissions(traffic, diesel_share=0.0, key=KEY)
    traffic.advance(100)
    emissions.take()
    traffic.advance(50)
    assert traffic.vehicles.speed_mps.tolist() == pytest.approx([0.0, 0.0], abs=1e-3)
    assert emissions.take()[0, 0] == pytest.approx(50 * (0.553 + 0.904), rel=1e-3)


def test_the_share_of_diesel_cars_is_kept_and_drawn_by_vehicle():
    network = grid(5, 5, 150.0, 2, 13.9)
    trips = random_trips(network, 3000, 300.0, 5)
    sums = []
    for share, pieces in ((0.0, 1), (0.4, 1), (0.4, 60), (1.0, 1)):
        traffic = MicroTraffic(network, seed=np.uint64(2))
        traffic.add_trips(trips)
        emissions = Emissions(traffic, diesel_share=share, key=KEY)
        for _ in range(pieces):
            traffic.advance(300 // pieces)
        sums.append(emissions.take())
    none, some, same, every = sums
    assert (some == same).all()
    soot = POLLUTANTS.index("pm")
    part = (some[soot].sum() - none[soot].sum()) / (every[soot].sum() - none[soot].sum())
    assert part == pytest.approx(0.4, abs=0.04)


@pytest.mark.pyfunc
def test_emissions_in_plain_python():
    traffic = MicroTraffic(road([400.0], speed=10.0), seed=np.uint64(1), kinds=CALM)
    emissions = Emissions(traffic, diesel_share=0.5, key=KEY)
    traffic.add_trips(make_trips([0.0, 5.0], [[0], [0]], [350.0, 350.0], [0, 2]))
    traffic.advance(20)
    # One car, petrol or diesel by its number, and a truck at nine tenths of the speed.
    truck = 15 * (1.52 + 1.88 * 10.0 - 0.0695 * 100.0)
    assert emissions.take()[0].sum() == pytest.approx(truck + 20 * 1.75, rel=0.1)
