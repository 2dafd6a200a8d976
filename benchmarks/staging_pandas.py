"""What a short pandas script makes of the same lines: one frame an entity, times and numbers typed.

Runs in the peers' environment: nothing of the project is imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas

from benchmarks.meter import Figures, peak_mb, report, timed

_TIMES = {"created_at", "updated_at", "start_time", "end_time", "timestamp"}


def main() -> None:
    figures: Figures = {}
    with timed(figures):
        records: dict[str, list[dict[str, str]]] = {}
        with Path(sys.argv[1]).open(encoding="utf-8") as lines:
            for line in lines:
                item = {name: next(iter(held.values())) for name, held in json.loads(line)["Item"].items()}
                records.setdefault(item["entity_type"], []).append(item)
        for held in records.values():
            frame = pandas.DataFrame(held)
            for name in frame.columns:
                if name in _TIMES:
                    frame[name] = pandas.to_datetime(frame[name], utc=True, format="ISO8601")
                elif name.endswith(("_level", "_minutes", "_seconds", "_hours", "steps")):
                    frame[name] = pandas.to_numeric(frame[name])
            frame.sort_values("updated_at").drop_duplicates(["user_id", "id"], keep="last")
    report({**figures, "mb": peak_mb()})


if __name__ == "__main__":
    main()
