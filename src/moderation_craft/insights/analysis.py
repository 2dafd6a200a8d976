"""Fills `mart_wellness_correlation` in the warehouse file that dbt just built: one person after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from moderation_craft.errors import TransformFailed
from moderation_craft.insights import correlations
from moderation_craft.insights.correlations import METHODS, STATES, Correlations, Flags, Floats
from moderation_craft.insights.factors import DAILY, Measure, may_be_tested, own_measure
from moderation_craft.insights.promises import LAGS, TABLE
from moderation_craft.warehouse.connection import identifier

Progress = Callable[[int, int | None, str], None]

_DECIMALS, _SIGNIFICANT = 6, 6


@dataclass(frozen=True)
class Analysis:
    """What an analysis came to; `links` are pairs of measures that go together at some lag."""

    people: int
    tests: int
    links: int

    def sentence(self) -> str:
        people = "1 person" if self.people == 1 else f"{self.people} people"
        pairs = "1 pair of measures goes" if self.links == 1 else f"{self.links:,} pairs of measures go"
        return f"{self.tests:,} tests over {people}, {pairs} together"


@dataclass(frozen=True)
class Days:
    """One person's days: `values` (measures, days) with NaN where unknown, one column a civil day without gaps."""

    user_id: str
    first: date
    measures: Sequence[Measure]
    values: Floats

    @property
    def weekdays(self) -> NDArray[np.int64]:
        return (self.first.weekday() + np.arange(self.values.shape[1])) % 7


@dataclass(frozen=True)
class Tested:
    """A person's tests, and which measures stand on their axes."""

    factors: Sequence[Measure]
    outcomes: Sequence[Measure]
    found: Correlations


def analyse(warehouse: Path, progress: Progress = lambda done, total, doing: None) -> Analysis:
    """Write every person's tests in place of what the table held; TransformFailed where the file cannot be
    used."""
    try:
        with duckdb.connect(str(warehouse), config={"threads": 1}) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return _fill(connection, progress)
    except duckdb.Error as error:
        raise TransformFailed(
            f"The analysis cannot read or write {str(warehouse)!r}: {str(error).splitlines()[0]}",
            remedy="`mcraft rebuild` makes it anew from raw; the last good gold stays in place.",
        ) from error


def _fill(connection: duckdb.DuckDBPyConnection, progress: Progress) -> Analysis:
    people = connection.execute("select distinct user_id from mart_productivity_daily order by user_id").fetchall()
    tests = links = 0
    connection.execute("begin")
    connection.execute(f"delete from {TABLE}")
    for done, (user_id,) in enumerate(people):
        progress(done, len(people), "people")
        days = read_days(connection, str(user_id))
        tested = test(days)
        connection.register("found", _table(days, tested))
        connection.execute(f"insert into {TABLE} by name select * from found")
        connection.unregister("found")
        tests += int((tested.found.state == correlations.TESTED).sum())
        links += int(tested.found.linked.any(axis=0).sum())
    connection.execute("commit")
    progress(len(people), len(people), "people")
    return Analysis(len(people), tests, links)


def read_days(connection: duckdb.DuckDBPyConnection, user_id: str) -> Days:
    """A person's measures, the own ones first; those never measured are left out."""
    columns = ", ".join(f"({m.sql or identifier(m.name)})::double as {identifier(m.name)}" for m in DAILY)
    rows = connection.execute(
        f"select date, {columns} from mart_productivity_daily where user_id = ? order by date",
        [user_id],
    ).fetchnumpy()
    first = _as_date(rows["date"][0])
    daily = np.array([np.ma.filled(rows[m.name].astype(np.float64), np.nan) for m in DAILY])
    own, own_values = _own_measures(connection, user_id, first, daily.shape[1])
    measures, values = [*own, *DAILY], np.concatenate([own_values, daily])
    held = np.flatnonzero(np.isfinite(values).any(axis=1))
    return Days(user_id, first, [measures[index] for index in held], values[held])


