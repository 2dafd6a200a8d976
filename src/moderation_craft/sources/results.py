"""What a fetch did, by stream: written, unchanged, left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from moderation_craft.errors import McraftError
from moderation_craft.sources.contract import Window


@dataclass(frozen=True)
class Skip:
    """What was left out and why; `error` is None where nothing failed (a person who is not connected)."""

    stream: str
    user_id: str
    reason: str
    error: McraftError | None = None
    window: Window | None = None

    @property
    def code(self) -> str | None:
        return self.error.code if self.error else None

    @property
    def days(self) -> int:
        return len(self.window.days) if self.window else 0


@dataclass
class StreamResult:
    """What one run did for one stream: days asked for, records written or found unchanged, parts, bytes."""

    stream: str
    days_asked: int = 0
    records: int = 0
    unchanged: int = 0
    parts: int = 0
    bytes: int = 0
    skipped: list[Skip] = field(default_factory=list)


@dataclass
class FetchResult:
    """What one run did for one source; `manifests` are the ids that it committed."""

    source: str
    run_id: str
    streams: dict[str, StreamResult]
    manifests: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(stream.records for stream in self.streams.values())

    @property
    def unchanged(self) -> int:
        return sum(stream.unchanged for stream in self.streams.values())

    @property
    def days_asked(self) -> int:
        return sum(stream.days_asked for stream in self.streams.values())

    @property
    def parts(self) -> int:
        return sum(stream.parts for stream in self.streams.values())

    @property
    def bytes(self) -> int:
        return sum(stream.bytes for stream in self.streams.values())

    @property
    def skipped(self) -> list[Skip]:
        return [skip for stream in self.streams.values() for skip in stream.skipped]

    @property
    def errors(self) -> list[McraftError]:
        """What failed, each failure once."""
        return list({id(skip.error): skip.error for skip in self.skipped if skip.error}.values())

    def sentence(self) -> str:
        """The result in a few words: `fitbit: 540 new days, 12 unchanged; left out 3: …`."""
        said = f"{self.source}: {self.records:,} new, {self.unchanged:,} unchanged"
        if not self.skipped:
            return said
        if not self.days_asked and not self.errors:
            return f"{self.source}: nobody asked for ({self.skipped[0].reason})"
        failed_days = sum(skip.days for skip in self.skipped if skip.error)
        if not failed_days:
            return said
        streams = sorted({skip.stream for skip in self.skipped if skip.error})
        return f"{said}, {failed_days:,} days left out of {', '.join(streams)} ({self.errors[0].code})"
