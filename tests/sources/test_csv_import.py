"""`mcraft import csv`: what becomes a measure, what is refused, and what a person is told."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock
from moderation_craft.errors import BoundMet, McraftError, RecordInvalid, SetupError
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.csv import importer
from moderation_craft.sources.csv.column_map import CsvMap, read_map
from moderation_craft.sources.csv.importer import ImportResult, import_csv
from moderation_craft.sources.csv.measures import Context, parse, values_of
from moderation_craft.sources.prepare import prepare_all, prepared_keys

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), FixedClock(NOW))


class Bench:
    """A folder with a CSV and a map, and a lake to import them into."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.lake = lake
        self.folder = folder

    def run(
        self, content: str | bytes, toml: str | None = None, user: str | None = None, name: str = "diary.csv"
    ) -> ImportResult:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        map_path = None
        if toml is not None:
            map_path = self.folder / "map.toml"
            map_path.write_text(toml, encoding="utf-8")
        return import_csv(self.lake, path, map_path, user)

    def refused(self, *args: Any, **more: Any) -> McraftError:
        with pytest.raises(McraftError) as caught:
            self.run(*args, **more)
        assert self.lake.totals("raw/") == (0, 0)
        assert self.lake.totals("quarantine/") == (0, 0)
        assert caught.value.remedy
        return caught.value

    def rows(self) -> list[dict[str, Any]]:
        prepare_all(self.lake)
        return [
            row
            for key in prepared_keys(self.lake, "csv")
            for row in pq.read_table(io.BytesIO(self.lake.storage.get(key))).to_pylist()
        ]

    def values(self) -> dict[tuple[str, str], float]:
        return {(str(row["date"]), row["measure"]): row["value"] for row in self.rows()}


@pytest.fixture
def bench(lake: Lake, tmp_path: Path) -> Bench:
    return Bench(lake, tmp_path)


def test_a_plain_diary_needs_no_map(bench: Bench) -> None:
    result = bench.run(
        "日付,コーヒー,頭痛,メモ\n2026-11-01,2,はい,眠い\n2026/11/2,,いいえ,\n2026年11月3日,0.5,,ok\n", user="u1"
    )
    assert bench.values() == {
        ("2026-11-01", "コーヒー"): 2.0,
        ("2026-11-01", "頭痛"): 1.0,
        ("2026-11-02", "頭痛"): 0.0,
        ("2026-11-03", "コーヒー"): 0.5,
    }
    assert [(left.column, left.example) for left in result.left_out] == [("メモ", "眠い")]
    assert {count.measure.unit for count in result.measures} == {None, "yes_no"}
    assert (result.first_day, result.last_day, result.user_ids) == (
        *(date(2026, 11, 1), date(2026, 11, 3)),
        ["u1"],
    )


def test_raw_holds_the_files_bytes_and_the_map(bench: Bench) -> None:
    content = "\ufeffdate,who,x\r\n2026-11-01,u1,1\r\n".encode()
    result = bench.run(content, 'date = "date"\nuser = "who"\ndataset = "my days"')
    (part,) = result.manifest.parts
    assert part.key.startswith("raw/external/csv/my~20days/dt=2026-11-23/part-")
    assert bench.lake.storage.get(part.key) == content
    assert result.manifest.kind == "csv_import"
    assert result.manifest.details["map"] == {
        "date": "date",
        "user": "who",
        "dataset": "my days",
        "encoding": "utf-8-sig",
        "delimiter": ",",
    }


def test_the_same_file_and_map_again_do_nothing(bench: Bench) -> None:
    content, toml = "date,x\n2026-11-01,1\n", 'date = "date"\nuser_id = "u1"'
    first = bench.run(content, toml)
    before = bench.lake.totals("raw/")
    again = bench.run(content, toml, name="diary.csv")
    assert (again.is_new, again.manifest) == (False, first.manifest)
    assert bench.lake.totals("raw/") == before
    assert "nothing to do" in again.sentence()


def test_the_same_file_with_another_map_replaces_what_it_said(bench: Bench) -> None:
    content = "date,x\n2026-11-01,1\n"
    bench.run(content, 'date = "date"', "u1")
    bench.lake.clock = FixedClock(NOW + timedelta(minutes=1))
    bench.run(content, 'date = "date"\n[measures.coffee]\ncolumn = "x"', "u1")
    assert [row["measure"] for row in bench.rows()] == ["coffee"]


def test_going_back_to_an_older_file_counts_again(bench: Bench) -> None:
    old, new = "date,x\n2026-11-01,1\n", "date,x\n2026-11-01,2\n"
    for minutes, content in enumerate((old, new, old)):
        bench.lake.clock = FixedClock(NOW + timedelta(minutes=minutes))
        assert bench.run(content, user="u1").is_new
    newest = max(bench.rows(), key=lambda row: row["imported_at"])
    assert newest["value"] == 1.0


