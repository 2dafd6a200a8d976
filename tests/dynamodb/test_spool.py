"""The page spool gives back the whole pages, whatever was cut, and keeps nothing that a part holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from moderation_craft.sources.dynamodb.spool import PageSpool, SpooledPage

PAGES = [
    SpooledPage(number % 2, number // 2, f"page {number} メモ".encode() * (number + 1)) for number in range(6)
]


def spooled(path: Path) -> list[SpooledPage]:
    with closing(PageSpool(path)) as spool:
        return list(spool.replay())


def write(path: Path, pages: list[SpooledPage]) -> None:
    with closing(PageSpool(path)) as spool:
        for page in pages:
            spool.append(page)


def test_a_spool_cut_anywhere_holds_the_pages_before_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "whole", PAGES)
    data = (tmp_path / "whole").read_bytes()
    for length in range(len(data)):
        path = tmp_path / "cut"
        path.write_bytes(data[:length])
        held = spooled(path)
        assert held == PAGES[: len(held)]
        write(path, PAGES[len(held) :])
        assert spooled(path) == PAGES


@pytest.mark.parametrize("place", [0, 9, 20, 60])
def test_a_damaged_page_and_what_follows_are_forgotten(tmp_path: Path, place: int) -> None:
    write(tmp_path / "spool", PAGES)
    data = bytearray((tmp_path / "spool").read_bytes())
    data[place] ^= 0xFF
    (tmp_path / "spool").write_bytes(data)
    held = [page for page in spooled(tmp_path / "spool") if page in PAGES]
    assert len(held) < len(PAGES)


def test_a_part_that_ends_while_pages_are_replayed_leaves_an_empty_spool(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    write(path, PAGES)
    with closing(PageSpool(path)) as spool:
        for page in spool.replay():
            if page == PAGES[-1]:
                spool.clear()
        assert path.stat().st_size == 0
        spool.append(PAGES[0])
    assert spooled(path) == PAGES[:1]
