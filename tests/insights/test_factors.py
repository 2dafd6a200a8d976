"""What is tested: real columns, each question once, nothing against what it is made of."""

from __future__ import annotations

from pathlib import Path

import yaml

import moderation_craft.warehouse
from moderation_craft.insights.factors import DAILY, Measure, may_be_tested, own_measure

MARTS = Path(moderation_craft.warehouse.__file__).parent / "marts"


def measure(name: str) -> Measure:
    return next(each for each in DAILY if each.name == name)


def is_asked(factor: str, outcome: str, lag: int) -> bool:
    names = [each.name for each in DAILY]
    return may_be_tested(
        measure(factor), measure(outcome), lag, factor_first=names.index(factor) < names.index(outcome)
    )


def test_every_measure_is_a_column_of_the_day() -> None:
    model = yaml.safe_load((MARTS / "mart_productivity_daily.yml").read_text())["models"][0]
    assert {each.name for each in DAILY} <= {column["name"] for column in model["columns"]}


def test_every_measure_has_a_unit_and_both_languages() -> None:
    assert all(each.unit and each.label_en and each.label_ja for each in DAILY)


def test_a_pair_that_goes_both_ways_is_asked_once_on_the_same_day() -> None:
    both = [each.name for each in DAILY if each.role == "both"]
    for one in both:
        for other in both:
            assert not (is_asked(one, other, 0) and is_asked(other, one, 0))
    assert is_asked("focus_level_avg", "mood_level_avg", 0)
    assert is_asked("mood_level_avg", "focus_level_avg", 1) and is_asked("focus_level_avg", "mood_level_avg", 1)


def test_nothing_is_asked_against_itself_its_parts_or_its_sum() -> None:
    for lag in (0, 1):
        assert not is_asked("sleep_minutes", "sleep_minutes", lag)
        assert not is_asked("deep_minutes", "sleep_minutes", lag)
        assert not is_asked("mood_level_avg", "productivity_score", lag)
        assert not is_asked("work_minutes_night", "work_minutes", lag)
    assert is_asked("sleep_minutes", "productivity_score", 0)
    assert is_asked("work_minutes", "focus_level_avg", 0)


def test_own_measures_are_what_their_map_says() -> None:
    coffee = own_measure("coffee_cups", "factor", "cups", "Coffee", "コーヒー")
    assert (coffee.is_factor, coffee.is_outcome, coffee.unit) == (True, False, "cups")
    pain = own_measure("pain", None, None, None, None)
    assert pain.is_factor and pain.is_outcome and pain.label_ja == "pain"
    assert own_measure("steps", "both", None, None, None).name == "own:steps"
