"""The tables of a run and the type of each column.

Times are seconds since city midnight of the scenario's first day (`twin.core.clock`); a time that
never came is null. Identifiers are strings, positions WGS84 degrees unless said otherwise.
"""

from __future__ import annotations

RUN_TABLES: dict[str, dict[str, str]] = {
    # One row a call that was received; see `MEANINGS` for whose stamps these are.
    "calls": {
        "call_id": "string",
        "kind": "string",  # medical | fire | collision
        "type": "string",
        "priority": "int32",
        "priority_after": "int32",
        "lon": "float64",
        "lat": "float64",
        "district": "string",
        "t_call": "float64",
        "t_answer": "float64",
        "t_dispatch": "float64",
        "t_enroute": "float64",
        "t_onscene": "float64",
        "t_first": "float64",
        "t_capable": "float64",
        "t_full": "float64",
        "t_leave": "float64",
        "t_hospital": "float64",
        "t_clear": "float64",
        "t_base": "float64",
        "response_s": "float64",
        "unit_id": "string",
        "carrier_id": "string",
        "hospital_id": "string",
        "transported": "bool",
        "false_alarm": "bool",
        "fate": "string",
    },
    # With `care.fire.enabled`, one row a fire.
    "fires": {
        "call_id": "string",
        "rate": "string",
        "t_ignition": "float64",
        "t_water": "float64",
        "t_control": "float64",
        "t_out": "float64",
        "alarm": "int32",
        "engines": "int32",
        "heat_kw": "float64",
        "burnt_m2": "float64",
    },
    # With `care.patients.record`, and of incidents with triage: one row a patient.
    "patients": {
        "call_id": "string",
        "patient": "int32",
        "condition": "string",
        "condition_onscene": "string",
        "tag": "string",
        "t_onset": "float64",
        "t_cpr": "float64",
        "t_defib": "float64",
        "t_triage": "float64",
        "t_onscene": "float64",
        "t_leave": "float64",
        "t_hospital": "float64",
        "unit_id": "string",
        "hospital_id": "string",
        "chance_call": "float64",
        "chance_onscene": "float64",
        "chance_leave": "float64",
        "survival": "float64",
    },
    # Every change of a unit's state. `state`: see twin.agents.states.UnitState.
    "unit_events": {
        "t": "float64",
        "unit_id": "string",
        "kind": "string",
        "state": "string",
        "call_id": "string",
        "lon": "float64",
        "lat": "float64",
    },
    # Every stage of an incident. `stage`: see twin.agents.states.Stage.
    "incident_events": {
        "t": "float64",
        "call_id": "string",
        "kind": "string",
        "stage": "string",
        "lon": "float64",
        "lat": "float64",
    },
    # One row a dispatch decision and candidate: why this unit went; see `MEANINGS`.
    "decisions": {
        "t": "float64",
        "call_id": "string",
        "policy": "string",
        "unit_id": "string",
        "eta_s": "float64",
        "score": "float64",
        "chosen": "bool",
        "role": "string",
        "doing": "string",
        "on_call": "string",
        "wait_s": "float64",
        "term": "string",
        "value": "float64",
        "why": "string",
    },
    # One row a station that was weighed for a free unit: why it waits there; see `MEANINGS`.
    "moves": {
        "t": "float64",
        "unit_id": "string",
        "policy": "string",
        "reason": "string",
        "from_station": "string",
        "station_id": "string",
        "eta_s": "float64",
        "score": "float64",
        "chosen": "bool",
        "made": "bool",
    },
    # With `record.coverage_every_s`, cover by the free units of a kind; see
    # `twin.agents.deployment.cover`.
    "coverage": {
        "t": "float64",
        "kind": "string",
        "free": "int32",
        "share": "float64",
        "twice": "float64",
        "expected": "float64",
    },
    # The same by point of demand, over the run: one row a point, at the last look.
    "coverage_points": {
        "t": "float64",
        "kind": "string",
        "point": "string",
        "district": "string",
        "lon": "float64",
        "lat": "float64",
        "weight": "float64",
        "share": "float64",
    },
    # One row a decision that a person took in a rehearsal, in the order in which they came about.
    "choices": {
        "t": "float64",
        "seat": "string",
        "person": "string",
        "call_id": "string",
        "role": "string",
        "chosen": "string",
        "policy": "string",
        "by_rule": "string",
    },
    # One row a choice of hospital and candidate.
    "hospital_choices": {
        "t": "float64",
        "call_id": "string",
        "policy": "string",
        "unit_id": "string",
        "hospital_id": "string",
        "eta_s": "float64",
        "wait_s": "float64",
        "score": "float64",
        "chosen": "bool",
    },
    # One row a link and interval in which a vehicle was seen on it. `link` is the link index.
    "links": {
        "t": "float64",
        "link": "int32",
        "vehicles": "float32",  # mean number on the link
        "speed_mps": "float32",  # space-mean speed
        "left": "int32",  # vehicles that left the link in the interval
    },
    # One row a finished trip.
    "trips": {
        "vehicle": "int32",
        "kind": "int8",
        "t_planned": "float32",
        "t_depart": "float32",
        "t_arrive": "float32",
        "origin": "int32",
        "destination": "int32",
        "distance_m": "float32",
    },
    # With `record.routes`, one row a finished trip: the links that it planned when it set out, and
    # those that it drove.
    "trip_routes": {
        "vehicle": "int32",
        "t_arrive": "float32",
        "planned": "list of int32",
        "driven": "list of int32",
    },
    # One row a stop of a bus that was served, or missed (no times). `run` is one bus that drives a
    # line once, `order` the place of the stop in the line; times due are null without a timetable.
    "bus_stops": {
        "line": "string",
        "run": "string",
        "stop": "string",
        "stop_name": "string",
        "order": "int32",
        "vehicle": "int32",
        "link": "int32",
        "t_due": "float64",
        "t_due_depart": "float64",
        "t_arrive": "float64",
        "t_depart": "float64",
    },
    # Positions for replay: x, y in local metres from the network's south-west corner (`box` in
    # run.json) scaled to 0..65535 of its longer side; speed in units of 0.25 m/s.
    "frames": {
        "t": "float64",
        "vehicle": "int32",
        "x": "uint16",
        "y": "uint16",
        "speed": "uint8",
    },
    # The same for every unit, with its state.
    "unit_frames": {
        "t": "float64",
        "unit_id": "string",
        "x": "uint16",
        "y": "uint16",
        "state": "string",
    },
    "hospital_status": {
        "t": "float64",
        "hospital_id": "string",
        "status": "string",  # open | divert | closed
        "present": "int32",  # patients being handed over
        "beds": "int32",
        "occupied": "int32",
        "waiting": "int32",
    },
    # One row a patient whom an ambulance brought to an emergency room, when they leave or the run
    # ends.
    "hospital_patients": {
        "call_id": "string",
        "role": "string",
        "unit_id": "string",
        "hospital_id": "string",
        "priority": "int32",
        "need": "string",
        "able": "bool",
        "refusals": "int32",
        "t_alert": "float64",
        "t_door": "float64",
        "t_bed": "float64",
        "t_treatment": "float64",
        "t_released": "float64",
        "door_to_treatment_s": "float64",
    },
    # One row a patient on the way to hospital, every `hospitals.vitals_every_s`.
    "vitals": {
        "t": "float64",
        "call_id": "string",
        "role": "string",
        "hospital_id": "string",
        "respiration": "float32",
        "saturation": "float32",
        "systolic": "float32",
        "pulse": "float32",
        "news2": "int32",
    },
    # One row a crew that was on duty, when it goes off or the run ends.
    "crew_shifts": {
        "unit_id": "string",
        "kind": "string",
        "station_id": "string",
        "t_on": "float64",
        "t_due": "float64",
        "t_off": "float64",
        "overtime_s": "float64",
        "t_break": "float64",
        "break_missed": "bool",
    },
    # One row a time that a crew asked a hospital to take a patient.
    "hospital_enquiries": {
        "t": "float64",
        "call_id": "string",
        "unit_id": "string",
        "hospital_id": "string",
        "refused": "bool",
        "full": "bool",
        "known_full": "bool",
    },
    # City totals every frame.
    "pulse": {
        "t": "float64",
        "vehicles": "int32",
        "waiting_to_insert": "int32",
        "inserted": "int64",
        "finished": "int64",
        "removed": "int64",
        "mean_speed_mps": "float32",
        "units_busy": "int32",
        "calls_waiting": "int32",
    },
    # What loops measured in an interval that ended at `t`, and what was true. `lane` counts from
    # the kerb; -1 is a whole link. `occupancy` is the share of time that a lane is covered,
    # `speed_mps` the mean of the vehicles that passed.
    "detectors": {
        "t": "float64",
        "detector": "string",
        "link": "int32",
        "lane": "int8",
        "vehicles": "int32",
        "occupancy": "float32",
        "speed_mps": "float32",
        "true_vehicles": "int32",
        "true_occupancy": "float32",
        "true_speed_mps": "float32",
    },
    # One row a vehicle that came through a travel-time segment, at the time when it did.
    # `seconds` is null when the vehicle was not known again.
    "segments": {
        "t": "float64",
        "segment": "string",
        "vehicle": "int64",
        "seconds": "float32",
        "true_seconds": "float32",
    },
    # One row a report of a probe vehicle: where it says it is, and where it is.
    "probes": {
        "t": "float64",
        "probes": "string",
        "vehicle": "int64",
        "lon": "float64",
        "lat": "float64",
        "speed_mps": "float32",
        "true_lon": "float64",
        "true_lat": "float64",
        "true_speed_mps": "float32",
        "link": "int32",
        "pos_m": "float32",
    },
    # Grams emitted on a link in an interval that ended at `t` (see twin.traffic.emissions).
    "emissions": {
        "t": "float64",
        "link": "int32",
        "co2_g": "float32",
        "nox_g": "float32",
        "voc_g": "float32",
        "pm_g": "float32",
    },
    # Scenario changes and people's commands, as they were applied.
    "changes": {"t": "float64", "kind": "string", "detail": "string"},
}

