"""Packs the export's Lambda function (`make lambda`): `python -m tools.lambda_zip [--python 3.13] [--out …zip]`.

Packages come from requirements.lock by hash, as wheels for Amazon Linux 2023; the project's own modules are those
that the handler reaches. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = REPOSITORY / "src"
FUNCTION = "moderation-craft-export-dynamodb"
HANDLER = "moderation_craft.aws.export_handler.handle"
PYTHON = "3.13"
"""Not 3.11: that runtime is Amazon Linux 2 with glibc 2.26, and pyarrow needs 2.28."""
PLATFORM = "x86_64-manylinux_2_28"
MOST_BYTES = 50_000_000

PACKAGES = (
    "botocore",
    "filelock",
    "jmespath",
    "msgspec",
    "obstore",
    "pyarrow",
    "python-dateutil",
    "six",
    "stamina",
    "structlog",
    "tenacity",
    "typing-extensions",
    "urllib3",
    "zstandard",
)
IMPORT_NAMES = {"dateutil" if name == "python-dateutil" else name.replace("-", "_") for name in PACKAGES}

LEFT_OUT = (
    # Needed by nobody at run time.
    "*.pyi",
    "*.pxd",
    "*.pxi",
    "*.pyx",
    "*.h",
    "*/py.typed",
    "*.dist-info/[RIW]*",
    "*.dist-info/*.json",
    "bin/*",
    "pyarrow/include/*",
    "pyarrow/src/*",
    "pyarrow/tests/*",
    # The same library again under its other names; the loader asks for libarrow_python.so.NNNN.
    "pyarrow/*.so.*.*",
    "pyarrow/libarrow_python*.so",
    # Arrow's own network, file systems and formats: the lake is reached through obstore, and Parquet is all.
    "pyarrow/libarrow_flight*",
    "pyarrow/libarrow_s3*",
    "pyarrow/libarrow_python_flight*",
    "pyarrow/libarrow_python_parquet_encryption*",
    "pyarrow/_acero.*",
    "pyarrow/_azurefs.*",
    "pyarrow/_csv.*",
    "pyarrow/_cuda.*",
    "pyarrow/_dataset*",
    "pyarrow/_feather.*",
    "pyarrow/_flight.*",
    "pyarrow/_gcsfs.*",
    "pyarrow/_hdfs.*",
    "pyarrow/_json.*",
    "pyarrow/_orc.*",
    "pyarrow/_parquet_encryption.*",
    "pyarrow/_pyarrow_cpp_tests.*",
    "pyarrow/_s3fs.*",
    "pyarrow/_substrait.*",
    # The slower twin of zstandard's C extension.
    "zstandard/_cffi.*",
    # Descriptions of 400 services: requests here are signed, not modelled; certificates stay.
    "botocore/data/*",
)

_IMPORT = """
import importlib, sys, time
sys.path.insert(0, sys.argv[1])
started = time.perf_counter()
importlib.import_module(sys.argv[2])
print(time.perf_counter() - started)
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Packed:
    path: Path
    bytes: int
    unpacked_bytes: int
    has_bytecode: bool


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--python", default=PYTHON, help="the runtime's version")
    arguments.add_argument("--out", type=Path, default=REPOSITORY / "dist" / f"{FUNCTION}.zip")
    said = arguments.parse_args()
    packed = build(said.out, said.python)
    sys.stdout.write(
        f"{packed.path}: {packed.bytes / 1e6:.1f} MB, {packed.unpacked_bytes / 1e6:.0f} MB unpacked, "
        f"python{said.python}, handler {HANDLER}\n"
    )
    if packed.bytes > MOST_BYTES:
        raise SystemExit(f"{packed.bytes:,} bytes: Lambda takes {MOST_BYTES:,} from a direct upload.")
    seconds = import_seconds(said.out, said.python)
    if seconds:
        sys.stdout.write(f"Cold import {statistics.median(seconds):.2f} s (median of {len(seconds)} processes)\n")
    if not packed.has_bytecode:
        sys.stdout.write(f"No Python {said.python} here to compile with: a cold start takes some 0.7 s longer.\n")


