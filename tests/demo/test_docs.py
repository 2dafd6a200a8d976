"""docs/demo.md says what truths.py says."""

from __future__ import annotations

from pathlib import Path

import pytest

from moderation_craft.demo import truths
from moderation_craft.demo.personas import DESTINATIONS, PERSONAS

PAGE = (Path(__file__).parents[2] / "docs" / "demo.md").read_text(encoding="utf-8")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


ROWS = [cells(line) for line in PAGE.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("relation", truths.RELATIONS, ids=lambda r: f"{r.factor}-{r.outcome}-{r.lag_days}")
def test_every_relation_is_a_row(relation: truths.Relation) -> None:
    row = [f"`{relation.factor}`", f"`{relation.outcome}`", str(relation.lag_days), f"{round(relation.size, 4)}"]
    per = relation.factor_unit + (" (through sleep)" if relation.through else "")
    assert [*row, per] in ROWS


def test_no_relation_is_on_the_page_alone() -> None:
    told = [row for row in ROWS if len(row) == 5 and row[0].startswith("`")]
    assert len(told) == len(truths.RELATIONS)


@pytest.mark.parametrize("factor", truths.NULL_FACTORS)
def test_every_null_factor_is_named(factor: str) -> None:
    nothing = PAGE[PAGE.index("Factors that do nothing") :].split("\n\n")[0]
    assert f"`{factor}`" in nothing


@pytest.mark.parametrize(
    ("series", "figures"),
    [
        ("focus of a day", (truths.FOCUS_MEAN, truths.FOCUS_AR1_PHI, truths.FOCUS_AR1_SD)),
        ("focus of one session", (truths.FOCUS_SESSION_SD,)),
        ("mood of a day", (truths.MOOD_MEAN, truths.MOOD_AR1_PHI, truths.MOOD_AR1_SD)),
        ("minutes asleep", (truths.SLEEP_WEEKEND_MINUTES, truths.SLEEP_AR1_PHI, truths.SLEEP_AR1_SD)),
        ("work minutes", (truths.WORK_AR1_PHI, truths.WORK_AR1_SD)),
        ("steps", (truths.STEPS_AR1_PHI, *truths.STEPS_WEEKDAY[5:], truths.STEPS_AR1_SD)),
        (
            "evening screen minutes",
            (truths.SCREEN_MEAN_MINUTES, truths.SCREEN_AR1_PHI, truths.SCREEN_AR1_SD),
        ),
        ("resting heart rate", (truths.RHR_AR1_PHI, truths.RHR_AR1_SD)),
        ("heart-rate variability", (truths.HRV_AR1_PHI, truths.HRV_AR1_SD)),
        ("bedtime", (truths.BEDTIME_AR1_PHI, truths.BEDTIME_AR1_SD)),
    ],
)
def test_noise_is_as_written(series: str, figures: tuple[float, ...]) -> None:
    row = next(row for row in ROWS if len(row) == 4 and row[0].startswith(series))
    told = " ".join(row).replace(",", "")
    assert all(f"{figure:g}" in told for figure in figures)


@pytest.mark.parametrize(
    "sentence",
    [
        f"{-truths.HABIT_SHIFT_MINUTES} minutes earlier",
        f"{truths.DEADLINE_EXTRA_MINUTES} work minutes above",
        f"resting heart rate {truths.FEVER_EXTRA_RHR_BPM} bpm up, heart-rate variability at "
        f"{truths.FEVER_HRV_FACTOR:.0%}".replace("%", " %"),
        f"{truths.FEVER_STEPS} steps, no work",
        f"{truths.PLANE_NIGHT_MINUTES} minutes, a classic log",
        f"{truths.COFFEE_WORKDAY_CUPS} cups, at weekends {truths.COFFEE_WEEKEND_CUPS}",
        f"| {truths.DEVICE_NOT_WORN_SHARE * 100:g} % of days, at least one, plus three",
        f"| {truths.APP_NOT_OPENED_SHARE * 100:g} % of days, at least one, never",
        f"| naps | {truths.NAP_SHARE * 100:g} % of days",
        f"| {truths.CLASSIC_SHARE * 100:g} % of nights",
        f"| {truths.MIDNIGHT_WORK_SHARE * 100:g} % of days, at least one |",
    ],
)
def test_what_happens_is_as_written(sentence: str) -> None:
    assert sentence in " ".join(PAGE.split())


def test_every_person_and_city_is_named() -> None:
    for persona in PERSONAS:
        assert f"{persona.name} `demo-{persona.slug}` | {persona.craft}" in PAGE
    for persona in PERSONAS[:3]:
        minutes = ", ".join(str(minutes) for minutes in persona.work_weekday_minutes)
        assert f"{persona.name} {minutes}" in " ".join(PAGE.split())
    assert all(city.name in PAGE for city in DESTINATIONS)
