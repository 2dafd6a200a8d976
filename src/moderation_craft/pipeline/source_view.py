"""Holdings as the API and `mcraft sources --json` tell them: plain values, names in camelCase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from moderation_craft.pipeline.holdings import Holding
    from moderation_craft.sources.contract import Stream
    from moderation_craft.sources.states import DayRun, Run, SourceStates, StreamStates


def summary(holdings: Iterable[Holding]) -> list[dict[str, Any]]:
    """Each source with its streams, and of each person what is held, lacking, and why."""
    return [
        {
            "name": holding.source.name,
            "streams": [_stream(stream) for stream in holding.source.streams],
            "people": [_person(states) for states in holding.people],
        }
        for holding in holdings
    ]


def completeness(holdings: Iterable[Holding]) -> list[dict[str, Any]]:
    """Each source's runs of days: over its streams, and by stream."""
    return [
        {
            "source": states.source,
            "isConnected": states.refusal is None,
            "reason": states.refusal,
            "days": [_day_run(run) for run in states.days],
            "streams": [
                {"stream": each.stream.name, "runs": [_run(run) for run in each.runs]} for each in states.streams
            ],
        }
        for holding in holdings
        for states in holding.people
    ]


def _stream(stream: Stream) -> dict[str, Any]:
    return {
        "name": stream.name,
        "description": stream.description,
        "entity": stream.entity,
        "unit": stream.unit,
        "shape": stream.shape,
        "openDays": stream.open_days,
        "isOptional": stream.is_optional,
    }


def _person(states: SourceStates) -> dict[str, Any]:
    return {
        "userId": states.user_id,
        "isConnected": states.refusal is None,
        "reason": states.refusal,
        "days": states.counts,
        **_ends(states.held_ends),
        "lastLookedAt": states.last_looked_at,
        "streams": [_held_stream(each) for each in states.streams],
    }


def _held_stream(states: StreamStates) -> dict[str, Any]:
    return {
        "stream": states.stream.name,
        "days": states.counts,
        **_ends(states.held_ends),
        "lastLookedAt": states.last_looked_at,
        "reason": states.reason,
    }


def _ends(ends: tuple[date, date] | None) -> dict[str, str | None]:
    return {"firstDay": str(ends[0]) if ends else None, "lastDay": str(ends[1]) if ends else None}


def _run(run: Run) -> dict[str, Any]:
    return {
        "first": str(run.first),
        "last": str(run.last),
        "state": run.state,
        "reason": run.reason,
        "code": run.code,
        "remedy": run.remedy,
    }


def _day_run(run: DayRun) -> dict[str, Any]:
    return {
        "first": str(run.first),
        "last": str(run.last),
        "state": run.state,
        "streamsExpected": run.streams_expected,
        "streamsHeld": run.streams_held,
        "lacking": list(run.lacking),
        "reason": run.reason,
    }
