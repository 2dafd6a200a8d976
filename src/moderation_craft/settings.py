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
SECRETS = (
    ("fitbit", "access_tokens"),
    ("weather", "openweathermap_key"),
    ("calendar", "feeds"),
    ("calendar", "caldav_passwords"),
    ("connections", "google_client_secret"),
)


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
    intraday_heart_rate: bool = False
    """Whether every heart-rate measurement is fetched too, ten thousand a day; else the least, mean and most."""


class WeatherSettings(_Section):
    """Weather from Open-Meteo or OpenWeatherMap; asked only for people whose places are known."""

    provider: Literal["open-meteo", "openweathermap"] | None = None
    """Whom to ask; where it is not set, OpenWeatherMap if a key is there, else Open-Meteo, which needs none."""
    openweathermap_key: SecretStr | None = None
    """OpenWeatherMap's API key; from the environment only."""
    openweathermap_url: str = "https://api.openweathermap.org"
    """OpenWeatherMap."""
    one_call_most_a_day: int = Field(default=1000, ge=0)
    """How many of OpenWeatherMap's day summaries one process asks for a day: 1,000 are free."""
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

    @property
    def key(self) -> str | None:
        """OpenWeatherMap's key as it is sent; None where it is not set or blank."""
        key = self.openweathermap_key.get_secret_value().strip() if self.openweathermap_key else ""
        return key or None

    @property
    def chosen_provider(self) -> Literal["open-meteo", "openweathermap"]:
        """Whom to ask."""
        return self.provider or ("openweathermap" if self.key else "open-meteo")


class CalDavAccount(_Section):
    """One CalDAV account; its password is in `calendar.caldav_passwords`."""

    url: str
    """The server's, the account's or one calendar's address. Nothing but this server is ever asked."""
    user: str
    """The name to sign in with."""
    calendars: list[str] = Field(default_factory=list)
    """Which calendars, by their names or the last part of their addresses; all where none is named."""


class CalendarSettings(_Section):
    """Calendars by ICS address, by CalDAV, and of a connected Google account; by person."""

    feeds: dict[str, dict[str, SecretStr]] = Field(default_factory=dict)
    """{"me": {"work": "https://…"}}: ICS addresses, which are secrets: from the environment only."""
    caldav: dict[str, dict[str, CalDavAccount]] = Field(default_factory=dict)
    """{"me": {"home": {url, user}}}: CalDAV accounts by person and by a name that the person gives each."""
    caldav_passwords: dict[str, dict[str, SecretStr]] = Field(default_factory=dict)
    """{"me": {"home": "…"}}: the accounts' (app) passwords; from the environment only."""
    google: dict[str, list[str]] = Field(default_factory=dict)
    """Which calendars of a connected Google account: ids, titles, "primary", "selected" (those ticked in
    Google Calendar) or "all"; only the primary one where a person names none."""
    google_base_url: str = "https://www.googleapis.com/calendar/v3"
    """The Google Calendar API."""
    show_titles: list[str] = Field(default_factory=list)
    """People whose events' titles may leave raw; nobody's do unless they are named here."""


def _safe_address(text: str) -> str:
    if not re.fullmatch(r"https://[^/\s]+/?\S*|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/\S*)?", text):
        raise ValueError(
            f"{text!r} is neither https nor on this machine, so that secrets would cross the net bare"
        )
    return text


SafeAddress = Annotated[str, AfterValidator(_safe_address)]


class ConnectionsSettings(_Section):
    """Consent by OAuth 2.0 (`mcraft connect`), and where the tokens that come of it are kept."""

    google_client_id: str | None = None
    """Your Google Cloud client; docs/connect.md tells how to make one."""
    google_client_secret: SecretStr | None = None
    """That client's other half; from the environment only."""
    authorize_url: SafeAddress = "https://accounts.google.com/o/oauth2/v2/auth"
    """Where a person consents."""
    token_url: SafeAddress = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    """Where tokens are given and refreshed."""
    revoke_url: SafeAddress = "https://oauth2.googleapis.com/revoke"
    """Where a consent is taken back."""
    redirect_port: int = Field(default=0, ge=0, le=65535)
    """The loopback port on which `mcraft connect` waits for the answer; 0 takes any free one."""
    warn_days: float = Field(default=3.0, gt=0, le=30)
    """How many days before a consent ends it is said."""
    vault: Literal["local", "dynamodb", "secretsmanager"] = "local"
    """Where tokens are kept: encrypted in a folder here, in the app's tokens table, or in AWS Secrets Manager."""
    folder: Path | None = None
    """The local vault's folder; else moderation-craft in your user's folder for settings. Never in the lake."""
    key: Literal["auto", "keyring", "file"] = "auto"
    """Where the local vault's key lies: in the system's keyring where there is one, else in a file of mode 600."""
    tokens_table: str = "moderation-craft-tokens"
    """The app's tokens table, for vault = "dynamodb"."""
    secret_prefix: str = "moderation-craft/tokens"  # noqa: S105 - a name
    """What the names of secrets begin with, for vault = "secretsmanager"."""
    endpoint_url: str | None = None
    """Another server of the vault's AWS service; else AWS's usual variables, else AWS."""
    region: str = "ap-northeast-1"
    """The vault's AWS region."""


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
    connections: ConnectionsSettings = ConnectionsSettings()
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
                as_json = " (JSON)" if isinstance(found[section][name], dict) else ""
                raise SetupError(
                    f"{CONFIG_FILE} holds {section}.{name}, which is for the environment only.",
                    remedy=f"move it into the environment as MCRAFT_{section.upper()}__{name.upper()}{as_json}.",
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
