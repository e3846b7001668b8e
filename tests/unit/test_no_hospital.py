"""A city without hospitals, or in which none takes anybody: what becomes of patients is said."""

from __future__ import annotations

import pytest

from apps.cli.tables import run_tables
from apps.report.run import write_run_report
from apps.report.words import no_hospital_sentence
from apps.web.scene import notices
from apps.web.texts import LANGUAGES, words
from tests.support.emergency import DAY, QUIET, FixedModel, inject, plan, run, sure, town
from twin.city.bundle import empty_table, save_city
from twin.experiment import compare, run_scenario


def without_hospitals(p_transport: float = 1.0):
    city = town(service=sure(p_transport))
    city.tables["hospitals"] = city["hospitals"].iloc[:0]
    return city


def test_patients_whom_no_hospital_can_take_are_counted() -> None:
    calls = [inject(town(), clock) for clock in ("07:00", "07:10")]
    for city, changes, found in (
        (without_hospitals(), [], (2, 2, 0)),
        (town(service=sure(1.0)), [], (0, 0, 2)),
        (without_hospitals(0.0), [], (0, 0, 0)),
        # Closed to 08:00: both wait, and are taken then.
        (
            town(service=sure(1.0)),
            [{"kind": "close-hospital", "hospital": h, "until": "08:00"} for h in ("H0", "H1")],
            (2, 0, 2),
        ),
    ):
        model, _ = run(FixedModel, city, plan(calls=QUIET, changes=[*changes, *calls]))
        said = model.summary().without_hospital
        assert (said["patients"], said["left"], said["hospitals"]) == found


def test_who_is_on_the_way_to_a_hospital_at_the_end_waits_no_longer() -> None:
    closed = [{"kind": "close-hospital", "hospital": h, "until": "08:00"} for h in ("H0", "H1")]
    city = town(service=sure(1.0))
    for end, left in (("07:59", 1), ("08:02", 0)):
        period = {"day": DAY, "start": "06:00", "end": end}
        scenario = plan(calls=QUIET, period=period, changes=[*closed, inject(city, "07:00")])
        model, _ = run(FixedModel, city, scenario)
        said = model.summary().without_hospital
        assert (said["patients"], said["left"]) == (1, left)
        assert [task.t_hospital for task in model.unplaced] == [None]


@pytest.mark.parametrize(
    ("found", "begin", "end"),
    [
        ((3, 3, 0), "The city has no hospital, and 3 patients", "3 still did so when the run"),
        ((1, 0, 2), "No hospital could take 1 patient for a", "none did so to the end of the run."),
    ],
)
def test_the_sentence(found, begin: str, end: str) -> None:
    said = no_hospital_sentence(dict(zip(("patients", "left", "hospitals"), found, strict=True)))
    assert said.startswith(begin)
    assert end in said
    assert no_hospital_sentence({"patients": 0, "left": 0, "hospitals": 0}) == ""
    assert no_hospital_sentence({}) == ""  # a run of an earlier version


def test_a_run_a_report_and_a_comparison_say_it(tmp_path) -> None:
    city = without_hospitals()
    city.tables["history"] = empty_table("history")
    save_city(city, tmp_path / "city")
    where = {"city": str(tmp_path / "city"), "calls": QUIET}
    scenario = plan(**where, changes=[inject(city, "07:00")])
    summary = run_scenario(scenario, tmp_path / "run", city=city)
    said = "The city has no hospital, and 1 patient should have been taken to one"
    assert any(isinstance(line, str) and said in line for line in run_tables(summary))
    page = write_run_report(tmp_path / "run", tmp_path / "r.html", city=city).read_text("utf-8")
    assert said in page.split('class="notice"')[1].split("</ul>")[0]
    other = plan(name="two", **where, changes=[*scenario.changes, inject(city, "08:00")])
    found = compare(scenario, other, tmp_path / "pair", replications=1, workers=1)
    notes = [note for note in found.notes if note.code == "no-hospital"]
    assert [note.numbers["patients"] for note in notes] == ["1", "2"]
    assert "In 1 of 1 runs of two" in notes[1].text
    for lang in LANGUAGES:
        assert "two" in words(lang)["compared"]["no-hospital"].format(**notes[1].numbers)
    one = words("en")["compared"]["no-hospital"].format(**notes[0].numbers)
    assert "1 patients" not in one


def test_the_page_says_it_in_both_languages() -> None:
    bare = without_hospitals()
    bare.meta.notice["en"] = "A drawing."
    assert notices(bare)["en"].startswith("A drawing. The city has no hospital: ")
    assert "이 도시에는 병원이 없습니다" in notices(bare)["ko"]
    assert notices(town()) == town().meta.notice
