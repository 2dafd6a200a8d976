"""Fitbit: what is asked, what a record holds, in which order days come, and what happens when a token dies."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from moderation_craft.clock import FixedClock, SystemClock
from moderation_craft.errors import AuthFailed, RateLimited, SchemaChanged
from moderation_craft.settings import load_settings
from moderation_craft.sources.contract import Person, Record, Window
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.fitbit.points import civil_date
from moderation_craft.sources.fitbit.source import FitbitSource, build, health_http
from moderation_craft.sources.fitbit.stand_in import (
    BadDays,
    HealthDay,
    HealthPerson,
    Night,
    create_app,
    seeded_person,
)
from moderation_craft.sources.fitbit.streams import INTRADAY, OPTIONAL_STREAMS, STREAMS, HealthStream
from moderation_craft.sources.http import Http
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.stand_in import serve

TOKEN = "ya29.token-of-mina"
MINA = Person("mina")
FIRST = date(2026, 8, 1)
HOUR = timedelta(hours=1)


def _night(day: int, *, log_id: str = "", main: bool = True, offset: timedelta = 9 * HOUR) -> Night:
    start = datetime(2026, 8, 1, 14, 31, tzinfo=UTC) + timedelta(days=day)
    middle, end = start + HOUR, start + 7 * HOUR
    stages = [("AWAKE", start, start + HOUR / 4), ("LIGHT", start + HOUR / 4, middle), ("DEEP", middle, end)]
    return Night(log_id or f"log-{day}", start, end, offset, offset, "STAGES", main, stages)


def _nap(day: int) -> Night:
    start = datetime(2026, 8, 1, 5, 0, tzinfo=UTC) + timedelta(days=day)
    stages = [("ASLEEP", start, start + HOUR / 3), ("RESTLESS", start + HOUR / 3, start + HOUR / 2)]
    return Night(f"nap-{day}", start, start + HOUR / 2, 9 * HOUR, 9 * HOUR, "CLASSIC", False, stages)


def _mina() -> HealthPerson:
    days = {FIRST + timedelta(days=day): day for day in range(90)}
    worn = {day: HealthDay(day, 8000 + n, 31, 2134.5, 60, 45.2) for day, n in days.items() if n % 7}
    worn[FIRST + timedelta(days=14)] = HealthDay(FIRST + timedelta(days=14), steps=0)
    nights = [_night(day) for day in range(70)]
    return HealthPerson("mina", TOKEN, worn, [*nights, _nap(3), nights[5]])


@contextmanager
def _fitbit(*people: HealthPerson) -> Iterator[FitbitSource]:
    with serve(create_app(people or [_mina()])) as url:
        yield FitbitSource(f"{url}/v4/", FixedTokens({"mina": TOKEN}), health_http())


def _fetch(source: FitbitSource, stream: str, window: Window) -> dict[date, Record]:
    return {record.date: record for record in source.fetch(_stream(stream), MINA, window)}


def _stream(name: str) -> HealthStream:
    return next(each for each in (*STREAMS, *OPTIONAL_STREAMS) if each.name == name)


def _json(record: Record) -> Any:
    return json.loads(record.data)


def test_sleep_is_read_through_every_page_and_dated_by_waking() -> None:
    with _fitbit() as source:
        records = _fetch(source, "sleep", Window(FIRST, FIRST + timedelta(days=89)))
    ids = {
        day: [point["dataPointName"].rsplit("/", 1)[-1] for point in _json(record)["dataPoints"]]
        for day, record in records.items()
    }
    assert ids[date(2026, 8, 2)] == ["log-0"]
    assert ids[date(2026, 8, 4)] == ["nap-3", "log-2"]
    assert ids[date(2026, 8, 7)] == ["log-5", "log-5"]
    assert sum(map(len, ids.values())) == 72
    assert records[FIRST].data == b'{"dataPoints":[]}'
    assert records[FIRST].metadata["window"] == "2026-08-01/2026-10-29"


def test_a_day_without_a_point_is_an_empty_answer_and_zero_stays_zero() -> None:
    with _fitbit() as source:
        records = _fetch(source, "steps", Window(FIRST, FIRST + timedelta(days=89)))
    assert records[FIRST].data == b'{"rollupDataPoints":[]}'
    assert _json(records[FIRST + timedelta(days=14)])["rollupDataPoints"][0]["steps"] == {"countSum": "0"}
    assert _json(records[FIRST + timedelta(days=1)])["rollupDataPoints"][0]["steps"] == {"countSum": "8001"}


@pytest.mark.parametrize(
    ("stream", "key", "value"),
    [
        (
            "active-minutes",
            "activeMinutes",
            {
                "activeMinutesRollupByActivityLevel": [
                    {"activityLevel": "LIGHT", "activeMinutesSum": "133"},
                    {"activityLevel": "MODERATE", "activeMinutesSum": "21"},
                    {"activityLevel": "VIGOROUS", "activeMinutesSum": "10"},
                ]
            },
        ),
        ("total-calories", "totalCalories", {"kcalSum": 2134.5}),
    ],
)
def test_roll_ups_keep_their_shape(stream: str, key: str, value: object) -> None:
    day = FIRST + timedelta(days=1)
    with _fitbit() as source:
        (point,) = _json(_fetch(source, stream, Window(day, day))[day])["rollupDataPoints"]
    assert point[key] == value
    assert point["civilStartTime"] == {"date": {"year": 2026, "month": 8, "day": 2}, "time": {}}


def test_vitals_are_one_point_a_day() -> None:
    day = FIRST + timedelta(days=1)
    with _fitbit() as source:
        heart = _json(_fetch(source, "daily-resting-heart-rate", Window(day, day))[day])["dataPoints"]
        variability = _json(_fetch(source, "daily-heart-rate-variability", Window(day, day))[day])["dataPoints"]
    assert heart[0]["dailyRestingHeartRate"]["beatsPerMinute"] == "60"
    assert variability[0]["dailyHeartRateVariability"]["averageHeartRateVariabilityMilliseconds"] == 45.2


def test_days_turn_by_the_offset_where_the_person_woke() -> None:
    def point(end: str, offset: str) -> bytes:
        return json.dumps({"sleep": {"interval": {"endTime": end, "endUtcOffset": offset}}}).encode()

    assert civil_date(point("2026-08-01T15:10:00Z", "32400s"), _stream("sleep")) == date(2026, 8, 2)
    assert civil_date(point("2026-08-02T03:30:00.123456789Z", "-14400s"), _stream("sleep")) == date(2026, 8, 1)
    assert civil_date(point("2026-08-02T03:30:00Z", "0s"), _stream("sleep")) == date(2026, 8, 2)


@pytest.mark.parametrize(
    "point",
    [
        b"{}",
        b"[1]",
        b'{"sleep":{}}',
        b'{"sleep":{"interval":{"endTime":"late"}}}',
        b'{"sleep":{"interval":{"startTime":"2026-08-01T15:10:00Z"}}}',
        b'{"sleep":{"date":{"year":2026,"month":0,"day":1}}}',
    ],
)
def test_a_point_without_a_date_is_a_changed_schema(point: bytes) -> None:
    with pytest.raises(SchemaChanged, match="cannot be dated"):
        civil_date(point, _stream("sleep"))


@pytest.mark.parametrize(
    ("stream", "value"),
    [
        ("exercise", {"interval": {"startTime": "2026-08-01T15:10:00Z", "startUtcOffset": "32400s"}}),
        ("weight", {"sampleTime": {"physicalTime": "2026-08-01T22:00:00Z", "utcOffset": "32400s"}}),
        ("moods", {"sampleTime": {"physicalTime": "2026-08-02T23:30:00Z", "utcOffset": "-14400s"}}),
        ("daily-oxygen-saturation", {"date": {"year": 2026, "month": 8, "day": 2}}),
    ],
)
def test_every_kind_of_point_is_dated_in_its_own_zone(stream: str, value: object) -> None:
    found = _stream(stream)
    assert civil_date(json.dumps({found.field: value}).encode(), found) == date(2026, 8, 2)


def test_a_person_without_a_token_is_refused_and_tokens_come_from_the_settings() -> None:
    source = build(load_settings(fitbit={"access_tokens": {"mina": TOKEN}}), SystemClock())
    assert source.refusal(MINA) is None
    assert "no Google Health access token" in (source.refusal(Person("ken")) or "")
    with pytest.raises(AuthFailed, match="ken is not connected"):
        list(source.fetch(STREAMS[0], Person("ken"), Window(FIRST, FIRST)))


YEAR = [FIRST - timedelta(days=back) for back in range(366)]


class Renewing:
    """Tokens of one person: the next of the list after each refusal; `asked` counts the renewals."""

    def __init__(self, *tokens: str, scopes: Sequence[str] = ()) -> None:
        self.tokens = list(tokens)
        self.asked = 0
        self._scopes = frozenset(scopes)

    def is_connected(self, user_id: str) -> bool:
        return True

    def access_token(self, user_id: str) -> str | None:
        return self.tokens[0]

    def renewed(self, user_id: str, refused: str) -> str | None:
        assert refused == self.tokens[0]
        self.asked += 1
        if len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.tokens[0]

    def scopes(self, user_id: str) -> frozenset[str]:
        return self._scopes


def _source(url: str, tokens: Any = None, http: Http | None = None) -> FitbitSource:
    return FitbitSource(f"{url}/v4", tokens or FixedTokens({"mina": TOKEN}), http or health_http())


@pytest.mark.parametrize("stream", [each.name for each in (*STREAMS, *OPTIONAL_STREAMS)])
def test_every_stream_gives_each_day_once_newest_first_with_what_is_known(stream: str) -> None:
    person = seeded_person("mina", TOKEN, YEAR[:30])
    window = Window(FIRST - timedelta(days=min(_stream(stream).max_window_days, 34) - 1), FIRST)
    with _fitbit(person) as source:
        records = list(source.fetch(_stream(stream), MINA, window))
    assert [record.date for record in records] == window.days[::-1]
    found = {record.date: len(_json(record)[_stream(stream).list_name]) for record in records}
    per_day = 1440 if stream == INTRADAY else 1
    held = {day: count for day, count in found.items() if count}
    assert held and set(held.values()) == ({1, 2} if stream == "sleep" and 2 in held.values() else {per_day})
    assert all(day in found for day in window.days)


def test_a_year_takes_as_few_requests_as_the_documented_pages_allow() -> None:
    person = seeded_person("mina", TOKEN, YEAR)
    asked: dict[str, int] = {}
    faulty = Faulty(create_app([person], empty_pages=False))
    with serve(faulty) as url:
        source = _source(url)
        for stream in STREAMS:
            faulty.requests.clear()
            last = FIRST
            while last > YEAR[-1]:
                first = max(YEAR[-1], last - timedelta(days=stream.max_window_days - 1))
                list(source.fetch(stream, MINA, Window(first, last)))
                last = first - timedelta(days=1)
            asked[stream.name] = len(faulty.requests)
    logs = 366 + 1  # one night twice; the second device's is not in what the app shows
    least = {"sleep": math.ceil(logs / 25), "exercise": math.ceil(122 / 25)}
    for stream in STREAMS:
        windows = math.ceil(366 / stream.max_window_days)
        assert asked[stream.name] == least.get(stream.name, windows), stream.name


def test_days_come_while_pages_still_come_and_a_failure_takes_only_the_rest() -> None:
    faulty = Faulty(create_app([seeded_person("mina", TOKEN, YEAR)], empty_pages=False))
    given: list[Record] = []
    with serve(faulty) as url, pytest.raises(SchemaChanged):
        for record in _source(url).fetch(_stream("sleep"), MINA, Window(YEAR[-1], FIRST)):
            given.append(record)
            if len(faulty.requests) == 4:
                faulty.faults.append(Fault(400, b"{}"))
    assert [record.date for record in given] == YEAR[: len(given)]
    assert 4 * 25 - 10 < len(given) < 4 * 25
    counts = Counter(len(_json(record)["dataPoints"]) for record in given)
    assert set(counts) == {1}, "a day was given before it was whole"


def test_a_point_out_of_order_brings_its_day_once_more_whole() -> None:
    """The order of pages is Google's promise; where it is not kept, nothing may be lost."""

    def page(token: str, *ends: str) -> bytes:
        points = [{"sleep": {"interval": {"startTime": end, "endTime": end}}} for end in ends]
        return json.dumps({"dataPoints": points, "nextPageToken": token}).encode()

    pages = [
        page("2", "2026-08-20T07:00:00Z", "2026-08-10T07:00:00Z"),
        page("3", "2026-08-19T07:00:00Z", "2026-08-20T09:00:00Z"),
        page("", "2026-08-05T07:00:00Z"),
    ]
    faulty = Faulty(create_app([_mina()]))
    faulty.faults += [Fault(200, body, times=1) for body in pages]
    with serve(faulty) as url:
        records = list(_source(url).fetch(_stream("sleep"), MINA, Window(date(2026, 8, 5), date(2026, 8, 20))))
    last = {record.date: len(_json(record)["dataPoints"]) for record in records}
    assert len(last) == 16
    assert {day.day: count for day, count in last.items() if count} == {5: 1, 10: 1, 19: 1, 20: 2}