def test(days: Days) -> Tested:
    """Every question worth asking of these days."""
    factors = [index for index, measure in enumerate(days.measures) if measure.is_factor]
    outcomes = [index for index, measure in enumerate(days.measures) if measure.is_outcome]
    wanted = np.zeros((LAGS, len(factors), len(outcomes)), dtype=np.bool_)
    for row, factor in enumerate(factors):
        for column, outcome in enumerate(outcomes):
            pair = days.measures[factor], days.measures[outcome]
            wanted[0, row, column] = may_be_tested(*pair, 0, factor_first=factor < outcome)
            wanted[1:, row, column] = may_be_tested(*pair, 1, factor_first=factor < outcome)
    found = correlations.correlate(days.values[factors], days.values[outcomes], days.weekdays, wanted)
    return Tested([days.measures[f] for f in factors], [days.measures[o] for o in outcomes], found)


def _own_measures(
    connection: duckdb.DuckDBPyConnection, user_id: str, first: date, length: int
) -> tuple[list[Measure], Floats]:
    described = connection.execute(
        "select measure, arg_max(kind, date), arg_max(unit, date), "
        "arg_max(label_en, date), arg_max(label_ja, date) "
        "from fct_daily_measures where user_id = ? group by measure order by measure",
        [user_id],
    ).fetchall()
    rows = connection.execute(
        "select measure, date - ?::date as day, value from fct_daily_measures where user_id = ?", [first, user_id]
    ).fetchall()
    place = {str(name): index for index, (name, *_) in enumerate(described)}
    values = np.full((len(described), length), np.nan)
    for name, day, value in rows:
        if 0 <= day < length:
            values[place[str(name)], day] = value
    return [own_measure(*about) for about in described], values


def _as_date(value: np.datetime64) -> date:
    return date.fromisoformat(str(value.astype("datetime64[D]")))


def _table(days: Days, tested: Tested) -> pa.Table:
    found = tested.found
    kept = _kept(found)
    method, lag, factor, outcome = np.nonzero(kept)
    is_measured = np.isfinite(found.r[kept])
    is_tested = found.state[kept] == correlations.TESTED
    needed = found.days_needed[kept]
    first = np.datetime64(days.first, "D")
    return pa.table(
        {
            "user_id": pa.array([days.user_id] * len(lag), pa.string()),
            "factor": _named([measure.name for measure in tested.factors], factor),
            "outcome": _named([measure.name for measure in tested.outcomes], outcome),
            "lag": lag.astype(np.int32),
            "method": _named(list(METHODS), method),
            "state": _named(list(STATES), found.state[kept]),
            "n": found.n[kept].astype(np.int32),
            "n_effective": np.round(found.n_effective[kept], 2),
            "r": _known(np.round(found.r[kept], _DECIMALS), is_measured),
            "ci_low": _known(np.round(found.ci_low[kept], _DECIMALS), is_tested),
            "ci_high": _known(np.round(found.ci_high[kept], _DECIMALS), is_tested),
            "p_value": _known(_significant(found.p[kept]), is_tested),
            "q_value": _known(_significant(found.q[kept]), is_tested),
            "weekday_adjusted": np.ones(len(lag), dtype=np.bool_),
            "as_of_date": pa.array(first + found.last_day[kept].astype("timedelta64[D]")),
            "days_needed": _known(needed.astype(np.int32), needed >= 0),
        }
    )


def _kept(found: Correlations) -> Flags:
    """Every test with at least one common day."""
    kept: Flags = (found.state != correlations.UNWANTED) & (found.n > 0)
    return kept


def _named(names: Sequence[str], index: NDArray[np.integer]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(names, pa.string())).cast(
        pa.string()
    )


def _known(values: NDArray[np.generic], is_known: Flags) -> pa.Array:
    return pa.array(values, mask=~is_known)


def _significant(values: Floats) -> Floats:
    """Rounded to six figures, so that the last bits of another machine's arithmetic do not show."""
    size = np.floor(np.log10(np.where(values > 1e-290, values, 1.0)))
    scale = 10.0 ** (_SIGNIFICANT - 1 - size)
    return np.where(values > 1e-290, np.round(values * scale) / scale, np.where(np.isnan(values), np.nan, 0.0))
