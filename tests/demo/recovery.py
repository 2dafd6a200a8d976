"""Daily series read back from what the demo offers, and a least-squares fit: independent of the generator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from statistics import fmean
from zoneinfo import ZoneInfo

from moderation_craft.demo.attributes import Item
from moderation_craft.demo.people import DemoPerson

Series = Mapping[date, float]


def value(item: Item, name: str) -> str | None:
    """An attribute's text, were it written as text or as a number."""
    held: dict[str, str] = item.get(name, {})
    return held.get("S", held.get("N"))


def records(person: DemoPerson, kind: str) -> list[Item]:
    """The person's entities of one kind, each once, the newest row; those without id or readable time left out."""
    newest: dict[str, Item] = {}
    for item in person.items:
        id_ = value(item, "id")
        if value(item, "entity_type") != kind or id_ is None:
            continue
        if id_ not in newest or str(value(item, "updated_at")) > str(value(newest[id_], "updated_at")):
            newest[id_] = item
    return list(newest.values())


@cache
def _places(person: DemoPerson) -> list[tuple[date, str]]:
    profile = next(item for item in person.items if value(item, "entity_type") == "user")
    places = [place["M"] for place in profile["preferences"]["M"]["places"]["L"]]
    return [(date.fromisoformat(place["since"]["S"]), place["timezone"]["S"]) for place in places]


def zone_on(person: DemoPerson, day: date) -> str:
    """The zone of the person's place on a day, by the profile's places."""
    return [zone for since, zone in _places(person) if since <= day][-1]


def day_of(person: DemoPerson, instant: datetime) -> date:
    """The civil day of an instant where the person was: the one day whose own zone shows it."""
    around = [instant.date() + timedelta(days=offset) for offset in (-1, 0, 1)]
    found = [d for d in around if instant.astimezone(ZoneInfo(zone_on(person, d))).date() == d]
    assert len(found) == 1, f"{instant} belongs to {found}"
    return found[0]


@cache
def sessions_by_day(person: DemoPerson) -> dict[date, list[Item]]:
    days: dict[date, list[Item]] = defaultdict(list)
    for item in records(person, "work_session"):
        try:
            start = datetime.fromisoformat(str(value(item, "start_time")))
        except ValueError:
            continue
        days[day_of(person, start)].append(item)
    return days


def focus(person: DemoPerson) -> dict[date, float]:
    return {
        day: fmean(float(str(value(item, "focus_level"))) for item in items)
        for day, items in sessions_by_day(person).items()
    }


def work_minutes(person: DemoPerson) -> dict[date, float]:
    def minutes(item: Item) -> float:
        seconds = value(item, "duration_seconds")
        return float(seconds) / 60 if seconds else float(value(item, "duration_minutes") or 0)

    return {day: sum(map(minutes, items)) for day, items in sessions_by_day(person).items()}


def mood(person: DemoPerson) -> dict[date, float]:
    days: dict[date, list[float]] = defaultdict(list)
    for item in records(person, "mood_entry"):
        at = datetime.fromisoformat(str(value(item, "timestamp")))
        days[day_of(person, at)].append(float(str(value(item, "mood_level"))))
    return {day: fmean(levels) for day, levels in days.items()}


def asleep_hours(person: DemoPerson) -> dict[date, float]:
    """Main sleep by the day of waking in its own offset; a repeated log counts once."""
    found = {}
    for night in {night.log_id: night for night in person.health.nights}.values():
        if night.is_main:
            asleep = [
                (end - start) for kind, start, end in night.stages if kind in ("LIGHT", "DEEP", "REM", "ASLEEP")
            ]
            found[night.civil_end.date()] = sum(asleep, timedelta()).total_seconds() / 3600
    return found


def measure(person: DemoPerson, column: int) -> dict[date, float]:
    """A column of the spreadsheet; yes and no as 1 and 0."""
    words = {"yes": 1.0, "no": 0.0}
    return {
        date.fromisoformat(row[0]): words[row[column]] if row[column] in words else float(row[column])
        for row in person.measure_rows
        if row[column]
    }


def lagged(series: Series, days: int) -> dict[date, float]:
    return {day + timedelta(days=days): amount for day, amount in series.items()}


def fit(outcome: Series, *factors: Series, skip: Sequence[date] = ()) -> list[tuple[float, float]]:
    """Slope and standard error of each factor by least squares, weekdays taken out of both sides."""
    days = sorted(set(outcome).intersection(*factors) - set(skip))
    y = _without_weekday(days, outcome)
    x = [_without_weekday(days, factor) for factor in factors]
    inverse = _inverse([[_dot(a, b) for b in x] for a in x])
    slopes = [_dot(row, [_dot(a, y) for a in x]) for row in inverse]
    rest = [yi - sum(b * xi[i] for b, xi in zip(slopes, x, strict=True)) for i, yi in enumerate(y)]
    variance = _dot(rest, rest) / (len(days) - len(factors) - 7)
    return [(slope, (variance * inverse[i][i]) ** 0.5) for i, slope in enumerate(slopes)]


def _without_weekday(days: Sequence[date], series: Series) -> list[float]:
    groups: dict[int, list[float]] = defaultdict(list)
    for day in days:
        groups[day.weekday()].append(series[day])
    means = {weekday: fmean(values) for weekday, values in groups.items()}
    return [series[day] - means[day.weekday()] for day in days]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(p * q for p, q in zip(a, b, strict=True))


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    size = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        rows[i] = [cell / rows[i][i] for cell in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[size:] for row in rows]
