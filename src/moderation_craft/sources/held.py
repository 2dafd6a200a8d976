"""What the lake holds of one source: days, snapshots, cursors; and why what it lacks is lacking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec

from moderation_craft.errors import AuthFailed, McraftError
from moderation_craft.lake import Lake, Manifest
from moderation_craft.logs import get_logger
from moderation_craft.sources.contract import Window

log = get_logger("sources.held")

ONE_DAY = timedelta(days=1)
ANY_LENGTH = 100_000


@dataclass(frozen=True)
class HeldDay:
    digest: str
    fetched_at: str
    is_closed: bool


@dataclass(frozen=True)
class HeldCursor:
    """Where a list of changes goes on; `manifest_id` is the commit that the cursor came with or after."""

    token: str
    manifest_id: str


class Unanswered(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a day was not answered when it was last asked for.

    `is_refused`: the other side or the person does not allow it; else it failed, or had no answer (no code),
    and the next fetch asks again. `at` is when, ISO 8601 in UTC.
    """

    reason: str
    at: str
    code: str = ""
    remedy: str = ""
    is_refused: bool = False

    @classmethod
    def of(cls, error: McraftError | None, reason: str, at: str) -> Unanswered:
        if error is None:
            return cls(reason, at)
        return cls(reason, at, error.code, error.remedy, isinstance(error, AuthFailed))


