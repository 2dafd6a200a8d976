"""What gold says about itself: the pointer, a version and its files. No times in it: same content, same bytes."""

from __future__ import annotations

import hashlib

import msgspec

from moderation_craft.lake import Lake, zones

PUBLISHED_STAGING = f"{zones.STAGING}published.json"
MADE_FROM = "gold.json"


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str


class GoldFile(msgspec.Struct, frozen=True):
    """One Parquet object; `month` is YYYY-MM, None where the mart is one file."""

    key: str
    bytes: int
    rows: int
    month: str | None = None


class Mart(msgspec.Struct, frozen=True):
    name: str
    keys: list[str]
    order: list[str]
    columns: list[Column]
    rows: int
    files: list[GoldFile]


class GoldPerson(msgspec.Struct, frozen=True):
    """A person with published days and the object that their browser attaches."""

    user_id: str
    name: str
    timezone: str
    first_date: str
    last_date: str
    key: str
    bytes: int


class GoldVersion(msgspec.Struct, frozen=True):
    """Everything that is published together; `version` is a digest of the rest."""

    version: str
    marts: list[Mart]
    people: list[GoldPerson]
    layout_version: int = zones.LAYOUT_VERSION

    @property
    def file_keys(self) -> set[str]:
        parquet = {file.key for mart in self.marts for file in mart.files}
        return parquet | {person.key for person in self.people}


class Pointer(msgspec.Struct, frozen=True):
    """Which version readers read."""

    version: str


class StagedTable(msgspec.Struct, frozen=True):
    name: str
    key: str
    rows: int
    bytes: int


class PublishedStaging(msgspec.Struct, frozen=True):
    """The staging objects and refused records of the last publication."""

    tables: list[StagedTable]
    quarantined: list[str]


def encode(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def make_version(marts: list[Mart], people: list[GoldPerson]) -> GoldVersion:
    body = msgspec.json.encode([zones.LAYOUT_VERSION, marts, people])
    return GoldVersion(version=hashlib.sha256(body).hexdigest()[:16], marts=marts, people=people)


def read_pointer(lake: Lake) -> Pointer | None:
    data = lake.storage.get_or_none(zones.GOLD_POINTER)
    return None if data is None else msgspec.json.decode(data, type=Pointer)


def read_fingerprint(lake: Lake, version: str) -> str:
    """What a version was made from (see fingerprint.py); empty where that is not known any more.

    It stands in `_state/`, for it names runs of this lake, and gold is the same wherever it was made.
    """
    state = lake.read_state(MADE_FROM) or {}
    return str(state.get("fingerprint", "")) if state.get("version") == version else ""


def write_fingerprint(lake: Lake, version: str, fingerprint: str) -> None:
    if read_fingerprint(lake, version) != fingerprint:
        lake.write_state(MADE_FROM, {"version": version, "fingerprint": fingerprint})


def read_version(lake: Lake, version: str) -> GoldVersion | None:
    data = lake.storage.get_or_none(zones.gold_version(version))
    return None if data is None else msgspec.json.decode(data, type=GoldVersion)


def read_published_staging(lake: Lake) -> PublishedStaging:
    data = lake.storage.get_or_none(PUBLISHED_STAGING)
    return PublishedStaging([], []) if data is None else msgspec.json.decode(data, type=PublishedStaging)
