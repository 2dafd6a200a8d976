"""What raw holds of each calendar, whatever its way in, and what of it counts now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import msgspec

from moderation_craft.lake import Lake, Part
from moderation_craft.sources.calendar.replay import apply_page
from moderation_craft.sources.calendar.streams import CALDAV, GOOGLE, ICS, SOURCE

_INDEX = "calendar-snapshots.json"
_STREAMS = (ICS.name, CALDAV.name, GOOGLE.name)


class _Envelope(msgspec.Struct):
    user_id: str
    date: str
    fetched_at: str
    data: msgspec.Raw
    metadata: dict[str, Any]


class _Noted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an envelope is, without its data; `sync`, `page` and so on only of lists of changes."""

    way_in: str
    user_id: str
    calendar: str
    window_first: str
    sync: str = ""
    page: int = 0
    is_full: bool = False
    is_last: bool = False


class Held(msgspec.Struct, frozen=True):
    """Where one calendar of one person lies: the last snapshot's part, or the parts of the syncs that count.

    `window_first` is the earliest day that any fetch of it reached, so that days once known stay known.
    """

    way_in: str
    user_id: str
    calendar: str
    window_first: date
    parts: tuple[Part, ...]
    syncs: tuple[str, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """One calendar of one person as it was at a fetch.

    `data` is JSON: of ics its text, of caldav its resources, of google the events that all syncs together left.
    `owner` is the person's own address there, where it is known.
    """

    user_id: str
    calendar: str
    series: str
    day: date
    fetched_at: str
    timezone: str | None
    window_first: date
    window_last: date
    data: bytes
    part_key: str
    way_in: str = ICS.name
    owner: str = ""

    @property
    def text(self) -> str:
        return msgspec.json.decode(self.data, type=str)


def current_snapshots(lake: Lake) -> list[Held]:
    """What counts now of every person's every calendar, in order of way, person and calendar."""
    held: dict[tuple[str, str, str], Held] = {}
    synced: defaultdict[tuple[str, str, str], list[tuple[_Noted, Part]]] = defaultdict(list)
    first_days: dict[tuple[str, str, str], str] = {}
    for part, found in _noted(lake):
        for noted in found:
            key = (noted.way_in, noted.user_id, noted.calendar)
            first_days[key] = min(noted.window_first, first_days.get(key, noted.window_first))
            if noted.way_in == GOOGLE.name:
                synced[key].append((noted, part))
            else:
                held[key] = Held(*key, date.fromisoformat(first_days[key]), (part,))
    for key, pages in synced.items():
        if counting := _counting(pages):
            parts = {part.key: part for _, part in counting}
            syncs = tuple(sorted({noted.sync for noted, _ in counting}))
            held[key] = Held(*key, date.fromisoformat(first_days[key]), tuple(parts.values()), syncs)
    return [held[key] for key in sorted(held)]


def load(lake: Lake, held: Held) -> Snapshot:
    """The calendar itself; the last one where a part holds it twice."""
    if held.way_in == GOOGLE.name:
        return _replayed(lake, held)
    *_, last = _envelopes_of(lake, held)
    return _snapshot(held, last, bytes(last.data))


def _noted(lake: Lake) -> Iterator[tuple[Part, list[_Noted]]]:
    """Every part with what its envelopes are; read once, then remembered in a state that may be lost."""
    index = _index(lake)
    is_grown = False
    for manifest in lake.manifests(SOURCE):
        for part in manifest.parts:
            if part.stream not in _STREAMS:
                continue
            if part.key not in index:
                index[part.key] = [_note(part, envelope) for envelope in _envelopes(lake, part)]
                is_grown = True
            yield part, index[part.key]
    if is_grown:
        lake.write_state(_INDEX, msgspec.to_builtins(index))


def _index(lake: Lake) -> dict[str, list[_Noted]]:
    try:
        return msgspec.convert(lake.read_state(_INDEX) or {}, dict[str, list[_Noted]])
    except msgspec.ValidationError:
        return {}  # of an older version: it is made anew


def _note(part: Part, envelope: _Envelope) -> _Noted:
    said = envelope.metadata
    return _Noted(
        way_in=part.stream,
        user_id=envelope.user_id,
        calendar=str(said["calendar"]),
        window_first=str(said["window_first"]),
        sync=str(said.get("sync", "")),
        page=int(said.get("page", 0)),
        is_full=bool(said.get("is_full")),
        is_last=bool(said.get("is_last")),
    )


def _counting(pages: Iterable[tuple[_Noted, Part]]) -> list[tuple[_Noted, Part]]:
    """The pages of complete syncs, from the last full one on, in the order of the syncs. A sync that died
    half-way counts for nothing: its token did not advance, so that the next one brought its changes again."""
    by_sync: defaultdict[str, dict[int, tuple[_Noted, Part]]] = defaultdict(dict)
    for noted, part in pages:
        by_sync[noted.sync][noted.page] = (noted, part)
    found: list[tuple[_Noted, Part]] = []
    for name in sorted(by_sync):
        sync = [by_sync[name][number] for number in sorted(by_sync[name])]
        last, _ = sync[-1]
        if not last.is_last or last.page + 1 != len(sync):
            continue
        found = [*([] if last.is_full else found), *sync]
    return found


def _replayed(lake: Lake, held: Held) -> Snapshot:
    pages: dict[tuple[str, int], _Envelope] = {}
    for envelope in _envelopes_of(lake, held):
        if envelope.metadata["sync"] in held.syncs:
            pages[envelope.metadata["sync"], int(envelope.metadata["page"])] = envelope
    events: dict[str, bytes] = {}
    for key in sorted(pages):
        if pages[key].metadata["is_full"] and key[1] == 0:
            events.clear()
        apply_page(events, bytes(pages[key].data))
    data = b"[" + b",".join(events[key] for key in sorted(events)) + b"]"
    return _snapshot(held, pages[max(pages)], data)


def _envelopes_of(lake: Lake, held: Held) -> Iterator[_Envelope]:
    for part in held.parts:
        for envelope in _envelopes(lake, part):
            if (envelope.user_id, envelope.metadata["calendar"]) == (held.user_id, held.calendar):
                yield envelope


def _envelopes(lake: Lake, part: Part) -> Iterator[_Envelope]:
    for line in lake.lines(part.key):
        yield msgspec.json.decode(line, type=_Envelope)


def _snapshot(held: Held, envelope: _Envelope, data: bytes) -> Snapshot:
    said = envelope.metadata
    return Snapshot(
        user_id=held.user_id,
        calendar=held.calendar,
        series=str(said.get("series", "")),
        day=date.fromisoformat(envelope.date),
        fetched_at=envelope.fetched_at,
        timezone=said.get("timezone"),
        window_first=held.window_first,
        window_last=date.fromisoformat(said["window_last"]),
        data=data,
        part_key=held.parts[-1].key,
        way_in=held.way_in,
        owner=str(said.get("owner", "")),
    )