MEANINGS: dict[str, dict[str, str]] = {
    "moves": {
        "policy": "the rule, `policy.moveup`",
        "reason": "free: the unit was free after a call; dispatch, shift: others were sent to "
        "calls, or came on duty or went off it",
        "from_station": "where it stood or headed for; its own station after a call",
        "station_id": "a station that was weighed",
        "eta_s": "the drive there without siren; infinite if longer than `moves.longest_s`, null "
        "where the rule did not ask",
        "score": "what the rule compares, the least wins",
        "chosen": "whether the rule chose it; the only rows kept without `record.decisions` are "
        "those of moves that were made",
        "made": "whether the unit was sent there: not if it was there, or if a limit held",
    },
    "coverage": {
        "kind": "of unit",
        "free": "free units, at their bases or on their way there",
        "share": "of the demand that a free unit's base reaches within `coverage.within_s`",
        "twice": "of the demand that two free units or more so reach",
        "expected": "of the demand that finds one if each is busy for `coverage.busy` of its time",
    },
    "coverage_points": {
        "kind": "of unit",
        "weight": "share of all demand that the point stands for",
        "share": "of the looks at which a free unit's base reached the point",
    },
    "calls": {
        "kind": "medical, fire or collision",
        "type": "name of the call type (`care.types`); null where it has none",
        "priority_after": "of the patient of `unit_id`, after the wait and triage on scene",
        "t_call": "the call is received",
        "t_answer": "a call-taker answers",
        "t_dispatch": "`unit_id` is sent",
        "t_enroute": "`unit_id` sets off",
        "t_onscene": "`unit_id` is on scene",
        "t_first": "the first unit of any kind is on scene",
        "t_capable": "the first unit is on scene that can do what is needed: an ambulance (of "
        "advanced life support, where the plan asks for one), for a fire an engine",
        "t_full": "the last unit of the response plan is on scene; those that turned back because "
        "they were not needed any more are left aside",
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
        "seat": "call-taker, dispatcher or hospital",
        "person": "who had it",
        "role": "the part in the call for which a unit or a hospital was sought",
        "chosen": "a unit, a hospital or a priority; `wait` for no unit yet",
        "policy": "the rule that would have decided; `protocol` for the priority of the call",
        "by_rule": "what it would have chosen; null for no unit yet",
    },
    "hospital_choices": {
        "eta_s": "predicted drive, s",
        "wait_s": "wait for a bed that is expected by the last report, s; null without emergency "
        "rooms",
        "score": "what the rule compares; the least is chosen",
    },
    "hospital_status": {
        "status": "whom it accepts in truth: open, divert (no new ambulances) or closed",
        "present": "crews who hand a patient over, or wait to",
        "beds": "of the emergency room; null where none is simulated, as in the next two",
        "occupied": "beds with a patient, brought or not",
        "waiting": "patients who wait for a bed",
    },
    "hospital_patients": {
        "role": "the ambulance's part in the call",
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
        "hospital_id": "to which the record streams",
        "respiration": "breaths a minute",
        "saturation": "oxygen in the blood, per cent",
        "systolic": "blood pressure, mmHg",
        "pulse": "beats a minute",
        "news2": "National Early Warning Score 2 of these four",
    },
    "crew_shifts": {
        "t_on": "it began, or the run did",
        "t_due": "its time is over; null where the unit is always staffed",
        "t_off": "it was home and free; null while it is on duty",
        "overtime_s": "so far after `t_due`, s",
        "t_break": "its meal break began",
        "break_missed": "whether it was due and could not be had",
    },
    "hospital_enquiries": {
        "t": "the hospital answers",
        "full": "whether its beds were all taken in truth",
        "known_full": "whether they were by its last report",
    },
    "decisions": {
        "t": "when it was decided",
        "policy": "the rule that judged the candidate",
        "eta_s": "predicted drive, s; null if the rule asks for none",
        "score": "what the rule compares: the least wins, an infinite one is not taken",
        "chosen": "whether the unit was sent",
        "role": "the part in the call for which a unit was sought, as `ambulance-1`",
        "doing": "the candidate's state",
        "on_call": "the call that it works on or is on its way to",
        "wait_s": "expected seconds until it sets out: turnout, or the end of what it does",
        "term": "what the rule weighs beside time: beat, cover_lost, preparedness, gain_s",
        "value": "the candidate's value of it",
        "why": "of the winner: only, first, nearest, beat, cover, late, prepared, urgent, "
        "diverted, person, ordered or score; held where the call waits for it",
    },
    "fires": {
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
        "condition": "at the call: arrest, or a class of severity: immediate, delayed, minor, dead",
        "condition_onscene": "what the crew found: who waits may get worse, and triage may differ",
        "tag": "what START triage said; null where there was none",
        "t_onset": "the collapse of who is in arrest, else the call",
        "t_cpr": "first compression, by bystanders or a crew; arrests only",
        "t_defib": "first shock, by bystanders or a crew; arrests only",
        "t_onscene": "`unit_id` is on scene",
        "t_leave": "`unit_id` leaves the scene with the patient",
        "t_hospital": "`unit_id` is at the hospital",
        "unit_id": "the ambulance that took care of the patient",
        "chance_call": "of survival, if the care that counts had begun at the call",
        "chance_onscene": "of survival, if it had begun when the unit came on scene",
        "chance_leave": "of survival, if it had begun when the unit left the scene",
        "survival": "chance of survival with the times as they were; of arrests and of incidents "
        "with triage only, and null while the time is not known",
    },
}
"""What a column holds where its name does not say it. A call may have several units, and a row of
`calls` holds stamps of two of them and one of all."""
