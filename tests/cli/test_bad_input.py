"""What goes wrong is one paragraph with its code, cause and next step, exit 1, and nothing half-written."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.run import mcraft
from tests.conftest import SmallDisk
from tests.dynamodb.tables import make_table

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def raw_objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "lake" / "raw").rglob("*") if path.is_file()]


def paragraph(stderr: str) -> str:
    return stderr.strip().splitlines()[-1]


def test_an_unreachable_server(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = mcraft("export", cwd=tmp_path, MCRAFT_DYNAMODB__ENDPOINT_URL=endpoint, **KEYS)
    assert done.returncode == 1
    assert paragraph(done.stderr).startswith("E006 EXTERNAL_API:")
    assert endpoint in paragraph(done.stderr) and "Next: " in paragraph(done.stderr)
    assert raw_objects(tmp_path) == []


def test_a_missing_table(tmp_path: Path, aws_endpoint: str) -> None:
    there = make_table(aws_endpoint)
    done = mcraft(
        "export", "--table", "no-such-table", cwd=tmp_path, MCRAFT_DYNAMODB__ENDPOINT_URL=aws_endpoint, **KEYS
    )
    assert done.returncode == 1
    assert paragraph(done.stderr).startswith("E011 SETUP:")
    assert there in done.stderr and "--table" in done.stderr


def test_a_lake_of_a_newer_layout(tmp_path: Path) -> None:
    marker = tmp_path / "lake" / "_state" / "layout.json"
    marker.parent.mkdir(parents=True)
    marker.write_text('{"layout_version": 99}')
    done = mcraft("status", cwd=tmp_path)
    assert done.returncode == 1
    assert paragraph(done.stderr).startswith("E010 INVALID_SCHEMA:") and "upgrade" in done.stderr


def test_a_csv_with_a_wrong_column(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("day,steps\n2026-11-01,5\n")
    (tmp_path / "map.toml").write_text('date = "date"\n')
    done = mcraft("import", "csv", "days.csv", "--map", "map.toml", "--user", "me", cwd=tmp_path)
    assert done.returncode == 1
    assert "E003" in paragraph(done.stderr) and "'date'" in done.stderr and "steps" in done.stderr
    assert raw_objects(tmp_path) == []


@pytest.mark.parametrize("command", [["serve"], ["demo", "--days", "7"]])
def test_a_port_in_use(tmp_path: Path, command: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = mcraft(*command, "--port", str(port), cwd=tmp_path)
    assert done.returncode == 1
    assert paragraph(done.stderr).startswith("E011 SETUP:")
    assert str(port) in done.stderr and "--port" in done.stderr


def test_a_full_disk(small_disk: SmallDisk, aws_endpoint: str) -> None:
    notes = [{"PK": {"S": "u"}, "SK": {"S": str(n)}, "notes": {"B": os.urandom(200_000)}} for n in range(3)]
    table = make_table(aws_endpoint, notes)
    environment = {"MCRAFT_DYNAMODB__ENDPOINT_URL": aws_endpoint, **KEYS}
    done = mcraft("export", "--table", table, cwd=small_disk.folder, **environment)
    assert done.returncode == 1
    assert paragraph(done.stderr).startswith("E004 S3_ACCESS:") and "the disk is full" in done.stderr
    assert raw_objects(small_disk.folder) == []
    small_disk.resize("20m")
    assert mcraft("export", "--table", table, cwd=small_disk.folder, **environment).returncode == 0


def test_a_wrong_setting_names_itself(tmp_path: Path) -> None:
    (tmp_path / "mcraft.toml").write_text('timezone = "Asia/Tokio"\n')
    done = mcraft("status", cwd=tmp_path)
    assert done.returncode == 1
    assert paragraph(done.stderr).startswith("E011 SETUP:") and "timezone" in done.stderr


def test_the_server_stays_on_this_machine(tmp_path: Path) -> None:
    done = mcraft("serve", "--host", "192.0.2.1", cwd=tmp_path)
    assert done.returncode == 2


def test_asking_before_there_is_gold(tmp_path: Path) -> None:
    done = mcraft("query", "select 1 from mart_productivity_daily", cwd=tmp_path)
    assert done.returncode == 1
    assert "mcraft run" in paragraph(done.stderr)


def test_status_and_doctor_of_an_empty_lake(tmp_path: Path) -> None:
    status = mcraft("status", "--json", cwd=tmp_path)
    assert status.returncode == 0
    layers = json.loads(status.stdout)["layers"]
    assert [layer["name"] for layer in layers] == ["sources", "raw", "staging", "gold", "pages"]
    assert {layer["state"] for layer in layers} == {"empty"}
    config = mcraft("doctor", "--print-config", cwd=tmp_path)
    (tmp_path / "mcraft.toml").write_text(config.stdout)
    assert mcraft("doctor", "--print-config", cwd=tmp_path).stdout == config.stdout
