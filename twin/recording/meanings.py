"""What the columns of a run's tables hold, and in which unit."""

from __future__ import annotations

from twin.recording.tables import RUN_TABLES

_OWN: dict[str, dict[str, str]] = {
    "moves": {
        "t": "when it was decided",
        "unit_id": "the free unit that was to wait somewhere",
        "policy": "the rule, `policy.moveup`",
        "reason": "free: the unit was free after a call; dispatch, shift: others were sent to "
        "calls, or came on duty or went off it",
        "from_station": "where it stood or headed for; its own station after a call",
        "station_id": "a station that was weighed",
        "eta_s": "the drive there without siren; infinite if longer than `moves.longest_s`, null "
        "where the rule did not ask",
        "score": "what the rule compares, the least wins: less the share of demand gained, "
        "by dmexclp; the drive in s by compliance-table; the place on the list, from 0, by "
        "priority-list; the price of the drive as a share of demand by ddsm",
        "chosen": "whether the rule chose it; the only rows kept without `record.decisions` are "
        "those of moves that were made",
        "made": "whether the unit was sent there: not if it was there, or if a limit held",
    },
    "coverage": {
        "t": "when it was looked",
        "kind": "of unit",
        "free": "free units, at their bases or on their way there",
        "share": "of the demand that a free unit's base reaches within `coverage.within_s`",
        "twice": "of the demand that two free units or more so reach",
        "expected": "of the demand that finds one if each is busy for `coverage.busy` of its time",
    },
    "coverage_points": {
        "t": "the last look",
        "kind": "of unit",
        "point": "the point of demand: name of a zone, id of a place, or number of a square",
        "district": "in which the point lies; empty outside of all",
        "weight": "share of all demand that the point stands for",
        "share": "of the looks at which a free unit's base reached the point",
    },
    "calls": {
        "call_id": "the call. Collisions (`X-1` and so on) come of traffic and are counted as they "
        "come: `X-1` of a base and `X-1` of its what-if are not the same collision unless `t_call` "
        "is the same too",
        "kind": "medical, fire or collision",
        "type": "name of the call type (`care.types`); null where it has none",
        "priority_after": "of the patient of `unit_id`, after the wait and triage on scene",
        "priority": "when the call is received; 1 is the most urgent",
        "district": "of the place; empty outside of all",
        "t_call": "the call is received",
        "t_answer": "a call-taker answers",
        "t_dispatch": "`unit_id` is sent",
        "t_enroute": "`unit_id` sets off",
        "t_onscene": "`unit_id` is on scene",
        "t_first_enroute": "the unit of `t_first` sets off; the first of any while none is there",
        "t_first": "the first unit of any kind is on scene",
        "t_capable": "the first unit is on scene that can do what is needed: an ambulance (of "
        "advanced life support, where the plan asks for one), for a fire an engine",
        "t_full": "the last unit of the response plan is on scene; those that turned back because "
        "they were not needed any more are left aside",
        "t_patient": "the crew of `unit_id`, an ambulance, is with its patient and begins: "
        "`t_onscene` but for the way there (`chain.to_patient_s`) and for staging",
        "t_leave": "`carrier_id` leaves the scene with a patient",
        "t_hospital": "`carrier_id` is at the hospital",
        "t_clear": "the last unit that was sent is free again; null while the call is open",
        "t_base": "`unit_id` is back at its station; null when it went to another call instead",
        "response_s": "`t_onscene` minus `t_call`, s",
        "unit_id": "the first unit on scene whose arrival counts: an ambulance for medical calls, "
        "an ambulance or engine else; the first one sent where none has arrived",
        "carrier_id": "the ambulance that took a patient to hospital: `unit_id` if it took one, "
        "else the first to leave with one; null when nobody was taken",
        "hospital_id": "where `carrier_id` went; other patients of the call may be elsewhere",
        "transported": "whether anybody was taken",
        "false_alarm": "whether the first crew finds nothing to be done",
        "fate": "closed, open (still going when the run ended) or cancelled",
    },
    "choices": {
        "t": "when it was decided",
        "seat": "call-taker, dispatcher or hospital",
        "person": "who had it",
        "role": "the part in the call for which a unit or a hospital was sought",
        "chosen": "a unit, a hospital or a priority; `wait` for no unit yet",
        "policy": "the rule that would have decided; `protocol` for the priority of the call",
        "by_rule": "what it would have chosen; null for no unit yet",
    },
    "hospital_choices": {
        "t": "when it was decided",
        "policy": "the rule, `policy.hospital`",
        "unit_id": "the ambulance that has the patient",
        "hospital_id": "a hospital that was weighed",
        "eta_s": "predicted drive, s",
        "wait_s": "wait for a bed that is expected by the last report, s; null without emergency "
        "rooms",
        "score": "what the rule compares, the least is chosen: seconds, which are the drive by "
        "nearest-suitable and recorded, with the detour by by-class, and until treatment with what "
        "refusals cost by soonest-treatment",
        "chosen": "whether the patient goes there",
    },
    "hospital_status": {
        "t": "from then on",
        "status": "whom it accepts in truth: open, divert (no new ambulances) or closed",
        "present": "crews who hand a patient over, or wait to",
        "beds": "of the emergency room; null where none is simulated, as in the next two",
        "occupied": "beds with a patient, brought or not",
        "waiting": "patients who wait for a bed",
    },
    "hospital_patients": {
        "unit_id": "the ambulance that brought the patient",
        "role": "the ambulance's part in the call",
        "priority": "of the patient; 1 is the most urgent",
        "need": "what the hospital should be able to treat; empty for nothing in particular",
        "able": "whether it can",
        "refusals": "how often a hospital refused the patient before",
        "t_alert": "the ambulance says that it comes",
        "t_door": "it is there",
        "t_bed": "there is a bed",
        "t_treatment": "treatment begins: there is a bed and a team is ready",
        "t_released": "the crew is free",
        "door_to_treatment_s": "`t_treatment` minus `t_door`, s",
    },
    "vitals": {
        "t": "when it was measured",
        "role": "the part in the call of the ambulance that has the patient",
        "hospital_id": "to which the record streams",
        "respiration": "breaths a minute",
        "saturation": "oxygen in the blood, per cent",
        "systolic": "blood pressure, mmHg",
        "pulse": "beats a minute",
        "news2": "National Early Warning Score 2 of these four",
    },
    "crew_shifts": {
        "unit_id": "the unit that the crew drove",
        "station_id": "its own station",
        "t_on": "it began, or the run did",
        "t_due": "its time is over; null where the unit is always staffed",
        "t_off": "it was home and free; null while it is on duty",
        "overtime_s": "so far after `t_due`, s",
        "t_break": "its meal break began",
        "break_missed": "whether it was due and could not be had",
    },
    "hospital_enquiries": {
        "t": "the hospital answers",
        "unit_id": "the ambulance that asks",
        "hospital_id": "which hospital is asked",
        "refused": "whether it does not take the patient",
        "full": "whether its beds were all taken in truth",
        "known_full": "whether they were by its last report",
    },
    "decisions": {
        "t": "when it was decided",
        "unit_id": "the candidate",
        "policy": "the rule that judged the candidate",
        "eta_s": "predicted drive, s; null if the rule asks for none",
        "score": "what the rule compares: the least wins, an infinite one is not taken. Seconds "
        "until it is there by rules of time; metres by closest-straight-line; the place on the "
        "list, from 0, by beats; the share of demand that loses cover by least-loss and "
        "dmexclp-dispatch; less the preparedness that is left by preparedness. These three have "
        "seconds where `why` is urgent, and where it is late, but for dmexclp-dispatch",
        "chosen": "whether the unit was sent",
        "role": "the part in the call for which a unit was sought, as `ambulance-1`",
        "doing": "the candidate's state",
        "on_call": "the call that it works on or is on its way to",
        "wait_s": "expected seconds until it sets out: turnout, or the end of what it does",
        "term": "what the rule weighs beside time: beat, cover_lost, preparedness, gain_s; "
        "otherwise: what another rule thinks of it",
        "value": "the candidate's value of it: place from 1 (beat), share of demand (cover_lost), "
        "1/min (preparedness), s (gain_s)",
        "why": "of the winner: only, first, nearest, beat, cover, late, prepared, urgent, "
        "diverted, person, recorded, ordered or score; held where the call waits for it",
    },
    "fires": {
        "t_ignition": "it begins to burn",
        "rate": "how it grows: slow, medium, fast or ultra-fast",
        "t_water": "the first engine has water on it",
        "t_control": "it is under control: the water suffices, or the fuel is gone",
        "t_out": "it is out",
        "alarm": "the highest alarm that was struck",
        "engines": "engines at work when it was closed",
        "heat_kw": "heat release when it came under control; null until then",
        "burnt_m2": "area that burns then",
    },
    "patients": {
        "patient": "number of the patient in the call, from 0",
        "condition": "at the call: arrest, or a class of severity: immediate, delayed, minor, dead",
        "condition_onscene": "what the crew found: who waits may get worse, and triage may differ",
        "tag": "what START triage said; null where there was none",
        "t_onset": "the collapse of who is in arrest, else the call",
        "t_cpr": "first compression, by bystanders or a crew; arrests only",
        "t_defib": "first shock, by bystanders or a crew; arrests only",
        "t_triage": "the tag is given",
        "t_onscene": "`unit_id` is on scene",
        "t_leave": "`unit_id` leaves the scene with the patient",
        "t_hospital": "`unit_id` is at the hospital",
        "unit_id": "the ambulance that took care of the patient",
        "hospital_id": "where the patient was taken; null when nowhere",
        "chance_call": "of survival, if the care that counts had begun at the call",
        "chance_onscene": "of survival, if it had begun when the unit came on scene",
        "chance_leave": "of survival, if it had begun when the unit left the scene",
        "survival": "chance of survival with the times as they were; of arrests and of incidents "
        "with triage only, and null while the time is not known",
    },
    "unit_events": {
        "t": "the unit enters the state",
        "state": "off_shift, idle (at its station), turnout, to_scene, on_scene, transporting, "
        "at_hospital, returning or moving_up (free, on the road), on_break, restocking or off_road",
        "call_id": "the call that it works on; null when none",
        "lon": "of the unit then",
        "lat": "of the unit then",
    },
    "incident_events": {
        "t": "the stage is reached",
        "kind": "medical, fire or collision",
        "stage": "received, dispatched, en_route, on_scene, activity_start, under_control, out, "
        "left_scene, at_hospital, road_cleared or closed",
    },
    "links": {
        "t": "end of the interval, of `record.links_every_s`",
        "vehicles": "mean number on the link in the interval",
        "speed_mps": "distance that all drove on the link over the time that they were on it",
        "left": "those that left the link in the interval, at its end or at their goal",
    },
    "link_names": {
        "link": "index of the link, as in `links` and all other tables",
        "link_id": "its number in the city, by which scenarios and files name it",
        "street": "number of the street that it is part of, from 0: links of one name are one "
        "street, both directions; without a name, links of a class that go straight on",
        "name": "of the street; null where it has none",
        "road_class": "motorway, trunk, primary, secondary, tertiary, residential or service",
        "length_m": "of the link, from its start to its end",
        "free_mps": "speed at free flow: the road's times `traffic.speed_factor`, without weather "
        "or work zones",
        "lon": "halfway between its ends",
        "lat": "halfway between its ends",
    },
    "trips": {
        "kind": "0 car, 1 taxi, 2 truck, 3 bus, 7 motorcycle, 8 automated",
        "t_planned": "it wants to set out",
        "t_depart": "it enters the road: later where its first link is full",
        "t_arrive": "it is at its goal",
        "origin": "index of its first link in the city's network, from 0",
        "destination": "index of its last link",
        "distance_m": "driven",
    },
    "trip_routes": {
        "t_arrive": "it is at its goal",
        "planned": "indices of the links that it meant to drive when it set out",
        "driven": "indices of the links that it drove",
    },
    "bus_stops": {
        "line": "the line",
        "run": "one bus that drives the line once",
        "stop": "id of the stop",
        "stop_name": "what the stop is called",
        "order": "place of the stop in the line, from 0",
        "link": "index of the link at which the bus stops",
        "t_due": "arrival by the timetable; null without one",
        "t_due_depart": "departure by the timetable; null without one",
        "t_arrive": "it stops; null where the stop was missed",
        "t_depart": "it goes on; null where the stop was missed",
    },
    "frames": {
        "t": "where they are then: every `record.frame_every_s`",
        "speed": "in steps of 0.25 m/s",
    },
    "unit_frames": {
        "t": "where they are then: every `record.frame_every_s`",
        "state": "as in `unit_events`",
    },
    "pulse": {
        "t": "when it was counted: every `record.frame_every_s`",
        "vehicles": "on the road, or in a bay beside it; emergency units are not among them",
        "waiting_to_insert": "trips that have not entered: not due, or their first link is full",
        "inserted": "entered the road since the start, warm-up included",
        "finished": "of these, reached their goal",
        "removed": "of these, ended where they stood because their goal was closed",
        "mean_speed_mps": "of all vehicles on the road; null without any",
        "units_busy": "units that work on a call",
        "calls_waiting": "calls that wait for a unit",
    },
    "detectors": {
        "t": "end of the interval, of the detector's `every_s`",
        "detector": "its name in the scenario",
        "lane": "from the kerb, from 0; -1 is all lanes of the link",
        "vehicles": "passed in the interval, as measured",
        "occupancy": "of the time that a lane is covered, as measured",
        "speed_mps": "mean of those who passed, as measured; null without any",
        "true_vehicles": "passed in truth",
        "true_occupancy": "of the time that a lane is covered in truth",
        "true_speed_mps": "mean of those who passed in truth; null without any",
    },
    "segments": {
        "t": "the vehicle passes the end of the segment",
        "segment": "its name in the scenario",
        "seconds": "what it took, as measured; null when the vehicle was not known again",
        "true_seconds": "what it took in truth",
    },
    "probes": {
        "t": "the vehicle reports",
        "probes": "name of the probes in the scenario",
        "lon": "where it says that it is",
        "lat": "where it says that it is",
        "speed_mps": "how fast it says that it is",
        "true_lon": "where it is",
        "true_lat": "where it is",
        "true_speed_mps": "how fast it is",
        "pos_m": "how far along the link it is",
    },
    "emissions": {
        "t": "end of the interval, of `record.links_every_s`",
        "co2_g": "carbon dioxide emitted on the link in the interval",
        "nox_g": "nitrogen oxides, likewise",
        "voc_g": "volatile organic compounds, likewise",
        "pm_g": "soot (particles), likewise",
    },
    "changes": {
        "t": "it was applied",
        "kind": "of change, as `close-links`; `end of ...` when it ends; `hook: ...` for what your "
        "own code did",
        "detail": "its fields, as JSON",
    },
}
_SHARED = {
    "call_id": "the call, as in `calls`",
    "unit_id": "the unit",
    "hospital_id": "the hospital",
    "kind": "of unit: ambulance or engine",
    "lon": "of the place",
    "lat": "of the place",
    "link": "index of the link in the city's network, from 0",
    "vehicle": "number of the vehicle in the run",
    "x": "east of the west edge of `box` in run.json, in steps of its `side_m` / 65535",
    "y": "north of the south edge of `box` in run.json, in steps of its `side_m` / 65535",
}
"""By column, where a table does not say it otherwise."""

