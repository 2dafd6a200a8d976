"""`mcraft import takeout`: years of Fitbit out of a Google Takeout archive, file by file, into raw."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Refusal
from moderation_craft.sources.contract import Person, Progress, no_progress
from moderation_craft.sources.fitbit.archive_days import MAX_REFUSED, SMALL_BYTES, DayPiece, split
from moderation_craft.sources.fitbit.archive_files import Archive, ArchiveFile, FileRefused, open_archive
from moderation_craft.sources.fitbit.archive_import import ImportResult, kept_text, refusal_of, zones_of
from moderation_craft.sources.fitbit.archive_parts import StreamWriter, WayIn, read_files
from moderation_craft.sources.fitbit.archive_streams import (
    PROFILE,
    ArchiveStream,
    reason_left_out,
    stream_of,
)
from moderation_craft.sources.fitbit.archive_times import Days, known_zone

MAX_PROFILE_BYTES: Final = 1024 * 1024


def import_takeout(
    lake: Lake, paths: Sequence[Path], person: Person, progress: Progress = no_progress
) -> ImportResult:
    """Take a Takeout archive (zips, or the unpacked folder) into raw; a file that cannot be read is quarantined.

    Each stream is committed when it is through: an import that was killed goes on there, and one that is
    repeated writes nothing. Raises RecordInvalid (E003) where it is no whole archive or holds nothing of Fitbit.
    """
    with open_archive(paths) as archive:
        return _Import(lake, archive, person, progress).run()


class _Import:
    def __init__(self, lake: Lake, archive: Archive, person: Person, progress: Progress) -> None:
        self._lake = lake
        self._archive = archive
        self._person = person
        self._progress = progress
        self._run_id = new_run_id(lake.clock)
        self._started_at = iso(lake.clock.now())
        profile = _profile_zone(archive)
        self._home = profile or person.timezone
        self._zone_of, self._zones_digest = zones_of(person, self._home)
        self._bytes_done = 0
        self._bytes_total = 0
        self._result = ImportResult(archive.name, person.user_id, self._home, notes=list(archive.notes))

    def run(self) -> ImportResult:
        chosen = self._choose()
        self._bytes_total = sum(file.size for files in chosen.values() for file in files)
        for name in sorted(chosen, key=lambda stream: stream.stream):
            self._take_stream(name, chosen[name])
        return self._result

    def _choose(self) -> dict[ArchiveStream, list[ArchiveFile]]:
        """The files to read by stream, once each; all others are counted as left out."""
        chosen: dict[ArchiveStream, dict[tuple[str, str], ArchiveFile]] = {}
        for file in self._archive.files:
            stream = stream_of(file.path)
            if stream is not None:
                chosen.setdefault(stream, {}).setdefault((file.path, file.mark), file)
            else:
                reason = "read for its time zone" if PROFILE.search(file.path) else reason_left_out(file.path)
                self._result.left_out[reason] += 1
                self._result.left_out_examples.setdefault(reason, file.path)
        if not chosen:
            raise RecordInvalid(
                f"{self._archive.name} holds nothing of Fitbit: none of its {len(self._archive.files):,} files is "
                "named like one (sleep-2024-01-01.json, steps_2026-01-01.csv, UserSleeps_….csv).",
                remedy="choose Fitbit (or Google Health) at takeout.google.com, then import that archive.",
            )
        return {stream: list(files.values()) for stream, files in chosen.items()}

    def _take_stream(self, stream: ArchiveStream, files: Sequence[ArchiveFile]) -> None:
        user_id, fetched_at = self._person.user_id, iso(self._archive.exported_at)
        held = read_files(self._lake, stream.stream, user_id)
        writer = StreamWriter(
            self._lake, WayIn(user_id, stream.way_in, stream.stream, fetched_at, stream.is_dense), self._started_at
        )
        refusals: list[Refusal] = []
        read: dict[str, str] = {}
        days = Days(stream.clock, self._zone_of)
        for file in files:
            self._progress(self._bytes_done, self._bytes_total, f"bytes, {stream.description}")
            self._result.files += 1
            known = held.get(file.short_path)
            is_restated = known is not None and known[1] != self._zones_digest
            if known == (file.mark, self._zones_digest):
                self._result.unchanged_files += 1
            elif self._take_file(stream, file, days, writer, refusals, is_restated=is_restated):
                read[file.short_path] = file.mark
            self._bytes_done += file.size
        manifest = writer.commit(
            f"{self._run_id}-{len(self._result.manifests) + 1:04}",
            {
                "stream": stream.stream,
                "user_id": user_id,
                "archive": self._archive.name,
                "as_of": fetched_at,
                "zones": self._zones_digest,
                "files": read,
            },
            refusals,
        )
        if manifest is not None:
            self._result.manifests.append(manifest.id)
        self._result.streams[stream.stream] = writer.written

    def _take_file(
        self,
        stream: ArchiveStream,
        file: ArchiveFile,
        days: Days,
        writer: StreamWriter,
        refusals: list[Refusal],
        *,
        is_restated: bool,
    ) -> bool:
        """Whether the file was taken; all of it is, or nothing: a large one is read twice for that.

        `is_restated`: it was read in other zones before, so that its days are other days now.
        """
        refused: list[Refusal] = []

        def refuse(element: str, reason: str) -> None:
            if len(refused) >= MAX_REFUSED:
                raise FileRefused(f"more than {MAX_REFUSED:,} of its elements cannot be read, such as: {reason}")
            refused.append(refusal_of(self._archive, file, reason, element))

        try:
            pieces: Iterator[DayPiece] = split(stream, file.chunks(), file.size, days, refuse)
            if file.size <= SMALL_BYTES:
                pieces = iter(list(pieces))
            else:
                for _ in pieces:
                    pass
                refused.clear()
                pieces = split(stream, file.chunks(), file.size, days, refuse)
            for piece in pieces:
                writer.take(file.short_path, piece, is_restated=is_restated)
        except FileRefused as error:
            reason = f"{file.path}: {error}"
            self._result.refused_files += 1
            self._result.refuse(reason)
            refusals.append(refusal_of(self._archive, file, str(error), kept_text(file)))
            return False
        self._result.refused_elements += len(refused)
        for refusal in refused[:1]:
            self._result.refuse(f"{file.path}: {refusal.reason}")
        refusals += refused
        return True


def _profile_zone(archive: Archive) -> str | None:
    """The zone that the archive's own profile names; its other personal fields are not looked at."""
    for file in archive.files:
        if PROFILE.search(file.path) and file.size <= MAX_PROFILE_BYTES:
            try:
                text = b"".join(file.chunks()).decode("utf-8-sig")
            except (FileRefused, UnicodeDecodeError):
                continue
            for row in csv.DictReader(io.StringIO(text)):
                if zone := known_zone((row.get("timezone") or "").strip()):
                    return zone
    return None