def test_a_page_given_twice_does_not_go_round_for_ever() -> None:
    faulty = Faulty(create_app([_mina()]))
    faulty.faults.append(Fault(200, b'{"nextPageToken": "again"}'))
    with serve(faulty) as url, pytest.raises(SchemaChanged, match="twice"):
        _fetch(_source(url), "sleep", Window(FIRST, FIRST))


def test_a_token_that_expires_between_two_pages_is_renewed_once() -> None:
    bad_days = BadDays()
    person = seeded_person("mina", "old", YEAR)
    tokens = Renewing("old", "new")
    known = {"old": ("mina", frozenset[str]()), "new": ("mina", frozenset[str]())}
    faulty = Faulty(create_app([person], who=known.get, bad_days=bad_days, empty_pages=False))
    given = []
    with serve(faulty) as url:
        for record in _source(url, tokens).fetch(_stream("sleep"), MINA, Window(YEAR[-1], FIRST)):
            given.append(record.date)
            bad_days.expired.add("old")
    assert given == YEAR
    assert tokens.asked == 1
    assert len(faulty.requests) == math.ceil(367 / 25) + 1


def test_a_renewed_token_that_is_refused_as_well_ends_the_fetch() -> None:
    tokens = Renewing("old", "new")
    with serve(create_app([_mina()])) as url, pytest.raises(AuthFailed, match="401"):
        _fetch(_source(url, tokens), "steps", Window(FIRST, FIRST))
    assert tokens.asked == 1