def test_named_columns_alone_become_measures_unless_the_others_are_asked_for(bench: Bench) -> None:
    content = "date,x,y\n2026-11-01,1,2\n"
    named = '[measures.coffee]\ncolumn = "x"\nunit = "cups"\nkind = "factor"\nlabel.en = "Coffee"\n'
    result = bench.run(content, 'date = "date"\n' + named, "u1")
    assert [count.measure.name for count in result.measures] == ["coffee"]
    assert "other_columns" in result.left_out[0].reason
    result = bench.run(content, 'date = "date"\nother_columns = true\n' + named, "u1")
    assert [count.measure.name for count in result.measures] == ["coffee", "y"]


def test_bad_cells_of_a_named_measure_go_to_quarantine_and_the_row_goes_on(bench: Bench) -> None:
    content = "date,bmi,steps\n2026-11-01,<19,100\n2026-11-02,22.5,200\n2026-11-03,inf,\n"
    result = bench.run(content, 'date = "date"\nother_columns = true\n[measures.bmi]', "u1")
    assert bench.values() == {
        ("2026-11-01", "steps"): 100.0,
        ("2026-11-02", "bmi"): 22.5,
        ("2026-11-02", "steps"): 200.0,
    }
    refusals = sorted(read_all(bench.lake.storage), key=lambda refusal: refusal.dt)
    assert result.refused_rows == result.manifest.refused == len(refusals) == 2
    assert json.loads(refusals[0].record) == {"date": "2026-11-01", "bmi": "<19", "steps": "100"}
    assert "'<19' in the column 'bmi'" in refusals[0].reason
    assert refusals[0].dt == date(2026, 11, 1)


def test_bad_dates_and_ragged_rows_go_to_quarantine_whole(bench: Bench) -> None:
    content = "date,x\n2026-11-01,1\nyesterday,2\n2026-11-03,3,4\n2026-11-04\n0206-11-05,5\n9999-12-31,6\n\n,,\n"
    result = bench.run(content.replace("\n,,\n", "\n,\n"), user="u1")
    assert bench.values() == {("2026-11-01", "x"): 1.0}
    assert (result.rows, result.refused_rows) == (6, 5)


def test_repeated_days_collapse_and_of_different_ones_the_last_stays(bench: Bench) -> None:
    result = bench.run("date,x\n2026-11-01,1\n2026-11-01,1.0\n2026-11-02,1\n2026-11-02,2\n", user="u1")
    assert bench.values() == {("2026-11-01", "x"): 1.0, ("2026-11-02", "x"): 2.0}
    assert (result.repeated_rows, result.refused_rows) == (1, 1)
    (refusal,) = read_all(bench.lake.storage)
    assert refusal.origin.endswith("#row=4")


def test_zeros_and_ones_stay_numbers_and_words_become_them(bench: Bench) -> None:
    result = bench.run(
        "date,bit,word,told\n2026-11-01,0,TRUE,1\n2026-11-02,1,no,yes\n",
        'date = "date"\nother_columns = true\n[measures.told]\nunit = "yes_no"',
        "u1",
    )
    units = {count.measure.name: count.measure.unit for count in result.measures}
    assert units == {"bit": None, "word": "yes_no", "told": "yes_no"}
    assert [bench.values()["2026-11-02", name] for name in ("bit", "word", "told")] == [1.0, 0.0, 1.0]


def test_european_and_japanese_spreadsheets(bench: Bench) -> None:
    european = "date;x;y\n1.11.2026;1.234,5;-\n2.11.2026;0,5;7\n"
    toml = 'date = "date"\ndate_format = "%d.%m.%Y"\ndecimal = ","\nthousands = "."\nmissing = ["-"]'
    bench.run(european, toml, "u1")
    assert bench.values() == {
        ("2026-11-01", "x"): 1234.5,
        ("2026-11-02", "x"): 0.5,
        ("2026-11-02", "y"): 7.0,
    }
    japanese = "日付\t歩数\r\n2026/11/01\t8000\r\n".encode("cp932")
    assert bench.run(japanese, user="u1", name="b.csv").values == 1
    assert bench.run("date,x\n2026-11-01,1\n".encode("utf-16"), user="u1", name="c.csv").values == 1


