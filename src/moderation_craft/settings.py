"""One typed settings object: `mcraft.toml` and `MCRAFT_*` environment variables, secrets never in the file."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from moderation_craft.errors import SetupError

CONFIG_FILE = "mcraft.toml"
DEFAULT_TABLE = "moderation-craft-data"
DEFAULT_MAX_UPLOAD_BYTES = 4 * 1024**3
SECRETS = (("fitbit", "access_tokens"), ("calendar", "feeds"))


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as Asia/Tokyo") from error
    return name


TimeZoneName = Annotated[str, AfterValidator(_known_timezone)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Place(_Section):
    """Where a person is from a date on; decides the weather and, while there, the day's time zone."""

    name: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    timezone: TimeZoneName
    since: date = date(1970, 1, 1)


class DynamoDBSettings(_Section):
    """The app's table. Credentials come the usual AWS ways (environment, profile, role)."""

    table: str | None = None
    """The app's table; without it and an endpoint, the daily run exports nothing."""
    endpoint_url: str | None = None
    """Another DynamoDB-speaking server; else AWS_ENDPOINT_URL_DYNAMODB, else AWS."""
    region: str = "ap-northeast-1"
    """The table's AWS region."""
    segments: int | None = Field(default=None, ge=1, le=64)
    """How many parts of the table are scanned at once; chosen by its size where it is not set."""
    max_rcu: float | None = Field(default=None, gt=0)
    """The most read capacity units a second that an export may consume; no cap where it is not set."""
    format: Literal["json", "parquet"] = "parquet"
    """How raw keeps what a scan or query reads: Parquet with key columns, or the lines of AWS's own export."""
    run_mode: Literal["incremental", "full", "pitr"] = "incremental"
    """What the daily run copies: what changed (the first time everything), everything, or AWS's own export."""
    overlap_hours: float = Field(default=24.0, ge=0, le=24 * 366)
    """How far before the last export changes are asked for again, for devices that were offline."""
    reconcile_every_hours: float = Field(default=0.0, ge=0)
    """How often the daily run also compares all keys, which finds deleted and very late records; 0: each time."""


class FitbitSettings(_Section):
    """Fitbit through the Google Health API; `access_tokens` by person, from the environment only."""

    base_url: str = "https://health.googleapis.com/v4"
    """The Google Health API."""
    access_tokens: dict[str, SecretStr] = Field(default_factory=dict)
    """OAuth access tokens by person, as JSON; from the environment only."""


class WeatherSettings(_Section):
    """Weather from Open-Meteo; asked only for people whose places are known."""

    archive_url: str = "https://archive-api.open-meteo.com/v1/archive"
    """Open-Meteo, days past."""
    forecast_url: str = "https://api.open-meteo.com/v1/forecast"
    """Open-Meteo, the last days."""
    air_quality_url: str = "https://air-quality-api.open-meteo.com/v1/air-quality"
    """Open-Meteo, air quality."""
    places: dict[str, list[Place]] = Field(default_factory=dict)
    """Where each person is, and since when: name, latitude, longitude, timezone, since."""
    use_profile_places: bool = False
    """Whether places in a person's app profile (preferences.places) may be sent to the weather service."""


class CalendarSettings(_Section):
    """Calendars as ICS addresses, by person and by a name that the person gives each."""

    feeds: dict[str, dict[str, SecretStr]] = Field(default_factory=dict)
    """{"me": {"work": "https://…"}}: ICS addresses, which are secrets: from the environment only."""


class ScheduleSettings(_Section):
    """When `mcraft serve` runs the daily job."""

    enabled: bool = True
    """Whether `mcraft serve` runs the daily job."""
    time: str = Field(default="14:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """When, as HH:MM."""
    timezone: TimeZoneName = "Asia/Tokyo"
    """In which zone."""

    @property
    def hour(self) -> int:
        return int(self.time[:2])

    @property
    def minute(self) -> int:
        return int(self.time[3:])


class ServeSettings(_Section):
    host: Literal["127.0.0.1", "localhost", "::1"] = "127.0.0.1"
    """The loopback address to listen on."""
    port: int = Field(default=3000, ge=0, le=65535)
    """The port; 0 takes any free one."""


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@*\s]+", text):
        raise ValueError(f"{text!r} is no origin such as https://app.example.com")
    return text.lower()


Origin = Annotated[str, AfterValidator(_origin)]


class IngestSettings(_Section):
    """What browsers may send to /api/ingest."""

    allowed_origins: list[Origin] = Field(default_factory=list)
    """Web addresses of the app, such as https://app.example.com, whose pages may send their data here."""
    max_bytes: int = Field(default=DEFAULT_MAX_UPLOAD_BYTES, ge=1)
    """The longest dump that is taken, unpacked."""


class Settings(BaseSettings):
    """Everything that differs between a laptop and AWS."""

    model_config = SettingsConfigDict(
        env_prefix="MCRAFT_",
        env_nested_delimiter="__",
        toml_file=CONFIG_FILE,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    lake: str = "./lake"
    """A folder, or s3://bucket/prefix (AWS_ENDPOINT_URL for any S3-speaking server)."""
    cache: Path | None = None
    """Where the warehouse file and dbt's own files live; else _cache in the lake's folder. May be deleted."""
    timezone: TimeZoneName = "Asia/Tokyo"
    """The zone of people whose profile names none."""
    day_turns_at_hour: int = Field(default=0, ge=0, le=6)
    """The hour at which a day begins, for those who work past midnight."""
    history_days: int = Field(default=90, ge=1, le=3660)
    """How far back outside sources are asked."""
    keep_gold_versions: int = Field(default=3, ge=1, le=100)
    """How many published versions stay readable."""
    dynamodb: DynamoDBSettings = DynamoDBSettings()
    fitbit: FitbitSettings = FitbitSettings()
    weather: WeatherSettings = WeatherSettings()
    calendar: CalendarSettings = CalendarSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    serve: ServeSettings = ServeSettings()
    ingest: IngestSettings = IngestSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileWithoutSecrets(settings_cls)


class _FileWithoutSecrets(TomlConfigSettingsSource):
    """The settings file; a secret in it is refused, since files get shared and committed."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        for section, name in SECRETS:
            if name in found.get(section, {}):
                raise SetupError(
                    f"{CONFIG_FILE} holds the secret {section}.{name}.",
                    remedy=f"move it into the environment as MCRAFT_{section.upper()}__{name.upper()} (JSON).",
                )
        return found


def load_settings(**overrides: Any) -> Settings:
    """Settings from arguments, environment and file, in that order; SetupError where one is wrong."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SetupError(
            f"The setting {where!r} is wrong: {first['msg']}.",
            remedy=f"mend it in {CONFIG_FILE} or in MCRAFT_{where.upper().replace('.', '__')}; "
            "`mcraft doctor --print-config` shows every setting.",
        ) from error
    except (OSError, ValueError) as error:
        raise SetupError(
            f"{CONFIG_FILE} cannot be read: {error}.", remedy="mend its TOML; `mcraft doctor` checks it."
        ) from error
