"""What every outside source holds and lacks of everybody: what the pages, `mcraft sources` and status show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from moderation_craft.clock import today_in
from moderation_craft.errors import SetupError
from moderation_craft.lake import Lake
from moderation_craft.pipeline.people import find_people
from moderation_craft.settings import Settings
from moderation_craft.sources import registry
from moderation_craft.sources.contract import Person, Source
from moderation_craft.sources.held import Held
from moderation_craft.sources.states import SourceStates, State, states_of
from moderation_craft.warehouse.declared import AskedStream

EARLIEST = date(1990, 1, 1)
LACKING: tuple[State, ...] = ("partial", "missing", "refused")


@dataclass(frozen=True)
class Holding:
    """One source and the states of those who have it or could have it, by person's id."""

    source: Source
    people: list[SourceStates]

    @property
    def lacking_days(self) -> int:
        """Days that lack something, added up over people."""
        return sum(person.counts.get(state, 0) for person in self.people for state in LACKING)


def holdings(
    lake: Lake,
    settings: Settings,
    *,
    names: Iterable[str] = (),
    user_id: str | None = None,
    window: tuple[date, date] | None = None,
) -> list[Holding]:
    """Each source (of those named, else all) over everybody or one person; SetupError where there is none such.

    A day is expected from `history_days` ago on, or from the first that is held.
    """
    sources = wanted(registry.build_sources(settings, lake.clock), tuple(names))
    people = {person.user_id: person for person in find_people(lake, settings)}
    expected_from = today_in(lake.clock, settings.timezone) - timedelta(days=settings.history_days)
    found, known_ids = [], set(people)
    for source in sources:
        held = Held.read(lake, source.name)
        known_ids |= {held_user for _, held_user in held.days}
        asked = {held_user: Person(held_user, settings.timezone) for _, held_user in held.days} | people
        states = [
            states_of(lake, source, asked[each], held, expected_from=expected_from, window=window)
            for each in sorted(asked)
            if user_id in (None, each)
        ]
        found.append(Holding(source, states))
    if user_id is not None and user_id not in known_ids:
        raise unknown_person(user_id, known_ids)
    return found


def asked_streams(lake: Lake, settings: Settings) -> list[AskedStream]:
    """The streams that completeness is measured against."""
    return [
        AskedStream(source.name, stream.name, stream.shape, stream.is_optional)
        for source in registry.build_sources(settings, lake.clock)
        for stream in source.streams
    ]


def fetch_window(lake: Lake, settings: Settings, first: date | None, last: date | None) -> tuple[date, date]:
    """The days to fetch, an open end filled in; SetupError where an end can be nobody's day."""
    today = today_in(lake.clock, settings.timezone)
    last_day = last or max(today, first or today)
    first_day = first or min(today - timedelta(days=settings.history_days), last_day)
    if first_day < EARLIEST or last_day > today + timedelta(days=1):
        raise SetupError(
            f"Days from {first_day} to {last_day} cannot be fetched.",
            remedy=f"give days between {EARLIEST} and today.",
        )
    return first_day, last_day


def wanted(sources: list[Source], names: tuple[str, ...]) -> list[Source]:
    """The sources of these names, all where none is named; SetupError where one is unknown."""
    known = {source.name: source for source in sources}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SetupError(f"There is no source {unknown[0]!r}.", remedy=f"there are: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)] if names else sources


def wanted_people(people: list[Person], user_id: str | None) -> list[Person]:
    """That person alone, everybody where none is named; SetupError where nobody is called so."""
    if user_id is None:
        return people
    found = [person for person in people if person.user_id == user_id]
    if not found:
        raise unknown_person(user_id, {person.user_id for person in people})
    return found


def unknown_person(user_id: str, known: set[str]) -> SetupError:
    there = ", ".join(sorted(known)[:20])
    return SetupError(
        f"Nobody is called {user_id!r} here.",
        remedy=f"there are: {there}."
        if there
        else "export the app's data first, or name the person in the settings.",
    )
