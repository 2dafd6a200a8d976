"""The files of AWS's own table export: manifests, checksums, data; read and verified as a stream, never changed.

Layout (docs/native-export.md has it whole): `AWSDynamoDB/{id}/manifest-summary.json`, `manifest-files.json`, a
checksum file beside each; data of a full export in `AWSDynamoDB/{id}/data/`, of a window in `AWSDynamoDB/data/`.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from moderation_craft.errors import BoundMet, McraftError, RecordInvalid
from moderation_craft.lake import Storage
from moderation_craft.lake.codec import Damaged, gunzip
from moderation_craft.sources.contract import Progress, no_progress

SUMMARY = "manifest-summary.json"
FILES = "manifest-files.json"
EXPORTS_FOLDER = "AWSDynamoDB"
MAX_LINE_BYTES = 64 * 1024 * 1024
MAX_UNREADABLE_LINES = 1000

_INCREMENTAL = "INCREMENTAL_EXPORT"
_FORMAT = "DYNAMODB_JSON"
# AWS's guide names the checksum files `.checksum`; exports seen in buckets carry `.md5`.
_CHECKSUM_SUFFIXES = (".md5", ".checksum")
_NO_TEXT = bytes({*range(32)} - {*b"\t\n"})
_FILES_AT_ONCE = 4
_AGAIN = "export the table again (`mcraft export --mode pitr`), or copy the export's folder again, whole."


class Summary(msgspec.Struct, rename="camel", frozen=True):
    """`manifest-summary.json`; a full export has `exportTime`, a window `exportFromTime` and `exportToTime`."""

    export_arn: str
    table_arn: str
    item_count: int
    output_format: str
    table_id: str = ""
    export_type: str | None = None
    export_time: datetime | None = None
    export_from_time: datetime | None = None
    export_to_time: datetime | None = None
    output_view: str | None = None
    billed_size_bytes: int | None = None

    @property
    def is_delta(self) -> bool:
        return self.export_type == _INCREMENTAL

    @property
    def as_of(self) -> datetime:
        """The instant whose state the export shows (a window: just before it)."""
        return self._told(self.export_to_time if self.is_delta else self.export_time)

    @property
    def begins(self) -> datetime | None:
        """Where a window begins; None for a full export."""
        return self._told(self.export_from_time) if self.is_delta else None

    def check(self) -> None:
        """RecordInvalid where it does not say which table it shows at what time."""
        self._told(self.as_of)
        if self.is_delta:
            self._told(self.begins)
        if self.table_arn.count(":") < 5 or "/" not in self.table_arn:
            raise RecordInvalid(
                f"The manifest of {self.export_arn} does not say of which table it is.", remedy=_AGAIN
            )

    def _told(self, instant: datetime | None) -> datetime:
        if instant is None or instant.tzinfo is None:
            raise RecordInvalid(f"The manifest of {self.export_arn} does not say at what time.", remedy=_AGAIN)
        return instant

    @property
    def table_name(self) -> str:
        return self.table_arn.rsplit("/", 1)[-1]

    @property
    def region(self) -> str:
        return self.table_arn.split(":")[3]


class Listed(msgspec.Struct, rename="camel", frozen=True):
    """One line of `manifest-files.json`; `md5_checksum` is Base64 of the MD5 of the object as stored."""

    item_count: int
    md5_checksum: str
    data_file_s3_key: str


@dataclass(frozen=True)
class ExportFolder:
    """One export's place: `home` is the key of its AWSDynamoDB folder in `storage`, empty or ending in `/`."""

    storage: Storage
    home: str
    export_id: str

    def key(self, name: str) -> str:
        return f"{self.home}{self.export_id}/{name}"

    def data_key(self, listed: Listed) -> str:
        """Where a listed file lies; AWS's keys count from the bucket, and a copied folder has lost its prefix."""
        _, found, tail = listed.data_file_s3_key.rpartition(f"{EXPORTS_FOLDER}/")
        steps = tail.split("/")
        if found and len(steps) == 3 and steps[1] == "data" and _is_plain(steps[2]):
            return self.key(f"data/{steps[2]}")
        if found and len(steps) == 2 and steps[0] == "data" and _is_plain(steps[1]):
            return f"{self.home}data/{steps[1]}"
        raise RecordInvalid(
            f"{self.key(FILES)} names the data file {listed.data_file_s3_key!r}, which is no place of an export.",
            remedy=_AGAIN,
        )


