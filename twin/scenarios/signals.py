"""What holds at every signal, of a scenario's settings and the changes in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.network.graph import F64, Network
from twin.scenarios.change_kinds import Change, PreemptSignals, RetimeSignals
from twin.scenarios.named_roads import nodes_numbered, signals_of
from twin.scenarios.spec import Traffic


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """What holds at every signal.

    Attributes
    ----------
    mode
        (S,) as `traffic.signals`.
    cycle_s
        (S,) cycle; `nan` for that of the plan.
    listens
        (S,) whether units under siren may ask for green.
    detection_m, detection_s, longest_s
        From where on they ask, and how long one may hold a signal.
    """

    mode: NDArray[np.str_]
    cycle_s: F64
    listens: NDArray[np.bool_]
    detection_m: float
    detection_s: float
    longest_s: float


def settings_for(traffic: Traffic, changes: Iterable[Change], network: Network) -> SignalSettings:
    """Return what holds when `changes` are in force; of several the later one, pre-emption adds up.

    Raises
    ------
    InputError
        If a change, or `traffic.preemption`, is about what is not in the network.
    """
    n = network.n_signals
    mode = np.full(n, traffic.signals, "<U12")
    cycle = np.full(n, np.nan)
    listens = np.zeros(n, np.bool_)
    asked = traffic.preemption
    reach = [(asked.detection_m, asked.detection_s, asked.longest_s)] if asked.enabled else []
    if asked.enabled:
        if asked.junctions:
            own = network.node_signal[
                nodes_numbered(network, asked.junctions, "traffic.preemption.junctions")
            ]
            listens[own[own >= 0]] = True
        else:
            listens[:] = True
    for change in changes:
        if isinstance(change, PreemptSignals):
            listens[signals_of(change, network)] = True
            reach.append((change.detection_m, change.detection_s, change.longest_s))
        elif isinstance(change, RetimeSignals):
            index = signals_of(change, network)
            if change.mode is not None:
                mode[index] = change.mode
            if change.cycle_s is not None:
                cycle[index] = change.cycle_s
    # One reach for the city: the widest that anybody asked for.
    far = tuple(max(values) for values in zip(*reach, strict=True)) or (0.0, 0.0, 120.0)
    return SignalSettings(mode, cycle, listens, *far)
