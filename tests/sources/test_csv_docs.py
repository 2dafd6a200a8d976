"""The page on custom measures names every key of the map."""

from __future__ import annotations

from pathlib import Path

from moderation_craft.sources.csv.column_map import CsvMap, MeasureMap

PAGE = Path(__file__).parents[2] / "docs" / "custom-measures.md"


def test_every_key_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    keys = {*CsvMap.__struct_fields__, *MeasureMap.__struct_fields__} - {"label", "measures"}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
    assert "[measures.NAME]" in text
    assert "label.ja" in text
