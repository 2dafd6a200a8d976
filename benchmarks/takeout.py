"""A Takeout archive of five years with a heart rate every ten seconds: the import beside pandas reading the same.

`python -m benchmarks.takeout`; BENCH_TAKEOUT_YEARS makes it smaller, BENCH_TAKEOUT_PANDAS_DAYS (365) is how much
of it pandas is given: it holds all that it has read.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from benchmarks.meter import PEERS_PYTHON, PROJECT_PYTHON, Figures, peak_mb, report, run, timed

YEARS = float(os.environ.get("BENCH_TAKEOUT_YEARS", "5"))
PANDAS_DAYS = int(os.environ.get("BENCH_TAKEOUT_PANDAS_DAYS", "365"))
BEATS_EVERY_SECONDS = 10
LAST_DAY = date(2026, 9, 30)
TIMEZONE = "Asia/Tokyo"
MAX_PEAK_MB = 400


def write_archive(path: Path, days: int) -> int:
    """A seeded archive whose last day is LAST_DAY; returns its bytes unpacked."""
    from moderation_craft.sources.fitbit.archive_stand_in import OLD, old_layout, write_zip
    from moderation_craft.sources.fitbit.stand_in import HealthPerson, seeded_person

    held = [LAST_DAY - timedelta(days=number) for number in range(days - 1, -1, -1)]
    seeded = seeded_person("mina", "token", held)
    person = HealthPerson(
        "mina", "token", {day: replace(seeded.days[day], heart_rate_bpm=None) for day in held}, seeded.nights
    )

    def files() -> Iterator[tuple[str, bytes]]:
        yield from old_layout(person, TIMEZONE)
        for day in held:
            yield f"{OLD}/heart_rate-{day}.json", _beats(day)

    write_zip(path, files())
    with zipfile.ZipFile(path) as archive:
        return sum(info.file_size for info in archive.infolist())


def _beats(day: date) -> bytes:
    """A day of heartbeats as Fitbit writes them, fast; times are UTC."""
    draw = random.Random(f"beats/{day}")  # noqa: S311
    at = datetime(day.year, day.month, day.day) - timedelta(hours=9)  # noqa: DTZ001
    bpm = 60.0
    told = []
    for second in range(0, 86_400, BEATS_EVERY_SECONDS):
        bpm = min(max(bpm + draw.uniform(-3, 3.05), 48), 165)
        moment = f"{at + timedelta(seconds=second):%m/%d/%y %H:%M:%S}"
        value = f'{{\n    "bpm" : {bpm:.0f},\n    "confidence" : 2\n  }}'
        told.append(f'{{\n  "dateTime" : "{moment}",\n  "value" : {value}\n}}')
    return f"[{','.join(told)}]".encode()


def _ours(path: Path, folder: Path) -> None:
    from moderation_craft.lake import Lake
    from moderation_craft.sources.contract import Person
    from moderation_craft.sources.fitbit.takeout import import_takeout
    from moderation_craft.sources.prepare import prepare_all

    figures: Figures = {}
    lake = Lake.open(str(folder))
    with timed(figures):
        result = import_takeout(lake, [path], Person("mina", TIMEZONE))
    figures["mb"] = peak_mb()
    with timed(figures, "again_"):
        assert import_takeout(lake, [path], Person("mina", TIMEZONE)).new_days == 0  # noqa: S101
    with timed(figures, "prepare_"):
        prepare_all(lake)
    figures["prepare_mb"] = peak_mb()
    figures["days"] = result.new_days
    figures["stored_mb"] = sum(part.bytes for m in lake.manifests("fitbit") for part in m.parts) / 1e6
    figures["parts"] = sum(len(m.parts) for m in lake.manifests("fitbit"))
    report(figures)


def _measure(folder: Path) -> list[list[str]]:
    days = round(YEARS * 365.25)
    whole, part = folder / "takeout-20261006T130645Z-001.zip", folder / "some-20261006T130645Z.zip"
    whole_mb = write_archive(whole, days) / 1e6
    ours = run(PROJECT_PYTHON, "benchmarks.takeout", "ours", whole, folder / "lake")
    shutil.rmtree(folder / "lake")
    part_mb = write_archive(part, min(PANDAS_DAYS, days)) / 1e6
    small = run(PROJECT_PYTHON, "benchmarks.takeout", "ours", part, folder / "lake")
    rows = [
        _row(f"mcraft import takeout, {days:,} days", whole_mb, ours["wall"], ours["cpu"], ours["mb"]),
        _row("  again: nothing new", whole_mb, ours["again_wall"], ours["again_cpu"], ours["mb"]),
        _row("  staging of it (prepare)", whole_mb, ours["prepare_wall"], ours["prepare_cpu"], ours["prepare_mb"]),
        _row(
            f"mcraft import takeout, {min(PANDAS_DAYS, days):,} days",
            part_mb,
            small["wall"],
            small["cpu"],
            small["mb"],
        ),
    ]
    if Path(PEERS_PYTHON).exists():
        peer = run(PEERS_PYTHON, "benchmarks.takeout_pandas", part)
        rows.append(
            _row(f"pandas, {min(PANDAS_DAYS, days):,} days", part_mb, peer["wall"], peer["cpu"], peer["mb"])
        )
    sys.stdout.write(f"{ours['parts']:,.0f} parts, {ours['stored_mb']:.0f} MB in raw, {ours['days']:,.0f} days\n")
    if ours["mb"] > MAX_PEAK_MB:
        sys.stdout.write(f"peak memory is above {MAX_PEAK_MB} MB\n")
    return rows


def _row(title: str, megabytes: float, wall: float, cpu: float, peak: float) -> list[str]:
    return [title, f"{megabytes:,.0f}", f"{wall:.1f}", f"{megabytes / wall:,.0f}", f"{cpu:.1f}", f"{peak:,.0f}"]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mcraft-bench-") as folder:
        rows = [["", "MB unpacked", "seconds", "MB/s", "CPU s", "peak MB"], *_measure(Path(folder))]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + "\n")
    sys.stdout.write(json.dumps({"rows": rows[1:]}) + "\n" if "--json" in sys.argv else "")


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        _ours(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
