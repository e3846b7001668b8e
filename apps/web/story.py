"""The story of a unit, an incident or a place, in words and figures, as the panel shows it.

A story is `{key, icon, title, subtitle, facts, rows, intervals, decision}`: `icon` is what to draw
(type, kind, state), `facts` are pairs, `rows` are what happened (`t`, `label`, `detail`, `key` of
what the detail leads to), `intervals` have `name`, `label`, `seconds`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from apps.rows import rows_of
from apps.web.care_story import care_facts
from apps.web.changes import change_list
from apps.web.feed import RunFeed
from apps.web.hospital_story import emergency_room, why_there
from apps.web.scene import places
from apps.web.texts import pick
from apps.why import duration, expected, losses, told
from twin.city.names import by_language, district_names
from twin.metrics.intervals import INTERVALS

Story = dict[str, Any]

_WHOLE = frozenset({"response", "total"})
_CANDIDATES = 6


def tell(feed: RunFeed, key: str, words: dict[str, Any]) -> Story:
    """Return the story of a key: `call:`, `unit:`, `hospital:`, `station:` or `change:` and an id.

    An unknown key has the empty story, `{}`: the thing may not be in this run.
    """
    kind, _, name = key.partition(":")
    tellers = {
        "call": _call,
        "unit": _unit,
        "hospital": _hospital,
        "station": _station,
        "change": _change,
    }
    teller = tellers.get(kind)
    told = teller(feed, name, words) if teller else {}
    return {"key": key, **told} if told else {}


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _call(feed: RunFeed, call_id: str, words: dict[str, Any]) -> Story:
    incident = next((each for each in feed.incidents if each["id"] == call_id), None)
    if incident is None:
        return {}
    say = words["story"]
    found = feed.calls[feed.calls["call_id"] == call_id]
    row = found.iloc[0] if len(found) else None
    hospitals = feed.city["hospitals"].set_index("hospital_id")["name"].to_dict()
    facts: list[tuple[str, str]] = []
    if incident["response_s"] is not None:
        facts.append((say["response"], duration(incident["response_s"], words)))
    if incident["unit"]:
        facts.append((say["first_unit"], incident["unit"]))
    if row is not None:
        if hospital := _text(row["hospital_id"]):
            name = by_language(str(hospitals.get(hospital, hospital)))
            facts.append((say["hospital"], pick(name, words["lang"])))
            facts += why_there(feed, call_id, hospital, words)
        if (carrier := _text(row["carrier_id"])) != _text(row["unit_id"]) and carrier:
            facts.append((say["carrier"], carrier))
        facts += care_facts(feed, row, words)
        fate = _text(row["fate"])
        facts.append((say["fate"], say.get(f"fate_{fate}", fate)))
    names = district_names(feed.city["districts"])
    inside = incident["district"]
    district = f" · {pick(names.get(inside, {'en': inside}), words['lang'])}" if inside else ""
    kind = words["kind"].get(incident["kind"], incident["kind"])
    subtitle = kind
    if incident["priority"] is not None:
        subtitle = say["call_subtitle"].format(priority=incident["priority"], district=district)
    return {
        "icon": ["call", incident["kind"], ""],
        "title": say["call"].format(kind=kind, id=call_id),
        "subtitle": subtitle,
        "facts": facts,
        "rows": _call_rows(feed, incident, words),
        "intervals": [] if row is None else _intervals(feed, row, words),
        "decision": _decision(feed, call_id, incident["stages"][0][0], words),
    }


def _call_rows(feed: RunFeed, incident: dict[str, Any], words: dict[str, Any]) -> list[Story]:
    """Return the stages, each with the unit that did it where one changed its state just then."""
    events = feed.unit_events[feed.unit_events["call_id"] == incident["id"]]
    rows = []
    for t, stage in incident["stages"]:
        units = events[(events["t"] - t).abs() < 1e-3]["unit_id"].unique()
        detail = ", ".join(units)
        rows.append(
            {
                "t": t,
                "label": words["stage"].get(stage, stage),
                "detail": detail,
                "key": f"unit:{units[0]}" if len(units) == 1 else "",
            }
        )
    return rows


def _intervals(feed: RunFeed, row: pd.Series, words: dict[str, Any]) -> list[Story]:
    """Return the intervals of the first unit, and from the scene on those of the carrier."""
    row = row.copy()
    if carrier := _text(row["carrier_id"]):
        # `t_clear` is the last unit's; the handover ends when the carrier does something else.
        events = feed.unit_events[feed.unit_events["unit_id"] == carrier]
        row["t_clear"] = events[events["t"] > row["t_hospital"]]["t"].min()
    other = carrier != _text(row["unit_id"])
    parts = []
    for name, (start, end) in INTERVALS.items():
        if name in _WHOLE or pd.isna(row[start]) or pd.isna(row[end]):
            continue
        if name == "scene" and other:
            continue  # from one unit's arrival to another's leaving
        seconds = float(row[end]) - float(row[start])
        parts.append({"name": name, "label": words["interval"][name], "seconds": seconds})
    return parts


def _decision(
    feed: RunFeed, call_id: str, t_call: float, words: dict[str, Any]
) -> dict[str, Any] | None:
    """Return why the first unit was sent: the candidates of the first decision that sent one."""
    first = next(
        (each for each in told(feed.decisions, call_id, words, feed.scenario) if each.sent), None
    )
    if first is None:
        return None
    sentence, rows = first.sentence, first.rows
    if len(rows) == 1 and _waited(feed, first.t, t_call):
        sentence = f"{words['story']['waited']} {sentence}"
    turned = [said for _, said in losses(feed.decisions, call_id, words)]
    shown = rows.head(_CANDIDATES)
    if not shown["chosen"].any():
        shown = pd.concat([shown.head(_CANDIDATES - 1), rows[rows["chosen"]].head(1)])
    candidates = [
        {"unit": row.unit_id, "eta": expected(row, words), "chosen": bool(row.chosen)}
        for row in rows_of(shown)
    ]
    return {"sentence": " ".join([sentence, *turned]), "candidates": candidates}


def _waited(feed: RunFeed, decided: float, t_call: float) -> bool:
    """Return whether other calls were decided between: this one stood in the queue."""
    between = feed.decisions["t"].between(t_call, decided, inclusive="neither")
    return bool(between.any())


def _dicts(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _unit(feed: RunFeed, unit_id: str, words: dict[str, Any]) -> Story:
    found = feed.units[feed.units["unit_id"] == unit_id]
    if not len(found):
        return {}
    unit = found.iloc[0]
    events = feed.unit_events[feed.unit_events["unit_id"] == unit_id]
    say = words["story"]
    stations = {each["id"]: each["name"] for each in places(feed.city, feed.scenario)["stations"]}
    home = unit["station_id"]
    station = pick(stations.get(home, {"en": home}), words["lang"])
    kind = words["kind"].get(unit["kind"], unit["kind"])
    subtitle = say["unit_subtitle"].format(kind=kind, station=station) if station else kind
    rows = [
        {
            "t": float(each["t"]),
            "label": words["state"].get(each["state"], each["state"]),
            "detail": _text(each["call_id"]),
            "key": f"call:{each['call_id']}" if _text(each["call_id"]) else "",
        }
        for each in _dicts(events)
    ]
    served = str(events["call_id"].dropna().nunique())
    return {
        "icon": ["unit", unit["kind"], "idle"],
        "title": unit_id,
        "subtitle": subtitle,
        "facts": [
            *([(say["changed"], say[f"changed_{unit['changed']}"])] if unit["changed"] else []),
            (say["calls_served"], served),
        ],
        "rows": rows,
        "intervals": [],
        "decision": None,
    }


def _hospital(feed: RunFeed, hospital_id: str, words: dict[str, Any]) -> Story:
    table = feed.city["hospitals"]
    found = table[table["hospital_id"] == hospital_id]
    if not len(found):
        return {}
    hospital = found.iloc[0]
    say = words["story"]
    brought = feed.calls[
        (feed.calls["hospital_id"] == hospital_id) & feed.calls["t_hospital"].notna()
    ].sort_values("t_hospital")
    facts = [(say["arrivals"], str(len(brought)))]
    known = words["capability"]
    if treats := str(hospital["capabilities"]).strip():
        facts.append(
            (say["capabilities"], ", ".join(known.get(each, each) for each in treats.split()))
        )
    facts += emergency_room(feed, hospital_id, words)
    rows = [
        {
            "t": float(each["t_hospital"]),
            "label": say["arrived"].format(unit=_text(each["carrier_id"])),
            "detail": str(each["call_id"]),
            "key": f"call:{each['call_id']}",
        }
        for each in _dicts(brought)
    ]
    return {
        "icon": ["hospital", "", ""],
        "title": pick(by_language(str(hospital["name"])), words["lang"]),
        "subtitle": say.get(f"level_{hospital['level']}", say["hospital_subtitle"]),
        "facts": facts,
        "rows": rows,
        "intervals": [],
        "decision": None,
    }


def _station(feed: RunFeed, station_id: str, words: dict[str, Any]) -> Story:
    stations = places(feed.city, feed.scenario)["stations"]
    station = next((each for each in stations if each["id"] == station_id), None)
    if station is None:
        return {}
    say = words["story"]
    based = feed.units[feed.units["station_id"] == station_id]["unit_id"]
    kind = say.get(f"kind_{station['kind']}", station["kind"])
    facts = [(say["changed"], say["changed_added"])] if station.get("added") else []
    return {
        "icon": ["station", "", ""],
        "title": pick(station["name"], words["lang"]),
        "subtitle": say["station_subtitle"].format(kind=kind),
        "facts": [*facts, (say["stations_units"], ", ".join(based) or say["none"])],
        "rows": [],
        "intervals": [],
        "decision": None,
    }


def _change(feed: RunFeed, number: str, words: dict[str, Any]) -> Story:
    marks = change_list(feed.scenario, feed.city)
    mark = next((each for each in marks if each["key"] == f"change:{number}"), None)
    if mark is None:
        return {}
    say, lang = words["story"], words["lang"]
    facts = [(say["holds"], mark["when"][lang])]
    if links := mark["links"]:
        length = float(feed.city.network.link_length[links].sum()) / 1000.0
        facts.append((say["closed_length"], say["kilometres"].format(km=f"{length:.1f}")))
    return {
        "icon": ["change", mark["sign"], ""],
        "title": mark["words"][lang],
        "subtitle": words["ui"]["changes"],
        "facts": facts,
        "rows": [],
        "intervals": [],
        "decision": None,
    }
