"""Scenarios: what is legal, how bases and settings combine, and how each error is told."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.report.parts import heading
from tests.support.runs import small_city
from twin.core.clock import parse_clock
from twin.core.errors import InputError, NotFoundError, TwinError
from twin.scenarios.changes import check, faults
from twin.scenarios.load import load_scenario, locate
from twin.scenarios.named_roads import links_named, links_of
from twin.scenarios.sources import catalogue
from twin.scenarios.spec import Scenario
from twin.scenarios.toml_lines import line_of

BASE = """\
name = "plain"
city = "ringville"

[period]
start = "08:00"
end = "09:00"

[traffic]
demand_scale = 0.5

[[changes]]
kind = "scale-demand"
factor = 1.1
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="plain.toml"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


@pytest.mark.parametrize("name", catalogue())
def test_every_scenario_of_the_catalogue_is_legal_and_speaks_two_languages(name):
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.title.keys() == scenario.question.keys() == {"en", "ko"}


def test_a_what_if_without_a_title_does_not_go_by_that_of_its_base(write):
    titled = BASE.replace("[period]", '[title]\nen = "Plain"\n[question]\nen = "Well?"\n[period]')
    write(titled)
    bare = load_scenario(write('name = "more"\nbase = "plain.toml"', "more.toml"))
    assert (bare.title, bare.question) == ({}, {})
    assert heading(bare, "en", []) == heading(bare, "ko", []) == "more"
    own = load_scenario(write('name = "x"\nbase = "more.toml"\ntitle.en = "X"', "x.toml"))
    assert (own.title, own.question) == ({"en": "X"}, {})


NUMBERS = {
    "en": [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ],
    "ko": ["한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두"],
}
CLOCKS = {
    "en": r"\b(?:from|to|and|between|at|until) ({})\b(?! (?:ambulances?|engines?|more)\b)",
    "ko": r"(?<![가-힣])({}) 시(?!간)",
}


@pytest.mark.parametrize("name", catalogue())
def test_a_time_of_day_in_a_catalogue_text_stands_in_its_fields(name):
    scenario = load_scenario(name)
    period = scenario.period
    own = [each for each in scenario.changes if getattr(each, "at", None)]
    for change in own:
        until = getattr(change, "until", None) or period.end
        assert period.start_s <= parse_clock(change.at) < parse_clock(until) <= period.end_s
    # A what-if that says when speaks of its change; a base speaks of its period.
    what_if = "base" in tomllib.loads(catalogue()[name].read_text("utf-8"))
    clocks = {
        parse_clock(clock)
        for part in (own if what_if else [period])
        for clock in (
            (part.at, getattr(part, "until", None)) if what_if else (part.start, part.end)
        )
        if clock
    }
    hours = {round(clock / 3600.0) % 12 for clock in clocks}
    for lang, numbers in NUMBERS.items():
        text = f"{scenario.title[lang]}\n{scenario.question[lang]}"
        pattern = CLOCKS[lang].format("|".join(sorted(numbers, key=len, reverse=True)))
        told = {(numbers.index(found) + 1) % 12 for found in re.findall(pattern, text)}
        assert told <= hours, (lang, text)
        if told or (what_if and own):
            assert told == hours, (lang, text)


def test_a_closure_of_the_catalogue_holds_when_its_question_says():
    closed = load_scenario("seoul-bridge-closed")
    change = closed.changes[0]
    assert (change.at, change.until) == ("18:00", "19:00")
    # What is compared is the time in which it is closed, no more.
    assert (closed.period.start, closed.period.end) == (change.at, change.until)


def test_a_what_if_is_its_base_with_changes_appended(write):
    write(BASE)
    what_if = load_scenario(
        write(
            'name = "more"\nbase = "plain.toml"\n[traffic]\nfidelity = "table"\n'
            '[[changes]]\nkind = "scale-demand"\nfactor = 2\n',
            "more.toml",
        )
    )
    assert what_if.name == "more"
    assert what_if.traffic.demand_scale == 0.5
    assert what_if.traffic.fidelity == "table"
    assert [c.factor for c in what_if.changes] == [1.1, 2.0]


