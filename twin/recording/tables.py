"""The tables of a run and the type of each column.

Times are seconds since city midnight of the scenario's first day (`twin.core.clock`); a time that
never came is null. Identifiers are strings, positions WGS84 degrees unless said otherwise.
"""

from __future__ import annotations

RUN_TABLES: dict[str, dict[str, str]] = {
    # One row a call that was received; see `twin.recording.meanings` for whose stamps these are.
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
        "t_first_enroute": "float64",
        "t_first": "float64",
        "t_capable": "float64",
        "t_full": "float64",
        "t_patient": "float64",
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
    # One row a dispatch decision and candidate: why this unit went; see `twin.recording.meanings`.
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
    # One row a station that was weighed for a free unit: why it waits there, see
    # `twin.recording.meanings`.
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
    # Where traffic moves, one row a link of the city: what its index stands for elsewhere.
    "link_names": {
        "link": "int32",
        "link_id": "int64",
        "street": "int32",
        "name": "string",
        "road_class": "string",
        "length_m": "float32",
        "free_mps": "float32",
        "lon": "float64",
        "lat": "float64",
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
