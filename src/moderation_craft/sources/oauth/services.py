"""The services that are connected by consent, declared as data: what is asked for, and what each scope gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

ServiceName = Literal["fitbit", "google"]

_GOOGLE = "https://www.googleapis.com/auth/"


@dataclass(frozen=True)
class Service:
    """One thing to consent to. `scopes` says in words what each gives; `source` is what then can be fetched."""

    name: ServiceName
    title: str
    source: str
    scopes: Mapping[str, str]

    def missing(self, granted: frozenset[str]) -> list[str]:
        """The scopes that were asked for and not granted, in the order declared."""
        return [scope for scope in self.scopes if scope not in granted]

    def spelled(self, scopes: frozenset[str]) -> str:
        """Some of the scopes in words."""
        return ", ".join(words for scope, words in self.scopes.items() if scope in scopes)


SERVICES: Mapping[ServiceName, Service] = {
    "fitbit": Service(
        "fitbit",
        "Fitbit (Google Health)",
        "fitbit",
        {
            f"{_GOOGLE}googlehealth.sleep.readonly": "sleep",
            f"{_GOOGLE}googlehealth.activity_and_fitness.readonly": "activity and fitness",
            f"{_GOOGLE}googlehealth.health_metrics_and_measurements.readonly": "health metrics and measurements",
            f"{_GOOGLE}googlehealth.mindfulness.readonly": "mindfulness and moods",
        },
    ),
    "google": Service(
        "google",
        "Google Calendar",
        "calendar",
        {f"{_GOOGLE}calendar.readonly": "calendars"},
    ),
}
SERVICE_NAMES: tuple[ServiceName, ...] = get_args(ServiceName)