class VerifiedFile(msgspec.Struct, frozen=True):
    """One data file as it was read: its stored bytes and SHA-256, its lines, and those that are no record."""

    key: str
    bytes: int
    sha256: str
    lines: int
    unreadable: int


@dataclass(frozen=True)
class VerifiedExport:
    """An export whose manifests, checksums and counts all agree."""

    folder: ExportFolder
    summary: Summary
    files: list[VerifiedFile]
    own_files: list[str]  # manifests and their checksum files

    @property
    def unreadable(self) -> int:
        return sum(file.unreadable for file in self.files)


class NativeRecord(NamedTuple):
    """One line of a data file: the item's DynamoDB JSON, exact; for a deleted one its key and its last content."""

    item: bytes  # empty: deleted
    keys: bytes = b""  # windows only
    old: bytes = b""  # windows only, where the view has old images and the item existed

    @property
    def is_delete(self) -> bool:
        return not self.item


class _Line(msgspec.Struct):
    Item: msgspec.Raw = msgspec.Raw(b"")
    Keys: msgspec.Raw = msgspec.Raw(b"")
    NewImage: msgspec.Raw = msgspec.Raw(b"")
    OldImage: msgspec.Raw = msgspec.Raw(b"")


_decoder = msgspec.json.Decoder(_Line)


def native_record(line: bytes) -> NativeRecord:
    """A line of a full export (`Item`) or of a window (`Keys`, `OldImage`, `NewImage`).

    msgspec.DecodeError (a ValueError) where it is neither.
    """
    found = _decoder.decode(line)
    item, keys, new, old = (bytes(part) for part in (found.Item, found.Keys, found.NewImage, found.OldImage))
    record = NativeRecord(item) if item else NativeRecord(new, keys, old)
    for part in record:
        if part and not part.startswith(b"{"):
            raise msgspec.ValidationError("an image is no object")
    if not item and not keys:
        raise msgspec.ValidationError("neither Item nor Keys")
    return record


class VerificationPaused(Exception):
    """`stop` turned true; what was verified stands in `known`."""