def build(out: Path, python: str = PYTHON, *, level: int = 6) -> Packed:
    """Write the zip, deflated by `level`; SystemExit where it would not work."""
    with tempfile.TemporaryDirectory(prefix="mcraft-lambda-") as passing:
        folder = Path(passing) / "task"
        _install_packages(folder, python)
        _copy_own(folder)
        has_bytecode = _compile(folder, python)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        out.parent.mkdir(parents=True, exist_ok=True)
        _write_zip(out, folder, files, level)
        packed = Packed(out, out.stat().st_size, sum(path.stat().st_size for path in files), has_bytecode)
    return packed


def import_seconds(packed: Path, python: str = PYTHON, *, times: int = 5) -> list[float]:
    """How long fresh processes took to import the handler from the unpacked zip, least first; [] where no such
    Python is here."""
    found = interpreter(python)
    if found is None:
        return []
    with tempfile.TemporaryDirectory(prefix="mcraft-lambda-") as folder:
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)
        command = [str(found), "-I", "-S", "-B", "-c", _IMPORT, folder, HANDLER.rsplit(".", 1)[0]]
        said = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
            for _ in range(times)
        ]
    return sorted(map(float, said))


def own_modules(start: str = HANDLER.rsplit(".", 1)[0]) -> tuple[set[str], set[str]]:
    """The project's modules that a module reaches, late imports included, and what these import from outside."""
    reached: set[str] = set()
    outside: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        if module.split(".")[0] != "moderation_craft":
            outside.add(module.split(".")[0])
            continue
        path = _path_of(module)
        if path is None:
            continue
        reached.add(module)
        waiting += [module.rpartition(".")[0] or module, *_imports(ast.parse(path.read_text()))]
    return reached, outside - set(sys.stdlib_module_names)


def interpreter(python: str) -> Path | None:
    """A Python of that version on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = shutil.which(f"python{python}")
    for path in (sys.executable, found, *sorted(pyenv.glob(f"versions/{python}.*/bin/python"))):
        if path is None:
            continue
        said = subprocess.run(  # noqa: S603
            [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
        )
        if said.stdout.strip() == python:
            return Path(path)
    return None


def _path_of(module: str) -> Path | None:
    base = SOURCES.joinpath(*module.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every module that may be meant by a tree's import statements, those for type checkers left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imports(node)


def _install_packages(folder: Path, python: str) -> None:
    pins = folder.with_name("pins.txt")
    pins.write_text("".join(_pins((REPOSITORY / "requirements.lock").read_text(), PACKAGES)))
    uv = Path(sys.executable).with_name("uv")
    wanted = ["--python-version", python, "--python-platform", PLATFORM, "--only-binary", ":all:"]
    subprocess.run(  # noqa: S603
        [
            uv,
            "pip",
            "install",
            "--quiet",
            "--target",
            folder,
            *wanted,
            "--no-deps",
            "--require-hashes",
            "-r",
            pins,
        ],
        check=True,
    )
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT):
            path.unlink()


def _pins(lock: str, names: Iterable[str]) -> Iterator[str]:
    """The lock's entries, hashes included, of some packages."""
    for name in names:
        entry = re.search(rf"^{re.escape(name)}==.*\n(?:    --hash=.*\n)+", lock, re.MULTILINE)
        if entry is None:
            raise SystemExit(f"requirements.lock does not pin {name}.")
        yield entry[0]


def _copy_own(folder: Path) -> None:
    modules, outside = own_modules()
    if unknown := outside - IMPORT_NAMES:
        raise SystemExit(
            f"The handler now imports {', '.join(sorted(unknown))}: add it to PACKAGES, or import less."
        )
    for path in filter(None, map(_path_of, modules)):
        target = folder / path.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    metadata = folder / f"moderation_craft-{project['version']}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")


def _compile(folder: Path, python: str) -> bool:
    """Bytecode beside the sources: a function's folder is read-only, so that it would be made at every start."""
    found = interpreter(python)
    if found is None:
        return False
    command = [str(found), "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    under = ["-s", str(folder), "-p", "/var/task", str(folder)]
    subprocess.run([*command, *under], env={**os.environ, "PYTHONHASHSEED": "0"}, check=True)  # noqa: S603
    return True


def _write_zip(out: Path, folder: Path, files: Iterable[Path], level: int) -> None:
    with zipfile.ZipFile(out, "w") as packed:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o755 if ".so" in path.suffixes else 0o644) << 16
            packed.writestr(entry, path.read_bytes(), compresslevel=level)


if __name__ == "__main__":
    main()
