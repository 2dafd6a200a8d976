"""`make bench`: run every benchmark and print one table each."""

from __future__ import annotations

from benchmarks import export_scan

if __name__ == "__main__":
    export_scan.main()
