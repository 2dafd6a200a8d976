"""Child process: writes browser databases. Reads its job as JSON on stdin; imports nothing of this package.

Run with the environment of `browser_file.ZEROED`: DuckDB writes whole blocks, and what it leaves unused in
them is whatever the allocator handed out.
"""

from __future__ import annotations

import json
import sys

import duckdb


def main() -> None:
    """Write each database of the job: {"warehouse": path, "databases": [{"path", "tables": {name: select}}]}."""
    job = json.load(sys.stdin)
    for database in job["databases"]:
        # A connection for each file, so that no file depends on which were written before it.
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach {_quoted(job['warehouse'])} as w (read_only)")
            connection.execute(f"attach {_quoted(database['path'])} as g (storage_version 'v1.4.0')")
            for name in sorted(database["tables"]):
                connection.execute(f'create table g."{name}" as {database["tables"][name]}')
            connection.execute("checkpoint g")
            connection.execute("detach g")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    main()
