"""False findings, power and cost of the correlations (`make bench-insights`; the tables stand in
docs/insights.md).

People are simulated: every series has a memory (AR(1)) and shares one weekend effect, as work, coffee and steps
do.
"""

from __future__ import annotations

import os
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from moderation_craft.insights import correlations
from moderation_craft.insights.correlations import Correlations, Flags, Floats
from moderation_craft.insights.promises import FALSE_DISCOVERY_RATE as RATE
from moderation_craft.insights.promises import LAGS

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "200"))
DAYS, TESTS, MEMORY, WEEKEND = 120, 58, 0.6, 1.0
LINK = 0.35
SEED = 20261123

Method = Callable[[Floats, Floats], Flags]


@dataclass(frozen=True)
class Person:
    """Series (factors, days) and (outcomes, days), the days' weekdays, and which tests are made."""

    factors: Floats
    outcomes: Floats
    wanted: Flags

    @property
    def weekdays(self) -> NDArray[np.int64]:
        return np.arange(self.factors.shape[1]) % 7

    def correlate(self) -> Correlations:
        return correlations.correlate(self.factors, self.outcomes, self.weekdays, self.wanted)


def autoregressive(rng: np.random.Generator, series: int, days: int, memory: float) -> Floats:
    """Stationary AR(1) series of unit variance: (series, days)."""
    noise = rng.standard_normal((series, days))
    noise[:, 1:] *= np.sqrt(1 - memory**2)
    for day in range(1, days):
        noise[:, day] += memory * noise[:, day - 1]
    return noise


def unlinked_person(rng: np.random.Generator, days: int = DAYS, memory: float = MEMORY) -> Person:
    """Nothing is linked: 58 tests (8 lags of 8 factors and one outcome, less six), weekends in all series."""
    weekend = WEEKEND * (np.arange(days) % 7 >= 5)
    wanted = np.arange(LAGS * 8).reshape(LAGS, 8, 1) < TESTS
    factors = autoregressive(rng, 8, days, memory) + weekend
    return Person(factors, autoregressive(rng, 1, days, memory) + weekend, wanted)


def linked_person(rng: np.random.Generator, days: int, memory: float) -> Person:
    """As `unlinked_person`, but the first factor goes with the outcome at lag 0 with a true correlation of
    LINK."""
    person = unlinked_person(rng, days, memory)
    weekend = WEEKEND * (np.arange(days) % 7 >= 5)
    own = autoregressive(rng, 1, days, memory)
    outcome = LINK * (person.factors[:1] - weekend) + np.sqrt(1 - LINK**2) * own + weekend
    return Person(person.factors, outcome, person.wanted)


def plain_p_values(person: Person) -> Floats:
    """What is usually done: Pearson's p of each pair and lag, days taken as independent; in the order of
    `wanted`."""
    found = []
    for lag, factor, outcome in np.argwhere(person.wanted):
        days = person.factors.shape[1]
        x, y = person.factors[factor, : days - lag], person.outcomes[outcome, lag:]
        found.append(float(stats.pearsonr(x, y).pvalue))
    return np.array(found)


WAYS: dict[str, Callable[[Person, Correlations], int]] = {
    "plain Pearson, p < .05": lambda person, _: int((plain_p_values(person) < 0.05).sum()),
    "plain Pearson, Benjamini-Hochberg": lambda person, _: int(
        (stats.false_discovery_control(plain_p_values(person)) <= RATE).sum()
    ),
    "ours, p < .05 alone (Pearson)": lambda _, found: int((found.p[0] < 0.05).sum()),
    "ours, Pearson's q alone": lambda _, found: int((found.q[0] <= RATE).sum()),
    "ours, Spearman's q alone": lambda _, found: int((found.q[1] <= RATE).sum()),
    "ours, either q": lambda _, found: int((found.q <= RATE).any(axis=0).sum()),
    "**ours: both q, as told to people**": lambda _, found: int(found.linked.sum()),
}


def false_findings(days: int = DAYS, memory: float = MEMORY, people: int = PEOPLE) -> dict[str, list[int]]:
    """False findings of each person, by way."""
    rng = np.random.default_rng(SEED)
    counts: dict[str, list[int]] = {name: [] for name in WAYS}
    for _ in range(people):
        person = unlinked_person(rng, days, memory)
        found = person.correlate()
        for name, way in WAYS.items():
            counts[name].append(way(person, found))
    return counts


