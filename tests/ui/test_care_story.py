"""What the page and the report tell of patients, plans and fires."""

from __future__ import annotations

import pytest

from apps.report.run import run_page
from apps.web.feed import RunFeed
from apps.web.story import tell
from apps.web.texts import LANGUAGES, words
from tests.support.emergency import QUIET, inject, plan, town
from twin.city.bundle import empty_table, save_city
from twin.experiment import run_scenario
from twin.recording.reader import RunReader


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory):
    """Return a run with many patients, a fire that grows, and two call-takers' queue."""
    folder = tmp_path_factory.mktemp("care")
    city = town(ambulances=3, engines=4)
    city.tables["history"] = empty_table("history")
    save_city(city, folder / "city")
    disaster = inject(city, "06:30", patients=8)
    scenario = plan(
        city=str(folder / "city"),
        period={"start": "06:00", "end": "10:00"},
        calls=QUIET,
        changes=[disaster, inject(city, "06:30", incident="fire", patients=0)],
        care={
            "call_takers": 1,
            "mass": {"from_patients": 5},
            "fire": {"enabled": True, "rate": "fast"},
            "types": [{"kind": "medical", "name": "crash", "share": 1.0}],
        },
    )
    run_scenario(scenario, folder / "run", city=city)
    return folder / "run", city


def test_the_story_of_a_call_tells_it(run_folder) -> None:
    feed = RunFeed(run_folder[0])
    for lang in LANGUAGES:
        said = words(lang)
        names = said["story"]
        first = dict(tell(feed, "call:I-1", said)["facts"])
        assert first[names["type"]] == "crash"
        assert names["tag_delayed"] in first[names["triage"]]
        assert names["survivors"] in first
        second = dict(tell(feed, "call:I-2", said)["facts"])
        assert second[names["answer"]] == names["duration"].format(minutes=1, seconds=0)
        assert second[names["alarm"]] == "1"
        assert second[names["burnt"]].endswith("m\u00b2")


def test_the_report_has_their_figures(run_folder) -> None:
    reader = RunReader(run_folder[0])
    page = str(run_page(reader, run_folder[1]))
    for heading in ("From the call until", "expected survivors", "Fires that grow"):
        assert heading in page