def test_a_what_if_may_stand_on_the_catalogue(write):
    what_if = load_scenario(write('name = "x"\nbase = "seoul-bridge-closed"\nseed = 4\n'))
    assert what_if.city == "seoul"
    assert len(what_if.changes) == 1


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("seed=9", lambda s: s.seed, 9),
        ("traffic.demand_scale=1.25", lambda s: s.traffic.demand_scale, 1.25),
        ("traffic.fidelity=table", lambda s: s.traffic.fidelity, "table"),
        ("calls.collisions=false", lambda s: s.calls.collisions, False),
        ("period.end=10:00", lambda s: s.period.end, "10:00"),
        ("period.day=2024-02-29", lambda s: s.period.day.isoformat(), "2024-02-29"),
        ("changes.1.factor=3", lambda s: s.changes[0].factor, 3.0),
        ("changes.1.at=08:30", lambda s: s.changes[0].at, "08:30"),
        ("title.en=A = B", lambda s: s.title["en"], "A = B"),
    ],
)
def test_settings_are_read_as_the_schema_types_them(write, setting, field, value):
    assert field(load_scenario(write(BASE), [setting])) == value


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seed", "is not FIELD=VALUE"),
        ("=3", "is not FIELD=VALUE"),
        ("sed=3", "no field 'sed'.*did you mean 'seed'"),
        ("traffic.demnd_scale=3", "did you mean 'traffic.demand_scale'"),
        ("traffic=3", "'traffic' is a group of fields.*demand_scale"),
        ("perod.end=10:00", "there is no field 'perod.end'; did you mean 'period.end'"),
        ("perod.ed=10:00", "did you mean 'period.end'"),
        ("perod.zzzz=10:00", "did you mean 'period'"),
        ("chnges.1.at=10:00", r"did you mean 'changes\.1\.at'"),
        ("polcy.parameters.soonest.hold_s=1", r"mean 'policy\.parameters\.soonest\.hold_s'"),
        ("seed=many", "--set seed=many.*field 'seed'.*'many' is not allowed.*integer"),
        ("traffic.demand_scale=-1", "greater than or equal to 0"),
        ("traffic.demand_scale=nan", "finite"),
        ("traffic.fidelity=tabel", "did you mean 'table'"),
        ("period.end=07:00", "end 07:00 is not after start 08:00"),
        ("changes.7.factor=1", "has 1"),
        ("changes.0.factor=1", "has 1"),
        ("changes.1.street=x", "no field 'changes.1.street'"),
        ("changes=[3", "not a TOML list"),
        ("seed.more=1", "no field 'seed.more'"),
    ],
)
def test_wrong_settings_are_told(write, setting, message):
    with pytest.raises(InputError, match=message):
        load_scenario(write(BASE), [setting])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "plain"', 'name = "plain"\ntitle = "Green"',
         r"plain\.toml, row 2, field 'title'.*'Green' does not say its language.*write { en = "),
        ("demand_scale = 0.5", "demand_scal = 0.5",
         r"plain\.toml, row 9, field 'traffic\.demand_scal'.*did you mean 'demand_scale'"),
        ("demand_scale = 0.5", 'demand_scale = "lots"', r"row 9, field 'traffic\.demand_scale'"),
        ("demand_scale = 0.5", "demand_scale = -0.5", r"row 9.*-0\.5 is not allowed"),
        ("demand_scale = 0.5", "demand_scale = inf", r"row 9.*finite"),
        ('start = "08:00"', 'start = "-08:00"', r"row 5, field 'period\.start'.*clock time"),
        ('start = "08:00"', "start = 8", r"row 5, field 'period\.start'"),
        ('end = "09:00"', 'end = "07:00"', r"row 4, field 'period'.*07:00 is not after start"),
        ("[period]", "[perod]", r"row 4, field 'perod'.*did you mean 'period'"),
        ("[period]", "[[period]]", r"row 4, field 'period'"),
        ("[traffic]", "[traffic.x]", r"row 8, field 'traffic\.x'.*no field 'x'"),
        ('"scale-demand"', '"scale-demnd"', r"row 11, field 'changes\.1'.*did you mean 'scale-d"),
        ('"scale-demand"', '"add-ambulance"', r"row 11.*not a kind of change; legal are close"),
        ('name = "plain"', 'name = "plain', r"row 1: is not TOML: a quotation mark is missing"),
        ('"scale-demand"\nfactor = 1.1', '"move-units"\nat = "08:30"\nunits = ["a1"]\nto = "s2"',
         r"'changes\.1\.at': a `move-units` change has no time, it holds for the whole run"),
        ("factor = 1.1", "facto = 1.1", r"row 13, field 'changes\.1\.facto'.*did you mean 'fac"),
        ("factor = 1.1", "", r"row 11, field 'changes\.1\.factor'.*missing"),
        ("factor = 1.1", 'factor = 1.1\nat = "09:00"\nuntil = "08:00"',
         r"row 11, field 'changes\.1'.*`until` 08:00 is not after `at` 09:00"),
        ('kind = "scale-demand"', "", r"field 'changes\.1'.*needs a `kind`"),
        ('city = "ringville"', "", "field 'city': the field is missing"),
        ('name = "plain"', 'name = "Plain Name"', r"row 1, field 'name'"),
        ('name = "plain"', "name = plain", r"row 1, field 'name': plain is a text.*= \"plain\""),
        ('start = "08:00"', "start = 08:00",
         r"row 5, field 'period\.start': 08:00 is a time without quotation.*start = \"08"),
        ('start = "08:00"', "start = 08:00:30", r'without quotation marks; write "08:00:30"'),
        ('start = "08:00"', "start = \u201c08:00\u201d", r'another kind; write start = "08'),
        ('start = "08:00"', "start = 8.30", r"row 5.*quotation marks, as \"8\.3\""),
        ("[period]", "day = 5-3-2025\n[period]", r"row 4.*'day'.*write day = YYYY-MM-DD"),
        ("factor = 1.1", "factor = 1.1\nat = 17:00", r"row 14, field 'changes\.1\.at'.*\"17:00\""),
        ("factor = 1.1", "links = [1, A2]", r'row 13, field .*A2 is a text.*; write "A2"'),
        ("factor = 1.1", "factor = 1,000", r"row 13: is not TOML"),
        ("[period]", "[period", r"row 4: is not TOML"),
        ('name = "plain"', "name = 'plain'\nname = 'b'", "row 2: is not TOML"),
        ('city = "ringville"', "base = 3", r"row 2, field 'base'"),
        ('city = "ringville"', 'base = "nothing"', r"row 2, field 'base': there is no scenario"),
        ('city = "ringville"', "changes = 3", "is not TOML"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_file_row_and_field(write, old, new, message):
    assert old in BASE
    with pytest.raises(InputError, match=message) as caught:
        load_scenario(write(BASE.replace(old, new, 1)))
    assert "\n" not in str(caught.value)
    assert "plain.toml" in str(caught.value)


def test_a_mistake_in_a_base_is_named_where_it_stands(write):
    write(BASE.replace("factor = 1.1", "factor = -1"))
    what_if = write(
        'name = "b"\nbase = "plain.toml"\n[[changes]]\nkind="scale-demand"\nfactor = 1\n', "b.toml"
    )
    with pytest.raises(InputError, match=r"plain\.toml, row 13, field 'changes\.1\.factor'"):
        load_scenario(what_if)
    write(BASE)
    what_if.write_text(what_if.read_text().replace("factor = 1", "factor = 9"))
    with pytest.raises(InputError, match=r"b\.toml, row 5, field 'changes\.2\.factor'"):
        load_scenario(what_if)


def test_a_base_that_is_there_but_not_beside_the_file_says_from_where_paths_begin(
    monkeypatch, tmp_path
):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "evening.toml").write_text('name = "evening"\nbase = "seoul-evening-peak"\n')
    own = folder / "own.toml"
    own.write_text('name = "own"\nbase = "mine/evening.toml"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TwinError, match=r"begins at that file's folder, .*mine"):
        load_scenario(own)
    own.write_text('name = "own"\nbase = "evening.toml"\n')
    assert load_scenario(own).city == "seoul"


def test_bases_that_go_round_are_told(write):
    write('name = "a"\nbase = "b.toml"\n', "a.toml")
    with pytest.raises(InputError, match=r"own base \(b -> a -> b\)"):
        load_scenario(write('name = "b"\nbase = "a.toml"\n', "b.toml"))


def test_files_that_are_not_scenarios(write, tmp_path):
    with pytest.raises(NotFoundError, match="did you mean 'seoul-evening-peak'"):
        load_scenario("seoul-evening-pek")
    with pytest.raises(NotFoundError, match="is a folder, not a scenario"):
        load_scenario(tmp_path)
    with pytest.raises(InputError, match="row 2: is not UTF-8"):
        load_scenario(write(b'name = "a"\ncity = "\xff\xfe"\n'))
    with pytest.raises(InputError, match="has 1,000,001 bytes"):
        load_scenario(write(b"#" * 1_000_001))
    with pytest.raises(InputError, match="field 'name': the field is missing"):
        load_scenario(write(b""))
    with pytest.raises(InputError):
        load_scenario(write("a = " + "[" * 50_000))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_no_text_gets_past_as_anything_but_an_input_error(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("s") / "s.toml"
    file.write_bytes(f'name = "s"\ncity = "c"\n{text}'.encode("utf-8", "replace"))
    try:
        scenario = load_scenario(file)
    except TwinError:
        return
    assert isinstance(scenario, Scenario)


def change(**fields):
    return Scenario.model_validate({
        "name": "x", "city": "ringville", "period": {"start": "08:00", "end": "09:00"},
        "changes": [fields],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "close-links", "links": [100, 5]}, r"changes\.1\.links.*no link 5"),
        ({"kind": "close-links", "street": "Mapo Brigde"}, r"street.*did you mean '마포대교 M"),
        ({"kind": "close-links", "street": "mapo bridg"}, r"street.*did you mean '마포대교 M"),
        ({"kind": "close-links", "links": [100], "lanes": 3}, r"lanes.*at most 2"),
        ({"kind": "scale-demand", "factor": 1, "at": "09:00"}, r"at'.*when the run has ended"),
        ({"kind": "scale-demand", "factor": 1, "until": "08:00"}, r"until'.*before the run"),
        ({"kind": "add-station", "station_id": "s1", "lon": 127, "lat": 37.5}, "already"),
        ({"kind": "add-station", "station_id": "s9", "lon": 0, "lat": 37.5}, "outside the city"),
        ({"kind": "add-units", "station": "s3"}, r"no station 's3'; did you mean"),
        ({"kind": "add-units", "station": "Two"}, "that is a name; give the station's id"),
        ({"kind": "remove-units", "units": ["zz"]}, "no unit 'zz'"),
        ({"kind": "remove-units"}, "name `units`"),
        ({"kind": "remove-units", "station": "s1", "count": 2}, "has 1 of these units, so 2"),
        ({"kind": "move-units", "units": ["a1"], "to": "s7"}, r"changes\.1\.to"),
        ({"kind": "move-units", "units": ["a7"], "to": "s1"}, r"changes\.1\.units"),
        ({"kind": "move-units", "units": ["a1", "a1"], "to": "s2"},
         r"changes\.1\.units.*the unit 'a1' is named 2 times"),
        ({"kind": "close-links", "street": "Mast Brook"}, "lists those that it has"),
        ({"kind": "remove-units", "units": ["a1", "a1"]}, r"'a1' is named 2 times"),
        ({"kind": "close-hospital", "hospital": "h9"}, "no hospital 'h9'; did you mean 'h1'"),
        ({"kind": "inject-incident", "at": "08:10", "incident": "fire", "lon": 127, "lat": 80},
         "80.0 is outside"),
        ({"kind": "inject-incident", "at": "10:10", "incident": "fire", "lon": 127, "lat": 37.5},
         "when the run has ended"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_happen_is_refused(fields, message):
    with pytest.raises(InputError, match=message):
        check(change(**fields), small_city())


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "close-links", "links": [100], "street": "mapo bridge", "lanes": 2},
        {"kind": "close-links", "street": "마포대교 Mapo Bridge"},
        {"kind": "add-station", "station_id": "s9", "lon": 127, "lat": 37.5},
        {"kind": "add-units", "station": "s2", "count": 3},
        {"kind": "remove-units", "units": ["a1"]},
        {"kind": "move-units", "units": ["a1"], "to": "s2"},
        {"kind": "close-hospital", "hospital": "h1", "mode": "divert"},
    ],
)
def test_a_change_that_can_happen_passes(fields):
    city = small_city()
    if fields.get("street") == "mapo bridge":
        fields = {**fields, "street": "마포대교 Mapo Bridge"}
    check(change(**fields), city)