def verify(
    folder: ExportFolder,
    progress: Progress = no_progress,
    *,
    known: dict[str, VerifiedFile] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> VerifiedExport:
    """Read an export through and hold it against its manifests: MD5 of every file, gzip whole, items counted.

    Raises RecordInvalid (E003) at the first thing that does not agree, BoundMet (E009) for a line beyond all
    bounds. Memory is constant in the export's size. Lines that are no record are counted, not refused. Files in
    `known` are taken as verified, and those verified are added to it; VerificationPaused where `stop` turned true.
    """
    summary, listed, own_files = read_manifests(folder)
    done = 0
    lock = threading.Lock()
    held = {} if known is None else known

    def one(file: Listed) -> VerifiedFile:
        nonlocal done
        found = held.get(folder.data_key(file))
        if found is None:
            if stop():
                raise VerificationPaused
            found = _verify_file(folder, file)
        with lock:
            held[found.key] = found
            done += found.lines
            progress(done, summary.item_count, "items verified")
        return found

    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        tasks = [pool.submit(one, file) for file in listed]
        try:
            files = [task.result() for task in tasks]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    verified = VerifiedExport(folder, summary, files, own_files)
    if verified.unreadable > MAX_UNREADABLE_LINES:
        raise RecordInvalid(
            f"{verified.unreadable:,} lines of the export {folder.export_id} are no DynamoDB JSON.", remedy=_AGAIN
        )
    return verified


def read_manifests(folder: ExportFolder) -> tuple[Summary, list[Listed], list[str]]:
    """Both manifests, held against their checksums and each other; RecordInvalid (E003) where one is not whole."""
    summary_data, summary_checksum = _checked(folder, SUMMARY)
    summary = _decoded(summary_data, Summary, folder.key(SUMMARY))
    if summary.output_format != _FORMAT:
        raise RecordInvalid(
            f"The export {folder.export_id} is in the format {summary.output_format}; only {_FORMAT} is read.",
            remedy=f"export the table again with ExportFormat={_FORMAT}.",
        )
    summary.check()
    files_data, files_checksum = _checked(folder, FILES)
    listed = [_decoded(line, Listed, folder.key(FILES)) for line in files_data.splitlines() if line.strip()]
    total = sum(file.item_count for file in listed)
    if total != summary.item_count:
        raise RecordInvalid(
            f"The export {folder.export_id} counts {summary.item_count:,} items; its files list {total:,}.",
            remedy=_AGAIN,
        )
    return summary, listed, [SUMMARY, summary_checksum, FILES, files_checksum]


def unpacked(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Gzip unpacked, streamed; RecordInvalid (E003) where it is broken."""
    try:
        yield from gunzip(chunks)
    except Damaged as error:
        raise RecordInvalid(f"{name} is not whole: {error}.", remedy=_AGAIN) from error


def _verify_file(folder: ExportFolder, listed: Listed) -> VerifiedFile:
    key = folder.data_key(listed)
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = lines = unreadable = 0
    broken: McraftError | None = None

    def read() -> Iterator[bytes]:
        nonlocal size
        for chunk in folder.storage.stream(key):
            md5.update(chunk)
            sha256.update(chunk)
            size += len(chunk)
            yield chunk

    stored = read()
    try:
        try:
            for line in _lines(_text(unpacked(stored, key), key), key):
                lines += 1
                try:
                    native_record(line)
                except msgspec.DecodeError:
                    unreadable += 1
        except RecordInvalid as error:
            broken = error
        for _ in stored:  # the rest of a broken file: its MD5 says whether it came so or broke on its way
            pass
    except FileNotFoundError as error:
        raise RecordInvalid(
            f"The data file {key!r} of the export {folder.export_id} is missing.", remedy=_AGAIN
        ) from error
    if base64.b64encode(md5.digest()).decode() != listed.md5_checksum:
        raise RecordInvalid(
            f"The data file {key!r} ({size:,} bytes) has not the MD5 of its manifest: it was cut or changed.",
            remedy=_AGAIN,
        )
    if broken is not None:
        raise broken
    if lines != listed.item_count:
        raise RecordInvalid(
            f"The data file {key!r} holds {lines:,} items; its manifest says {listed.item_count:,}.", remedy=_AGAIN
        )
    return VerifiedFile(key, size, sha256.hexdigest(), lines, unreadable)


def _text(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The same chunks, proven to be what staging can read line by line: UTF-8 without control characters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise RecordInvalid(f"{name} is no UTF-8 text: {error.reason}.", remedy=_AGAIN) from error
        if len(chunk.translate(None, _NO_TEXT)) != len(chunk):
            raise RecordInvalid(f"{name} holds control characters, which no line of JSON can.", remedy=_AGAIN)
        yield chunk


def _lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    pending: list[bytes] = []
    for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        pending.append(first)
        if rest:
            yield from (line for line in (b"".join(pending), *rest[:-1]) if line)
            pending = rest[-1:]
        elif sum(map(len, pending)) > MAX_LINE_BYTES:
            raise BoundMet(
                f"{name} holds a line of more than {MAX_LINE_BYTES:,} bytes; an item has 400 KB at most.",
                remedy="this is no export of DynamoDB: check where the file comes from.",
            )
    if line := b"".join(pending):
        yield line


def _checked(folder: ExportFolder, name: str) -> tuple[bytes, str]:
    """A manifest's bytes after its checksum agreed, and the name of the checksum file."""
    data = folder.storage.get_or_none(folder.key(name))
    if data is None:
        raise RecordInvalid(
            f"The export {folder.export_id} has no {name}: it failed, is still under way, or was copied in part.",
            remedy=_AGAIN,
        )
    for suffix in _CHECKSUM_SUFFIXES:
        beside = name.removesuffix(".json") + suffix
        stated = folder.storage.get_or_none(folder.key(beside))
        if stated is None:
            continue
        if stated.strip() != base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()):
            raise RecordInvalid(
                f"{folder.key(name)} has another MD5 than {beside} says: it was cut or changed.", remedy=_AGAIN
            )
        return data, beside
    raise RecordInvalid(
        f"The export {folder.export_id} has no checksum file beside {name}, so it cannot be verified.",
        remedy=_AGAIN,
    )


_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def _decoded(data: bytes, shape: type[_Shape], name: str) -> _Shape:
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordInvalid(f"{name} cannot be read: {error}.", remedy=_AGAIN) from error


def _is_plain(name: str) -> bool:
    return bool(name) and name not in (".", "..") and "\\" not in name


def export_names(keys: Iterable[str]) -> list[str]:
    """The folders, by key, that hold a whole export's summary."""
    return sorted(key.removesuffix(SUMMARY).rstrip("/") for key in keys if key.endswith(f"/{SUMMARY}"))
