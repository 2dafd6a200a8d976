"""/api/sources: what each outside source holds and lacks of everybody, day by day, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from moderation_craft.clock import today_in
from moderation_craft.errors import SetupError
from moderation_craft.pipeline import source_view
from moderation_craft.pipeline.holdings import holdings
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.answers import ok
from moderation_craft.serve.models import CompletenessModel, Envelope, SourcesModel, refusals


def router(context: Context) -> APIRouter:
    """The endpoints over one lake."""
    api = APIRouter(prefix="/api/sources", tags=["sources"])
    lake, settings = context.lake, context.settings

    @api.get("", response_model=Envelope[SourcesModel], responses=refusals())
    def sources() -> dict[str, Any]:
        """Every source: its streams, and of each person what is held, what lacks, and why."""
        return ok({"sources": source_view.summary(holdings(lake, settings))})

    @api.get("/completeness", response_model=Envelope[CompletenessModel], responses=refusals())
    def completeness(
        user: Annotated[str, Query(min_length=1, max_length=200)],
        source: Annotated[str | None, Query(min_length=1, max_length=50)] = None,
        first: Annotated[date | None, Query(alias="from")] = None,
        to: date | None = None,
    ) -> dict[str, Any]:
        """One person's days as runs: complete, open, partial, missing or refused, by source and stream."""
        today = today_in(lake.clock, settings.timezone)
        last_day = to or max(today, first or today)
        first_day = first or min(today - timedelta(days=settings.history_days), last_day)
        if last_day < first_day:
            raise SetupError("`to` is before `from`.", remedy="turn them round.")
        names = [source] if source else []
        found = holdings(lake, settings, names=names, user_id=user, window=(first_day, last_day))
        return ok(
            {
                "userId": user,
                "from": str(first_day),
                "to": str(last_day),
                "sources": source_view.completeness(found),
            }
        )

    return api
