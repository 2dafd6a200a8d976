"""The zip: small enough, for the right machine, the same every time, and whole without anything else installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tools import lambda_zip

from tests.aws.rie import IS_SUPPORTED

pytestmark = [
    pytest.mark.skipif(not IS_SUPPORTED, reason="the function is packed for Linux x86_64"),
]

HEAVY = ("pydantic", "pydantic_settings", "duckdb", "dbt", "fastapi", "boto3", "httpx", "rich", "pandas", "numpy")
LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from moderation_craft.aws.export_handler import handle
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({"modules": sorted(sys.modules), "files": [file for file in files if file]}))
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that `make lambda` builds."""
    return lambda_zip.build(tmp_path_factory.mktemp("shipped") / "function.zip").path


def test_it_fits_a_direct_upload_and_a_sandbox(shipped: Path) -> None:
    assert shipped.stat().st_size <= lambda_zip.MOST_BYTES
    with zipfile.ZipFile(shipped) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 250_000_000


def test_its_libraries_are_for_the_runtime(shipped: Path) -> None:
    """Each extension is for that Python (or for any), and none asks for a newer glibc than Amazon Linux 2023's."""
    tag = f"cpython-{lambda_zip.PYTHON.replace('.', '')}-"
    with zipfile.ZipFile(shipped) as archive:
        libraries = [name for name in archive.namelist() if ".so" in name]
        assert len(libraries) > 10
        for name in libraries:
            assert tag in name or ".abi3." in name or re.search(r"/lib\w+\.so\.\d+$", name), name
            asked = {tuple(map(int, v.split(b"."))) for v in re.findall(rb"GLIBC_(\d+\.\d+)", archive.read(name))}
            assert max(asked, default=(0,)) <= (2, 34), name


def test_the_same_sources_give_the_same_zip(shipped: Path, tmp_path: Path) -> None:
    again = lambda_zip.build(tmp_path / "again.zip", level=1).path
    assert entries(again) == entries(shipped)


def entries(path: Path) -> list[tuple[object, ...]]:
    with zipfile.ZipFile(path) as archive:
        return [(e.filename, e.CRC, e.date_time, e.external_attr, e.create_system) for e in archive.infolist()]


def test_it_imports_alone_and_nothing_heavy_comes_with_it(task: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", LOOK, str(task)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert not {name.split(".")[0] for name in found["modules"]} & set(HEAVY)
    assert not [file for file in found["files"] if "site-packages" in file]
    assert any(str(task / "pyarrow") in file for file in found["files"])


def test_a_module_that_is_imported_late_is_packed_too() -> None:
    modules, outside = lambda_zip.own_modules()
    assert "moderation_craft.sources.dynamodb.parts" in modules
    assert not outside - lambda_zip.IMPORT_NAMES
    assert not [
        name for name in modules if name.startswith(("moderation_craft.warehouse", "moderation_craft.serve"))
    ]
