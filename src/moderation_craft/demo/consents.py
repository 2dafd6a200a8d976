"""Google's side of the demo's consents: who may sign in there, what their tokens open, and where ours are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette

from moderation_craft.settings import ConnectionsSettings, Settings
from moderation_craft.sources.calendar import google_stand_in
from moderation_craft.sources.google import stand_in
from moderation_craft.sources.oauth.vault import local_folder

_WEEKS_BACK = 26


class DemoConsents:
    """Everybody has a Google account there, with a calendar that holds one thing a week."""

    def __init__(self, people: Sequence[str], tokens: Mapping[str, SecretStr], last_day: date) -> None:
        self._accounts = stand_in.GoogleAccounts(people)
        self._owners = {token.get_secret_value(): user_id for user_id, token in tokens.items()}
        self.app: Starlette = stand_in.create_app(self._accounts)
        first = last_day - timedelta(weeks=_WEEKS_BACK)
        calendars = [google_stand_in.StandInAccount(user_id, [_calendar(user_id, first)]) for user_id in people]
        self.calendar_app: Starlette = google_stand_in.create_app(calendars, self._owner)

    def who(self, token: str) -> tuple[str, frozenset[str]] | None:
        """Whose access token it is: one that the demo's settings carry (it opens all), or one consented to."""
        if user_id := self._owners.get(token):
            return user_id, frozenset()
        return self._accounts.grants.owner(token)

    def _owner(self, token: str) -> str | None:
        known = self._accounts.grants.owner(token)
        return known[0] if known and any("calendar" in scope for scope in known[1]) else None


def connections(base: Settings, spec: bytes, google: str) -> ConnectionsSettings:
    """The demo's client, its servers, and a vault of its own: nothing of it comes near the person's real one."""
    lake = base.lake if "://" in base.lake else str(Path(base.lake).absolute())
    mark = sha256(lake.encode() + b"\0" + spec).hexdigest()[:16]
    return base.connections.model_copy(
        update={
            "google_client_id": stand_in.CLIENT_ID,
            "google_client_secret": SecretStr(stand_in.CLIENT_SECRET),
            "authorize_url": google + stand_in.AUTHORIZE,
            "token_url": google + stand_in.TOKEN,
            "revoke_url": google + stand_in.REVOKE,
            "redirect_port": 0,
            "vault": "local",
            "folder": local_folder(base) / "demo" / mark,
            "key": "file",
        }
    )


def _calendar(user_id: str, first: date) -> google_stand_in.StandInCalendar:
    calendar = google_stand_in.StandInCalendar(f"{user_id}@example.com", user_id, is_primary=True)
    evening = first + timedelta(days=(2 - first.weekday()) % 7)
    calendar.put(
        {
            "id": "choir",
            "status": "confirmed",
            "iCalUID": "choir@example.com",
            "summary": "合唱の練習 Choir practice",
            "start": {"dateTime": f"{evening}T19:00:00+09:00", "timeZone": "Asia/Tokyo"},
            "end": {"dateTime": f"{evening}T20:30:00+09:00", "timeZone": "Asia/Tokyo"},
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=WE"],
        }
    )
    return calendar
