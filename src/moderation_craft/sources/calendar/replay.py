"""Pages of Google's changes, one after the other, into the events that a calendar holds after them."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping

import msgspec


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] = []


class _Known(msgspec.Struct):
    id: str
    status: str = ""
    recurringEventId: str = ""


def apply_page(events: MutableMapping[str, bytes], page: bytes) -> None:
    """Put a page's events into `events` (JSON by id), and take out those that were deleted.

    A deleted occurrence of a series stays, for it says that the series has a gap there; a deleted series takes
    its exceptions along. What has no id is kept by its content, for whoever reads it to refuse.
    """
    for item in msgspec.json.decode(page, type=_Page).items:
        body = bytes(item)
        try:
            known = msgspec.json.decode(body, type=_Known)
        except msgspec.ValidationError:
            events[f"~{hashlib.sha256(body).hexdigest()}"] = body
            continue
        if known.status != "cancelled" or known.recurringEventId:
            events[known.id] = body
            continue
        events.pop(known.id, None)
        for key in [key for key in events if key.startswith(known.id) and _series_of(events[key]) == known.id]:
            del events[key]


def _series_of(event: bytes) -> str:
    try:
        return msgspec.json.decode(event, type=_Known).recurringEventId
    except msgspec.ValidationError:
        return ""