def test_what_a_person_did_not_allow_is_not_asked_for() -> None:
    faulty = Faulty(create_app([_mina()]))
    tokens = Renewing(TOKEN, scopes=[_stream("sleep").scope])
    with serve(faulty) as url:
        with pytest.raises(Forbidden, match=r"did not allow steps \(activity_and_fitness\)"):
            _fetch(_source(url, tokens), "steps", Window(FIRST, FIRST))
        assert faulty.requests == []
        assert _fetch(_source(url, tokens), "sleep", Window(FIRST, FIRST))


def test_a_403_on_one_data_type_renews_nothing_and_leaves_the_others() -> None:
    tokens = Renewing(TOKEN)
    with serve(create_app([_mina()], bad_days=BadDays(forbidden={"steps"}))) as url:
        with pytest.raises(Forbidden, match="insufficient authentication scopes"):
            _fetch(_source(url, tokens), "steps", Window(FIRST, FIRST))
        assert len(_fetch(_source(url, tokens), "floors", Window(FIRST, FIRST))) == 1
    assert tokens.asked == 0


def test_an_account_that_is_not_linked_says_how_to_link_it() -> None:
    tokens = Renewing(TOKEN)
    with (
        serve(create_app([_mina()], bad_days=BadDays(unlinked={"mina"}))) as url,
        pytest.raises(AuthFailed) as caught,
    ):
        _fetch(_source(url, tokens), "steps", Window(FIRST, FIRST))
    assert "Fitbit app" in caught.value.remedy
    assert tokens.asked == 0


