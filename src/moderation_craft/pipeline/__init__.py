"""The daily job: its steps, runs, schedule and progress."""
