"""`mcraft import fitbit-legacy`: answers of the old Fitbit Web API that somebody kept as files, into raw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Refusal
from moderation_craft.sources.contract import Person, Progress, no_progress
from moderation_craft.sources.fitbit.archive_days import DayPiece
from moderation_craft.sources.fitbit.archive_files import Archive, ArchiveFile, FileRefused, open_archive
from moderation_craft.sources.fitbit.archive_import import ImportResult, kept_text, refusal_of, zones_of
from moderation_craft.sources.fitbit.archive_parts import StreamWriter, WayIn
from moderation_craft.sources.fitbit.archive_times import ZoneOf
from moderation_craft.sources.fitbit.legacy_answers import Answer, split_answer

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_HELD_BYTES: Final = 4 * 1024 * 1024
_LINES: Final = (".jsonl", ".ndjson")
_SUFFIXES: Final = (".json", *_LINES)


def import_legacy(
    lake: Lake, paths: Sequence[Path], person: Person, progress: Progress = no_progress
) -> ImportResult:
    """Take saved answers (files or folders of JSON, or a zip) into raw, cut to days; repeated, it writes nothing.

    A file that is no answer is quarantined whole. Raises RecordInvalid (E003) where none of them is one.
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
        self._zone_of, self._zones_digest = zones_of(person, person.timezone)
        self._writers: dict[str, StreamWriter] = {}
        self._result = ImportResult(archive.name, person.user_id, person.timezone)

    def run(self) -> ImportResult:
        refusals: list[Refusal] = []
        chosen = [file for file in self._archive.files if file.name.lower().endswith(_SUFFIXES)]
        self._result.left_out["no JSON"] = len(self._archive.files) - len(chosen)
        for done, file in enumerate(chosen):
            self._progress(done, len(chosen), "answers")
            self._result.files += 1
            self._take(file, refusals)
        if not self._writers:
            raise RecordInvalid(
                f"{self._archive.name} holds no answer of the Fitbit Web API in {len(chosen):,} JSON files; "
                f"the first: {self._result.first_refusal or 'there is none'}.",
                remedy="give the folder with the saved answers (/1.2/user/-/sleep/date/… and the like).",
            )
        self._commit(refusals)
        return self._result

    def _take(self, file: ArchiveFile, refusals: list[Refusal]) -> None:
        try:
            found = list(_pieces(file, self._zone_of))
        except FileRefused as error:
            self._result.refused_files += 1
            self._result.refuse(f"{file.path}: {error}")
            refusals.append(refusal_of(self._archive, file, str(error), kept_text(file)))
            return
        for answer, piece in found:
            self._writer(answer).take(file.path, piece, iso(file.modified_at))

    def _writer(self, answer: Answer) -> StreamWriter:
        if answer.stream not in self._writers:
            way = WayIn(self._person.user_id, "legacy", answer.stream, iso(self._archive.exported_at))
            self._writers[answer.stream] = StreamWriter(self._lake, way, self._started_at, _HELD_BYTES)
        return self._writers[answer.stream]

    def _commit(self, refusals: list[Refusal]) -> None:
        for stream, writer in sorted(self._writers.items()):
            manifest = writer.commit(
                f"{self._run_id}-{len(self._result.manifests) + 1:04}",
                {
                    "stream": stream,
                    "user_id": self._person.user_id,
                    "archive": self._archive.name,
                    "as_of": iso(self._archive.exported_at),
                    "zones": self._zones_digest,
                    "files": {},
                },
                refusals,
            )
            refusals = []
            self._result.streams[stream] = writer.written
            if manifest is not None:
                self._result.manifests.append(manifest.id)


def _pieces(file: ArchiveFile, zone_of: ZoneOf) -> Iterator[tuple[Answer, DayPiece]]:
    if file.size > MAX_ANSWER_BYTES:
        raise FileRefused(f"it has {file.size:,} bytes; no answer has more than {MAX_ANSWER_BYTES:,}")
    text = b"".join(file.chunks())
    if not text.strip():
        raise FileRefused("it is empty")
    for line in text.splitlines() if file.name.lower().endswith(_LINES) else [text]:
        if line.strip():
            yield from split_answer(line, file.path, zone_of)
