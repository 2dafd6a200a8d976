"""Which days of a person's window are special, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from moderation_craft.demo import truths
from moderation_craft.demo.chance import Chance
from moderation_craft.demo.trips import Trip


@dataclass(frozen=True)
class Marks:
    """The special days; the first and the last day are never among those that lack data."""

    habit_changed_on: date
    deadline: date
    fever: date
    device_not_worn: frozenset[date]
    app_not_opened: frozenset[date]
    naps: frozenset[date]
    classic: frozenset[date]
    midnight_work: frozenset[date]


def choose_marks(chance: Chance, days: Sequence[date], trip: Trip | None) -> Marks:
    """The special days of one person, all different where they would disturb one another."""
    travel = trip.travel_days if trip else frozenset()

    def is_ordinary(day: date) -> bool:
        return day not in travel and day not in (days[0], days[-1])

    def is_home_weekday(day: date) -> bool:
        return is_ordinary(day) and not (trip and trip.covers(day)) and day.weekday() < 5

    deadline = _nearest(days, 0.3 + chance.uniform(-0.06, 0.06), is_home_weekday, is_ordinary)
    fever = _nearest(
        days,
        0.76 + chance.uniform(-0.06, 0.06),
        lambda d: is_home_weekday(d) and d != deadline,
        lambda d: is_ordinary(d) and d != deadline,
    )
    inner = [day for day in days[1:-1] if day not in (deadline, fever)]
    not_worn = set(chance.some_of(inner, truths.DEVICE_NOT_WORN_SHARE))
    if len(days) >= 30:
        gap = round(0.42 * len(days))
        not_worn |= {day for day in days[gap : gap + 3] if day in inner}
    # A day without either would still be a row, but then one that nobody could tell from a fault.
    not_opened = set(chance.some_of([day for day in inner if day not in not_worn], truths.APP_NOT_OPENED_SHARE))
    full = [day for day in inner if day not in not_worn | not_opened and day not in travel] or [deadline]
    midnight = chance.some_of(full, truths.MIDNIGHT_WORK_SHARE)
    return Marks(
        habit_changed_on=days[len(days) // 2],
        deadline=deadline,
        fever=fever,
        device_not_worn=frozenset(not_worn),
        app_not_opened=frozenset(not_opened),
        naps=frozenset(chance.some_of(full, truths.NAP_SHARE)),
        classic=frozenset(
            chance.some_of([day for day in full if day not in midnight] or full, truths.CLASSIC_SHARE)
        ),
        midnight_work=frozenset(midnight),
    )


def _nearest(days: Sequence[date], share: float, *rules: Callable[[date], bool]) -> date:
    """The day nearest to a share of the window that keeps the first rule, else the next rule."""
    wanted = share * (len(days) - 1)
    for rule in rules:
        kept = [index for index, day in enumerate(days) if rule(day)]
        if kept:
            return days[min(kept, key=lambda index: (abs(index - wanted), index))]
    raise ValueError(f"no day of {days[0]} to {days[-1]} can be special: the window is too short")
