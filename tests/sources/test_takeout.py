"""The Takeout import: what is taken and left out, bad files, repeats and kills, how days and zones are read."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.settings import Place
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fitbit import archive_days, archive_parts
from moderation_craft.sources.fitbit.archive_days import split
from moderation_craft.sources.fitbit.archive_stand_in import (
    old_layout,
    profile,
    write_folder,
    write_zip,
)
from moderation_craft.sources.fitbit.archive_stand_in_csv import new_layout
from moderation_craft.sources.fitbit.archive_streams import ARCHIVE_STREAMS, stream_of
from moderation_craft.sources.fitbit.archive_times import Days, instant_of, parse_offset, parse_time
from moderation_craft.sources.fitbit.stand_in import seeded_person
from moderation_craft.sources.fitbit.takeout import import_takeout
from moderation_craft.sources.prepare import SCHEMAS, prepare_all, prepared_keys
from moderation_craft.warehouse.raw_views import PREPARED_COLUMNS
from tests.cli.run import mcraft

MINA = Person("mina", "Asia/Tokyo")
NAME = "takeout-20261006T130645Z-001.zip"
GLOBAL = "Fitbit/Global Export Data"
DAYS = [date(2026, 9, 1) + timedelta(days=number) for number in range(35)]


def minutes(*pairs: tuple[str, object]) -> bytes:
    return json.dumps([{"dateTime": at, "value": value} for at, value in pairs], indent=2).encode()


def steps(*pairs: tuple[str, object]) -> dict[str, bytes]:
    return {f"{GLOBAL}/steps-2026-09-01.json": minutes(*pairs)}


def raw(lake: Lake) -> dict[str, bytes]:
    return {
        found.key: lake.storage.get(found.key)
        for found in lake.storage.list("raw/external/fitbit/")
        if "_manifests" not in found.key
    }


def committed(lake: Lake) -> dict[str, bytes]:
    """The raw parts that manifests name."""
    keys = {part.key for manifest in lake.manifests("fitbit") for part in manifest.parts}
    return {key: body for key, body in raw(lake).items() if key in keys}


def envelopes(lake: Lake, stream: str) -> list[dict[str, Any]]:
    return [
        msgspec.json.decode(line)
        for manifest in lake.manifests("fitbit")
        for part in manifest.parts
        if part.stream == stream
        for line in lake.lines(part.key)
    ]


def figures(lake: Lake, measure: str) -> dict[date, float]:
    """What staging makes of a measure, of the layout that counts first."""
    prepare_all(lake)
    found: dict[date, tuple[int, float]] = {}
    for key in prepared_keys(lake, "fitbit_archive_days"):
        for row in pq.read_table(io.BytesIO(lake.storage.get(key))).to_pylist():
            if row["measure"] == measure:
                said = (row["rank"], row["value"])
                found[row["date"]] = min(found.get(row["date"], said), said)
    return {day: value for day, (_, value) in sorted(found.items())}


def take(lake: Lake, folder: Path, files: Mapping[str, bytes], name: str = NAME, person: Person = MINA) -> Any:
    """An import a minute after the one before: the later run counts as later."""
    lake.clock = FixedClock(lake.clock.now() + timedelta(minutes=1))
    return import_takeout(lake, [write_zip(folder / name, files)], person)


@pytest.fixture
def whole() -> dict[str, bytes]:
    person = seeded_person("mina", "token", DAYS)
    return {**dict(old_layout(person, "Asia/Tokyo")), **dict(new_layout(person, "Asia/Tokyo"))}


def test_elements_stay_byte_for_byte_but_for_the_space_between_them(lake: Lake, tmp_path: Path) -> None:
    first = b'{"dateTime" : "09/01/26 03:00:00",\n "value" : "1.50e1", "note": "\\u3042 /"}'
    second = b'{"dateTime":"09/01/26 03:01:00","value":7e0}'
    text = b"[ %b ,%b]" % (first, second)
    result = take(lake, tmp_path, {f"{GLOBAL}/steps-2026-09-01.json": text})
    [part] = lake.manifests("fitbit")[0].parts
    [line] = lake.lines(part.key)
    kept = b'[{"dateTime":"09/01/26 03:00:00","value":"1.50e1","note":"\\u3042 /"},%b]' % second
    assert kept in line
    assert result.new_days == 1
    assert part.entries[0].date == "2026-09-01"


def test_steps_are_utc_and_calories_are_not(lake: Lake, tmp_path: Path) -> None:
    files = {
        **steps(("09/01/26 14:59:00", "1"), ("09/01/26 15:00:00", "2")),
        f"{GLOBAL}/calories-2026-09-01.json": minutes(("09/01/26 14:59:00", "1.5"), ("09/01/26 15:00:00", "2.5")),
    }
    take(lake, tmp_path, files)
    assert figures(lake, "steps") == {date(2026, 9, 1): 1, date(2026, 9, 2): 2}  # midnight in Tokyo is 15:00 UTC
    assert figures(lake, "energy_kcal") == {date(2026, 9, 1): 4}


def test_the_zone_is_a_place_of_the_person_else_the_archives_profile_else_home(lake: Lake, tmp_path: Path) -> None:
    files = dict([profile("Europe/London")]) | steps(("09/01/26 22:30:00", "1"), ("09/05/26 22:30:00", "1"))
    tokyo = Place(name="Tokyo", latitude=35.7, longitude=139.8, timezone="Asia/Tokyo", since=date(2026, 9, 4))
    assert (
        take(lake, tmp_path, files, person=Person("mina", "America/New_York", [tokyo])).timezone == "Europe/London"
    )
    found = {each["date"]: each["metadata"]["timezone"] for each in envelopes(lake, "takeout-steps")}
    assert found == {"2026-09-01": "Europe/London", "2026-09-06": "Asia/Tokyo"}


def test_a_bad_file_among_thousands_is_quarantined_whole_and_the_rest_goes_on(lake: Lake, tmp_path: Path) -> None:
    files = {
        f"{GLOBAL}/heart_rate-{date(2016, 1, 1) + timedelta(days=number)}.json": json.dumps(
            [{"dateTime": f"{date(2016, 1, 1) + timedelta(days=number):%m/%d/%y} 03:00:00", "value": {"bpm": 60}}]
        ).encode()
        for number in range(3000)
    }
    bad = {
        f"{GLOBAL}/heart_rate-2016-02-01.json": b'[{"dateTime": "02/01/16 03:00:00", "value": {"bpm": 6',
        f"{GLOBAL}/heart_rate-2016-02-02.json": b"",
        f"{GLOBAL}/heart_rate-2016-02-03.json": b'{"dateTime": "02/03/16 03:00:00"}',
        f"{GLOBAL}/heart_rate-2016-02-04.json": b"\xff\xfe\x00garbage",
    }
    result = take(lake, tmp_path, files | bad)
    assert (result.files, result.refused_files, result.new_days) == (3000, 4, 2996)
    refusals = read_all(lake.storage)
    assert {refusal.record for refusal in refusals} == {
        '[{"dateTime": "02/01/16 03:00:00", "value": {"bpm": 6',
        "",
        '{"dateTime": "02/03/16 03:00:00"}',
        "\\xff\\xfe\x00garbage",
    }
    assert all("heart_rate-2016-02-0" in refusal.origin for refusal in refusals)
    assert sum(manifest.refused for manifest in lake.manifests("fitbit")) == 4
    assert len(lake.manifests("fitbit")[0].parts) < 110  # a part holds a month, not a day


def test_elements_that_cannot_be_dated_are_refused_one_by_one(lake: Lake, tmp_path: Path) -> None:
    bad = (b'{"value":"2"}', b'{"dateTime":null}', b'{"dateTime":"99/99/26 00:00:00"}', b"7")
    text = b'[{"dateTime":"09/01/26 03:00:00","value":"1"},%b]' % b",".join(bad)
    result = take(lake, tmp_path, {f"{GLOBAL}/steps-2026-09-01.json": text})
    assert (result.refused_elements, result.refused_files) == (4, 0)
    assert {refusal.record.encode() for refusal in read_all(lake.storage)} == set(bad)
    assert figures(lake, "steps") == {date(2026, 9, 1): 1}


def test_a_member_whose_bytes_are_damaged_is_refused_and_the_others_are_taken(lake: Lake, tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / NAME,
        {
            **steps(("09/01/26 03:00:00", "1")),
            f"{GLOBAL}/floors-2026-09-01.json": minutes(("09/01/26 03:00:00", "1")),
        },
    )
    with zipfile.ZipFile(path) as archive:
        info = next(each for each in archive.infolist() if "floors" in each.filename)
    body = bytearray(path.read_bytes())
    body[info.header_offset + 30 + len(info.filename.encode()) + 20] ^= 0xFF
    path.write_bytes(body)
    result = import_takeout(lake, [path], MINA)
    assert (result.refused_files, result.new_days) == (1, 1)
    assert "damaged" in (result.first_refusal or "")


def test_a_zip_that_is_cut_off_says_what_to_do_and_writes_nothing(lake: Lake, tmp_path: Path) -> None:
    path = write_zip(tmp_path / NAME, steps(("09/01/26 03:00:00", "1")))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RecordInvalid, match=r"no whole zip.*cut off") as caught:
        import_takeout(lake, [path], MINA)
    assert "download the archive again" in caught.value.remedy
    assert raw(lake) == {}


def test_a_bomb_is_not_unpacked(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{GLOBAL}/steps-2026-09-01.json", b"[" + b" " * 80_000_000 + b"]")
        archive.writestr(f"{GLOBAL}/steps-2026-10-01.json", minutes(("09/01/26 03:00:00", "1")))
    result = import_takeout(lake, [path], MINA)
    assert result.refused_files == 1
    assert "packs so tightly" in (result.first_refusal or "")
    assert result.new_days == 1


def test_an_archive_without_fitbit_says_so(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(RecordInvalid, match="holds nothing of Fitbit"):
        take(lake, tmp_path, {"Mail/All mail.mbox": b"From"})


def test_what_is_left_out_is_counted_and_named(lake: Lake, tmp_path: Path) -> None:
    files = steps(("09/01/26 03:00:00", "1")) | {
        f"{GLOBAL}/estimated_oxygen_variation-2026-09-01.csv": b"timestamp,Infrared to Red Signal Ratio\n",
        "Fitbit/Social/friends.csv": b"a,b\n",
        "Fitbit/Something New/thing.bin": b"\0",
        "Fitbit/Global Export Data/README.txt": b"read me",
    }
    result = take(lake, tmp_path, files)
    assert sum(result.left_out.values()) == 4
    said = "\n".join(result.details())
    assert "not known to hold daily measures (Takeout/Fitbit/Something New/thing.bin …)" in said
    assert "a ratio of light, no oxygen saturation" in said


def test_repeated_it_writes_nothing(lake: Lake, tmp_path: Path, whole: dict[str, bytes]) -> None:
    first = take(lake, tmp_path, whole)
    before, manifests = raw(lake), len(lake.manifests("fitbit"))
    again = import_takeout(lake, [tmp_path / NAME], MINA)
    assert (again.new_days, again.unchanged_files) == (0, first.files)
    renamed = write_zip(tmp_path / "takeout-20261201T130645Z-001.zip", whole, top="テイクアウト")
    assert import_takeout(lake, [renamed], MINA).new_days == 0
    folder = write_folder(tmp_path / "unpacked", whole)
    assert import_takeout(lake, [folder], MINA).new_days == 0
    assert raw(lake) == before
    assert len(lake.manifests("fitbit")) == manifests


def test_a_folder_a_zip_and_parts_of_a_zip_give_the_same_days(tmp_path: Path, whole: dict[str, bytes]) -> None:
    names = sorted(whole)
    (tmp_path / "a").mkdir()
    ways = {
        "zip": [write_zip(tmp_path / "a" / NAME, whole)],
        "folder": [write_folder(tmp_path / "takeout-20261006T130645Z" / "Takeout", whole)],
        "parts": [],
    }
    (tmp_path / "b").mkdir()
    for number in (1, 2, 3):
        part = {name: whole[name] for name in names[number - 1 :: 3]}
        write_zip(tmp_path / "b" / f"takeout-20261006T130645Z-00{number}.zip", part)
    ways["parts"] = [tmp_path / "b" / NAME]  # the first part is named, the others stand beside it
    found = {}
    for way, paths in ways.items():
        lake = Lake.open(str(tmp_path / f"lake-{way}"), FixedClock(datetime(2026, 11, 23, tzinfo=UTC)))
        import_takeout(lake, paths, MINA)
        found[way] = committed(lake)
    assert found["zip"] == found["folder"] == found["parts"]
    assert found["zip"]


def test_a_part_that_is_missing_is_named(lake: Lake, tmp_path: Path) -> None:
    write_zip(tmp_path / "takeout-20261006T130645Z-003.zip", {})
    result = take(lake, tmp_path, steps(("09/01/26 03:00:00", "1")))
    assert any("takeout-20261006T130645Z-002.zip" in note for note in result.details())


def test_a_newer_archive_counts_where_both_know_a_day(lake: Lake, tmp_path: Path) -> None:
    partial = steps(("09/01/26 03:00:00", "100"))
    complete = steps(("09/01/26 03:00:00", "100"), ("09/01/26 09:00:00", "400"))
    take(lake, tmp_path, complete, "takeout-20261006T130645Z-001.zip")
    take(lake, tmp_path, partial, "takeout-20260901T040000Z-001.zip")  # an older one, imported later
    assert figures(lake, "steps") == {date(2026, 9, 1): 500}


def test_a_place_entered_later_moves_minutes_and_counts_none_twice(lake: Lake, tmp_path: Path) -> None:
    files = steps(("09/01/26 15:30:00", "100"), ("09/10/26 15:30:00", "7"), ("09/10/26 03:00:00", "1"))
    take(lake, tmp_path, files)
    assert figures(lake, "steps") == {date(2026, 9, 2): 100, date(2026, 9, 10): 1, date(2026, 9, 11): 7}
    london = Place(name="London", latitude=51.5, longitude=-0.1, timezone="Europe/London", since=date(2026, 9, 9))
    moved = Person("mina", "Asia/Tokyo", [london])
    assert take(lake, tmp_path, files, person=moved).new_days == 2
    assert figures(lake, "steps") == {date(2026, 9, 2): 100, date(2026, 9, 10): 8}
    before = raw(lake)
    assert take(lake, tmp_path, files, person=moved).new_days == 0
    assert take(lake, tmp_path, steps(("09/01/26 15:30:00", "100")), "takeout-20260905T000000Z.zip").new_days == 1
    assert figures(lake, "steps") == {date(2026, 9, 2): 100, date(2026, 9, 10): 8}
    assert before.items() <= raw(lake).items()


def test_the_same_minute_in_two_files_counts_once(lake: Lake, tmp_path: Path) -> None:
    files = steps(("09/01/26 03:00:00", "100")) | {
        "user-site-export/steps-2026-08-15.json": minutes(("09/01/26 03:00:00", "100"), ("09/01/26 04:00:00", "7"))
    }
    take(lake, tmp_path, files)
    assert figures(lake, "steps") == {date(2026, 9, 1): 107}


def test_of_several_devices_one_counts_and_the_old_layout_before_the_new(lake: Lake, tmp_path: Path) -> None:
    at = "2026-09-01T03:00:00Z"
    rows = f"{at},50,Charge 6\n{at},40,MobileTrack\n{at},90,Fit Health Connect\n"
    rows += "2026-09-02T03:00:00Z,90,Fit Health Connect\n"
    files = {
        "x/Physical Activity_GoogleData/steps_2026-09-01.csv": b"timestamp,steps,data source\n" + rows.encode()
    }
    take(lake, tmp_path, files)
    assert figures(lake, "steps") == {date(2026, 9, 1): 50, date(2026, 9, 2): 90}
    take(lake, tmp_path, files | steps(("09/01/26 03:00:00", "47")), "takeout-20261007T130645Z-001.zip")
    assert figures(lake, "steps") == {date(2026, 9, 1): 47, date(2026, 9, 2): 90}


def test_zero_resting_heart_rate_is_nothing_and_pounds_are_kilograms(lake: Lake, tmp_path: Path) -> None:
    resting = [
        {"dateTime": "09/01/26 00:00:00", "value": {"date": None, "value": 0.0, "error": 0.0}},
        {"dateTime": "09/02/26 00:00:00", "value": {"date": "09/02/26", "value": 61.4, "error": 6.1}},
    ]
    weights = [{"logId": 1, "weight": 135.0, "bmi": 21.5, "date": "09/02/26", "time": "07:05:00"}]
    files = {
        f"{GLOBAL}/resting_heart_rate-2026-09-01.json": json.dumps(resting).encode(),
        f"{GLOBAL}/weight-2026-09-01.json": json.dumps(weights).encode(),
    }
    take(lake, tmp_path, files)
    assert figures(lake, "resting_heart_rate_bpm") == {date(2026, 9, 2): 61.4}
    assert figures(lake, "weight_kg") == {date(2026, 9, 2): pytest.approx(61.235, abs=0.001)}


def test_a_figure_that_cannot_be_is_refused(lake: Lake, tmp_path: Path) -> None:
    take(
        lake,
        tmp_path,
        steps(("09/01/26 03:00:00", "400001"), ("09/02/26 03:00:00", "-5"), ("09/02/26 04:00:00", "5")),
    )
    assert figures(lake, "steps") == {date(2026, 9, 2): 5}
    assert sorted(refusal.reason for refusal in read_all(lake.storage)) == [
        "steps cannot be 400001",
        "steps: '-5' is no count",
    ]


def test_staging_has_the_shapes_that_the_warehouse_reads(
    lake: Lake, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    take(lake, tmp_path, whole)
    prepare_all(lake)
    for kind in ("fitbit_archive_days", "fitbit_archive_sleep", "fitbit_archive_exercises"):
        for key in prepared_keys(lake, kind):
            assert key.startswith(f"staging/fitbit/{kind.removeprefix('fitbit_')}/prepared-")
            schema = pq.read_schema(io.BytesIO(lake.storage.get(key)))
            assert schema.equals(SCHEMAS[kind], check_metadata=True)
            columns = [each.split()[0] for each in PREPARED_COLUMNS[kind].split(", ")]
            assert schema.names == columns


def test_staging_is_the_same_bytes_again(lake: Lake, tmp_path: Path, whole: dict[str, bytes]) -> None:
    take(lake, tmp_path, whole)
    prepare_all(lake)
    before = {found.key: lake.storage.get(found.key) for found in lake.storage.list("staging/")}
    assert len(before) >= 5
    lake.storage.delete(list(before))
    prepare_all(lake)
    assert {found.key: lake.storage.get(found.key) for found in lake.storage.list("staging/")} == before
    assert prepare_all(lake) == []


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_huge_file_gives_what_a_small_one_gives(
    tmp_path: Path, kind: str, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def figures_of(name: str) -> tuple[dict[date, float], int]:
        lake = Lake.open(str(tmp_path / name), FixedClock(datetime(2026, 11, 23, tzinfo=UTC)))
        result = import_takeout(lake, [write_zip(tmp_path / f"{name}-20261006T130645Z.zip", files)], MINA)
        return figures(lake, "steps"), result.refused_files

    files = {name: text for name, text in whole.items() if "/steps" in name and name.endswith(kind)}
    expected = figures_of("small")
    for name, value in (("SMALL_BYTES", 1000), ("_BATCH_BYTES", 4000), ("_HELD_BYTES", 9000)):
        monkeypatch.setattr(archive_days, name, value)
    monkeypatch.setattr("moderation_craft.sources.fitbit.takeout.SMALL_BYTES", 1000)
    monkeypatch.setattr(archive_parts, "PART_BYTES", 5000)
    assert figures_of("huge") == expected
    assert len(expected[0]) == len(DAYS)


def test_a_huge_file_that_breaks_at_its_end_leaves_nothing_of_itself(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_days, "SMALL_BYTES", 1000)
    monkeypatch.setattr("moderation_craft.sources.fitbit.takeout.SMALL_BYTES", 1000)
    text = minutes(*((f"09/01/26 {at // 60:02}:{at % 60:02}:00", "1") for at in range(900)))
    files = {f"{GLOBAL}/steps-2026-09-01.json": text[:-3], f"{GLOBAL}/floors-2026-09-01.json": text}
    result = take(lake, tmp_path, files)
    assert (result.refused_files, result.new_days) == (1, 1)
    assert envelopes(lake, "takeout-steps") == []


@settings(max_examples=60)
@given(
    st.lists(
        st.integers(1_546_300_800, 1_767_225_600).map(lambda at: datetime.fromtimestamp(at, UTC)), max_size=30
    ),
    st.sampled_from(["Asia/Tokyo", "America/St_Johns", "Europe/Berlin", "Pacific/Apia"]),
    st.sampled_from(["%m/%d/%y %H:%M:%S", "%Y-%m-%dT%H:%M:%S.000", "%Y-%m-%d %H:%M:%S"]),
)
def test_every_element_is_on_exactly_one_day_and_that_is_its_own(
    moments: list[datetime], zone: str, spelled: str
) -> None:
    elements = [{"dateTime": at.strftime(spelled), "value": str(number)} for number, at in enumerate(moments)]
    refused: list[str] = []
    pieces = list(
        split(
            ARCHIVE_STREAMS["takeout-steps"],
            [json.dumps(elements).encode()],
            10,
            Days("utc", lambda _: zone),
            lambda element, _: refused.append(element),
        )
    )
    found = [(piece.day, element["value"]) for piece in pieces for element in json.loads(piece.data)]
    expected = [(at.astimezone(ZoneInfo(zone)).date(), str(n)) for n, at in enumerate(moments)]
    assert sorted(found) == sorted(expected)
    assert refused == []


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    found = parse_time(text)
    assert found is None or 2007 <= found.year <= 2099
    parse_offset(text)


def test_times_in_all_spellings() -> None:
    same = datetime(2019, 11, 2, 0, 9, 30)  # noqa: DTZ001 - as written, without a zone
    for text in ("11/02/19 00:09:30", "2019-11-02 00:09:30", "2019-11-02T00:09:30.000", "2019-11-02T00:09:30"):
        assert parse_time(text) == same
    for text in ("2019-11-02T00:09:30Z", "2019-11-02 00:09:30+0000", "2019-11-02T01:09:30.000+01:00"):
        assert parse_time(text) == same.replace(tzinfo=UTC)
    skipped = datetime.fromisoformat("2026-03-29T02:30:00")
    assert str(instant_of(skipped, "Europe/Berlin")) == "2026-03-29 01:30:00"
    for text in ("", "11/02/19 25:00:00", "2019-13-01", "1970-01-01", "yesterday"):
        assert parse_time(text) is None


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("テイクアウト/フィットビット/steps-2020-01-01.json", "takeout-steps"),
        ("a/b/exercise-100.json", "takeout-exercise"),
        ("resting_heart_rate-2020-01-01.json", "takeout-resting-heart-rate"),
        ("Daily Heart Rate Variability Summary - 2020-11-(15).csv", "takeout-csv-daily-hrv-summary"),
        ("Daily SpO2 - 2024-01-11-2024-04-11.csv", "takeout-csv-daily-spo2"),
        ("Active Zone Minutes - 2024-01-01.csv", "takeout-csv-azm"),
        ("active_zone_minutes_2026-01-01.csv", "takeout-csv-active-zone-minutes"),
        ("UserSleeps_2026-05-06.csv", "takeout-csv-user-sleeps"),
        ("steps-2020-01-01(1).json", "takeout-steps"),
        ("time_in_heart_rate_zones-2020-01-01.json", None),
        ("heart_rate_variability_2020-01-01.csv", None),
        ("UserSleepScores_2026.csv", None),
    ],
)
def test_files_are_known_by_their_own_names(name: str, stream: str | None) -> None:
    found = stream_of(name)
    assert (found.stream if found else None) == stream


def test_killed_half_way_and_run_again_it_gives_the_same_lake(tmp_path: Path) -> None:
    files = dict(old_layout(seeded_person("mina", "token", DAYS), "Asia/Tokyo", beats_every_seconds=10))
    path = write_zip(tmp_path / NAME, files)
    undisturbed = Lake.open(str(tmp_path / "undisturbed"))
    import_takeout(undisturbed, [path], MINA)
    lake = Lake.open(str(tmp_path / "killed"))
    command = [sys.executable, "-c", "from moderation_craft.cli import main; main()"]
    child = subprocess.Popen(
        [*command, "import", "takeout", str(path), "--user", "mina"],
        env={**os.environ, "MCRAFT_LAKE": lake.address},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not lake.manifests("fitbit") and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait()
    held = len(lake.manifests("fitbit"))
    assert 0 < held < len(undisturbed.manifests("fitbit"))
    done = mcraft("import", "takeout", str(path), "--user", "mina", cwd=tmp_path, MCRAFT_LAKE=lake.address)
    assert done.returncode == 0, done.stderr
    assert committed(lake) == committed(undisturbed)
