"""dbt-duckdb plugin: lets dbt's own connection read the lake that the raw views point at."""

from __future__ import annotations

from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from moderation_craft.warehouse.connection import enable_lake


class Plugin(BasePlugin):
    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.address = str(plugin_config.get("address", ""))

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        enable_lake(conn, self.address)
