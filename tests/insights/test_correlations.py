"""The method keeps its promises: false findings, power, intervals, and a stated answer to any input."""

from __future__ import annotations

import time

import numpy as np
import pytest
from benchmarks.insights import autoregressive, false_findings, power, unlinked_person
from scipy import stats

from moderation_craft.insights import correlations
from moderation_craft.insights.correlations import (
    CONSTANT,
    COPY,
    TESTED,
    TOO_SHORT,
    Correlations,
    Floats,
    correlate,
    days_needed,
)
from moderation_craft.insights.promises import FALSE_DISCOVERY_RATE, LAGS

PEARSON, SPEARMAN = 0, 1


def correlated(factors: Floats, outcomes: Floats) -> Correlations:
    """Everything against everything; the first day is a Monday."""
    factors, outcomes = np.atleast_2d(factors), np.atleast_2d(outcomes)
    wanted = np.ones((LAGS, len(factors), len(outcomes)), dtype=np.bool_)
    return correlate(factors, outcomes, np.arange(factors.shape[1]) % 7, wanted)


def noise(days: int = 120, seed: int = 1, memory: float = 0.0) -> Floats:
    return np.asarray(autoregressive(np.random.default_rng(seed), 1, days, memory)[0])


def test_r_is_that_of_the_residuals_of_a_regression_on_weekdays() -> None:
    weekend = 3.0 * (np.arange(119) % 7 >= 5)
    x, y = noise(119, 1) + weekend, noise(119, 2) + 0.5 * noise(119, 1) + weekend
    found = correlated(x, y)
    dummies = np.eye(7)[np.arange(119) % 7]
    for method, as_method in ((PEARSON, np.asarray), (SPEARMAN, stats.rankdata)):
        left = [v - dummies @ np.linalg.lstsq(dummies, v, rcond=None)[0] for v in map(as_method, (x, y))]
        assert found.r[method, 0, 0, 0] == pytest.approx(stats.pearsonr(*left).statistic)


def test_effective_days_are_bretherton_s_without_gaps() -> None:
    x, y = noise(2000, 1, memory=0.7), noise(2000, 2, memory=0.5)
    residuals = correlations.weekday_effect_removed(np.array([x, y]), np.arange(2000) % 7)
    a, b = correlations.lag1_autocorrelation(residuals)
    assert (a, b) == pytest.approx((0.7, 0.5), abs=0.06)
    expected = (2000 - 6) * (1 - a * b) / (1 + a * b)
    assert correlated(x, y).n_effective[PEARSON, 0, 0, 0] == pytest.approx(expected, rel=0.002)


def test_effective_days_count_the_pairs_of_days_that_are_there() -> None:
    x, y = noise(200, 1, memory=0.7), noise(200, 2, memory=0.7)
    x[np.random.default_rng(3).random(200) < 0.5] = np.nan
    found = correlated(x, y)
    residuals = correlations.weekday_effect_removed(np.array([x, y]), np.arange(200) % 7)
    phi = float(np.prod(correlations.lag1_autocorrelation(residuals)))
    days = np.flatnonzero(np.isfinite(x))
    weights = phi ** np.abs(days[:, None] - days)
    n = len(days)
    assert found.n[PEARSON, 0, 0, 0] == n
    assert found.n_effective[PEARSON, 0, 0, 0] == pytest.approx(n**2 / weights.sum() * (n - 6) / n)


def test_a_measure_of_every_seventh_day_remembers_by_the_day() -> None:
    daily = noise(1400, 1, memory=0.95)
    weekly = np.full(1400, np.nan)
    weekly[::7] = daily[::7]
    assert correlations.lag1_autocorrelation(weekly[None])[0] == pytest.approx(0.95, abs=0.03)


def test_lag_is_how_many_days_the_outcome_comes_later() -> None:
    x = noise(150)
    found = correlated(x, np.concatenate([noise(3, 9), x[:-3]]) + 0.3 * noise(150, 2))
    assert int(np.nanargmax(found.r[SPEARMAN, :, 0, 0])) == 3
    assert found.linked[3, 0, 0]


def test_q_is_benjamini_hochberg_over_both_methods_and_all_lags() -> None:
    found = unlinked_person(np.random.default_rng(1)).correlate()
    tested = found.state == TESTED
    assert tested.sum() == 2 * 58
    assert found.q[tested] == pytest.approx(stats.false_discovery_control(found.p[tested]))


def test_false_findings_stay_under_the_promise_where_plain_pearson_tells_ten() -> None:
    counts = {name: float(np.mean(told)) for name, told in false_findings(people=60).items()}
    assert counts["**ours: both q, as told to people**"] <= 0.15
    assert counts["ours, either q"] <= 0.15
    assert counts["plain Pearson, p < .05"] > 8


@pytest.mark.parametrize(("days", "memory"), [(60, 0.0), (60, 0.6), (120, 0.6), (365, 0.6), (120, 0.85)])
def test_p_under_five_percent_comes_up_in_at_most_five_percent_of_nothing(days: int, memory: float) -> None:
    rng = np.random.default_rng(7)
    p = np.stack([unlinked_person(rng, days, memory).correlate().p for _ in range(80)])
    rate = float((p[np.isfinite(p)] < 0.05).mean())
    assert 0.02 < rate < 0.065


def test_power_of_the_single_test() -> None:
    pearson, spearman, told, worth = power(120, 0.6, people=400)
    assert pearson >= 0.70 and spearman >= 0.65
    assert 50 < worth < 65
    assert told < pearson
    assert power(120, 0.3, people=200)[0] >= 0.9


