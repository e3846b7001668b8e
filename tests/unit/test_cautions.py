"""What a comparison says before its figures: what was not simulated, and who was not counted."""

from __future__ import annotations

import pytest

from apps.web.texts import LANGUAGES, words
from tests.support.runs import small_scenario
from twin.metrics.cautions import TEXTS, cautions
from twin.metrics.pairing import Reach

LANES = {"kind": "close-links", "links": [100], "lanes": 1}
WHOLE = {"kind": "close-links", "links": [100]}


def line(base: int, whatif: int, both: int, only_base: int = 0, only_whatif: int = 0) -> Reach:
    reached = (both + only_base, both + only_whatif)
    return Reach(
        "overall", "", base, whatif, *reached, both, only_base, only_whatif, 0.9, 0.9, base, whatif
    )


def collisions(only_base: int, only_whatif: int) -> Reach:
    sides = (only_base, only_whatif)
    return Reach("kind", "collision", *sides, *sides, 0, only_base, only_whatif, 1.0, 1.0, *sides)


def codes(changes, reach=(), fidelity="table", base=()):
    traffic = {"fidelity": fidelity}
    one = small_scenario(changes=list(base), traffic=traffic)
    two = small_scenario(changes=[*base, *changes], traffic=traffic)
    return [note.code for note in cautions(one, two, reach)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (LANES, "table-lanes"),
        (WHOLE, "table-roads"),
        ({"kind": "work-zone", "links": [100]}, "table-lanes"),
        ({"kind": "toll", "links": [100], "charge": 1, "value_of_time": 10}, "table-toll"),
        ({"kind": "scale-demand", "factor": 1.5}, "table-demand"),
        ({"kind": "ban-turn", "turns": [[100, 101]]}, "table-roads"),
        ({"kind": "remove-units", "units": ["a1"]}, None),
    ],
)
def test_what_a_table_cannot_show_is_told(change, code):
    assert codes([change]) == ([] if code is None else [code])
    assert codes([change], fidelity="meso") == []
    assert codes([], base=[change]) == []  # both sides make it: it is not what is asked


@pytest.mark.parametrize(
    ("base", "whatif", "told"),
    [
        ({}, {}, []),
        ({}, {"signals": "max-pressure"}, ["signals"]),
        ({"signals": "actuated"}, {"signals": "actuated"}, ["signals"]),
        ({}, {"right_on_red": False}, ["right-on-red"]),
        ({"right_on_red": False}, {"right_on_red": False}, []),
        ({"signals": "coordinated"}, {"right_on_red": False}, ["right-on-red", "signals"]),
    ],
)
def test_what_signals_do_not_know_is_told(base, whatif, told):
    sides = [small_scenario(traffic={"fidelity": "micro", **side}) for side in (base, whatif)]
    found = cautions(*sides, [])
    assert [note.code for note in found] == told
    for note in found:
        assert "edestrians" in note.text


def test_signals_that_a_change_runs_in_another_way_know_no_pedestrians_either():
    def retime(**how):
        return [{"kind": "retime-signals", "junctions": [1], **how}]

    assert codes(retime(mode="max-pressure"), fidelity="micro") == ["signals"]
    assert codes(retime(mode="fixed"), fidelity="micro") == []
    assert codes(retime(cycle_s=90.0), fidelity="micro") == []


@pytest.mark.parametrize(
    ("reach", "told"),
    [
        (line(100, 100, 95, 5), False),
        (line(100, 100, 94, 3, 3), True),  # on one side only
        (line(100, 100, 94), True),  # open on both sides
        (line(0, 0, 0), False),
    ],
)
def test_calls_that_no_mean_holds_are_told_beyond_a_twentieth(reach, told):
    found = cautions(small_scenario(), small_scenario(), [reach])
    assert [note.code for note in found] == (["left-out"] if told else [])
    if told:
        assert found[0].text.startswith("6 of 100 calls (6.0%) are in no mean")


@pytest.mark.parametrize(
    ("reach", "told"),
    [
        # Each run has three collisions of its own, and all medical calls are reached in both.
        ([line(100, 100, 94, 3, 3), collisions(3, 3)], ["own-collisions"]),
        ([line(100, 100, 88, 6, 6), collisions(3, 3)], ["left-out", "own-collisions"]),
        ([line(100, 100, 92, 4, 4), collisions(2, 2)], []),
    ],
)
def test_collisions_of_one_runs_own_traffic_are_told_apart(reach, told):
    found = cautions(small_scenario(), small_scenario(), reach)
    assert [note.code for note in found] == told
    if told[:1] == ["own-collisions"]:
        assert found[0].text.startswith("6 of 100 calls (6.0%) are collisions")
    for note in found[:1] if len(told) == 2 else ():
        assert note.text.startswith("6 of 100 calls (6.0%) are in no mean")
        assert ": 6 reached in one run only" in note.text


def test_a_share_that_rounds_to_a_twentieth_is_not_said_to_be_more() -> None:
    (note,) = cautions(small_scenario(), small_scenario(), [line(1196, 1196, 1136, 12)])
    assert note.text.startswith("60 of 1,196 calls (5.0%) are in no mean")
    assert "5%" not in note.text.replace("(5.0%)", "")
    assert "Leaving out so many can turn a mean around" in note.text


def test_sides_the_wrong_way_round_are_told():
    plain = small_scenario(name="plain")
    for base in ("plain", "plain.toml"):
        more = small_scenario(name="more", base=base)
        (note,) = cautions(more, plain, [])
        assert note.text.startswith("The sides may be the wrong way round: more is itself a what-")
        assert cautions(plain, more, []) == []


def test_the_page_has_every_caution_in_both_languages():
    for lang in LANGUAGES:
        assert set(TEXTS) <= set(words(lang)["compared"])
