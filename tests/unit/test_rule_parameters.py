"""Parameters of rules: where they come from, what is refused, and rules of a user's own."""

from __future__ import annotations

import sys
import tomllib
from textwrap import dedent
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter

from apps.cli.main import main
from apps.cli.scenario import _as_toml
from tests.support.emergency import QUIET, FixedModel, inject, plan, run, sure, town
from twin.agents.policies import check_policies, known, make, registry, rule_groups
from twin.agents.policies.own import code_checksum
from twin.core.errors import InputError
from twin.recording.provenance import scenario_checksum
from twin.scenarios.change_kinds import Change
from twin.scenarios.load import load_scenario
from twin.scenarios.policy import ROLES, refuse_own_code

OWN = """
    import numpy as np
    from twin.agents.policies.scores import Move, Scores

    class LastInTheAlphabet:
        def __init__(self, bonus: float = 0.0, flags: list[str] = []):
            self.bonus, self.flags = bonus, flags

        def score(self, world, task, units):
            order = np.argsort(np.argsort([u.unit_id for u in units]))
            return Scores(np.full(len(units), np.nan), -order - self.bonus)

    class Youngest:
        def key(self, task):
            return -task.incident.t_call

    class Broken:
        def score(self, world, task, units):
            return 1 / 0

    class Short:
        def score(self, world, task, units):
            return Scores(np.zeros(1), np.zeros(1))

    class NotANumber:
        def score(self, world, task, units):
            return Scores(np.zeros(len(units)), np.full(len(units), np.nan))

    class Words:
        def score(self, world, task, units):
            return Scores(np.zeros(len(units)), ["soon"] * len(units))

    class NoWord:
        def score(self, world, task, units):
            return Scores(np.zeros(len(units)), np.zeros(len(units)), why=7)

    class Leaves:
        def score(self, world, task, units):
            raise SystemExit(3)

    class Lists:
        def score(self, world, task, units):
            n = len(units)
            return Scores([1.0] * n, [1.0] * n, [2.0, 1.0, 0.0], "rest", [1] * n)

    class Held:
        hold_s = "long"

        def score(self, world, task, units):
            return Scores(np.zeros(len(units)), np.zeros(len(units)))

    class NoKey:
        def key(self, task):
            return float("nan")

    class Turns:
        def score(self, world, task, best_s, units):
            return Scores(np.zeros(len(units)), np.zeros(len(units)))

    class NoMoves:
        def moves(self, world, units, freed):
            return None

    class ThreeStations:
        def moves(self, world, units, freed):
            return [Move(units[0], *world.stations.values(), 3, 4, 5)]

    class Always:
        triggers = "always"

        def moves(self, world, units, freed):
            return []

    class Nothing:
        pass
"""


class Tuned:
    """A rule with parameters, for this test."""

    name = "tuned"

    def __init__(
        self,
        *,
        horizon_s: Annotated[float, Field(ge=0.0, description="How far it looks, s.")] = 900.0,
        pairs: Annotated[list[tuple[int, int]], Field(description="Pairs.")] = [],  # noqa: B006
    ) -> None:
        self.horizon_s, self.pairs = horizon_s, pairs


@pytest.fixture
def tuned(monkeypatch):
    monkeypatch.setitem(registry._RULES["dispatch"], "tuned", Tuned)


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_rules.py").write_text(dedent(OWN))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "own_rules.py"
    sys.modules.pop("own_rules", None)


def with_(**policy: Any):
    return plan(calls=QUIET, policy=policy)


@pytest.mark.usefixtures("tuned")
def test_a_table_by_the_rules_name_sets_its_parameters() -> None:
    assert make("dispatch", "tuned", {}).horizon_s == 900.0
    rule = make("dispatch", "tuned", {"tuned": {"horizon_s": 60, "pairs": [[4, 1]]}})
    assert (rule.horizon_s, rule.pairs) == (60.0, [(4, 1)])


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"tuned": {"horizon": 1}}, r"'policy.parameters.tuned.horizon'.*mean 'horizon_s'"),
        ({"tuned": {"horizon_s": -1}}, r"tuned.horizon_s'.*-1 is not allowed"),
        ({"tuned": {"pairs": [[1]]}}, r"tuned.pairs"),
        ({"tunde": {}}, r"'policy.parameters.tunde'.*no rule 'tunde'.*mean 'tuned'"),
        ({"priority": {"x": 1}}, r"'policy.parameters.priority.x'.*no parameter 'x'"),
    ],
)
def test_a_wrong_parameter_is_refused_by_field(parameters, said) -> None:
    with pytest.raises(InputError, match=said):
        check_policies(with_(parameters=parameters))


