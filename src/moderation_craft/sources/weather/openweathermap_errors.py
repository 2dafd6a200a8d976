"""What OpenWeatherMap's refusals mean: one status, 401, says three different things."""

from __future__ import annotations

import msgspec
from pydantic import SecretStr

from moderation_craft.errors import AuthFailed, McraftError
from moderation_craft.sources.http import Explain, Forbidden
from moderation_craft.sources.http_errors import Refusal, as_error

SERVICE = "OpenWeatherMap"
ONE_CALL_REMEDY = (
    "subscribe to One Call 3.0 (https://openweathermap.org/price; 1,000 calls a day are free), or set "
    'weather.provider = "open-meteo"; the other weather streams go on without it.'
)
KEY_REMEDY = (
    "a new key works after up to two hours; else copy it again from https://home.openweathermap.org/api_keys "
    "into MCRAFT_WEATHER__OPENWEATHERMAP_KEY."
)


def explain(key: SecretStr) -> Explain:
    """How to read a refusal to a request that carried `key`; the key is struck out of what is said."""
    secret = key.get_secret_value()

    def read(status: int, said: str) -> McraftError | None:
        clean = _without(secret, said)
        if status == 401:
            return _refused(clean)
        if clean == said:
            return None
        body = msgspec.json.encode({"message": clean})
        refusal = Refusal(SERVICE, "a request", status, {}, body)
        return as_error(refusal, secret=None, auth_remedy=KEY_REMEDY, explain=None)

    return read


def _without(secret: str, said: str) -> str:
    """The text without the key, nor its beginning where the text was cut within it."""
    clean = said.replace(secret, "***") if secret else said
    cut = next((length for length in range(len(secret) - 1, 3, -1) if clean.endswith(secret[:length])), 0)
    return clean[:-cut] + "***" if cut else clean


def _refused(said: str) -> AuthFailed:
    if "one call" in said.lower() or "subscription" in said.lower():
        return Forbidden(
            f"{SERVICE} does not give this key day summaries (401): they need a One Call subscription, and newer "
            f"accounts may have One Call 4.0 only. It said: {said}",
            remedy=ONE_CALL_REMEDY,
        )
    return AuthFailed(
        f"{SERVICE} refused the key (401): it is wrong, or not active yet. It said: {said}", remedy=KEY_REMEDY
    )
