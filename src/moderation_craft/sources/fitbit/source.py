"""Fitbit through the Google Health API v4: sleep, activity and vitals, one record a civil day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec

from moderation_craft.clock import Clock
from moderation_craft.errors import AuthFailed, McraftError, SchemaChanged
from moderation_craft.logs import get_logger
from moderation_craft.settings import Settings
from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.http import Http, Reply

log = get_logger("sources.fitbit")

API_VERSION = "v4"
REQUESTS_PER_MINUTE = 300
SCOPES = "https://www.googleapis.com/auth/googlehealth."
CONNECT_REMEDY = (
    "put a fresh Google Health access token for this person into MCRAFT_FITBIT__ACCESS_TOKENS "
    '(JSON, {"person": "token"}), with the scopes for sleep, activity and fitness, and health metrics.'
)

TokenOf = Callable[[Person], str | None]


@dataclass(frozen=True)
class HealthStream(Stream):
    """A data type of the API, how it is asked for, and under which scope it is given.

    `filter_member` is what a list may be filtered by; a dailyRollUp takes a range instead.
    """

    method: Literal["list", "dailyRollUp"] = "list"
    filter_member: str = ""
    scope: str = ""
    open_days: int = 7  # a tracker that was out of reach brings its days late


ACTIVITY = SCOPES + "activity_and_fitness.readonly"
METRICS = SCOPES + "health_metrics_and_measurements.readonly"
SLEEP = SCOPES + "sleep.readonly"

STREAMS: tuple[HealthStream, ...] = (
    HealthStream(
        "sleep",
        90,
        filter_member="sleep.interval.civil_end_time",
        scope=SLEEP,
        description="sleep logs (main sleep and naps) that ended that day, with their stages",
    ),
    HealthStream("steps", 90, method="dailyRollUp", scope=ACTIVITY, description="steps of the day"),
    HealthStream(
        "active-minutes",
        14,
        method="dailyRollUp",
        scope=ACTIVITY,
        description="minutes of light, moderate and vigorous activity",
    ),
    HealthStream(
        "total-calories", 14, method="dailyRollUp", scope=ACTIVITY, description="energy used, in kilocalories"
    ),
    HealthStream(
        "daily-resting-heart-rate",
        90,
        filter_member="daily_resting_heart_rate.date",
        scope=METRICS,
        description="resting heart rate, in beats per minute",
    ),
    HealthStream(
        "daily-heart-rate-variability",
        90,
        filter_member="daily_heart_rate_variability.date",
        scope=METRICS,
        description="heart rate variability (RMSSD), in milliseconds",
    ),
)


class FitbitSource:
    """The source; `token_of` gives a person's access token, or None where the person is not connected."""

    name = "fitbit"
    streams: Sequence[Stream] = STREAMS

    def __init__(self, base_url: str, token_of: TokenOf, http: Http) -> None:
        self._base_url = base_url.rstrip("/")
        self._token_of = token_of
        self._http = http

    def refusal(self, person: Person) -> str | None:
        """Why a person cannot be asked for: no access token."""
        return None if self._token_of(person) else "not connected: no Google Health access token is set"

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        """One record for every day of the window, points in the order received; see contract.Source."""
        health = next(known for known in STREAMS if known.name == stream.name)
        key = "dataPoints" if health.method == "list" else "rollupDataPoints"
        days: dict[date, list[bytes]] = defaultdict(list)
        metadata: dict[str, Any] = {"api_version": API_VERSION, "window": f"{window.first}/{window.last}"}
        for reply in self._pages(health, person, window):
            metadata.setdefault("request", reply.request)
            if reply.rate_limit_remaining is not None:
                metadata["rate_limit_remaining"] = reply.rate_limit_remaining
            for point in reply.json(_Page).points:
                days[civil_date(bytes(point), health.name)].append(bytes(point))
        if strays := days.keys() - set(window.days):
            log.warning("points outside the window left out", stream=health.name, days=len(strays))
        for day in window.days:
            yield Record(day, b'{"%s":[%s]}' % (key.encode(), b",".join(days.get(day, ()))), metadata)

    def _pages(self, stream: HealthStream, person: Person, window: Window) -> Iterator[Reply]:
        """Every page to the end: an empty page may carry a token, and the last may be `{}`."""
        seen: set[str] = set()
        page_token = ""
        while True:
            reply = self._ask(stream, person, window, page_token)
            yield reply
            page_token = reply.json(_Page).nextPageToken
            if not page_token:
                return
            if page_token in seen:
                raise SchemaChanged(
                    f"Google Health gave the same page of {stream.name} twice.",
                    remedy="the days stay open; the next run asks again.",
                )
            seen.add(page_token)

    def _ask(self, stream: HealthStream, person: Person, window: Window, page_token: str) -> Reply:
        url = f"{self._base_url}/users/me/dataTypes/{stream.name}/dataPoints"
        token = self._token_of(person)
        if not token:
            raise AuthFailed(f"{person.user_id} is not connected to Google Health.", remedy=CONNECT_REMEDY)
        after_last = window.last + timedelta(days=1)
        if stream.method == "dailyRollUp":
            question: dict[str, Any] = {
                "range": {"start": {"date": _ymd(window.first)}, "end": {"date": _ymd(after_last)}},
                "windowSizeDays": 1,
            }
            if page_token:
                question["pageToken"] = page_token
            return self._http.post(f"{url}:dailyRollUp", json=question, token=token, account=person.user_id)
        member = stream.filter_member
        params = {"filter": f'{member} >= "{window.first}" AND {member} < "{after_last}"'}
        if page_token:
            params["pageToken"] = page_token
        return self._http.get(url, params=params, token=token, account=person.user_id)


