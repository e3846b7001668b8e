"""What the columns of a run's tables hold, where the name does not say it."""

from __future__ import annotations

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
        "term": "what the rule weighs beside time: beat, cover_lost, preparedness, gain_s; "
        "otherwise: what another rule thinks of it",
        "value": "the candidate's value of it",
        "why": "of the winner: only, first, nearest, beat, cover, late, prepared, urgent, "
        "diverted, person, recorded, ordered or score; held where the call waits for it",
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
"""By table and column. A call may have several units, and a row of
`calls` holds stamps of two of them and one of all."""
