"""Exports in processes that a test can end: a line of JSON starts one; its process id and its status come out.

Each is forked from this process, which has imported everything already: twenty kills take seconds.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb import scan
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import export_table


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(export(json.loads(line)))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def export(said: dict[str, Any]) -> int:
    scan.PART_UNPACKED_BYTES = said["part_bytes"]
    try:
        with DynamoDBClient(
            region="ap-northeast-1", endpoint_url=said["endpoint"], keys=AwsKeys("test", "test-secret")
        ) as dynamodb:
            export_table(
                Lake.open(said["lake"]),
                dynamodb,
                said["table"],
                format=said["format"],
                segments=said["segments"],
                scratch=Path(said["scratch"]),
            )
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