def test_interval_covers_the_true_value() -> None:
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(300):
        x, own = autoregressive(rng, 2, 150, 0.5)
        found = correlated(x, 0.4 * x + np.sqrt(1 - 0.16) * own)
        covered.append(found.ci_low[PEARSON, 0, 0, 0] <= 0.4 <= found.ci_high[PEARSON, 0, 0, 0])
    assert 0.92 <= np.mean(covered) <= 0.99


def test_after_the_days_needed_the_reference_link_is_found_as_often_as_said() -> None:
    more = int(days_needed(np.array([60.0]), np.array([60]), 58, 0)[0])
    rng, line, seen = np.random.default_rng(5), FALSE_DISCOVERY_RATE / 58, []
    for _ in range(300):
        x, own = autoregressive(rng, 2, 60 + more, 0.0)
        seen.append(correlated(x, 0.35 * x + np.sqrt(1 - 0.35**2) * own).p[PEARSON, 0, 0, 0] <= line)
    assert 0.72 < np.mean(seen) < 0.88


def test_days_needed_grow_with_tests_and_with_memory_and_end_at_none() -> None:
    def needed(effective: float, days: int, tests: int, found: int = 0) -> int:
        return int(days_needed(np.array([effective]), np.array([days]), tests, found)[0])

    assert needed(30, 60, 58) < needed(30, 60, 3000)
    assert needed(60, 60, 58) < needed(30, 60, 58)
    assert needed(30, 60, 58, found=20) < needed(30, 60, 58)
    assert needed(600, 700, 3000) == 0


def assert_stated(found: Correlations) -> None:
    """No figure where there is no test, every figure finite where there is one."""
    tested = found.state == TESTED
    for figures in (found.ci_low, found.ci_high, found.p, found.q):
        assert np.isfinite(figures[tested]).all() and np.isnan(figures[~tested]).all()
    assert np.isfinite(found.r[tested]).all()
    assert np.isfinite(found.n_effective).all()


def test_three_days_are_too_short_and_say_how_many_more() -> None:
    found = correlated(noise(3, 1), noise(3, 2))
    assert (found.state == TOO_SHORT).all()
    assert found.days_needed[PEARSON, 0, 0, 0] > 30
    assert_stated(found)


@pytest.mark.parametrize("days", [1, 2, 6, 7, 8, 14, 20])
def test_short_histories_are_stated(days: int) -> None:
    found = correlated(noise(days, 1), noise(days, 2))
    assert not found.linked.any()
    assert_stated(found)


@pytest.mark.parametrize("value", [0.0, 5.0, 1e300, -0.1, 0.1 + 0.2])
def test_constant_series_are_constant(value: float) -> None:
    found = correlated(np.full(120, value), noise())
    assert (found.state == CONSTANT).all() and (found.days_needed == -1).all()
    assert_stated(found)


def test_a_year_of_identical_weeks_is_constant() -> None:
    found = correlated(np.tile([1.0, 2, 3, 4, 5, 6, 7.3], 52), np.tile([3.0, 1, 2, 2, 5, 9, 9], 52))
    assert (found.state == CONSTANT).all()
    assert_stated(found)


@pytest.mark.parametrize(("factor", "offset"), [(60.0, 0.0), (1.8, 32.0), (-1.0, 0.0), (1e-3, 1e3)])
def test_a_linear_copy_is_said_to_be_one_and_is_no_finding(factor: float, offset: float) -> None:
    x = noise() + 20
    found = correlated(x, factor * x + offset)
    assert (found.state[:, 0, 0, 0] == COPY).all()
    assert found.r[:, 0, 0, 0] == pytest.approx(np.sign([factor] * 2))
    assert not found.linked.any()
    assert_stated(found)


def test_ninety_percent_missing_is_stated() -> None:
    x = noise(365, 1)
    x[np.random.default_rng(2).random(365) < 0.9] = np.nan
    found = correlated(x, noise(365, 2))
    assert (found.n < 60).all()
    assert_stated(found)
    x[np.isfinite(x).cumsum() > 12] = np.nan
    few = correlated(x, noise(365, 2))
    assert (few.state == TOO_SHORT).all() and (few.days_needed[few.n > 0] > 0).all()


def test_nothing_in_common_is_stated() -> None:
    x, y = noise(100, 1), noise(100, 2)
    x[50:], y[:60] = np.nan, np.nan
    found = correlated(x, y)
    assert (found.n == 0).all() and (found.last_day == -1).all()
    assert_stated(found)


def test_one_wild_day_in_both_makes_no_link() -> None:
    x, y = noise(120, 1), noise(120, 2)
    x[40] = y[40] = 1e6
    found = correlated(x, y)
    assert found.r[PEARSON, 0, 0, 0] > 0.9
    assert not found.linked.any()
    assert_stated(found)


def test_infinities_are_missing() -> None:
    x = noise()
    x[[3, 9]] = np.inf, -np.inf
    found = correlated(x, noise(seed=2))
    assert (found.n[:, 0] == 118).all()
    assert_stated(found)


def test_sixty_measures_by_ten_outcomes_by_eight_lags_in_well_under_a_second() -> None:
    rng = np.random.default_rng(1)
    factors, outcomes = rng.standard_normal((60, 365)), rng.standard_normal((10, 365))
    correlated(factors, outcomes)
    started = time.process_time()
    correlated(factors, outcomes)
    assert time.process_time() - started < 0.8
