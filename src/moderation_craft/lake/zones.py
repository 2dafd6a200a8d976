"""The only place that spells paths in the lake."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

LAYOUT_VERSION: Final = 1

RAW: Final = "raw/"
STAGING: Final = "staging/"
GOLD: Final = "gold/"
ML: Final = "ml/"
QUARANTINE: Final = "quarantine/"
STATE: Final = "_state/"
RUNS: Final = "_runs/"
CACHE: Final = "_cache"

LAYOUT_KEY: Final = "_state/layout.json"
DEMO_KEY: Final = "raw/demo.json"
GOLD_POINTER: Final = "gold/current.json"

INTERNAL_HOMES: Final = {"dynamodb": "raw/internal/dynamodb-exports", "indexeddb": "raw/internal/indexeddb"}


def home(source: str) -> str:
    """Where a source's raw objects live, without a trailing slash."""
    return INTERNAL_HOMES.get(source, f"raw/external/{source}")


def safe(segment: str) -> str:
    """A name as one path segment: anything unusual becomes `~XX`, so that no name leaves its folder."""
    spelled = re.sub(
        r"[^A-Za-z0-9._@+-]",
        lambda match: "".join(f"~{byte:02X}" for byte in match.group().encode()),
        segment,
    )
    return "~2E" if spelled == "." else spelled.replace("..", "~2E~2E") or "~"


def dynamodb_part(dt: date, table: str, digest: str, suffix: str) -> str:
    return f"{home('dynamodb')}/dt={dt}/{safe(table)}/part-{digest[:16]}.{suffix}"


def native_export(dt: date, table: str) -> str:
    """The prefix that AWS's own export is told to write below."""
    return f"{home('dynamodb')}/dt={dt}/{safe(table)}/native"


def day_of_native_export(prefix: str, table: str) -> str | None:
    """The day of such a prefix; None for any other."""
    before, after = re.escape(f"{home('dynamodb')}/dt="), re.escape(f"/{safe(table)}/native")
    found = re.fullmatch(before + r"(\d{4}-\d\d-\d\d)" + after, prefix)
    return found[1] if found else None


def native_export_state(table: str) -> str:
    """The name of the state in which a native export under way is remembered."""
    return f"native-exports/{safe(table)}.json"


def dump_part(dt: date, user_id: str, digest: str) -> str:
    return f"{home('indexeddb')}/dt={dt}/user={safe(user_id)}/rows-{digest[:16]}.jsonl.zst"


def external_part(source: str, stream: str, dt: date, digest: str, suffix: str = "jsonl") -> str:
    return f"{home(source)}/{safe(stream)}/dt={dt}/part-{digest[:16]}.{suffix}"


def manifests_prefix(source: str) -> str:
    return f"{home(source)}/_manifests/"


def manifest(source: str, run_id: str) -> str:
    return f"{manifests_prefix(source)}{run_id}.json"


def prepared(source: str, entity: str, digest: str) -> str:
    """A staging object made in Python from one raw part (what SQL cannot read, such as iCalendar)."""
    return f"{STAGING}{source}/{entity}/prepared-{digest[:16]}.parquet"


def staged(source: str, entity: str, digest: str) -> str:
    return f"{STAGING}{source}/{entity}/{entity}-{digest[:16]}.parquet"


def gold_file(mart: str, month: str | None, digest: str) -> str:
    folder = f"{GOLD}{mart}/month={month}" if month else f"{GOLD}{mart}"
    return f"{folder}/{mart}-{digest[:16]}.parquet"


def gold_browser_file(user_id: str, digest: str) -> str:
    return f"{GOLD}browser/user={safe(user_id)}/gold-{digest[:16]}.duckdb"


def gold_version(version: str) -> str:
    return f"{GOLD}versions/{version}.json"


def quarantined(source: str, dt: date, digest: str) -> str:
    return f"{QUARANTINE}{safe(source)}/dt={dt}/{digest[:16]}.json"


def run_record(run_id: str) -> str:
    return f"{RUNS}{run_id}.json"


def state(name: str) -> str:
    return f"{STATE}{name}"


def export_state(table: str) -> str:
    """Where an export of a table that is under way keeps its cursors."""
    return state(f"exports/{safe(table)}.json")


def fetch_journal(source: str) -> str:
    """The prefix of what a fetch under way was answered and has not committed yet."""
    return state(f"journal/{safe(source)}/")


def fetch_journal_entry(source: str, number: int) -> str:
    return f"{fetch_journal(source)}{number:08}.json"


def upload_receipts(user_id: str, device_id: str) -> str:
    """The name of the state in which a browser's last uploads are remembered."""
    return f"ingest/{safe(user_id)}/{safe(device_id)}.json"
