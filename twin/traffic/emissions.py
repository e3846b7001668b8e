"""What the traffic emits: carbon dioxide, nitrogen oxides, volatile organics and soot.

The instantaneous model of Int Panis, Broekx and Liu (2006), "Modelling instantaneous traffic
emission and the influence of traffic speed limits", Science of the Total Environment 371,
270-285: from the speed v and the acceleration a of a vehicle,

    E = max(0, f1 + f2 v + f3 v² + f4 a + f5 a² + f6 v a)   grams a second,

with two sets of coefficients for nitrogen oxides and organics of cars, for a at least -0.5 m/s²
and below. It was fitted to measurements on the road in urban traffic of the Belgian fleet of about
2000: use it to compare scenarios, not as an inventory of today's fleet. At the speeds of
expressways (from about 80 km/h) the parabolas of trucks and buses bend down and give too little.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.network.graph import F64
from twin.traffic.hook import View
from twin.traffic.kernels.emitting import MIXED, PACE, emit
from twin.traffic.micro import MicroTraffic
from twin.traffic.storage import records
from twin.traffic.types import Kinds

POLLUTANTS = ("co2", "nox", "voc", "pm")

_Set = tuple[float, float, float, float, float, float]


class Coefficients(NamedTuple):
    """f1 to f6 of one sort of vehicle; a pair where braking (a < -0.5 m/s²) has its own."""

    co2: tuple[_Set, _Set]
    nox: tuple[_Set, _Set]
    voc: tuple[_Set, _Set]
    pm: tuple[_Set, _Set]


def _both(*f: float) -> tuple[_Set, _Set]:
    one: _Set = (f[0], f[1], f[2], f[3], f[4], f[5])
    return one, one


# Petrol and diesel agree in two independent transcriptions of the paper's table, as do carbon
# dioxide and soot of buses with a third; the rest of buses and trucks rests on one of them. There a
# bus gives about one and the same share of a truck in all six coefficients of a pollutant.
PETROL_CAR = Coefficients(
    co2=_both(0.553, 0.161, -0.00289, 0.266, 0.511, 0.183),
    nox=((6.19e-4, 8.00e-5, -4.03e-6, -4.13e-4, 3.80e-4, 1.77e-4), (2.17e-4, 0, 0, 0, 0, 0)),
    voc=((4.47e-3, 7.32e-7, -2.87e-8, -3.41e-6, 4.94e-6, 1.66e-6), (2.63e-3, 0, 0, 0, 0, 0)),
    pm=_both(0.0, 1.57e-5, -9.21e-7, 0.0, 3.75e-5, 1.89e-5),
)
DIESEL_CAR = Coefficients(
    co2=_both(0.324, 0.0859, 0.00496, -0.0586, 0.448, 0.230),
    nox=(
        (2.41e-3, -4.11e-4, 6.73e-5, -3.07e-3, 2.14e-3, 1.50e-3),
        (1.68e-3, -6.62e-5, 9.00e-6, 2.50e-4, 2.91e-4, 1.20e-4),
    ),
    voc=(
        (9.22e-5, 9.09e-6, -2.29e-7, -2.20e-5, 1.69e-5, 3.75e-6),
        (5.25e-5, 7.22e-6, -1.87e-7, 0.0, -1.02e-5, -4.22e-6),
    ),
    pm=_both(0.0, 3.13e-4, -1.84e-5, 0.0, 7.50e-4, 3.78e-4),
)
TRUCK = Coefficients(
    co2=_both(1.52, 1.88, -0.0695, 4.71, 5.88, 2.09),
    nox=_both(3.56e-2, 9.71e-3, -2.40e-4, 3.26e-2, 1.33e-2, 1.15e-2),
    voc=_both(1.04e-3, 4.87e-4, -1.49e-5, 1.27e-3, 2.10e-4, 1.00e-4),
    pm=_both(2.14e-4, 3.35e-4, -2.22e-5, 2.07e-3, 1.80e-3, 2.27e-4),
)
BUS = Coefficients(
    co2=_both(0.904, 1.13, -0.0427, 2.81, 3.45, 1.22),
    nox=_both(2.36e-2, 6.51e-3, -1.70e-4, 2.17e-2, 8.94e-3, 7.57e-3),
    voc=_both(1.55e-3, 8.20e-4, -2.42e-5, 1.86e-3, 3.21e-4, 1.36e-4),
    pm=_both(2.23e-4, 3.47e-4, -2.38e-5, 2.08e-3, 1.76e-3, 2.23e-4),
)

_SORTS = (PETROL_CAR, DIESEL_CAR, TRUCK, BUS)
_TABLE: F64 = np.array(_SORTS, np.float64)
_ROWS = {"truck": 2, "fire_engine": 2, "bus": 3, "motorcycle": 0, "ambulance": 1}
"""Row by the name of a kind of vehicle; every other kind is a car that burns petrol or diesel."""


class Emissions:
    """Sums what the vehicles on the road emit, tick by tick; who waits to enter emits nothing.

    Parameters
    ----------
    traffic
        The vehicles; observed from now on.
    diesel_share
        Share of cars (and taxis) that burn diesel; the others burn petrol.
    key
        Draws which (`Streams.kernel_key`).

    Attributes
    ----------
    total
        (4,) grams of each of `POLLUTANTS` since the last `restart`.
    """

    def __init__(self, traffic: MicroTraffic, *, diesel_share: float, key: np.uint64) -> None:
        self._share = np.float32(diesel_share)
        self._key = np.uint64(key)
        of_kind = np.array([_ROWS.get(name, MIXED) for name in Kinds._fields], np.int32)
        self._row_of = of_kind[traffic.fleet.kind]
        self._pace = records(0, PACE)
        self._grams: F64 = np.zeros((len(POLLUTANTS), traffic.network.n_links))
        self.total: F64 = np.zeros(len(POLLUTANTS))
        traffic.every(1, self._tick)

    def take(self) -> F64:
        """Return (4, L) grams by pollutant and link since the last call."""
        grams, self._grams = self._grams, np.zeros_like(self._grams)
        self.total += grams.sum(axis=1)
        return grams

    def restart(self) -> None:
        """Forget what was emitted so far."""
        self._grams[:] = 0.0
        self.total[:] = 0.0

    def _tick(self, view: View) -> None:
        state, net, record = view.kernel_state
        if len(state.vehicle) > len(self._pace):
            grown = records(len(state.vehicle), PACE)
            grown["tick"] = -2
            grown[: len(self._pace)] = self._pace
            self._pace = grown
        with np.errstate(over="ignore"):  # hashes wrap; this is for the plain-Python form
            emit(
                view.tick,
                view.dt_s,
                self._key,
                self._share,
                self._row_of,
                _TABLE,
                net,
                state,
                record,
                self._pace,
                self._grams,
            )