BAD_FILES: dict[str, tuple[bytes, str | None, str | None, type[McraftError], list[str]]] = {
    "wrong column": (
        *(b"date,steps\n2026-11-01,1\n", 'date = "date"\n[measures.step]', "u1"),
        *(RecordInvalid, ["'step'", "date, steps", 'write "steps"']),
    ),
    "wrong date column": (
        *(b"when,x\n2026-11-01,1\n", 'date = "day"', "u1"),
        *(RecordInvalid, ["'day'", "when, x"]),
    ),
    "wrong person column": (
        *(b"date,x\n2026-11-01,1\n", 'date = "date"\nuser = "id"', None),
        *(RecordInvalid, ["'id'"]),
    ),
    "no date column": (b"when,x\n2026-11-01,1\n", None, "u1", RecordInvalid, ["when, x", "--map"]),
    "nobody named": (b"date,x\n2026-11-01,1\n", None, None, SetupError, ["--user", "date, x"]),
    "two answers to whose": (
        *(b"date,id,x\n2026-11-01,u2,1\n", 'date = "date"\nuser = "id"', "u1"),
        *(SetupError, ["--user"]),
    ),
    "unknown key": (
        *(b"date,x\n2026-11-01,1\n", 'date = "date"\n[measures.x]\nunits = "kg"', "u1"),
        *(SetupError, ["units"]),
    ),
    "broken map": (b"date,x\n2026-11-01,1\n", "date = date", "u1", SetupError, ["map.toml"]),
    "unknown kind": (
        *(b"date,x\n2026-11-01,1\n", '[measures.x]\nkind = "cause"', "u1"),
        *(SetupError, ["cause"]),
    ),
    "empty file": (b"", None, "u1", RecordInvalid, ["is empty"]),
    "header only": (b"date,x\n", None, "u1", RecordInvalid, ["no row"]),
    "repeated header": (b"date,x,x\n2026-11-01,1,2\n", None, "u1", RecordInvalid, ["'x' 2 times"]),
    "no usable date": (b"date,x\n4/12/2016,1\n", None, "u1", RecordInvalid, ["4/12/2016", "date_format"]),
    "all rows ragged": (b"date,x\n2026-11-01,1,2\n", None, "u1", RecordInvalid, ["3 cells"]),
    "no measure": (b"date,x\n2026-11-01,fine\n", None, "u1", RecordInvalid, ["[measures]"]),
    "not text": (b"PK\x03\x04\x00\x00\xff\xfe", None, "u1", RecordInvalid, ["diary.csv"]),
    "unknown bytes": (b"date,\xff\xfd\x81\n", None, "u1", RecordInvalid, ["encoding"]),
    "broken quotes": (b'date,x\n2026-11-01,"1\n', None, "u1", RecordInvalid, ["line"]),
    "unknown encoding": (
        *(b"date,x\n2026-11-01,1\n", 'encoding = "klingon"', "u1"),
        *(RecordInvalid, ["klingon"]),
    ),
}


@pytest.mark.parametrize(("content", "toml", "user", "kind", "words"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_what_cannot_be_taken_is_explained_and_nothing_is_written(
    bench: Bench, content: bytes, toml: str | None, user: str | None, kind: type[McraftError], words: list[str]
) -> None:
    error = bench.refused(content, toml, user)
    assert type(error) is kind
    assert all(word in error.paragraph() for word in words), error.paragraph()


def test_absent_files_are_explained(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(RecordInvalid, match=r"absent\.csv"):
        import_csv(lake, tmp_path / "absent.csv", None, "u1")
    with pytest.raises(SetupError, match=r"absent\.toml"):
        import_csv(lake, tmp_path / "absent.csv", tmp_path / "absent.toml", "u1")


def test_a_huge_file_meets_the_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "MAX_FILE_BYTES", 10)
    assert isinstance(bench.refused("date,x\n2026-11-01,1\n", user="u1"), BoundMet)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_example_maps_are_valid(path: Path) -> None:
    found = read_map(path)
    assert found.date
    assert CsvMap.from_normalised(json.loads(json.dumps(found.normalised()))) == found


COLUMN_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda name: name.strip() == name and name.lower() not in ("date", "day", "日付")
)
CELLS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[float | None]]]:
    names = draw(st.lists(COLUMN_NAMES, min_size=1, max_size=5, unique=True))
    rows = st.lists(CELLS, min_size=len(names), max_size=len(names))
    return names, draw(st.lists(rows, min_size=1, max_size=20))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_any_table_of_floats_comes_back_equal(table: tuple[list[str], list[list[float | None]]]) -> None:
    names, rows = table
    days = [date(2026, 1, 1) + timedelta(days=index) for index in range(len(rows))]
    expected = {
        (day, name): value
        for day, row in zip(days, rows, strict=True)
        for name, value in zip(names, row, strict=True)
        if value is not None
    }
    assume(expected)
    assert parsed(csv_text(names, days, rows)) == expected


def parsed(text: str) -> dict[tuple[date | None, str], float]:
    plan = CsvMap(user_id="u1", delimiter=",")
    found = parse(text.encode(), plan, Context("t.csv", "origin", date(2026, 11, 23)))
    assert not found.refusals
    return {(row.day, measure.name): value for row, measure, value in values_of(found)}


def csv_text(names: list[str], days: list[date], rows: list[list[float | None]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["date", *names])
    for day, row in zip(days, rows, strict=True):
        writer.writerow([day.isoformat(), *("" if value is None else repr(value) for value in row)])
    return out.getvalue()
