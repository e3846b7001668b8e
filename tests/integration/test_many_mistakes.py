"""A scenario with several mistakes: all are told at once, each once, in the order of the file."""

from __future__ import annotations

import tomllib

import pytest

from apps.cli.main import main
from twin.agents.policies import check_policies
from twin.city.toml_text import dump_toml
from twin.core.errors import InputError, together
from twin.scenarios.load import load_scenario
from twin.scenarios.mistakes import MOST_TOLD
from twin.scenarios.spec import Scenario

WRONG = """\
nme = "wrong"
city = "ringville"
sed = 3

[period]
start = "noon"
end = "09:00"

[[changes]]
kind = "scale-demnd"

[[changes]]
kind = "scale-demand"
facto = -1

[[changes]]
kind = "scale-demand"
factor = -1
"""
TOLD = [
    ("row 1, field 'nme'", "did you mean 'name'?"),
    ("row 3, field 'sed'", "did you mean 'seed'?"),
    ("row 6, field 'period.start'", "'noon' is not a clock time"),
    ("row 9, field 'changes.1'", "did you mean 'scale-demand'?"),
    ("row 14, field 'changes.2.facto'", "did you mean 'factor'?"),
    ("row 18, field 'changes.3.factor'", "-1 is not allowed"),
]


@pytest.fixture
def wrong(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text(WRONG, "utf-8")
    return file


def told(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_all_mistakes_of_a_file_are_told_in_its_order_a_line_each(wrong, capsys):
    assert main(["run", str(wrong)]) == 2
    lines = told(capsys)
    # A misspelt field that is required is told as misspelt, not as missing too.
    assert len(lines) == len(TOLD)
    for line, (place, hint) in zip(lines, TOLD, strict=True):
        assert line.startswith(f"twin: {wrong}, {place}: ")
        assert hint in line


def test_mistakes_of_settings_are_told_with_those_of_the_file(wrong, capsys):
    settings = ["sede=1", "traffic.demand_scale=-1", "changes.3.factor=2", "period.start=08:00"]
    assert main(["run", str(wrong), *(w for s in settings for w in ("--set", s))]) == 2
    lines = told(capsys)
    assert "field '--set': there is no field 'sede'" in lines[0]
    assert "--set traffic.demand_scale=-1, field 'traffic.demand_scale'" in lines[1]
    # Two settings put right what the file has wrong.
    assert len(lines) == 2 + len(TOLD) - 2


def test_what_an_unread_setting_was_to_give_is_not_told_as_missing(tmp_path):
    file = tmp_path / "bare.toml"
    file.write_text('name = "bare"\n', "utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(file, ["cty=ringville"])
    assert [each.field for each in caught.value.all] == ["--set"]


def test_a_value_that_may_be_of_two_types_is_refused_once(tmp_path):
    file = tmp_path / "wrong.toml"
    text = 'name = "a"\ncity = "b"\n[hospitals]\nbeds = "many"\n[traffic]\nthreads = "some"\n'
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    assert [each.row for each in caught.value.all] == [4, 6]


def test_no_more_are_told_than_anybody_reads(tmp_path):
    file = tmp_path / "wrong.toml"
    keys = "".join(f"x{k} = 1\n" for k in range(MOST_TOLD + 7))
    file.write_text(f'name = "a"\ncity = "b"\n{keys}', "utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    sentences = [each.sentence for each in caught.value.all]
    assert len(sentences) == MOST_TOLD + 1
    assert sentences[-1] == "7 more mistakes like these are not shown"


def test_rules_and_their_parameters_are_told_together():
    scenario = Scenario.model_validate({
        "name": "a", "city": "b",
        "policy": {
            "dispatch": "neerest", "queue": "priorty",
            "parameters": {"dmexclp": {}, "dmexclp-dispatch": {"bsy": 1, "buzy": 2}},
        },
    })  # fmt: skip
    with pytest.raises(InputError) as caught:
        check_policies(scenario)
    assert [each.field for each in caught.value.all][:2] == ["policy.dispatch", "policy.queue"]
    inside = [e.field for e in caught.value.all if "dmexclp-dispatch" in (e.field or "")]
    assert len(inside) == 2


def test_rules_and_places_are_told_together(place, twin, tmp_path):
    file = place / "wrong.toml"
    file.write_text(
        'name = "wrong"\nbase = "plain.toml"\n[policy]\ndispatch = "neerest"\n'
        '[[changes]]\nkind = "add-units"\nstation = "s77"\n',
        "utf-8",
    )
    for verb in (["run"], ["scenario", "show"], ["compare", place / "plain.toml"]):
        out = [] if verb[0] == "scenario" else ["--out", tmp_path / "r"]
        status, _, err = twin(*verb, file, *out)
        lines = [line for line in err.splitlines() if line.startswith("twin: ")]
        assert status == 2, err
        assert f"{file}, row 4, field 'policy.dispatch': " in lines[0]
        assert f"{file}, row 7, field 'changes.1.station': " in lines[1]
        assert len(lines) == 2
    assert not (tmp_path / "r").exists()


def test_lists_of_rules_are_held_against_the_city(place, twin, tmp_path):
    file = place / "lists.toml"
    file.write_text(
        'name = "lists"\nbase = "plain.toml"\n[policy]\ndispatch = "beats"\n'
        '[policy.parameters.beats.lists]\n"Jongo-gu" = ["S1"]\n3000 = ["S1", "s7"]\n'
        '[policy.parameters.priority-list]\nstations = ["s77"]\n'
        '[[changes]]\nkind = "add-station"\nstation_id = "s7"\nlon = 0.005\nlat = 0.005\n'
        '[[changes]]\nkind = "set-policy"\nmoveup = "compliance-table"\n'
        '[changes.parameters.compliance-table]\nnested = ["S1", "s9"]\n',
        "utf-8",
    )
    said = [
        (6, "policy.parameters.beats.lists.Jongo-gu", "no place, zone or district 'Jongo-gu'"),
        (7, "policy.parameters.beats.lists.3000", "no place, zone or district '3000'"),
        (19, "changes.2.parameters.compliance-table.nested", "no station 's9'"),
    ]
    for verb in (["run"], ["scenario", "show"], ["compare", place / "plain.toml"]):
        out = [] if verb[0] == "scenario" else ["--out", tmp_path / "r"]
        status, _, err = twin(*verb, file, *out)
        lines = [line for line in err.splitlines() if line.startswith("twin: ")]
        assert status == 2, err
        # A rule that is not used says nothing.
        assert len(lines) == len(said), err
        for line, (row, field, words) in zip(lines, said, strict=True):
            assert f"{file}, row {row}, field '{field}': " in line
            assert words in line
    assert not (tmp_path / "r").exists()


def test_a_base_that_is_not_there_hides_no_other_mistake(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text(
        'name = "a"\nbase = "seoul-evenin-peak"\n[period]\nend = "noon"\n'
        '[traffic]\nfidelty = "meso"\n'
        '[[changes]]\nkind = "scale-demand"\n',
        "utf-8",
    )
    with pytest.raises(InputError) as caught:
        load_scenario(file, ["sed=3"])
    assert [each.row for each in caught.value.all if each.field != "--set"] == [2, 4, 6]
    assert "did you mean 'seoul-evening-peak'?" in str(caught.value.all[0])
    # What the base may give is not missed.
    file.write_text('name = "a"\nbase = "seoul-evenin-peak"\n', "utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    assert [each.row for each in caught.value.all] == [2]


def test_a_change_of_rules_and_their_parameters_is_shown(place, twin):
    file = place / "later.toml"
    file.write_text(
        'name = "later"\nbase = "plain.toml"\n[[changes]]\nkind = "set-policy"\nat = "08:05"\n'
        'dispatch = "beats"\n[changes.parameters.beats]\nlists = { 10 = ["S1"], west = [] }\n',
        "utf-8",
    )
    status, out, err = twin("scenario", "show", file)
    assert status == 0, err
    shown = tomllib.loads(out)["changes"][0]["parameters"]
    assert shown == {"beats": {"lists": {"10": ["S1"], "west": []}}}
    file.write_text(file.read_text("utf-8").replace("west", '"a b"'), "utf-8")
    status, out, err = twin("scenario", "show", file)
    assert (status, out) == (2, "")
    assert "'a b'" in err
    odd = {"changes": [{"parameters": {"beats": {"lists": {"0": ["S1"], "a b": []}}}}]}
    assert tomllib.loads(dump_toml(odd)) == odd


def test_together_tells_each_once():
    one, two, three = (InputError(f"wrong {k}", field=f"f{k}") for k in range(3))
    nested = together([together([one, two]), three])
    assert [str(each) for each in nested.all] == [str(one), str(two), str(three)]
    assert str(nested).splitlines() == [str(one), str(two), str(three)]
    assert nested.field == "f0"
