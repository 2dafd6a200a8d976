"""Saved answers of the old Web API: what they are taken for, and on which days."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fitbit.legacy import import_legacy
from moderation_craft.sources.prepare import prepare_all, prepared_keys
from tests.cli.run import mcraft

MINA = Person("mina", "Asia/Tokyo")
SLEEP = {
    "logId": 26013218219,
    "dateOfSleep": "2020-04-02",
    "startTime": "2020-04-01T23:31:00.000",
    "endTime": "2020-04-02T07:01:30.000",
    "duration": 27_030_000,
    "isMainSleep": True,
    "type": "classic",
    "minutesAsleep": 400,
    "minutesAwake": 0,
    "timeInBed": 450,
    "levels": {"summary": {"asleep": {"minutes": 400}, "awake": {"minutes": 0}, "restless": {"minutes": 50}}},
}


def save(folder: Path, **answers: object) -> Path:
    folder.mkdir(exist_ok=True)
    for name, answer in answers.items():
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (folder / f"{name}.json").write_text(text)
    return folder


def rows(lake: Lake, kind: str) -> list[dict[str, Any]]:
    prepare_all(lake)
    found = []
    for key in prepared_keys(lake, kind):
        with lake.local_copy(key) as path:
            found += pq.read_table(path).to_pylist()
    return found


def figures(lake: Lake) -> dict[tuple[str, str], float]:
    return {(str(row["date"]), row["measure"]): row["value"] for row in rows(lake, "fitbit_archive_days")}


def test_each_endpoint_gives_its_figures(lake: Lake, tmp_path: Path) -> None:
    day = "2020-04-02"
    series = {"steps": "8000", "distance": "5.25", "floors": "0", "calories": "2100", "minutesVeryActive": "12"}
    answers: dict[str, object] = {
        f"activities-{name}": {f"activities-{name}": [{"dateTime": day, "value": value}]}
        for name, value in series.items()
    }
    answers |= {
        "heart": {"activities-heart": [{"dateTime": day, "value": {"restingHeartRate": 61}}]},
        "hrv": {"hrv": [{"dateTime": day, "value": {"dailyRmssd": 34.9, "deepRmssd": 31.5}}]},
        "br": {"br": [{"dateTime": day, "value": {"breathingRate": 15.5}}]},
        "spo2": {"dateTime": day, "value": {"avg": 96.5, "min": 94.0, "max": 99.0}},
        "skin": {"tempSkin": [{"dateTime": day, "value": {"nightlyRelative": -0.4}, "logType": "dedicated"}]},
        "azm": {"activities-active-zone-minutes": [{"dateTime": day, "value": {"activeZoneMinutes": 33}}]},
        "weight": {"weight": [{"date": day, "time": "07:05:00", "weight": 61.5, "logId": 1, "bmi": 21}]},
    }
    import_legacy(lake, [save(tmp_path / "answers", **answers)], MINA)
    assert {measure: value for (_, measure), value in figures(lake).items()} == {
        "steps": 8000,
        "distance_km": 5.25,
        "floors": 0,
        "energy_kcal": 2100,
        "vigorous_minutes": 12,
        "resting_heart_rate_bpm": 61,
        "hrv_rmssd_ms": 34.9,
        "breathing_rate_per_minute": 15.5,
        "spo2_pct": 96.5,
        "skin_temperature_delta_celsius": -0.4,
        "active_zone_minutes": 33,
        "weight_kg": 61.5,
    }


def test_a_days_summary_is_of_the_day_in_its_files_name_or_its_envelope(lake: Lake, tmp_path: Path) -> None:
    summary = {
        "steps": 100,
        "restingHeartRate": 0,
        "veryActiveMinutes": 0,
        "distances": [{"activity": "tracker", "distance": 9.0}, {"activity": "total", "distance": 0.07}],
    }
    answer = {"activities": [], "goals": {}, "summary": summary}
    envelope = {"source": "fitbit", "date": "2020-04-03", "fetched_at": "2020-04-04T00:00:00Z", "data": answer}
    folder = save(tmp_path / "answers", **{"activities-2020-04-02": answer, "kept": envelope, "nameless": answer})
    result = import_legacy(lake, [folder], MINA)
    assert result.refused_files == 1
    assert "of which day" in (result.first_refusal or "")
    for day in ("2020-04-02", "2020-04-03"):
        measured = {measure: value for (on, measure), value in figures(lake).items() if on == day}
        assert measured == {"steps": 100, "vigorous_minutes": 0, "distance_km": 0.07}


def test_classic_sleep_has_no_stages_and_zero_minutes_awake_are_zero(lake: Lake, tmp_path: Path) -> None:
    import_legacy(lake, [save(tmp_path / "answers", sleep={"sleep": [SLEEP, SLEEP], "summary": {"x": 1}})], MINA)
    [row] = rows(lake, "fitbit_archive_sleep")
    assert (row["log_type"], row["deep_minutes"], row["restless_minutes"]) == ("classic", None, 50)
    assert (row["minutes_asleep"], row["minutes_awake"], row["is_main"]) == (400, 0, True)
    assert str(row["started_at"]) == "2020-04-01 14:31:00"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endTime": "2020-04-01T07:00:00.000"}, "sleep ends before it starts"),
        ({"endTime": "2020-04-09T07:00:00.000"}, "sleep lasts more than 48 hours"),
        ({"startTime": "soon"}, "is no time"),
        ({"startTime": 7}, "cannot be read"),
    ],
)
def test_a_night_that_cannot_be_is_refused(
    lake: Lake, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    import_legacy(lake, [save(tmp_path / "answers", sleep={"sleep": [SLEEP | changes]})], MINA)
    assert rows(lake, "fitbit_archive_sleep") == []
    [refusal] = read_all(lake.storage)
    assert reason in refusal.reason
    assert json.loads(refusal.record) == SLEEP | changes


def test_an_answer_of_many_days_is_cut_and_one_of_a_single_day_stays_whole(lake: Lake, tmp_path: Path) -> None:
    many = {"activities-steps": [{"dateTime": f"2020-04-0{day}", "value": str(day)} for day in (1, 2)]}
    single = {
        "activities-steps": [{"dateTime": "2020-05-01", "value": "5"}],
        "activities-steps-intraday": {"dataset": [{"time": "00:00:00", "value": 5}], "datasetInterval": 1},
    }
    import_legacy(lake, [save(tmp_path / "answers", many=many, single=single)], MINA)
    found = {
        said["date"]: said["data"]
        for manifest in lake.manifests("fitbit")
        for part in manifest.parts
        for said in map(msgspec.json.decode, lake.lines(part.key))
    }
    assert found == {
        "2020-04-01": {"activities-steps": [{"dateTime": "2020-04-01", "value": "1"}]},
        "2020-04-02": {"activities-steps": [{"dateTime": "2020-04-02", "value": "2"}]},
        "2020-05-01": single,
    }


def test_repeated_it_writes_nothing_and_lines_and_single_files_are_taken(lake: Lake, tmp_path: Path) -> None:
    lines = tmp_path / "kept.jsonl"
    lines.write_text("".join(json.dumps({"sleep": [SLEEP]}) + "\n" for _ in range(2)))
    assert import_legacy(lake, [lines], MINA).new_days == 1
    assert import_legacy(lake, [lines], MINA).new_days == 0
    assert len(lake.manifests("fitbit")) == 1
    assert lake.manifests("fitbit")[0].parts[0].entries[0].date == str(date(2020, 4, 2))


def test_what_is_no_answer_is_refused_and_nothing_but_such_is_an_error(lake: Lake, tmp_path: Path) -> None:
    folder = save(tmp_path / "answers", a="{", b=[1, 2], c={"errors": [{"errorType": "expired_token"}]}, d="")
    with pytest.raises(RecordInvalid, match="holds no answer of the Fitbit Web API in 4 JSON files"):
        import_legacy(lake, [folder], MINA)
    save(folder, e={"sleep": [SLEEP]})
    assert import_legacy(lake, [folder], MINA).refused_files == 4
    assert len(read_all(lake.storage)) == 4


def test_from_the_command_line(tmp_path: Path) -> None:
    folder = save(tmp_path / "answers", sleep={"sleep": [SLEEP]})
    done = mcraft(
        "import", "fitbit-legacy", str(folder), "--user", "mina", "--lake", str(tmp_path / "lake"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "1 kinds of data, 2020-04-02 to 2020-04-02, for mina in Asia/Tokyo" in done.stderr
    nobody = mcraft("import", "fitbit-legacy", str(folder), "--lake", str(tmp_path / "other"), cwd=tmp_path)
    assert nobody.returncode == 1
    assert "name the person with --user" in nobody.stderr
