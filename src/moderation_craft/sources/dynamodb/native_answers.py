"""What DynamoDB answers about exports and recovery, as far as it matters here. Times are seconds since 1970."""

from __future__ import annotations

import msgspec


class Specification(msgspec.Struct, rename="pascal"):
    export_from_time: float | None = None
    export_to_time: float | None = None


class Description(msgspec.Struct, rename="pascal"):
    """ExportDescription; AWS leaves out `ExportType` where the request named none."""

    export_arn: str
    export_status: str
    export_type: str | None = None
    export_time: float | None = None
    export_manifest: str | None = None
    client_token: str | None = None
    s3_bucket: str | None = msgspec.field(name="S3Bucket", default=None)
    s3_prefix: str | None = msgspec.field(name="S3Prefix", default=None)
    failure_code: str | None = None
    failure_message: str | None = None
    incremental_export_specification: Specification | None = None


class Described(msgspec.Struct, rename="pascal"):
    export_description: Description


class ExportSummary(msgspec.Struct, rename="pascal"):
    export_arn: str
    export_status: str = ""


class ExportPage(msgspec.Struct, rename="pascal"):
    export_summaries: list[ExportSummary] = []
    next_token: str | None = None


class Recovery(msgspec.Struct, rename="pascal"):
    point_in_time_recovery_status: str = "DISABLED"
    earliest_restorable_date_time: float | None = None
    latest_restorable_date_time: float | None = None


class Backups(msgspec.Struct, rename="pascal"):
    point_in_time_recovery_description: Recovery = msgspec.field(default_factory=Recovery)


class BackupsAnswer(msgspec.Struct, rename="pascal"):
    continuous_backups_description: Backups