MEANINGS: dict[str, dict[str, str]] = {
    table: {name: _OWN.get(table, {}).get(name) or _SHARED.get(name, "") for name in columns}
    for table, columns in RUN_TABLES.items()
}
"""By table and column. A call may have several units, and a row of `calls` holds stamps of two of
them and one of all."""

_ENDINGS = {"_s": "s", "_mps": "m/s", "_m": "m", "_m2": "m²", "_kw": "kW", "_g": "g"}
_UNITS = {
    **dict.fromkeys(("t", "seconds", "true_seconds"), "s"),
    **dict.fromkeys(("lon", "lat", "true_lon", "true_lat"), "degrees"),
    **dict.fromkeys(("share", "twice", "expected", "weight", "survival"), "0 to 1"),
    **dict.fromkeys(("occupancy", "true_occupancy"), "0 to 1"),
    **dict.fromkeys(("vehicles", "true_vehicles", "left", "waiting_to_insert"), "vehicles"),
    **dict.fromkeys(("inserted", "finished", "removed"), "vehicles"),
    **dict.fromkeys(("beds", "occupied"), "beds"),
    **dict.fromkeys(("respiration", "pulse"), "1/min"),
    **dict.fromkeys(("x", "y"), "side_m / 65535"),
    "free": "units",
    "units_busy": "units",
    "calls_waiting": "calls",
    "engines": "engines",
    "present": "crews",
    "waiting": "patients",
    "refusals": "times",
    "saturation": "%",
    "systolic": "mmHg",
    "news2": "points",
    "speed": "0.25 m/s",
}


def unit_of(column: str) -> str:
    """Return the unit of a column of a run's tables; empty where it has none or its own by row."""
    if column in _UNITS:
        return _UNITS[column]
    if column.startswith("t_"):
        return "s"
    if column.startswith("chance_"):
        return "0 to 1"
    return next((unit for end, unit in _ENDINGS.items() if column.endswith(end)), "")
