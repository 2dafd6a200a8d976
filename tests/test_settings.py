"""Settings come from arguments, environment and file, in that order; secrets never from the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from moderation_craft.errors import SetupError, redact
from moderation_craft.settings import load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MCRAFT_LAKE", raising=False)


def test_nothing_set_is_the_embedded_default() -> None:
    settings = load_settings()
    assert (settings.lake, settings.serve.host, settings.schedule.time) == ("./lake", "127.0.0.1", "14:00")


def test_arguments_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mcraft.toml").write_text('lake = "from-file"\n[dynamodb]\ntable = "from-file"\n')
    monkeypatch.setenv("MCRAFT_DYNAMODB__TABLE", "from-environment")
    assert load_settings().lake == "from-file"
    assert load_settings().dynamodb.table == "from-environment"
    assert load_settings(lake="given").lake == "given"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('lakes = "typo"', "lakes"),
        ('[schedule]\ntime = "25:00"', "schedule.time"),
        ("day_turns_at_hour = 9", "day_turns_at_hour"),
        ("lake = ", "mcraft.toml"),
        ('[fitbit.access_tokens]\nme = "secret-token"', "MCRAFT_FITBIT__ACCESS_TOKENS"),
    ],
)
def test_a_wrong_file_names_what_is_wrong(text: str, named: str) -> None:
    Path("mcraft.toml").write_text(text)
    with pytest.raises(SetupError) as caught:
        load_settings()
    assert named in caught.value.paragraph()
    assert "secret-token" not in caught.value.paragraph()


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc123def456",
        "https://x/y?appid=abc123def456&q=1",
        '{"access_token": "abc123def456"}',
    ],
)
def test_secrets_do_not_reach_a_message(text: str) -> None:
    assert "abc123def456" not in redact(text)
