"""What the built-in city says of itself: titles, notices, sources and assumptions."""

from __future__ import annotations

from twin.city.model import Meta
from twin.city.seoul.demand import JOB_SHARE, OCCUPANCY, OUTSIDE_SHARE, THROUGH_FACTOR
from twin.city.seoul.facts import fact_table
from twin.city.seoul.geography import WATER_M
from twin.city.seoul.zones import HUBS

NOTICE = {
    "en": "Synthesised from public facts; not a map of Seoul.",
    "ko": "공개된 사실로 합성한 도시이며 서울의 지도가 아닙니다.",
}
CORE_NOTICE = {
    "en": "Six districts cut out for quick looks: units and calls beyond their border are missing, "
    "so its districts' figures differ. Quote figures from seoul.",
    "ko": "빠르게 살펴보려고 여섯 구만 잘라 낸 것입니다. 경계 밖의 차량과 신고가 없어 구별 수치가 "
    "다르므로, 인용할 수치는 seoul에서 얻으십시오.",
}


def describe(*, core: bool) -> Meta:
    """Return the city's description."""
    names = {
        False: ("seoul", "Seoul (synthesised)", "서울 (합성)"),
        True: ("seoul-core", "Seoul core (synthesised)", "서울 도심 (합성)"),
    }
    name, en, ko = names[core]
    return Meta(
        name=name,
        title={"en": en, "ko": ko},
        timezone="Asia/Seoul",
        synthesised=True,
        notice={lang: f"{NOTICE[lang]} {CORE_NOTICE[lang]}" for lang in NOTICE} if core else NOTICE,
        attribution=[str(text) for text in fact_table("sources")["text"]],
        built_by="twin.city.seoul",
        assumptions=_assumptions() + (_core_assumptions() if core else []),
        traffic_gaps=[
            (
                "In the whole city, urban expressways run slower than published (33 to 39 km/h "
                "against 50.2, in runs of an hour and more), so trips along them take too long; "
                "short runs, which begin empty, and the core show less of it."
            ),
        ],
    )


def _assumptions() -> list[str]:
    return [
        (
            "Streets, blocks, junctions and signals are drawn by a generator; only their number, "
            "spacing and the places of bridges, expressways and tunnels follow facts."
        ),
        (
            "District borders are power cells of the districts' centroids with the official areas, "
            "not the real borders, so a place near one may stand on the wrong side; a centre or "
            "hospital names its true district, and calls are counted in the drawn ones."
        ),
        (
            f"The Han is a smooth line through its bridges, {2 * WATER_M:.0f} m wide; hills and "
            "closed grounds are rough ellipses from general knowledge."
        ),
        (
            "Lanes of a direction, turning lanes included: major avenues 6, other primary "
            "streets 5, secondary 3, the rest 1; "
            "free-flow speeds 50, 50, 50 and 40 to 20 km/h, bridges 60, expressways 80."
        ),
        "Every ramp has two lanes and brings them, up to the next exit; exits stand 1 km apart.",
        (
            "Every arterial crossing, 45% of collector mouths on primary and 40% on secondary "
            "streets have fixed-time signals; left turns across an arterial need a signal."
        ),
        (
            "Six million car and taxi trips a weekday: population x 2.61 trips x (24.3% car + 6.6% "
            f"taxi) / {OCCUPANCY} persons a vehicle; the occupancy is assumed."
        ),
        (
            f"Trip ends follow jobs and residents ({JOB_SHARE:.0%} jobs); jobs by district are "
            f"rounded general knowledge, drawn to {len(HUBS)} centres."
        ),
        (
            f"{OUTSIDE_SHARE:.0%} of trips begin and {OUTSIDE_SHARE:.0%} end outside the city; "
            f"trips from gate to gate are {THROUGH_FACTOR:.0%} of what gravity alone gives."
        ),
        "Mean trip inside the city is 8.6 km, the published mean taxi trip.",
        "The hourly curve of traffic is ours, flat by day as the published speeds by hour imply.",
        (
            "Pairs of zones are the same at all hours; the morning's and evening's directions are "
            "not told apart."
        ),
        "Each safety centre has one engine, and the one at a fire station's seat has two.",
        (
            "Ambulance calls follow residents and, with a third of the weight, jobs; unpublished "
            "two-hour shares are filled in evenly, and hours inside a bin follow its neighbours."
        ),
        "Collision risk by road class is assumed; total and hours are the published ones.",
        (
            "Handling keeps to the golden rule of 60 s; scene, handover and wrap-up times are "
            "log-normal so that a run takes about the published 42 minutes; priorities are assumed."
        ),
        "What a hospital can treat is assumed from its level.",
    ]


def _core_assumptions() -> list[str]:
    return [
        (
            "The core is six districts cut out of the whole city; traffic through its border "
            "enters and leaves at gates, as the whole city's trips would cross it."
        ),
    ]
