"""Incidents of a run with their stages, also of calls that are still open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from apps.web.scene import local
from twin.agents.states import Stage
from twin.network.graph import Network

_STAMPS = {
    "t_call": Stage.RECEIVED,
    "t_dispatch": Stage.DISPATCHED,
    "t_enroute": Stage.EN_ROUTE,
    "t_onscene": Stage.ON_SCENE,
    "t_leave": Stage.LEFT_SCENE,
    "t_hospital": Stage.AT_HOSPITAL,
    "t_clear": Stage.CLOSED,
}
"""The stage that each stamp of `calls` begins, for runs without `incident_events`."""


def incident_list(
    network: Network, calls: pd.DataFrame, events: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return every incident, in order of its call.

    A call that is still open has a row in `calls` only when the run has ended, so what happened is
    read from the events, and what came of it from `calls` where it is there.
    """
    stages: dict[str, list[tuple[float, str]]] = {}
    about: dict[str, dict[str, Any]] = {}
    row: Any  # a named tuple of the columns that the table declares
    for row in events.sort_values("t", kind="stable").itertuples(index=False):
        stages.setdefault(row.call_id, []).append((float(row.t), str(row.stage)))
        about.setdefault(row.call_id, {"kind": row.kind, "lon": row.lon, "lat": row.lat})
    for row in calls.itertuples(index=False):
        if row.call_id not in stages:
            stamps = [(getattr(row, name), stage.value) for name, stage in _STAMPS.items()]
            stages[row.call_id] = [(float(t), name) for t, name in stamps if not pd.isna(t)]
        about[row.call_id] = {
            "kind": row.kind,
            "lon": row.lon,
            "lat": row.lat,
            "priority": int(row.priority),
            "district": _text(row.district),
            "unit": _text(row.unit_id),
            "t_onscene": _number(row.t_onscene),
            "response_s": _number(row.response_s),
        }
    order = sorted((each for each in stages if stages[each]), key=lambda each: (stages[each], each))
    x, y = local(
        network,
        np.array([about[each]["lon"] for each in order], np.float64),
        np.array([about[each]["lat"] for each in order], np.float64),
    )
    return [
        _incident(each, about[each], stages[each], float(x[k]), float(y[k]))
        for k, each in enumerate(order)
    ]


def _incident(
    call_id: str, about: dict[str, Any], stages: list[tuple[float, str]], x: float, y: float
) -> dict[str, Any]:
    arrived = about.get("t_onscene")
    response = about.get("response_s")
    if "t_onscene" not in about:
        arrived = next((t for t, stage in stages if stage == Stage.ON_SCENE), None)
        response = None if arrived is None else arrived - stages[0][0]
    return {
        "id": call_id,
        "kind": about["kind"],
        "priority": about.get("priority"),
        "district": about.get("district", ""),
        "unit": about.get("unit", ""),
        "x": x,
        "y": y,
        "t_onscene": arrived,
        "response_s": response,
        "stages": [list(stage) for stage in stages],
    }


def received_and_closed(incidents: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the stamps from which `apps.web.kpis.figures` counts."""
    return pd.DataFrame(
        {
            "t_call": [each["stages"][0][0] for each in incidents],
            "t_onscene": [each["t_onscene"] for each in incidents],
            "response_s": [each["response_s"] for each in incidents],
            "t_closed": [
                each["stages"][-1][0] if each["stages"][-1][1] == Stage.CLOSED else None
                for each in incidents
            ],
        },
        dtype=np.float64,
    )


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
