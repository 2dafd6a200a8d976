"""`make bench`: run every benchmark and print its tables."""

from __future__ import annotations

from benchmarks import export_scan, sources, staging

if __name__ == "__main__":
    export_scan.main()
    staging.main()
    sources.main()