@pytest.mark.usefixtures("tuned")
def test_parameters_come_from_file_base_settings_and_changes(tmp_path, capsys) -> None:
    (tmp_path / "base.toml").write_text(
        'name = "base"\ncity = "grid"\n[policy]\ndispatch = "tuned"\n'
        "[policy.parameters.tuned]\nhorizon_s = 60\n"
    )
    (tmp_path / "more.toml").write_text(
        'name = "more"\nbase = "base.toml"\n[policy.parameters.tuned]\npairs = [[4, 1]]\n'
        '[[changes]]\nkind = "set-policy"\nat = "18:00"\nparameters.tuned.horizon_s = -3\n'
    )
    scenario = load_scenario(tmp_path / "more.toml")
    assert scenario.policy.parameters == {"tuned": {"horizon_s": 60, "pairs": [[4, 1]]}}
    setting = "policy.parameters.tuned.horizon_s=5"
    scenario = load_scenario(tmp_path / "more.toml", [setting])
    assert scenario.policy.parameters["tuned"]["horizon_s"] == 5
    with pytest.raises(InputError, match=r"changes\.1\.parameters\.tuned\.horizon_s"):
        check_policies(scenario)
    assert main(["run", str(tmp_path / "more.toml")]) == 2
    assert "more.toml, row 8" in " ".join(capsys.readouterr().err.split())
    setting = "policy.parameters.tuned.horizon_s=-5"
    assert main(["run", str(tmp_path / "more.toml"), "--set", setting]) == 2
    assert f"--set {setting}" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(InputError, match=r"RULE\.PARAMETER=VALUE"):
        load_scenario(tmp_path / "more.toml", ["policy.parameters.tuned=3"])


def test_a_change_of_policy_lays_its_parameters_over(monkeypatch) -> None:
    monkeypatch.setitem(registry._RULES["dispatch"], "tuned", Tuned)
    change = TypeAdapter(Change).validate_python
    first = {
        "kind": "set-policy", "dispatch": "tuned", "at": "07:00", "until": "09:00",
        "parameters": {"tuned": {"horizon_s": 1.0}},
    }  # fmt: skip
    second = {"kind": "set-policy", "at": "08:00", "parameters": {"tuned": {"pairs": [[3, 1]]}}}
    model = FixedModel(town(), plan(calls=QUIET, changes=[change(first), change(second)]))
    seen = []
    for hour in (6.5, 7.5, 8.5, 9.5):
        while model.t < hour * 3600.0:
            model.step()
        rule: Any = model.dispatch_policy
        seen.append((rule.name, getattr(rule, "horizon_s", None), getattr(rule, "pairs", None)))
    assert seen == [
        ("closest-idle", None, None),
        ("tuned", 1.0, []),
        ("tuned", 1.0, [(3, 1)]),
        ("closest-idle", None, None),
    ]


def test_every_rule_is_listed_with_its_parameters_and_names_are_unique() -> None:
    found = rule_groups()
    assert len(found) == sum(len(known(role)) for role in ROLES)
    assert len({group.keys for group in found}) == len(found)
    bare = [(g.heading, line.name) for g in found for line in g.lines if not line.meaning]
    assert bare == []
    assert main(["scenario", "fields", "closest-idle"]) == 0


