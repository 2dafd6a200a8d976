"""The answers of Fitbit's Web API (gone since 2026-11-02) that people kept: what they are, and on which days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from moderation_craft.sources.fitbit.archive_days import DayPiece
from moderation_craft.sources.fitbit.archive_files import FileRefused
from moderation_craft.sources.fitbit.archive_streams import ARCHIVE_STREAMS, ArchiveStream, Entity
from moderation_craft.sources.fitbit.archive_times import ZoneOf, parse_time

PREFIX: Final = "legacy-"


@dataclass(frozen=True)
class Answer:
    """One endpoint's answer: the member that holds its records, and the field that dates one."""

    member: str
    name: str
    time_field: str
    entity: Entity
    description: str

    @property
    def stream(self) -> str:
        return PREFIX + self.name

    @property
    def is_dense(self) -> bool:
        return False


def _series(resource: str, description: str) -> Answer:
    return Answer(f"activities-{resource}", f"activities-{resource.lower()}", "dateTime", "days", description)


LOG_LIST: Final = Answer("activities", "activities-list", "startTime", "exercises", "exercises")
DAY_SUMMARY: Final = Answer("summary", "activities-date", "", "days", "a day's activity summary")

ANSWERS: Final = {
    answer.member: answer
    for answer in (
        Answer("sleep", "sleep", "dateOfSleep", "sleep", "sleep logs with their stages"),
        _series("steps", "steps of the day"),
        _series("distance", "distance of the day, in kilometres"),
        _series("floors", "floors of the day"),
        _series("calories", "energy of the day, in kilocalories"),
        _series("minutesSedentary", "minutes without moving"),
        _series("minutesLightlyActive", "minutes of light activity"),
        _series("minutesFairlyActive", "minutes of moderate activity"),
        _series("minutesVeryActive", "minutes of vigorous activity"),
        _series("active-zone-minutes", "active zone minutes"),
        _series("heart", "resting heart rate, zones"),
        Answer("hrv", "hrv", "dateTime", "days", "heart rate variability of the night"),
        Answer("br", "br", "dateTime", "days", "breathing rate of the night"),
        Answer("spo2", "spo2", "dateTime", "days", "blood oxygen of the night"),
        Answer("tempSkin", "temp-skin", "dateTime", "days", "skin temperature against its baseline"),
        Answer("weight", "body-weight", "date", "days", "weight, in kilograms"),
    )
}
LEGACY_STREAMS: Final = {answer.stream: answer for answer in (*ANSWERS.values(), LOG_LIST, DAY_SUMMARY)}

_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)")


def archive_or_answer(stream: str) -> ArchiveStream | Answer | None:
    """What a raw stream of fitbit is; None for one of the live source."""
    return ARCHIVE_STREAMS.get(stream) or LEGACY_STREAMS.get(stream)


def split_answer(text: bytes, file: str, zone_of: ZoneOf) -> Iterator[tuple[Answer, DayPiece]]:
    """An answer cut to its days: `{"sleep":[…]}` with the records of that day; FileRefused where it is none.

    An answer about one day alone keeps all that it says (its intraday data, its summary).
    """
    try:
        compact = msgspec.json.format(text, indent=-1)
        members = msgspec.json.decode(compact, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise FileRefused(f"it is no answer of the Web API: {error}") from error
    members, told = _unwrapped(members)
    answer = _kind(members)
    if answer is DAY_SUMMARY:
        day = told or _day_in(file)
        if day is None:
            raise FileRefused("it is a day's summary, but neither it nor its file's name says of which day")
        yield answer, DayPiece(day, zone_of(day), _object(members), 1)
        return
    yield from _by_day(answer, members, zone_of)


def _unwrapped(members: dict[str, msgspec.Raw]) -> tuple[dict[str, msgspec.Raw], date | None]:
    """An answer that was kept in an envelope (`{"source": …, "date": …, "data": {…}}`), and the day it names."""
    if "data" not in members or not {"source", "stream", "endpoint", "fetched_at"} & members.keys():
        return members, None
    try:
        inner = msgspec.json.decode(members["data"], type=dict[str, msgspec.Raw])
        day = msgspec.json.decode(members["date"], type=str) if "date" in members else ""
    except msgspec.DecodeError as error:
        raise FileRefused(f"its `data` is no answer of the Web API: {error}") from error
    return inner, _day_in(day)


def _kind(members: dict[str, msgspec.Raw]) -> Answer:
    found = [answer for member, answer in ANSWERS.items() if member in members]
    if found:
        return found[0]
    if "activities" in members and "summary" not in members:
        return LOG_LIST
    if "summary" in members:
        return DAY_SUMMARY
    if {"dateTime", "value"} <= members.keys():
        return ANSWERS["spo2"]
    raise FileRefused(
        f"it is no known answer of the Web API: it holds {', '.join(sorted(members)[:5]) or 'nothing'}"
    )


def _by_day(answer: Answer, members: dict[str, msgspec.Raw], zone_of: ZoneOf) -> Iterator[tuple[Answer, DayPiece]]:
    raw = members.get(answer.member)
    try:
        records = (
            [msgspec.Raw(_object(members))] if raw is None else msgspec.json.decode(raw, type=list[msgspec.Raw])
        )
    except msgspec.DecodeError as error:
        raise FileRefused(f"its `{answer.member}` is no list: {error}") from error
    days: dict[date, list[msgspec.Raw]] = {}
    for record in records:
        days.setdefault(_day_of(answer, record), []).append(record)
    for day, theirs in sorted(days.items()):
        whole = {answer.member: b"[%b]" % b",".join(theirs)}
        if len(days) == 1 and raw is not None:
            whole = {name: bytes(text) for name, text in members.items()} | whole
        data = _object({name: msgspec.Raw(text) for name, text in whole.items()})
        yield answer, DayPiece(day, zone_of(day), data, len(theirs))


def _day_of(answer: Answer, record: msgspec.Raw) -> date:
    try:
        found = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
        text = msgspec.json.decode(found[answer.time_field], type=str)
    except (msgspec.DecodeError, KeyError) as error:
        raise FileRefused(f"a record has no {answer.time_field!r}") from error
    moment = parse_time(text[:19] if answer is LOG_LIST else text)
    if moment is None:
        raise FileRefused(f"its {answer.time_field} {text!r} is no time")
    return moment.date()


def _day_in(text: str) -> date | None:
    found = _DATE.search(text)
    moment = parse_time(found[1]) if found else None
    return moment.date() if moment else None


def _object(members: dict[str, msgspec.Raw]) -> bytes:
    return b"{%b}" % b",".join(b"%b:%b" % (msgspec.json.encode(name), bytes(raw)) for name, raw in members.items())
