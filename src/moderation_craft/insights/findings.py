"""What the tests came to for each person: the links found, and in one sentence each what they say and do not say.

A link is told where BOTH methods pass the rate at the same lag with one sign: ranks alone are moved by ties,
values alone by one single day (a fever, a slip of the keys). The words are those of association, whatever the
figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import msgspec

from moderation_craft.errors import SetupError
from moderation_craft.insights.factors import DAILY, OWN_PREFIX
from moderation_craft.insights.promises import FALSE_DISCOVERY_RATE, REFERENCE_LINK, TABLE
from moderation_craft.lake import Lake
from moderation_craft.warehouse.gold import Gold


class Finding(msgspec.Struct, frozen=True, rename="camel"):
    """A pair of measures that go together, at its surest lag (days); r, interval and effective days are of the
    ranks.

    `r_pearson` is of the values, `q_value` the larger of the two methods', `other_lags` where else the pair is
    linked.
    """

    user_id: str
    factor: str
    outcome: str
    lag: int
    r: float
    ci_low: float
    ci_high: float
    r_pearson: float
    n: int
    n_effective: float
    q_value: float
    as_of_date: date
    other_lags: list[int]
    sentence: str = ""


class PersonFindings(msgspec.Struct, frozen=True, rename="camel"):
    """One person's links, the surest first; `days_needed` about how many days more the typical open test needs."""

    user_id: str
    tests: int
    findings: list[Finding]
    days_needed: int | None
    summary: str


_LINKS = f"""
    with tested as (
        select * from {TABLE} where state = 'tested' and (? is null or user_id = ?)
    ),
    linked as (
        select s.*, p.r as r_pearson, greatest(s.q_value, p.q_value) as worst_q
        from tested as s
        inner join tested as p using (user_id, factor, outcome, lag)
        where s.method = 'spearman' and p.method = 'pearson' and sign(s.r) = sign(p.r)
    ),
    found as (
        select
            *,
            list(lag) over (partition by user_id, factor, outcome) as lags,
            row_number() over (partition by user_id, factor, outcome order by worst_q, lag) as place
        from linked where worst_q <= {FALSE_DISCOVERY_RATE}
    )
    select
        user_id, factor, outcome, lag, r, ci_low, ci_high, r_pearson, n, n_effective, worst_q, as_of_date,
        list_sort(list_filter(lags, lambda other: other <> lag)) as other_lags
    from found where place = 1 order by user_id, worst_q, factor, outcome
"""

_PEOPLE = f"""
    select
        user_id,
        count(*) filter (where state = 'tested'),
        median(days_needed) filter (where state in ('tested', 'too_short'))
    from {TABLE} where ? is null or user_id = ? group by user_id order by user_id
"""


def read_findings(lake: Lake, user_id: str | None = None) -> list[PersonFindings]:
    """Each person's links out of gold; SetupError where gold has no analysis yet or nobody of that name."""
    gold = Gold.open(lake)
    if TABLE not in gold.marts:
        raise SetupError("The published gold has no analysis yet.", remedy="`mcraft run` analyses and publishes.")
    known = [person.user_id for person in gold.people]
    if user_id is not None and user_id not in known:
        raise SetupError(
            f"There is nobody called {user_id!r}.", remedy=f"there are: {', '.join(known) or 'none'}."
        )
    with gold.connect() as connection:
        labels = _own_labels(connection)
        found = [Finding(*row) for row in connection.execute(_LINKS, [user_id, user_id]).fetchall()]
        people = connection.execute(_PEOPLE, [user_id, user_id]).fetchall()
    told = [msgspec.structs.replace(each, sentence=_sentence(each, labels)) for each in found]
    return [
        _person(str(user), int(tests), needed, [each for each in told if each.user_id == user])
        for user, tests, needed in people
    ]


def _own_labels(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """English labels of own measures by person and name."""
    rows = connection.execute(
        "select user_id, measure, arg_max(label_en, date) from fct_daily_measures group by all"
    ).fetchall()
    return {(str(user), str(measure)): str(label or measure) for user, measure, label in rows}


def _person(user_id: str, tests: int, needed: float | None, findings: Sequence[Finding]) -> PersonFindings:
    days = None if needed is None else round(needed)
    return PersonFindings(user_id, tests, list(findings), days, _summary(tests, len(findings), days))


def _summary(tests: int, found: int, days: int | None) -> str:
    """How many links, or that there is none yet and what would help."""
    if found:
        pairs = "1 pair of measures goes" if found == 1 else f"{found} pairs of measures go"
        return f"{tests:,} tests; {pairs} together reliably (of 100 such, about 5 may be chance)."
    if days is None:
        return "No reliable link: nothing varies enough, or overlaps enough, to be tested."
    if days == 0:
        return (
            f"{tests:,} tests; no reliable link. There are days enough to find one of r = {REFERENCE_LINK}: "
            "what there is, is probably weaker."
        )
    return f"{tests:,} tests; no reliable link yet; about {about(days):,} more days are needed."


def about(days: int) -> int:
    """A number of days as one says it: to the day under ten, then to fives, tens and fifties, rounded up."""
    step = 1 if days < 10 else 5 if days < 50 else 10 if days < 200 else 50
    return -(-days // step) * step


def _sentence(finding: Finding, labels: dict[tuple[str, str], str]) -> str:
    factor, outcome = (_label(finding.user_id, name, labels) for name in (finding.factor, finding.outcome))
    direction = "higher" if finding.r > 0 else "lower"
    return (
        f"Where {factor} was higher, {outcome} tended to be {direction} {_when(finding.lag)}: "
        f"r = {finding.r:+.2f} (95 % interval {finding.ci_low:+.2f} to {finding.ci_high:+.2f}), "
        f"{finding.n} days worth {finding.n_effective:.0f}, {_q(finding.q_value)}, lag {finding.lag}."
    )


def _label(user_id: str, name: str, labels: dict[tuple[str, str], str]) -> str:
    daily = {measure.name: measure.label_en for measure in DAILY}
    own = labels.get((user_id, name.removeprefix(OWN_PREFIX)), name)
    return f"{daily.get(name) or own} ({name})"


def _when(lag: int) -> str:
    return {0: "the same day", 1: "the next day"}.get(lag, f"{lag} days later")


def _q(value: float) -> str:
    return "q < 0.001" if value < 0.001 else f"q = {value:.3f}"
