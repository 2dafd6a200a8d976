"""Papers that must not lag behind the code."""

from __future__ import annotations

import re

from tools import reference

from moderation_craft.settings import Settings
from tests.conftest import REPOSITORY


def test_the_reference_is_what_the_code_says() -> None:
    assert reference.TARGET.read_text() == reference.text(), "run `make reference`"


def test_every_setting_says_what_it_is() -> None:
    missing = [name for name, field in reference.fields(Settings) if not field.description]
    assert missing == []


def test_links_between_papers_lead_somewhere() -> None:
    papers = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "benchmarks" / "README.md"]
    broken = [
        f"{paper.name}: {target}"
        for paper in papers
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", paper.read_text())
        if not (paper.parent / target).exists()
    ]
    assert broken == []