def test_links_come_by_number_and_by_either_spelling():
    network = small_city().network
    assert links_named(network, "마포대교 mapo bridge").tolist() == [0, 6]
    closed = change(kind="close-links", links=[103, 100], street="마포대교 Mapo Bridge").changes[0]
    assert links_of(closed, network).tolist() == [0, 3, 6]


def test_a_later_change_may_use_an_earlier_one():
    scenario = change(kind="add-station", station_id="s9", lon=127, lat=37.5)
    more = change(kind="add-units", station="s9").changes
    check(scenario.model_copy(update={"changes": [*scenario.changes, *more]}), small_city())
    gone = change(kind="remove-units", units=["a1"])
    twice = gone.model_copy(update={"changes": [*gone.changes, *gone.changes]})
    with pytest.raises(InputError, match=r"changes\.2\.units"):
        check(twice, small_city())


def test_units_at_a_station_that_cannot_be_are_no_second_mistake():
    station = change(kind="add-station", station_id="s9", lon=0, lat=37.5)
    units = change(kind="add-units", station="s9").changes
    wrong = station.model_copy(update={"changes": [*station.changes, *units]})
    (only,) = faults(wrong, small_city())
    assert only.field == "changes.1.lon"


def test_locate_finds_the_line_of_a_change(write):
    write(BASE)
    what_if = write(
        'name = "b"\nbase = "plain.toml"\n[[changes]]\nkind="close-links"\nlinks=[4]\n', "b.toml"
    )
    file, row = locate(what_if, "changes.2.links")
    assert (file.name, row) == ("b.toml", 5)
    file, row = locate(what_if, "changes.1.factor")
    assert (file.name, row) == ("plain.toml", 13)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("period", "start"), 5),
        (("changes", 0), 11),
        (("changes", 0, "kind"), 12),
        (("changes", 0, "absent"), 11),
        (("changes", 4), 11),
        (("nothing",), None),
    ],
)
def test_lines_of_keys(where, line):
    assert line_of(BASE, where) == line


def test_lines_of_dotted_quoted_and_nested_keys():
    text = '"a b".c = 1\n[[x]]\n[x.y]\nz = 2\n[[x]]\nq.r = 3\n'
    assert line_of(text, ("a b", "c")) == 1
    assert line_of(text, ("x", 0, "y", "z")) == 4
    assert line_of(text, ("x", 1, "q", "r")) == 6
