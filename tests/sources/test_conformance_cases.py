"""The suite lists its cases by source, for whoever wants to know what a source was put through."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import REPOSITORY


def listed(*paths: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moderation_craft.sources.conformance", *paths]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_every_source_is_listed_with_its_cases() -> None:
    said = listed("tests/sources/test_conformance.py", "tests/sources/test_contributing.py")
    assert said.returncode == 0, said.stderr
    for source in ("Fitbit", "Weather", "Calendar", "Pollen"):
        assert f"\n{source} (" in f"\n{said.stdout}"
    cases = said.stdout.split("Pollen (")[1].splitlines()
    assert {"  a kill loses nothing that was answered", "  secrets never show"} <= set(cases)


def test_a_place_without_sources_says_so() -> None:
    said = listed("tests/sources/test_csv_docs.py")
    assert (said.returncode, said.stdout) == (1, "")
    assert "no source joins the suite below tests/sources/test_csv_docs.py" in said.stderr
