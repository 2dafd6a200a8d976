"""What the app's records are made of, as the model `app_schema` of the last finished build has it."""

from __future__ import annotations

from datetime import date

import duckdb
import msgspec

from moderation_craft.errors import TransformFailed
from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.warehouse import runner

_SELECT = (
    "select door, entity_type, attribute, type, items, entity_items, first_seen, last_seen, is_read "
    "from app_schema order by all"
)


class AttributeType(msgspec.Struct, frozen=True):
    """One type of one attribute; `items` of the entity's `entity_items` present records hold it now.

    `is_read` where staging reads the attribute.
    """

    door: str
    entity_type: str
    attribute: str
    type: str
    items: int
    entity_items: int
    first_seen: date
    last_seen: date
    is_read: bool


def read(lake: Lake, settings: Settings) -> list[AttributeType] | None:
    """Every row of the model; None where no build got as far as making it."""
    path = runner.warehouse_path(lake, settings)
    if not path.is_file():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return [AttributeType(*row) for row in connection.execute(_SELECT).fetchall()]
    except duckdb.CatalogException:
        return None
    except duckdb.Error as error:
        raise TransformFailed(
            f"The warehouse file {str(path)!r} cannot be read: {str(error).splitlines()[0]}",
            remedy="`mcraft rebuild` makes it anew from raw; the last good gold stays in place.",
        ) from error
