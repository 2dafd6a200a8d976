"""SHAPE: raw → staging → marts with dbt on DuckDB, then gold."""
