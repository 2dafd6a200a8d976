"""A small lake written by hand through the Lake API: two people, a few days, most of the traps."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from moderation_craft.lake import Entry, Lake, Manifest, zones
from moderation_craft.lake.codec import compress

AOI, REN = "u-aoi", "u-ren"
FIRST_DAY = date(2026, 3, 1)
DAYS = 6
TABLE = "moderation-craft-data"


def typed(value: object) -> dict[str, Any]:
    """A value as DynamoDB JSON."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case list():
            return {"L": [typed(each) for each in value]}
        case dict():
            return {"M": {name: typed(each) for name, each in value.items()}}
        case _:
            return {"S": str(value)}


def item(entity_type: str | None, record_id: str | None, user_id: str = AOI, **more: object) -> dict[str, Any]:
    fields: dict[str, object] = {"entity_type": entity_type, "id": record_id, "user_id": user_id}
    fields |= {"updated_at": "2026-03-08T00:00:00.000Z"} | more
    return {name: typed(value) for name, value in fields.items() if value is not None}


def session(record_id: str, start: str, minutes: int, user_id: str = AOI, **more: object) -> dict[str, Any]:
    """A finished session; `start` is UTC, ISO 8601."""
    begun = datetime.fromisoformat(start)
    fields: dict[str, object] = {
        "start_time": start,
        "end_time": (begun + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z"),
        "duration_seconds": minutes * 60,
        "focus_level": 6,
    }
    return item("work_session", record_id, user_id, **(fields | more))


def put_export(lake: Lake, run_id: str, items: Sequence[object], dt: date = FIRST_DAY) -> Manifest:
    """A full export: one part, its manifest. A text among the items is written as the line itself."""
    lines = [each if isinstance(each, str) else json.dumps({"Item": each}, ensure_ascii=False) for each in items]
    data = compress("\n".join(lines).encode() + b"\n")
    digest = hashlib.sha256(data).hexdigest()
    part = lake.put_part(
        zones.dynamodb_part(dt, TABLE, digest, "jsonl.zst"), data, rows=len(items), stream=TABLE, dt=str(dt)
    )
    return lake.commit(
        run_id=run_id,
        kind="dynamodb_export",
        source="dynamodb",
        started_at=f"{dt}T20:00:00.000Z",
        parts=[part],
        details={"table_name": TABLE, "mode": "full", "format": "json"},
    )


def put_dump(lake: Lake, run_id: str, rows: Sequence[tuple[str, object]], dt: date = FIRST_DAY) -> Manifest:
    lines = [json.dumps({"table": name, "inbound": True, "row": row}, ensure_ascii=False) for name, row in rows]
    data = compress("\n".join(lines).encode())
    digest = hashlib.sha256(data).hexdigest()
    part = lake.put_part(zones.dump_part(dt, AOI, digest), data, rows=len(rows), stream="rows", dt=str(dt))
    return lake.commit(
        run_id=run_id,
        kind="indexeddb_dump",
        source="indexeddb",
        started_at="2026-03-08T12:00:00.000Z",
        parts=[part],
        details={"user_id": AOI, "header": {}, "database": "ModerationCraftDB"},
    )


def put_envelopes(
    lake: Lake,
    run_id: str,
    source: str,
    stream: str,
    answers: Mapping[tuple[str, date], object],
    *,
    fetched_at: str = "2026-03-08T00:00:00.000Z",
    metadata: dict[str, object] | None = None,
) -> Manifest:
    """One part a day, as the fetch engine writes them."""
    parts = []
    for day in sorted({day for _, day in answers}):
        said = {user: answer for (user, on), answer in answers.items() if on == day}
        lines = [
            {
                "source": source,
                "stream": stream,
                "user_id": user,
                "date": str(day),
                "fetched_at": fetched_at,
                "data": answer,
                "metadata": {"api_version": "v4", **(metadata or {})},
            }
            for user, answer in said.items()
        ]
        data = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode() + b"\n"
        digest = hashlib.sha256(data).hexdigest()
        entries = [
            Entry(user, str(day), hashlib.sha256(json.dumps(answer).encode()).hexdigest(), fetched_at)
            for user, answer in said.items()
        ]
        key = zones.external_part(source, stream, day, digest)
        parts.append(lake.put_part(key, data, rows=len(lines), stream=stream, dt=str(day), entries=entries))
    return lake.commit(run_id=run_id, kind="fetch", source=source, started_at=fetched_at, parts=parts)


def sleep_point(day: date, log_id: str, *, main: bool = True, deep: int = 80) -> dict[str, Any]:
    """A staged night that ended at 07:00 in Tokyo on the day: 8 hours in bed, 30 minutes awake."""
    end = datetime.combine(day, time(22)) - timedelta(days=1)
    minutes = {"AWAKE": 30, "LIGHT": 450 - deep - 90, "DEEP": deep, "REM": 90}
    return {
        "name": f"users/me/dataTypes/sleep/dataPoints/{log_id}",
        "sleep": {
            "interval": {
                "startTime": (end - timedelta(hours=8)).isoformat() + "Z",
                "startUtcOffset": "32400s",
                "endTime": end.isoformat() + "Z",
                "endUtcOffset": "32400s",
            },
            "type": "STAGES",
            "metadata": {"mainSleep": main, "stagesStatus": "SUCCEEDED"},
            "summary": {
                "minutesInSleepPeriod": "480",
                "minutesAsleep": "450",
                "minutesAwake": "30",
                "stagesSummary": [{"type": kind, "minutes": str(each)} for kind, each in minutes.items()],
            },
        },
    }


def weather(day: date, temperature: float) -> dict[str, object]:
    return {
        "daily": {
            "time": [str(day)],
            "temperature_2m_mean": [temperature],
            "temperature_2m_min": [temperature - 4],
            "temperature_2m_max": [temperature + 4],
            "precipitation_sum": [0.5],
            "daylight_duration": [41400.0],
            "relative_humidity_2m_mean": [60],
            "pressure_msl_mean": [1010.0 + temperature / 10],
        }
    }


def put_prepared(lake: Lake, source: str, entity: str, table: pa.Table) -> str:
    out = io.BytesIO()
    pq.write_table(table, out)
    data = out.getvalue()
    key = zones.prepared(source, entity, hashlib.sha256(data).hexdigest())
    lake.storage.put(key, data)
    return key


BROKEN = [
    item(None, "no-type"),
    {name: value for name, value in session("x", "2026-03-02T01:00:00Z", 25).items() if name != "id"},
    session("bad-time", "2026-03-02T01:00:00Z", 25, start_time="yesterday"),
    session("bad-focus", "2026-03-02T01:00:00Z", 25, focus_level=12),
    item("mood_entry", "bad-mood", timestamp="2026-03-02T01:00:00Z", mood_level="great"),
    session("far", "2026-03-02T01:00:00Z", 25, start_time="9026-03-02T01:00:00Z"),
    '{"Item": {"entity_type": {"S": "work_se',
]


def app_items() -> list[object]:
    """Aoi's and Ren's table at the last export."""
    return [
        item("user", AOI, timezone="Asia/Tokyo", name="葵 🌙", preferences={"places": []}),
        item("user", REN, REN, timezone="Mars/Olympus", name="Ren"),
        item("project", "p1", name="絵本", status="active", color="hsl(10, 50%, 50%)"),
        item("big_task", "b1", project_id="p1", name="下描き", status="active"),
        item("small_task", "t1", big_task_id="b1", name="ラフ", status="completed", estimated_minutes="30"),
        session("s1", "2026-03-01T00:00:00.000Z", 25, small_task_id="t1", focus_level="5"),
        session("s2", "2026-03-01T14:50:00.000Z", 40),
        session("s3", "2026-03-03T03:00:00.000Z", 60, duration_seconds=None, duration_minutes=50),
        item("work_session", "running", start_time="2026-03-04T03:00:00.000Z"),
        item("mood_entry", "m1", timestamp="2026-03-01T03:00:00.000Z", mood_level=7, notes="よい 😀"),
        item("mood_entry", "m2", REN, timestamp="2026-03-02T03:00:00.000Z", mood_level=3),
        session("r1", "2026-03-02T00:00:00.000Z", 26, REN),
        *BROKEN,
    ]


DELETED = [
    item("small_task", "t-gone", name="消した", status="pending"),
    session("s-gone", "2026-03-02T00:00:00.000Z", 25),
]


def make_lake(address: str) -> Lake:
    """The lake that most tests read."""
    lake = Lake.open(address)
    put_export(lake, "20260307T200000000Z-0001", [*app_items(), *DELETED], date(2026, 3, 7))
    put_export(lake, "20260308T200000000Z-0002", app_items(), date(2026, 3, 8))
    newer = {"id": "s1", "user_id": AOI, "start_time": 1772323200000, "end_time": 1772324700000}
    newer |= {"duration_seconds": 1500, "focus_level": 8, "updated_at": "2026-03-01T00:00:00Z"}
    put_dump(
        lake,
        "20260308T120000000Z-0003",
        [
            ("work_sessions", newer | {"$types": {"start_time": "date", "end_time": "date"}}),
            ("moodEntries", {"id": "m-off", "userId": AOI, "timestamp": "2026-03-04T01:00:00Z", "moodLevel": 9}),
            ("category_colors", ["企画", {"color": "red"}]),
            ("sync_queue", {"id": "q1", "entity_type": "work_session", "entity_id": "s1", "operation": "update"}),
        ],
    )
    days = [FIRST_DAY + timedelta(days=offset) for offset in range(DAYS)]
    nights = {(AOI, day): {"dataPoints": [sleep_point(day, f"n{day}")]} for day in days[:3]}
    nights[AOI, days[1]] = {
        "dataPoints": [sleep_point(days[0], f"n{days[0]}"), sleep_point(days[1], f"n{days[1]}")]
    }
    nights[AOI, days[3]] = {"dataPoints": [{"name": "x/broken", "sleep": {"interval": {"startTime": "?"}}}]}
    nights[AOI, days[4]] = {"dataPoints": []}
    put_envelopes(lake, "20260308T210000000Z-0004", "fitbit", "sleep", nights)
    steps = {(AOI, day): {"rollupDataPoints": [{"steps": {"countSum": "8000"}}]} for day in days[:5]}
    steps[AOI, days[5]] = {"rollupDataPoints": []}
    put_envelopes(lake, "20260308T210000000Z-0005", "fitbit", "steps", steps)
    told = {(user, day): weather(day, 10.0 + number) for number, day in enumerate(days) for user in (AOI, REN)}
    put_envelopes(lake, "20260308T210000000Z-0006", "weather", "daily", told, metadata={"place": "東京"})
    return lake


def put_measures(lake: Lake) -> dict[str, list[str]]:
    """One measure of Aoi's on two days; what `prepared` is for the build."""
    table = pa.table(
        {
            "user_id": [AOI, AOI],
            "date": [date(2026, 3, 2), date(2026, 3, 5)],
            "measure": ["coffee_cups", "coffee_cups"],
            "value": [2.0, 0.0],
            "unit": ["cups", "cups"],
            "kind": ["factor", "factor"],
            "label_ja": ["コーヒー", "コーヒー"],
            "label_en": ["Coffee", "Coffee"],
            "dataset": ["mine", "mine"],
            "imported_at": pa.array([datetime.combine(date(2026, 3, 8), time())] * 2, pa.timestamp("us")),
            "row_number": pa.array([1, 2], pa.int32()),
        }
    )
    return {"calendar": [], "csv": [put_prepared(lake, "csv", "measures", table)]}
