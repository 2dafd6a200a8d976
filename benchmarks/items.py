"""Made-up items of the app's table: random ids, times and notes, so that they pack as real ones do."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from moderation_craft.demo.attributes import item_of

_SAID = (
    "集中 できた 下書き 編集 会議 眠い 楽しい 進んだ 止まった 資料 レビュー 散歩 企画 公開 締切 構図 線画 休憩 "
    "focus draft review stuck flow coffee music deadline sketch walk notes again 🎉 ✨ 😪 🌿 📮"
)
_WORDS = _SAID.split()
_KINDS = ("work_session", "time_entries", "mood_entry", "small_task", "daily_condition")
_SHARES = (40, 10, 25, 10, 15)
_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def made_up_items(count: int, seed: int = 1) -> list[bytes]:
    """`count` items as DynamoDB sends them, about 570 bytes each on average; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311
    return [
        json.dumps(item_of(_entity(chance, kind)), ensure_ascii=False, separators=(",", ":")).encode()
        for kind in chance.choices(_KINDS, _SHARES, k=count)
    ]


def _entity(chance: random.Random, kind: str) -> dict[str, Any]:
    start = _FIRST_DAY + timedelta(milliseconds=chance.randrange(1000 * 86_400_000))
    minutes = chance.randint(5, 180)
    entity = {
        "entity_type": kind,
        "id": _id(chance),
        "user_id": f"user-{chance.randrange(1000):04d}",
        "created_at": _iso(start),
        "updated_at": _iso(start + timedelta(milliseconds=chance.randrange(1000, 40 * 3_600_000))),
    }
    span = {"start_time": _iso(start), "end_time": _iso(start + timedelta(minutes=minutes))}
    match kind:
        case "work_session":
            entity |= span
            return entity | {
                "small_task_id": _id(chance),
                "duration_seconds": minutes * 60 + chance.randrange(60),
                "focus_level": chance.randint(1, 9),
                "is_synced": True,
                **({"work_notes": _text(chance, 6)} if chance.random() < 0.5 else {}),
            }
        case "time_entries":
            entity |= span
            return entity | {
                "date": _iso(start)[:10],
                "project_id": _id(chance),
                "duration_minutes": minutes,
                "focus_level": chance.randint(1, 9),
                "description": _text(chance, 6),
            }
        case "mood_entry":
            return entity | {
                "timestamp": _iso(start),
                "mood_level": chance.randint(1, 9),
                "notes": _text(chance, 10),
            }
        case "small_task":
            return entity | {
                "project_id": _id(chance),
                "name": _text(chance, 4),
                "goal": _text(chance, 5),
                "estimated_minutes": minutes,
                "status": chance.choice(("pending", "completed", "cancelled")),
                "task_type": "project",
            }
        case _:
            return entity | {
                "date": _iso(start)[:10],
                "sleep_hours": chance.randint(300, 900) / 100,
                "steps": chance.randint(200, 24_000),
                "energy_level": chance.randint(1, 5),
                "notes": _text(chance, 6),
            }


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _text(chance: random.Random, most: int) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(1, most)))
