"""Fitbit through the Google Health API v4: sleep, activity, vitals and moods, one record a civil day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from moderation_craft.clock import Clock
from moderation_craft.errors import AuthFailed, McraftError, SchemaChanged
from moderation_craft.logs import get_logger
from moderation_craft.settings import Settings
from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.fitbit.points import Page, civil_date
from moderation_craft.sources.fitbit.streams import OPTIONAL_STREAMS, STREAMS, HealthStream
from moderation_craft.sources.http import Http, Reply
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.sources.oauth.tokens import Tokens, tokens_for

log = get_logger("sources.fitbit")

API_VERSION = "v4"
REQUESTS_PER_MINUTE = 300
PROJECT_REQUESTS_PER_MINUTE = 120_000
CONNECT_REMEDY = (
    "run `mcraft connect fitbit`, or open /settings/integrations, and allow sleep, activity and fitness, "
    "health metrics and mindfulness."
)
ORDER_SLACK = timedelta(days=3)
"""Points come newest first by their start, but a day is that of waking, in the zone of that moment: a point still
to come may be this much newer than the last one read."""


class NotLinked(AuthFailed):
    """The Google account is good and has no Fitbit behind it."""


class FitbitSource:
    """The source; `tokens` gives each person's access token. The optional streams are `with_intraday`."""

    name = "fitbit"

    def __init__(self, base_url: str, tokens: Tokens, http: Http, *, with_intraday: bool = False) -> None:
        self.streams: Sequence[Stream] = (*STREAMS, *OPTIONAL_STREAMS) if with_intraday else STREAMS
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._http = http

    def refusal(self, person: Person) -> str | None:
        """Why a person cannot be asked for: not connected."""
        if self._tokens.is_connected(person.user_id):
            return None
        return "not connected: no Google Health access token; `mcraft connect fitbit` gets one"

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        """One record for every day of the window, newest first, each as soon as its points are all there."""
        health = next(known for known in (*STREAMS, *OPTIONAL_STREAMS) if known.name == stream.name)
        self._check_scope(health, person)
        days: dict[date, list[bytes]] = defaultdict(list)
        waiting = set(window.days)
        metadata: dict[str, Any] = {"api_version": API_VERSION, "window": f"{window.first}/{window.last}"}
        for reply, points in self._pages(health, person, window):
            metadata.setdefault("request", reply.request)
            if reply.rate_limit_remaining is not None:
                metadata["rate_limit_remaining"] = reply.rate_limit_remaining
            for point in points:
                day = civil_date(point, health)
                days[day].append(point)
                if day not in waiting and window.first <= day <= window.last:
                    log.warning("a point came out of order", stream=health.name, day=str(day))
                    waiting.add(day)  # given already, and once more when it is whole
            for day in _whole_by_now(waiting, points, health):
                waiting.discard(day)
                yield _record(health, day, days[day], metadata)
            if health.method == "dailyRollUp" and days.keys() >= waiting:
                break  # one total a day: a page that is full has a token to an empty one
        if strays := days.keys() - set(window.days):
            log.warning("points outside the window left out", stream=health.name, days=len(strays))
        for day in sorted(waiting, reverse=True):
            yield _record(health, day, days[day], metadata)

    def _check_scope(self, stream: HealthStream, person: Person) -> None:
        """Forbidden where the person is known not to have allowed a stream: without asking for it."""
        granted = self._tokens.scopes(person.user_id)
        if granted and stream.scope not in granted:
            raise Forbidden(
                f"{person.user_id} did not allow {stream.name} ({stream.scope.rsplit('.', 2)[-2]}) to be read.",
                remedy=CONNECT_REMEDY,
            )

    def _pages(self, stream: HealthStream, person: Person, window: Window) -> Iterator[tuple[Reply, list[bytes]]]:
        """Every page to the end: an empty page may carry a token, and the last may be `{}`."""
        seen: set[str] = set()
        page_token = ""
        while True:
            reply = self._ask(stream, person, window, page_token)
            page = reply.json(Page)
            yield reply, [bytes(point) for point in page.points]
            page_token = page.nextPageToken
            if not page_token:
                return
            if page_token in seen:
                raise SchemaChanged(
                    f"Google Health gave the same page of {stream.name} twice.",
                    remedy="the days stay open; the next run asks again.",
                )
            seen.add(page_token)

    def _ask(self, stream: HealthStream, person: Person, window: Window, page_token: str) -> Reply:
        """One page; a token that is refused is renewed once."""
        token = self._tokens.access_token(person.user_id)
        if not token:
            raise AuthFailed(f"{person.user_id} is not connected to Google Health.", remedy=CONNECT_REMEDY)
        try:
            return self._send(stream, person, window, page_token, token)
        except (Forbidden, NotLinked):
            raise
        except AuthFailed:
            renewed = self._tokens.renewed(person.user_id, token)
            if not renewed or renewed == token:
                raise
        return self._send(stream, person, window, page_token, renewed)

    def _send(self, stream: HealthStream, person: Person, window: Window, page_token: str, token: str) -> Reply:
        url = f"{self._base_url}/users/me/dataTypes/{stream.path}/dataPoints"
        after_last = window.last + timedelta(days=1)
        paging: dict[str, Any] = {"pageSize": stream.page_size} | ({"pageToken": page_token} if page_token else {})
        if stream.method == "dailyRollUp":
            days = {"start": {"date": _ymd(window.first)}, "end": {"date": _ymd(after_last)}}
            question = {"range": days, "windowSizeDays": 1, **paging}
            return self._http.post(f"{url}:dailyRollUp", json=question, token=token, account=person.user_id)
        url += "" if stream.method == "list" else ":reconcile"
        member = stream.filter_member
        params = {"filter": f'{member} >= "{window.first}" AND {member} < "{after_last}"', **paging}
        return self._http.get(url, params=params, token=token, account=person.user_id)


def _whole_by_now(waiting: Collection[date], points: Sequence[bytes], stream: HealthStream) -> list[date]:
    """The days that nothing more can come for after these points, newest first."""
    if not points:
        return []
    newest_open = civil_date(points[-1], stream) + ORDER_SLACK
    return sorted((day for day in waiting if day > newest_open), reverse=True)


def _record(stream: HealthStream, day: date, points: Sequence[bytes], metadata: dict[str, Any]) -> Record:
    return Record(day, b'{"%s":[%s]}' % (stream.list_name.encode(), b",".join(points)), dict(metadata))


def _ymd(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def explain(status: int, said: str) -> McraftError | None:
    """Google Health's own reading: a 400 can mean that the Google account has no Fitbit behind it."""
    if status == 400 and "ACCOUNT_NOT_LINKED" in said:
        return NotLinked(
            f"Google Health: {said}",
            remedy="open the Fitbit app, sign in with this Google account, then connect again.",
        )
    return None


def health_http() -> Http:
    """The transport with Google Health's limits, for each person and for the whole project."""
    return Http(
        "Google Health",
        per_minute=REQUESTS_PER_MINUTE,
        project_per_minute=PROJECT_REQUESTS_PER_MINUTE,
        explain=explain,
        auth_remedy=CONNECT_REMEDY,
    )


def build(settings: Settings, clock: Clock) -> FitbitSource:
    """The source as the settings describe it."""
    return FitbitSource(
        settings.fitbit.base_url,
        tokens_for("fitbit", settings, clock),
        health_http(),
        with_intraday=settings.fitbit.intraday_heart_rate,
    )