class _Page(msgspec.Struct):
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


class _Dated(msgspec.Struct):
    date: _Date


class _Interval(msgspec.Struct):
    endTime: str
    endUtcOffset: str = "0s"


class _Session(msgspec.Struct):
    interval: _Interval


class _Point(msgspec.Struct):
    """As much of a point as dates it."""

    sleep: _Session | None = None
    dailyRestingHeartRate: _Dated | None = None
    dailyHeartRateVariability: _Dated | None = None
    civilStartTime: _Dated | None = None


def civil_date(point: bytes, stream: str) -> date:
    """The day a point is about: for sleep that of waking, in the zone of its own endUtcOffset."""
    try:
        read = msgspec.json.decode(point, type=_Point)
        if read.sleep:
            ended = datetime.fromisoformat(read.sleep.interval.endTime)
            offset = timedelta(seconds=float(read.sleep.interval.endUtcOffset.removesuffix("s")))
            return (ended.replace(tzinfo=None) + offset).date()
        dated = read.dailyRestingHeartRate or read.dailyHeartRateVariability or read.civilStartTime
        if dated:
            return date(dated.date.year, dated.date.month, dated.date.day)
        reason = "it has no date"
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        reason = str(error)
    raise SchemaChanged(
        f"A {stream} point of Google Health cannot be dated: {reason}.",
        remedy="the days stay open; upgrade moderation-craft, or report this if yours is the newest.",
    )


def _ymd(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def explain(status: int, said: str) -> McraftError | None:
    """Google Health's own reading: a 400 can mean that the Google account has no Fitbit behind it."""
    if status == 400 and "ACCOUNT_NOT_LINKED" in said:
        return AuthFailed(
            f"Google Health: {said}",
            remedy="open the Fitbit app, sign in with this Google account, then connect again.",
        )
    return None


def health_http() -> Http:
    """The transport with Google Health's limits: 300 requests a minute for each person."""
    return Http("Google Health", per_minute=REQUESTS_PER_MINUTE, explain=explain, auth_remedy=CONNECT_REMEDY)


def build(settings: Settings, clock: Clock) -> FitbitSource:
    """The source as the settings describe it."""
    tokens = settings.fitbit.access_tokens

    def token_of(person: Person) -> str | None:
        token = tokens.get(person.user_id)
        return token.get_secret_value() if token else None

    return FitbitSource(settings.fitbit.base_url, token_of, health_http())
