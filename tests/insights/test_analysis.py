"""From the day's rows to the mart: what is written, that it is the same each time, and what odd days come to."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from benchmarks.insights import autoregressive

from moderation_craft.errors import TransformFailed
from moderation_craft.insights import analysis
from moderation_craft.insights.correlations import Floats
from moderation_craft.insights.promises import TABLE
from tests.insights.made_days import FIRST_DAY, make_warehouse, rows


def linked_days(days: int = 150, seed: int = 1) -> dict[str, Floats]:
    """Focus follows sleep on the same day; steps do nothing."""
    sleep, own, steps = autoregressive(np.random.default_rng(seed), 3, days, 0.3)
    return {
        "sleep_minutes": 420 + 40 * sleep,
        "focus_level_avg": 5 + 0.7 * sleep + 0.7 * own,
        "steps": 8000 + 1500 * steps,
    }


def everything(path: Path) -> list[tuple[object, ...]]:
    return rows(path, f"select * from {TABLE} order by all")


def test_the_link_is_there_with_its_figures(tmp_path: Path) -> None:
    path = make_warehouse(tmp_path / "w.duckdb", {"u1": linked_days()})
    done = analysis.analyse(path)
    assert (done.people, done.links) == (1, 1)
    assert done.sentence().endswith("over 1 person, 1 pair of measures goes together")
    found = rows(
        path,
        f"select method, n, n_effective < n, r > 0.5, ci_low < r and r < ci_high, q_value < 0.001, as_of_date, "
        f"days_needed from {TABLE} where factor = 'sleep_minutes' and outcome = 'focus_level_avg' and lag = 0 "
        "order by method",
    )
    last = FIRST_DAY + timedelta(days=149)
    assert found == [(method, 150, True, True, True, True, last, 0) for method in ("pearson", "spearman")]
    assert rows(path, f"select count(*) from {TABLE} where factor = 'steps' and q_value <= 0.05") == [(0,)]
    assert rows(path, f"select count(*) from {TABLE} where factor = outcome") == [(0,)]


def test_the_same_days_give_the_same_rows_again_and_elsewhere(tmp_path: Path) -> None:
    people = {"u2": linked_days(60, 2), "u1": linked_days()}
    one = make_warehouse(tmp_path / "one.duckdb", people)
    other = make_warehouse(tmp_path / "other.duckdb", dict(reversed(people.items())))
    analysis.analyse(one)
    analysis.analyse(other)
    first = everything(one)
    assert first == everything(other)
    analysis.analyse(one)
    assert everything(one) == first


def test_one_person_s_days_do_not_change_another_s_figures(tmp_path: Path) -> None:
    alone = make_warehouse(tmp_path / "alone.duckdb", {"u1": linked_days()})
    beside = make_warehouse(tmp_path / "beside.duckdb", {"u0": linked_days(90, 5), "u1": linked_days()})
    analysis.analyse(alone)
    analysis.analyse(beside)
    assert everything(alone) == [row for row in everything(beside) if row[0] == "u1"]


def test_own_measures_take_part(tmp_path: Path) -> None:
    days = linked_days(100)
    pain = -days["sleep_minutes"] + 5 * np.random.default_rng(3).standard_normal(100)
    own: list[tuple[object, ...]] = [
        ("u1", FIRST_DAY + timedelta(days=day), "pain", float(value), "outcome") for day, value in enumerate(pain)
    ]
    own += [("u1", FIRST_DAY + timedelta(days=day), "steps", float(day % 5), "factor") for day in range(100)]
    own.append(("u1", date(2020, 1, 1), "pain", 3.0, "outcome"))
    path = make_warehouse(tmp_path / "w.duckdb", {"u1": days}, own)
    analysis.analyse(path)
    assert rows(
        path,
        f"select r < -0.9, n from {TABLE} where factor = 'sleep_minutes' and outcome = 'pain' and lag = 0 "
        "and method = 'spearman'",
    ) == [(True, 100)]
    assert rows(path, f"select count(*) from {TABLE} where factor = 'pain'") == [(0,)]
    grain = "distinct (user_id, factor, outcome, lag, method)"
    assert rows(path, f"select count(*) = count({grain}) from {TABLE}") == [(True,)]
    assert rows(path, f"select count(*) > 0 from {TABLE} where factor = 'own:steps'") == [(True,)]


ODD = {
    "three days": linked_days(3),
    "one day": linked_days(1),
    "constant": {**linked_days(), "focus_level_avg": np.full(150, 5.0)},
    "linear copy": {**linked_days(), "hrv_ms": linked_days()["sleep_minutes"] * 2 + 3},
    "mostly missing": {
        name: np.where(np.random.default_rng(4).random(365) < 0.9, np.nan, values)
        for name, values in linked_days(365).items()
    },
    "wild day": {
        name: np.where(np.arange(150) == 70, 1e6, values) for name, values in linked_days(150, 8).items()
    },
    "identical days": {name: np.full(365, values[0]) for name, values in linked_days(365).items()},
    "nothing measured": {"steps": np.full(30, np.nan)},
}
STATES = {
    "three days": {"too_short"},
    "one day": {"too_short"},
    "constant": {"tested", "constant"},
    "linear copy": {"tested", "copy"},
    "mostly missing": {"tested", "too_short"},
    "wild day": {"tested"},
    "identical days": {"constant"},
    "nothing measured": set(),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_days_have_a_stated_result(tmp_path: Path, kind: str) -> None:
    path = make_warehouse(tmp_path / "w.duckdb", {"u1": ODD[kind]})
    analysis.analyse(path)
    assert {state for (state,) in rows(path, f"select distinct state from {TABLE}")} == STATES[kind]
    figures = ("n_effective", "r", "ci_low", "ci_high", "p_value", "q_value")
    is_nan = " or ".join(f"isnan({name}) or isinf({name})" for name in figures)
    assert rows(path, f"select count(*) from {TABLE} where {is_nan}") == [(0,)]
    assert rows(path, f"select count(*) from {TABLE} where state = 'too_short' and days_needed is null") == [(0,)]


def test_a_wild_day_in_all_measures_links_nothing_new(tmp_path: Path) -> None:
    path = make_warehouse(tmp_path / "w.duckdb", {"u1": ODD["wild day"]})
    assert analysis.analyse(path).links <= 1
    assert rows(
        path, f"select count(*) from {TABLE} where factor = 'steps' and method = 'spearman' and q_value <= 0.05"
    ) == [(0,)]


def test_a_file_without_its_tables_is_refused_and_the_next_step_said(tmp_path: Path) -> None:
    with pytest.raises(TransformFailed, match="analysis cannot read or write") as refused:
        analysis.analyse(tmp_path / "empty.duckdb")
    assert "mcraft rebuild" in refused.value.remedy
