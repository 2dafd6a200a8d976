"""An archive's files one by one, from zips (all its parts) or a folder: never unpacked, never whole in memory."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from moderation_craft.errors import BoundMet, RecordInvalid

CHUNK_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 1_000_000
MAX_FILE_BYTES: Final = 16 * 1024**3
BOMB_BYTES: Final = 64 * 1024 * 1024
BOMB_RATIO: Final = 300  # per-second JSON of a real heart packs about 25 times

_STAMP: Final = re.compile(r"takeout-(\d{8}T\d{6})Z", re.IGNORECASE)
_PART: Final = re.compile(r"(?P<stem>.+-)(?P<number>\d{3})(?: ?\(\d+\))?\.zip", re.IGNORECASE)
_DOWNLOAD_AGAIN: Final = "download the archive again from takeout.google.com; what was imported before stays."


class FileRefused(Exception):
    """A file of the archive that cannot be read; its text is the reason."""


@dataclass(frozen=True)
class ArchiveFile:
    """One file: its path in the archive, bytes unpacked, and a mark that is equal where its content is."""

    path: str
    size: int
    mark: str
    modified_at: datetime
    source: zipfile.ZipFile | Path = field(repr=False, compare=False)
    info: zipfile.ZipInfo | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def short_path(self) -> str:
        """Its folder and name: what stays the same when the folders above are translated or left out."""
        return "/".join(self.path.rsplit("/", 2)[-2:])

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, unpacked; FileRefused where they are damaged, locked or more than they should be."""
        self._check_bounds()
        try:
            with self._open() as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise FileRefused(f"its packed bytes are damaged: {error}") from error
        except (RuntimeError, NotImplementedError) as error:
            raise FileRefused(f"it cannot be unpacked: {error}") from error
        except OSError as error:
            raise FileRefused(f"it cannot be read: {error.strerror or error}") from error

    def _open(self) -> IO[bytes]:
        if isinstance(self.source, Path):
            return self.source.open("rb")
        return self.source.open(self.info or self.path)

    def _check_bounds(self) -> None:
        if self.size > MAX_FILE_BYTES:
            raise FileRefused(f"it has {self.size:,} bytes; at most {MAX_FILE_BYTES:,} are read")
        packed = self.info.compress_size if self.info else self.size
        if self.size > BOMB_BYTES and self.size > BOMB_RATIO * max(packed, 1):
            raise FileRefused(f"{packed:,} bytes claim to hold {self.size:,}; no real file packs so tightly")


@dataclass(frozen=True)
class Archive:
    """An archive to read: its files sorted by path, its name, when it was made (UTC), and what to tell of it."""

    name: str
    exported_at: datetime
    files: Sequence[ArchiveFile]
    notes: Sequence[str] = ()

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


@contextmanager
def open_archive(paths: Sequence[Path]) -> Iterator[Archive]:
    """A Takeout zip (with its other parts beside it), several zips, or an unpacked folder (which may hold zips).
    Raises RecordInvalid (E003) where there is nothing to read or a zip is cut, BoundMet (E009) above a million
    files.
    """
    zips, others = _find(paths)
    zips, notes = _with_all_parts(zips)
    with ExitStack() as opened:
        files = [file for path in zips for file in _zipped(opened.enter_context(_opened(path)))]
        files += [file for path in others for file in _on_disk(path)]
        if len(files) > MAX_FILES:
            raise BoundMet(
                f"The archive holds {len(files):,} files; at most {MAX_FILES:,} are read.",
                remedy="give the folder of Fitbit (or Google Health) alone.",
            )
        if not files:
            raise RecordInvalid(
                f"There is no file in {', '.join(map(str, paths))}.",
                remedy="give the zip from takeout.google.com, or the folder it was unpacked to.",
            )
        name = (zips or others)[0].name
        files.sort(key=lambda file: (file.path, file.mark))
        yield Archive(name, _exported_at(zips + others, files), files, notes)


def _find(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    zips, others = [], []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.zip"))
            zips += inside
            if any(child.suffix.lower() != ".zip" for child in path.iterdir()):
                others.append(path)
        elif path.is_file():
            (zips if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path) else others).append(path)
        else:
            raise RecordInvalid(
                f"{str(path)!r} does not exist.",
                remedy="give the path of a Takeout zip, or of the folder it was unpacked to.",
            )
    return zips, others


def _with_all_parts(zips: list[Path]) -> tuple[list[Path], list[str]]:
    """The zips and the other parts of the same archives beside them; notes name parts that are not there."""
    found = {path.resolve(): path for path in zips}
    notes = []
    for stem, folder in sorted(
        {(part["stem"], path.parent) for path in zips if (part := _PART.fullmatch(path.name))}
    ):
        beside = [
            path for path in folder.iterdir() if (part := _PART.fullmatch(path.name)) and part["stem"] == stem
        ]
        found |= {path.resolve(): path for path in beside if path.resolve() not in found}
        numbers = {int(_PART.fullmatch(path.name)["number"]) for path in beside}  # type: ignore[index]
        missing = sorted(set(range(1, max(numbers) + 1)) - numbers)
        if missing:
            names = ", ".join(f"{stem}{number:03}.zip" for number in missing)
            notes.append(f"parts that are not here: {names}; import them when you have them")
        if len(beside) > 1:
            notes.append(f"{len(beside)} parts of {stem.rstrip('-')} are read together")
    return sorted(found.values(), key=lambda path: path.name), notes


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        opened = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise RecordInvalid(
            f"{path.name} is no whole zip: {error}. A download that was cut off looks like this.",
            remedy=_DOWNLOAD_AGAIN,
        ) from error
    except OSError as error:
        raise RecordInvalid(
            f"{str(path)!r} cannot be read: {error.strerror or error}.", remedy="check its permissions."
        ) from error
    with opened:
        yield opened


def _zipped(opened: zipfile.ZipFile) -> Iterator[ArchiveFile]:
    for info in opened.infolist():
        if not info.is_dir():
            mark = f"{info.CRC:08x}-{info.file_size:x}"
            yield ArchiveFile(info.filename, info.file_size, mark, _zip_time(info), opened, info)


def _zip_time(info: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return datetime(1980, 1, 1, tzinfo=UTC)


def _on_disk(start: Path) -> Iterator[ArchiveFile]:
    """The files of a folder, or a file by itself."""
    for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
        if path.is_file() and path.suffix.lower() != ".zip":
            seen = path.stat()
            modified_at = datetime.fromtimestamp(seen.st_mtime, UTC).replace(microsecond=0)
            mark = f"{seen.st_mtime_ns:x}-{seen.st_size:x}"
            name = path.relative_to(start).as_posix() if start.is_dir() else path.name
            yield ArchiveFile(name, seen.st_size, mark, modified_at, path)


def _exported_at(paths: Sequence[Path], files: Sequence[ArchiveFile]) -> datetime:
    """When the archive was made: as its name says, else as its newest file says."""
    stamps = [found[1] for path in paths if (found := _STAMP.search(str(path)))]
    if stamps:
        return datetime.strptime(max(stamps), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return max(file.modified_at for file in files)
