"""What people do with a Takeout archive today: every JSON file into a DataFrame, all of a kind put together."""

from __future__ import annotations

import json
import sys
import zipfile
from collections import defaultdict

from benchmarks.meter import Figures, peak_mb, report, timed


def main(path: str) -> None:
    import pandas as pd

    figures: Figures = {}
    with timed(figures):
        frames = defaultdict(list)
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    kind = name.rsplit("/", 1)[-1].partition("-")[0]
                    frames[kind].append(pd.json_normalize(json.loads(archive.read(name))))
        tables = {kind: pd.concat(held, ignore_index=True) for kind, held in frames.items()}
        beats = tables["heart_rate"]
        beats["dateTime"] = pd.to_datetime(beats["dateTime"], format="%m/%d/%y %H:%M:%S", utc=True)
        daily = beats.groupby(beats["dateTime"].dt.tz_convert("Asia/Tokyo").dt.date)["value.bpm"]
        figures["days"] = len(daily.agg(["min", "mean", "max"]))
    figures["mb"] = peak_mb()
    report(figures)


if __name__ == "__main__":
    main(sys.argv[1])
