"""DuckDB connections that can read the lake: a folder as it is, S3 through the packaged httpfs."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlparse

import duckdb

from moderation_craft.errors import SetupError


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A SQL identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def enable_lake(connection: duckdb.DuckDBPyConnection, address: str) -> None:
    """Make an `s3://` lake readable on this connection's instance; a folder needs nothing."""
    if not address.startswith("s3://"):
        return
    connection.execute(f"load {quoted(str(_httpfs_file()))}")
    connection.execute(f"create or replace secret lake ({', '.join(_secret_options(address))})")


def _httpfs_file() -> Path:
    import duckdb_extension_httpfs

    folder = Path(duckdb_extension_httpfs.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    found = folder / "httpfs.duckdb_extension"
    if not found.is_file():
        raise SetupError(
            f"DuckDB {duckdb.__version__} has no httpfs beside it ({found}).",
            remedy="install duckdb and duckdb-extension-httpfs of one version; S3 lakes need both.",
        )
    return found


def _secret_options(address: str) -> list[str]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "ap-northeast-1"
    options = ["type s3", f"scope {quoted('s3://' + urlparse(address).netloc)}", f"region {quoted(region)}"]
    if endpoint:
        parsed = urlparse(endpoint)
        options += [f"endpoint {quoted(parsed.netloc)}", "url_style 'path'"]
        options += ["use_ssl false"] if parsed.scheme == "http" else []
    return options + _credential_options()


def _credential_options() -> list[str]:
    import boto3

    credentials = boto3.Session().get_credentials()
    if credentials is None:
        return []
    frozen = credentials.get_frozen_credentials()
    options = [f"key_id {quoted(frozen.access_key or '')}", f"secret {quoted(frozen.secret_key or '')}"]
    return options + ([f"session_token {quoted(frozen.token)}"] if frozen.token else [])