def test_a_quota_that_is_used_up_says_how_long_to_wait() -> None:
    bad_days = BadDays(requests_per_minute=2)
    http = Http("Google Health", attempts=1)
    clock = FixedClock(datetime(2026, 8, 1, 12, 0, 48, tzinfo=UTC))
    with serve(create_app([_mina()], bad_days=bad_days, clock=clock)) as url:
        source = _source(url, http=http)
        for stream in ("steps", "floors"):
            _fetch(source, stream, Window(FIRST, FIRST))
        with pytest.raises(RateLimited) as caught:
            _fetch(source, "distance", Window(FIRST, FIRST))
        assert caught.value.retry_after_seconds == 12
        clock.instant += timedelta(seconds=12)
        assert _fetch(_source(url), "distance", Window(FIRST, FIRST))


def test_every_measurement_of_the_heart_is_a_choice() -> None:
    without = build(load_settings(), SystemClock())
    chosen = build(load_settings(fitbit={"intraday_heart_rate": True}), SystemClock())
    assert INTRADAY not in {stream.name for stream in without.streams}
    assert {stream.name for stream in chosen.streams} - {stream.name for stream in without.streams} == {INTRADAY}
    assert all(stream.is_optional == (stream.name == INTRADAY) for stream in chosen.streams)


def test_two_devices_of_one_night_are_one_log_and_a_float_may_be_none() -> None:
    person = seeded_person("mina", TOKEN, YEAR[:9])
    beside = person.nights[-1]
    day = beside.civil_end.date()
    strange = HealthDay(FIRST, hrv_ms=math.nan, heart_rate_bpm=(math.nan, 61.5, 90))
    person = HealthPerson("mina", TOKEN, {**person.days, FIRST: strange}, person.nights)
    with _fitbit(person) as source:
        night = _json(_fetch(source, "sleep", Window(day, day))[day])["dataPoints"]
        rates = _json(_fetch(source, "heart-rate", Window(FIRST, FIRST))[FIRST])["rollupDataPoints"]
        hrv = _json(_fetch(source, "daily-heart-rate-variability", Window(FIRST, FIRST))[FIRST])["dataPoints"]
    assert [beside.log_id in point["dataPointName"] for point in night] == [False]
    assert rates[0]["heartRate"]["beatsPerMinuteMin"] == "NaN"
    assert hrv[0]["dailyHeartRateVariability"]["averageHeartRateVariabilityMilliseconds"] == "NaN"