def power(days: int, memory: float, people: int) -> tuple[float, float, float, float]:
    """Share of people whose true link is found: by Pearson's p < .05, Spearman's p, as told (58 tests), days'
    worth."""
    rng = np.random.default_rng(SEED)
    found = [linked_person(rng, days, memory).correlate() for _ in range(people)]
    pearson, spearman = (float(np.mean([each.p[m, 0, 0, 0] < 0.05 for each in found])) for m in (0, 1))
    told = float(np.mean([bool(each.linked[0, 0, 0]) for each in found]))
    return pearson, spearman, told, float(np.median([each.n_effective[0, 0, 0, 0] for each in found]))


def cost(factors: int, outcomes: int, days: int, people: int) -> float:
    """CPU seconds for so many people."""
    rng = np.random.default_rng(SEED)
    weekdays = np.arange(days) % 7
    wanted = np.ones((LAGS, factors, outcomes), dtype=np.bool_)
    series = [autoregressive(rng, factors + outcomes, days, MEMORY) for _ in range(min(people, 20))]
    for each in series:
        each[rng.random(each.shape) < 0.1] = np.nan
    started = time.process_time()
    for index in range(people):
        held = series[index % len(series)]
        correlations.correlate(held[:factors], held[factors:], weekdays, wanted)
    return time.process_time() - started


def _false_table() -> Iterator[str]:
    settings = f"{DAYS} days, AR(1) {MEMORY}, weekends"
    yield f"False findings over {PEOPLE} people x {TESTS} tests without any link ({settings}):"
    yield ""
    yield "| way | mean a person | people told at least one |"
    yield "| --- | ---: | ---: |"
    for name, counts in false_findings().items():
        yield f"| {name} | {np.mean(counts):.3f} | {np.mean(np.array(counts) > 0):.1%} |"


def _rate_table() -> Iterator[str]:
    yield "Rate of p < .05 where nothing is linked (should be 5 %), Pearson / Spearman:"
    yield ""
    yield "| days | memory 0 | 0.3 | 0.6 | 0.85 |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for days in (30, 60, 120, 365):
        yield f"| {days} | {' | '.join(_rates(days, memory) for memory in (0.0, 0.3, 0.6, 0.85))} |"


def _rates(days: int, memory: float) -> str:
    rng = np.random.default_rng(SEED)
    p = np.stack([unlinked_person(rng, days, memory).correlate().p for _ in range(PEOPLE)])
    tested = np.isfinite(p)
    if tested.sum() < 500:
        return "–"
    return " / ".join(f"{(p[:, m][tested[:, m]] < 0.05).mean():.1%}" for m in (0, 1))


def _power_table() -> Iterator[str]:
    yield f"Power: people whose true link of r = {LINK} is found ({PEOPLE * 5} people each):"
    yield ""
    yield "| days | memory | days' worth | one test, Pearson p < .05 | Spearman p < .05 | told, among 58 tests |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: |"
    for days, memory in ((60, 0.3), (120, 0.0), (120, 0.3), (120, 0.6), (240, 0.6), (365, 0.6)):
        pearson, spearman, told, worth = power(days, memory, PEOPLE * 5)
        yield f"| {days} | {memory} | {worth:.0f} | {pearson:.0%} | {spearman:.0%} | {told:.0%} |"


def _cost_table() -> Iterator[str]:
    yield "Cost (CPU seconds, both methods, 10 % of values missing):"
    yield ""
    yield "| measures x outcomes x lags | days | people | CPU s | tests |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for factors, outcomes, days, people in ((60, 10, 700, 1), (25, 9, 180, 1000)):
        seconds = cost(factors, outcomes, days, people)
        tests = factors * outcomes * LAGS * 2 * people
        yield f"| {factors} x {outcomes} x {LAGS} | {days} | {people:,} | {seconds:.2f} | {tests:,} |"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield ""
    yield f"Peak memory of the whole benchmark: {peak:.0f} MB."


def main() -> None:
    warnings.simplefilter("error")
    for table in (_false_table, _rate_table, _power_table, _cost_table):
        print("\n".join(table()), "\n", sep="", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
