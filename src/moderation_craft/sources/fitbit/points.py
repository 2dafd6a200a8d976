"""Answers of the Google Health API, read as far as their pages and their points' civil days need it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from moderation_craft.errors import SchemaChanged
from moderation_craft.sources.fitbit.streams import HealthStream


class Page(msgspec.Struct):
    """One page; an empty one may carry a token, and the last may be `{}`."""

    dataPoints: list[msgspec.Raw] = []
    rollupDataPoints: list[msgspec.Raw] = []
    nextPageToken: str = ""

    @property
    def points(self) -> list[msgspec.Raw]:
        return self.dataPoints or self.rollupDataPoints


class _Date(msgspec.Struct):
    year: int
    month: int
    day: int

    def as_date(self) -> date:
        return date(self.year, self.month, self.day)


class _Civil(msgspec.Struct):
    date: _Date


class _Interval(msgspec.Struct):
    startTime: str = ""
    endTime: str = ""
    startUtcOffset: str = "0s"
    endUtcOffset: str = "0s"


class _Sample(msgspec.Struct):
    physicalTime: str
    utcOffset: str = "0s"


class _Value(msgspec.Struct):
    """As much of a point's value as dates it."""

    date: _Date | None = None
    interval: _Interval | None = None
    sampleTime: _Sample | None = None


def civil_date(point: bytes, stream: HealthStream) -> date:
    """The day a point is about, in the zone of its own offset: for sleep that of waking, else its start's."""
    try:
        fields = msgspec.json.decode(point, type=dict[str, msgspec.Raw])
        if stream.method == "dailyRollUp":
            return msgspec.json.decode(fields["civilStartTime"], type=_Civil).date.as_date()
        value = msgspec.json.decode(fields[stream.field], type=_Value)
        if value.date:
            return value.date.as_date()
        if value.sampleTime:
            return _local(value.sampleTime.physicalTime, value.sampleTime.utcOffset).date()
        if value.interval:
            begun = (value.interval.startTime, value.interval.startUtcOffset)
            ended = (value.interval.endTime, value.interval.endUtcOffset)
            return _local(*(ended if stream.entity == "sleep" else begun)).date()
        reason = "it has no date"
    except KeyError as error:
        reason = f"it has no {error}"
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        reason = str(error)
    raise SchemaChanged(
        f"A {stream.name} point of Google Health cannot be dated: {reason}.",
        remedy="the days stay open; upgrade moderation-craft, or report this if yours is the newest.",
    )


def _local(instant: str, offset: str) -> datetime:
    moment = datetime.fromisoformat(instant).replace(tzinfo=None)
    return moment + timedelta(seconds=float(offset.removesuffix("s")))