@dataclass
class Held:
    """What the committed manifests hold of one source, and what its state file adds.

    `answered` are the days that a run which has not ended was answered for, and when: a run that goes on where
    another was killed does not ask for them again, open or not. The state may be lost without harm: days looked
    at again and found unchanged are then looked at once more, lists of changes go on from the cursor of the
    last commit, and reasons are known again after a fetch.
    """

    source: str
    days: dict[tuple[str, str], dict[date, HeldDay]] = field(default_factory=dict)
    series_digests: dict[tuple[str, str, str], str] = field(default_factory=dict)
    cursors: dict[tuple[str, str, str], HeldCursor] = field(default_factory=dict)
    manifest_ids: set[str] = field(default_factory=set)
    looked_at: dict[tuple[str, str], str] = field(default_factory=dict)
    closed_since: dict[tuple[str, str], set[date]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], dict[date, Unanswered]] = field(default_factory=dict)
    answered: dict[tuple[str, str], dict[date, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, lake: Lake, source: str) -> Held:
        held = cls(source)
        for manifest in lake.manifests(source):
            held._add(manifest)
        try:
            kept = msgspec.convert(lake.read_state(_state_name(source)) or {}, _State)
        except msgspec.DecodeError as error:
            log.warning("the state of a fetch is left out", source=source, why=str(error))
        else:
            held._add_state(kept)
        return held

    def of(self, stream: str, user_id: str) -> Mapping[date, HeldDay]:
        return self.days.get((stream, user_id), {})

    def hold(self, stream: str, user_id: str, day: date, held: HeldDay) -> None:
        self.days.setdefault((stream, user_id), {})[day] = held

    def why(self, stream: str, user_id: str, day: date) -> Unanswered | None:
        """Why a day was not answered when last asked for; None where it was, or never was asked for."""
        return self.refusals.get((stream, user_id), {}).get(day)

    def note_refusal(self, stream: str, user_id: str, days: Iterable[date], refusal: Unanswered) -> None:
        self.refusals.setdefault((stream, user_id), {}).update(dict.fromkeys(days, refusal))

    def note_answer(self, stream: str, user_id: str, day: date, at: str) -> None:
        """Remember that the run under way was answered for a day, and forget why it was not before."""
        self.answered.setdefault((stream, user_id), {})[day] = at
        self.refusals.get((stream, user_id), {}).pop(day, None)

    def note_whole(self, stream: str, user_id: str, day: date, at: str) -> None:
        """As `note_answer`, of a stream without days of its own: every older reason is forgotten, too."""
        self.refusals.pop((stream, user_id), None)
        self.note_answer(stream, user_id, day, at)

    def forget_answered(self, before: str = "~") -> None:
        """Forget what unfinished runs were answered for before a moment; by default, all of it."""
        for key, known in list(self.answered.items()):
            self.answered[key] = {day: at for day, at in known.items() if at >= before}

    def note_look(self, stream: str, user_id: str, day: date, *, at: str, is_closed: bool) -> None:
        """Remember that an unchanged day was looked at again, and that this closed it."""
        known = self.of(stream, user_id).get(day)
        self.looked_at[stream, user_id] = at
        if known and is_closed and not known.is_closed:
            self.hold(stream, user_id, day, HeldDay(known.digest, known.fetched_at, True))
            self.closed_since.setdefault((stream, user_id), set()).add(day)

    def write_state(self, lake: Lake) -> None:
        state = _State(
            looks=[
                _Looks(stream, user_id, self.looked_at.get((stream, user_id), ""), _runs(closed))
                for stream, user_id in sorted(self.looked_at.keys() | self.closed_since.keys())
                for closed in [self.closed_since.get((stream, user_id), ())]
            ],
            refusals=[
                _Refused(stream, user_id, _runs(days), refusal)
                for (stream, user_id), known in sorted(self.refusals.items())
                for refusal, days in _by_refusal(known).items()
            ],
            answered=[
                _Answered(stream, user_id, _runs(known), max(known.values()))
                for (stream, user_id), known in sorted(self.answered.items())
                if known
            ],
            cursors=[
                _Cursor(stream, user_id, series, cursor.token, cursor.manifest_id)
                for (stream, user_id, series), cursor in sorted(self.cursors.items())
            ],
        )
        lake.write_state(_state_name(self.source), msgspec.to_builtins(state))

    def _add(self, manifest: Manifest) -> None:
        self.manifest_ids.add(manifest.id)
        for part in manifest.parts:
            for entry in part.entries:
                day = date.fromisoformat(entry.date)
                before = self.of(part.stream, entry.user_id).get(day)
                if before is None or before.fetched_at <= entry.fetched_at:
                    held = HeldDay(entry.digest, entry.fetched_at, entry.is_closed)
                    self.hold(part.stream, entry.user_id, day, held)
        for said in manifest.details.get("series", []):
            self.series_digests[said["stream"], said["user_id"], said["series"]] = said["digest"]
        for said in manifest.details.get("cursors", []):
            key = (said["stream"], said["user_id"], said["series"])
            self.cursors[key] = HeldCursor(said["cursor"], manifest.id)

    def _add_state(self, state: _State) -> None:
        for look in state.looks:
            self.looked_at[look.stream, look.user_id] = look.looked_at
            for day in _days(look.closed):
                if day in self.of(look.stream, look.user_id):
                    self.note_look(look.stream, look.user_id, day, at=look.looked_at, is_closed=True)
        for refused in state.refusals:
            self.note_refusal(refused.stream, refused.user_id, _days(refused.days), refused.refusal)
        for answered in state.answered:
            days = dict.fromkeys(_days(answered.days), answered.at)
            self.answered.setdefault((answered.stream, answered.user_id), {}).update(days)
        for said in state.cursors:
            key = (said.stream, said.user_id, said.series)
            committed = self.cursors[key].manifest_id if key in self.cursors else ""
            # A cursor that follows a commit which is gone would skip what that commit held.
            if said.follows == committed:
                self.cursors[key] = HeldCursor(said.cursor, said.follows)


class _Looks(msgspec.Struct):
    stream: str
    user_id: str
    looked_at: str
    closed: list[tuple[date, date]]


class _Refused(msgspec.Struct):
    stream: str
    user_id: str
    days: list[tuple[date, date]]
    refusal: Unanswered


class _Answered(msgspec.Struct):
    stream: str
    user_id: str
    days: list[tuple[date, date]]
    at: str


class _Cursor(msgspec.Struct):
    stream: str
    user_id: str
    series: str
    cursor: str
    follows: str


class _State(msgspec.Struct):
    """The state file; runs of days are written as their first and last."""

    looks: list[_Looks] = []
    refusals: list[_Refused] = []
    answered: list[_Answered] = []
    cursors: list[_Cursor] = []


def _state_name(source: str) -> str:
    return f"fetch-{source}.json"


def _by_refusal(known: Mapping[date, Unanswered]) -> dict[Unanswered, list[date]]:
    found: dict[Unanswered, list[date]] = {}
    for day, refusal in known.items():
        found.setdefault(refusal, []).append(day)
    return found


def _runs(days: Iterable[date]) -> list[tuple[date, date]]:
    return [(run.first, run.last) for run in windows(days, ANY_LENGTH)]


def _days(runs: Iterable[tuple[date, date]]) -> list[date]:
    return [day for first, last in runs if first <= last for day in Window(first, last).days]


def windows(days: Iterable[date], most_days: int) -> list[Window]:
    """Runs of neighbouring days, cut to the limit, newest first; every day once and no other day."""
    found: list[Window] = []
    for day in sorted(set(days), reverse=True):
        newest = found[-1] if found else None
        if newest and newest.first - day == ONE_DAY and (newest.last - day).days < most_days:
            found[-1] = Window(day, newest.last)
        else:
            found.append(Window(day, day))
    return found
