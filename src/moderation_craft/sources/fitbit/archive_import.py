"""What imports of archives have in common: what they tell, whom they refuse, in which zones they read."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import msgspec

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Refusal
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fitbit.archive_files import Archive, ArchiveFile, FileRefused
from moderation_craft.sources.fitbit.archive_parts import SOURCE, Written
from moderation_craft.sources.fitbit.archive_times import ZoneOf

MAX_KEPT_BYTES: Final = 64 * 1024 * 1024
"""Of a refused file this much is kept in quarantine: whole, but for a huge one."""


@dataclass
class ImportResult:
    """What an import did; `left_out` counts files by reason, `streams` tells what each stream came to."""

    name: str
    user_id: str
    timezone: str
    streams: dict[str, Written] = field(default_factory=dict)
    files: int = 0
    unchanged_files: int = 0
    refused_files: int = 0
    refused_elements: int = 0
    first_refusal: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    left_out_examples: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)

    @property
    def new_days(self) -> int:
        return sum(written.new_days for written in self.streams.values())

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day of which anything was read."""
        firsts = [written.first_day for written in self.streams.values() if written.first_day]
        lasts = [written.last_day for written in self.streams.values() if written.last_day]
        return (min(firsts), max(lasts)) if firsts else None

    def sentence(self) -> str:
        refused = f", {self.refused_files:,} files refused" if self.refused_files else ""
        if not self.new_days:
            return f"{self.name}: everything in it is held already; nothing to do{refused}"
        first, last = self.days or (None, None)
        held = f", {self.unchanged_files:,} of them held already" if self.unchanged_files else ""
        return (
            f"{self.name}: {self.files:,} files{held}, {len(self.streams)} kinds of data, {first} to {last}, "
            f"for {self.user_id} in {self.timezone}{refused}"
        )

    def details(self) -> list[str]:
        """What a person should know of it besides, a line each."""
        told = list(self.notes)
        if self.first_refusal:
            count = self.refused_files + self.refused_elements
            told.append(f"{count:,} refused, in quarantine whole; the first: {self.first_refusal}")
        for reason, count in self.left_out.most_common():
            if count:
                example = self.left_out_examples.get(reason)
                told.append(f"left out: {count:,} files, {reason}" + (f" ({example} …)" if example else ""))
        return told

    def refuse(self, reason: str) -> None:
        self.first_refusal = self.first_refusal or reason


def zones_of(person: Person, home: str) -> tuple[ZoneOf, str]:
    """Where a person was on a day (a place of theirs, else at home), and a digest that changes when that does."""

    def zone_of(day: date) -> str:
        place = person.place_on(day)
        return place.timezone if place else home

    told = [home, [(str(place.since), place.timezone) for place in person.places]]
    return zone_of, hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def refusal_of(archive: Archive, file: ArchiveFile, reason: str, record: str) -> Refusal:
    return Refusal(
        source=SOURCE,
        dt=archive.exported_at.date(),
        code=RecordInvalid.code,
        reason=reason,
        origin=f"{archive.name}: {file.path}",
        record=record,
    )


def kept_text(file: ArchiveFile) -> str:
    """A refused file's content for quarantine; bytes that are no text are shown escaped."""
    kept, size = [], 0
    try:
        for chunk in file.chunks():
            kept.append(chunk)
            size += len(chunk)
            if size >= MAX_KEPT_BYTES:
                break
    except FileRefused:
        pass  # what could be unpacked before the damage is kept
    return b"".join(kept)[:MAX_KEPT_BYTES].decode(errors="backslashreplace")
