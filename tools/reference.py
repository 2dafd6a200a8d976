"""Writes docs/reference.md from the code: commands, settings, error codes (`make reference`)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command

from moderation_craft import errors
from moderation_craft.cli import app
from moderation_craft.settings import Settings

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"


def text() -> str:
    """The whole reference as Markdown."""
    command = get_command(app)
    lines = ["# Reference", "", "Made from the code by `make reference`; a test fails when it is out of date.", ""]
    lines += ["## Commands", "", *_commands(command, "mcraft"), *_settings(), *_errors()]
    return "\n".join(lines).rstrip() + "\n"


def _commands(command: Any, path: str) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is not None:
        for name, child in children.items():
            yield from _commands(child, f"{path} {name}")
        return
    arguments = [f" {(p.name or '').upper()}" for p in command.params if p.param_type_name == "argument"]
    yield f"### `{path}{''.join(arguments)}`"
    yield ""
    yield inspect.cleandoc(command.help or "")
    yield ""
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    if options:
        yield "| option | what | default |"
        yield "| --- | --- | --- |"
        for option in options:
            names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
            default = "" if option.default in (None, False) or callable(option.default) else f"`{option.default}`"
            yield f"| {names} | {getattr(option, 'help', '') or ''} | {default} |"
        yield ""


def _settings() -> Iterator[str]:
    yield "## Settings"
    yield ""
    yield "In `mcraft.toml` in the folder where you call `mcraft`, or in the environment: `dynamodb.table` is"
    yield "`MCRAFT_DYNAMODB__TABLE`. The environment wins. Secrets belong in the environment alone."
    yield ""
    yield "| setting | what | default |"
    yield "| --- | --- | --- |"
    for name, field in fields(Settings):
        yield f"| `{name}` | {' '.join((field.description or '').split())} | {_default(field)} |"
    yield ""


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    return "" if default is None or default == {} else f"`{default}`"


def _errors() -> Iterator[str]:
    yield "## Error codes"
    yield ""
    yield "| code | name | family | when |"
    yield "| --- | --- | --- | --- |"
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.search(r"(\w+)\s+(E0\d\d)\s+(.*)", line):
            drawn[found[1]] = found[3]
    for family in (errors.RetryError, errors.SkipError, errors.StopError):
        for kind in sorted(_named(family, drawn), key=lambda kind: kind.code):
            can = family.__name__.removesuffix("Error").lower()
            yield f"| {kind.code} | {kind.name} | {can} | {drawn[kind.__name__]} |"
    yield ""


def _named(family: type[errors.McraftError], drawn: dict[str, str]) -> list[type[errors.McraftError]]:
    return [kind for kind in family.__subclasses__() if kind.__name__ in drawn]


if __name__ == "__main__":
    TARGET.write_text(text())