def test_a_rule_of_ones_own_is_a_class_on_the_path(own) -> None:
    city = town(ambulances=3, service=sure(0.0))
    name = "own_rules:LastInTheAlphabet"
    policy = {
        "dispatch": name,
        "queue": "own_rules:Youngest",
        "parameters": {name: {"bonus": 5, "flags": ["a"]}},
    }
    scenario = plan(calls=QUIET, policy=policy, changes=[inject(city, "07:00")])
    _, recorder = run(FixedModel, city, scenario)
    decisions = recorder.frame("decisions")
    assert decisions[decisions["chosen"]]["unit_id"].tolist() == ["A2"]
    assert decisions["score"].tolist() == [-5.0, -6.0, -7.0]
    assert set(decisions["policy"]) == {name}
    before = scenario_checksum(scenario)
    own.write_text(own.read_text() + "\n# another thought\n")
    assert scenario_checksum(scenario) != before
    assert len(code_checksum(name)) == 64


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_rules:Nobody", "has no class 'Nobody'"),
        ("own_rules:np", "has no class 'np'"),
        ("own_rules:Nothing", "no method 'score'"),
        ("no_such_rules:Rule", "no Python module 'no_such_rules'.*PYTHONPATH"),
        (":", "cannot be read"),
        ("own_rules:Broken", r"own_rules.py, row \d+: .*failed: ZeroDivisionError"),
        ("own_rules:Short", r"eta_s of shape \(1,\) for 3 candidates"),
        ("own_rules:NotANumber", "not a number"),
        ("own_rules:Words", "gave score = .*'soon'"),
        ("own_rules:NoWord", "gave why = 7, which is no text"),
        ("own_rules:Leaves", r"own_rules.py, row \d+: .*failed: SystemExit: 3"),
        ("own_rules:Held", "hold_s = 'long', not seconds"),
    ],
)
def test_what_is_wrong_with_a_rule_of_ones_own_is_one_sentence(own, name, said) -> None:  # noqa: ARG001
    city = town(ambulances=3, service=sure(0.0))
    scenario = plan(calls=QUIET, policy={"dispatch": name}, changes=[inject(city, "07:00")])
    with pytest.raises(InputError, match=said):
        run(FixedModel, city, scenario)


@pytest.mark.parametrize(
    ("role", "name", "said"),
    [
        ("queue", "NoKey", "a key that is not a number"),
        ("reassign", "Turns", "policy.reassign.* from call to call and back without end"),
        ("moveup", "NoMoves", r"gave None; return a list of Move\("),
        ("moveup", "ThreeStations", r"gave Move\(.*return a list of Move\("),
        ("moveup", "Always", "triggers = 'always'; give a set of dispatch, free, shift"),
    ],
)
def test_so_it_is_in_every_role(own, role, name, said) -> None:  # noqa: ARG001
    city = town(ambulances=1, service=sure(0.0))
    calls = [inject(city, "07:00"), inject(city, "07:00:20")]
    scenario = plan(calls=QUIET, policy={role: f"own_rules:{name}"}, changes=calls)
    with pytest.raises(InputError, match=said):
        run(FixedModel, city, scenario)


def test_a_rule_of_ones_own_may_give_lists(own) -> None:  # noqa: ARG001
    city = town(ambulances=3, service=sure(0.0))
    policy = {"dispatch": "own_rules:Lists"}
    scenario = plan(calls=QUIET, policy=policy, changes=[inject(city, "07:00")])
    _, recorder = run(FixedModel, city, scenario)
    decisions = recorder.frame("decisions")
    assert decisions[decisions["chosen"]]["unit_id"].tolist() == ["A2"]  # of equals the first there


def test_parameters_of_ones_own_rule_are_checked(own) -> None:  # noqa: ARG001
    name = "own_rules:LastInTheAlphabet"
    wrong = {name: {"bonus": "much"}}
    with pytest.raises(InputError, match=r"bonus'.*'much' is not allowed"):
        check_policies(with_(dispatch=name, parameters=wrong))
    # The rule is not used: its code is left alone.
    check_policies(with_(parameters=wrong))


def test_code_never_comes_with_a_message(own) -> None:
    own.write_text("raise SystemExit('was run')")
    scenario = plan(calls=QUIET, changes=[{"kind": "set-policy", "queue": "own_rules:Youngest"}])
    with pytest.raises(InputError, match=r"changes\.1\.queue.*is code"):
        refuse_own_code(scenario)
    refuse_own_code(scenario, scenario)
    model = FixedModel(town(), plan(calls=QUIET))
    with pytest.raises(InputError, match="is code, which is run only from a scenario"):
        model.submit(scenario.changes[0])


def test_parameters_are_shown_as_toml_that_can_be_run() -> None:
    policy = {
        "dispatch": "own_rules:R",
        "parameters": {"own_rules:R": {"pairs": [[4, 1]]}, "beats": {"lists": {"강남구": ["a b"]}}},
    }
    shown = tomllib.loads(_as_toml(with_(**policy), every=False))
    assert shown["policy"] == policy
