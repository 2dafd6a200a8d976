"""What is published: every mart with its grain, and which of its columns a person's browser file carries."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class MartSpec:
    """A mart: its key columns (also its order), whether it is cut by month, what the browser does without."""

    name: str
    keys: tuple[str, ...]
    is_monthly: bool = True
    order: tuple[str, ...] = ()
    not_in_browser: frozenset[str] = field(default_factory=frozenset)

    @property
    def order_by(self) -> tuple[str, ...]:
        return self.order or self.keys

    @property
    def is_personal(self) -> bool:
        """Whether each row is somebody's; else a mart is the same for everybody."""
        return "user_id" in self.keys


_DAY = ("user_id", "date")

MARTS = (
    MartSpec("dim_date", ("date",), is_monthly=False),
    MartSpec("dim_user", ("user_id",), is_monthly=False, not_in_browser=frozenset({"is_deleted"})),
    MartSpec("dim_project", ("user_id", "project_id"), is_monthly=False),
    MartSpec(
        "dim_task",
        ("user_id", "task_id"),
        is_monthly=False,
        not_in_browser=frozenset({"big_task_id", "big_task_name", "estimated_minutes", "actual_minutes"}),
    ),
    MartSpec(
        "fct_work_sessions", ("user_id", "session_id"), order=("user_id", "date", "started_at", "session_id")
    ),
    MartSpec(
        "fct_sleep",
        ("user_id", "sleep_id"),
        order=("user_id", "date", "started_at", "sleep_id"),
        not_in_browser=frozenset({"origin"}),
    ),
    MartSpec("fct_daily_health", _DAY),
    MartSpec("fct_daily_environment", _DAY),
    MartSpec("fct_daily_forecast", ("user_id", "issued_on", "target_date"), is_monthly=False),
    MartSpec("fct_daily_schedule", _DAY),
    MartSpec("fct_mood_entries", ("user_id", "mood_id"), order=("user_id", "date", "noted_at", "mood_id")),
    MartSpec("fct_daily_measures", ("user_id", "date", "measure")),
    MartSpec("mart_productivity_daily", _DAY),
    MartSpec("mart_data_quality", ("user_id", "date", "source")),
    MartSpec("mart_wellness_correlation", ("user_id", "factor", "outcome", "lag", "method"), is_monthly=False),
)
