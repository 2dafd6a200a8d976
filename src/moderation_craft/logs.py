"""The only place that knows the log format: one line an event, on stderr, secrets redacted."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import stamina.instrumentation
import structlog

from moderation_craft.errors import redact


def _redact_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(*, verbose: bool = False, as_json: bool = False) -> None:
    """Send the project's log to stderr; INFO when verbose, else warnings only."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(component=name)
    return logger


def _say_retry(details: stamina.instrumentation.RetryDetails) -> None:
    """Log a retry by its code alone: what the other side said may hold a secret that only its caller knows."""
    code = getattr(details.caused_by, "code", type(details.caused_by).__name__)
    get_logger("retry").info("waiting", code=code, attempt=details.retry_num, seconds=round(details.wait_for, 2))


stamina.instrumentation.set_on_retry_hooks([_say_retry])
