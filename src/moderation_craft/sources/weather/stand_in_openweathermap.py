"""A faithful local server of OpenWeatherMap, as far as the weather source asks it.

Its manners are the documented ones: kelvin unless `units` says otherwise, no `rain` where none falls, `cod` as a
number here and as text there, unix seconds, and 401 for three different reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moderation_craft.clock import Clock, SystemClock
from moderation_craft.sources.weather.climate import climate, climate_at, daylight_seconds, forecast_miss

__all__ = ["BAD_KEY", "NEEDS_ONE_CALL", "create_app"]

BAD_KEY = "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info."
NEEDS_ONE_CALL = (
    "Please note that using One Call 3.0 requires a separate subscription to the One Call by Call plan. "
    "Learn more here https://openweathermap.org/price. If you have a valid subscription to the One Call by Call "
    "plan, but still receive this error, then please see https://openweathermap.org/faq#error401 for more info."
)
AIR_SINCE = datetime(2020, 11, 27, tzinfo=UTC)
SUMMARIES_SINCE = date(1979, 1, 2)
SUMMARIES_AHEAD_DAYS = 547
FORECAST_STEPS = 40
STEP = timedelta(hours=3)
KELVIN = 273.15
PM2_5_LEVELS = (10, 25, 50, 75)


def create_app(
    seed: int = 0, *, clock: Clock | None = None, key: str = "", has_one_call: bool = True, is_active: bool = True
) -> Starlette:
    """The server; `key` is the one that it knows, `has_one_call` whether that may ask for day summaries."""
    server = _Server(seed, clock or SystemClock(), key if is_active else "", has_one_call)
    routes = {
        "/data/2.5/weather": server.weather,
        "/data/2.5/forecast": server.forecast,
        "/data/2.5/air_pollution": server.air_now,
        "/data/2.5/air_pollution/history": server.air_history,
        "/data/3.0/onecall/day_summary": server.day_summary,
    }
    return Starlette(
        routes=[Route(path, answer, methods=["GET"]) for path, answer in routes.items()],
        exception_handlers={_Refused: _refuse},
    )


class _Refused(Exception):
    def __init__(self, status: int, message: str, *, cod: int | str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"cod": status if cod is None else cod, "message": message, **more}


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)  # noqa: S101 - the handler of this class alone
    return _json(error.body, error.status)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json; charset=utf-8")


class _Server:
    def __init__(self, seed: int, clock: Clock, key: str, has_one_call: bool) -> None:
        self._seed = seed
        self._clock = clock
        self._key = key
        self._has_one_call = has_one_call

    async def weather(self, request: Request) -> Response:
        latitude, longitude = self._admit(request)
        now = self._clock.now().replace(minute=0, second=0, microsecond=0)
        body = self._step(request, now, latitude, longitude, hours=1)
        del body["dt_txt"], body["pop"]
        return _json(
            {
                "coord": {"lon": longitude, "lat": latitude},
                "base": "stations",
                **body,
                "sys": {"country": "JP", **_sun(latitude, longitude, now)},
                "timezone": round(longitude / 15) * 3600,
                "id": 0,
                "name": "",
                "cod": 200,
            }
        )

    async def forecast(self, request: Request) -> Response:
        latitude, longitude = self._admit(request)
        now = self._clock.now()
        first = now.replace(hour=now.hour // 3 * 3, minute=0, second=0, microsecond=0) + STEP
        count = int(request.query_params.get("cnt", FORECAST_STEPS))
        steps = [
            self._step(request, first + number * STEP, latitude, longitude, hours=3) for number in range(count)
        ]
        city = {"id": 0, "name": "", "coord": {"lat": latitude, "lon": longitude}, "country": "JP"}
        city |= {"timezone": round(longitude / 15) * 3600, **_sun(latitude, longitude, now)}
        return _json({"cod": "200", "message": 0, "cnt": len(steps), "list": steps, "city": city})

    async def air_now(self, request: Request) -> Response:
        latitude, longitude = self._admit(request)
        now = self._clock.now().replace(minute=0, second=0, microsecond=0)
        return _json({"coord": {"lon": longitude, "lat": latitude}, "list": [self._air(now, latitude, longitude)]})

    async def air_history(self, request: Request) -> Response:
        latitude, longitude = self._admit(request)
        first, last = (_instant(request, name) for name in ("start", "end"))
        hour = max(first, AIR_SINCE)
        hour += timedelta(seconds=-int(hour.timestamp()) % 3600)
        hours = []
        while hour <= min(last, self._clock.now()):
            hours.append(self._air(hour, latitude, longitude))
            hour += timedelta(hours=1)
        return _json({"coord": {"lon": longitude, "lat": latitude}, "list": hours})

    async def day_summary(self, request: Request) -> Response:
        latitude, longitude = self._admit(request, is_one_call=True)
        asked = request.query_params.get("date", "")
        try:
            day = date.fromisoformat(asked)
        except ValueError:
            raise _Refused(400, "Invalid date format", parameters=["date"]) from None
        newest = self._clock.now().date() + timedelta(days=SUMMARIES_AHEAD_DAYS)
        if not SUMMARIES_SINCE <= day <= newest:
            raise _Refused(400, "The date is out of allowed range", parameters=["date"])
        said = climate(self._seed, latitude, longitude, day)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=round(longitude / 15))
        parts = {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}
        warmth = {
            "min": said.temperature_min_celsius,
            "max": said.temperature_max_celsius,
            **{
                part: climate_at(
                    self._seed, latitude, longitude, midnight + timedelta(hours=hour)
                ).temperature_celsius
                for part, hour in parts.items()
            },
        }
        return _json(
            {
                "lat": latitude,
                "lon": longitude,
                "tz": request.query_params.get("tz", "+00:00"),
                "date": str(day),
                "units": request.query_params.get("units", "standard"),
                "cloud_cover": {"afternoon": 0 if said.precipitation_mm == 0 else 90},
                "humidity": {"afternoon": said.humidity_mean_pct},
                "precipitation": {"total": said.precipitation_mm},
                "temperature": {part: _degrees(request, value) for part, value in warmth.items()},
                "pressure": {"afternoon": round(said.pressure_mean_hpa)},
                "wind": {"max": {"speed": 5.1, "direction": 120}},
            }
        )

    def _admit(self, request: Request, *, is_one_call: bool = False) -> tuple[float, float]:
        """Latitude and longitude of a request with a good key; else _Refused."""
        key = request.query_params.get("appid", "")
        if not key or key != self._key:
            raise _Refused(401, BAD_KEY)
        if is_one_call and not self._has_one_call:
            raise _Refused(401, NEEDS_ONE_CALL)
        found = []
        for name, full, most in (("lat", "latitude", 90), ("lon", "longitude", 180)):
            try:
                value = float(request.query_params[name])
            except (KeyError, ValueError):
                value = float("nan")
            if not -most <= value <= most:
                # One Call gives the code as a number and names the parameter; the older services give text.
                more: dict[str, Any] = {"parameters": [name]} if is_one_call else {"cod": "400"}
                raise _Refused(400, f"wrong {full}", **more)
            found.append(value)
        return found[0], found[1]

    def _step(
        self, request: Request, instant: datetime, latitude: float, longitude: float, *, hours: int
    ) -> dict[str, Any]:
        said = climate_at(self._seed, latitude, longitude, instant)
        miss = forecast_miss(self._seed, latitude, longitude, self._clock.now().date(), instant.date())
        degrees = _degrees(request, round(said.temperature_celsius + 4 * miss, 2))
        pressure = round(said.pressure_hpa - 8 * miss)
        rain = round(said.precipitation_mm * hours * (1 + miss), 2)
        kind = ("Rain", 500, "light rain") if rain else ("Clear", 800, "clear sky")
        return {
            "dt": int(instant.timestamp()),
            "main": {
                "temp": degrees,
                "feels_like": degrees,
                "temp_min": degrees,
                "temp_max": degrees,
                "pressure": pressure,
                "sea_level": pressure,
                "grnd_level": pressure - 3,
                "humidity": said.humidity_pct,
            },
            "weather": [{"id": kind[1], "main": kind[0], "description": kind[2], "icon": "10d"}],
            "clouds": {"all": 90 if rain else 0},
            "wind": {"speed": 3.1, "deg": 120},
            "visibility": 10000,
            "pop": 0.8 if rain else 0,
            **({"rain": {f"{hours}h": rain}} if rain else {}),
            "sys": {"pod": "d"},
            "dt_txt": f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        }

    def _air(self, instant: datetime, latitude: float, longitude: float) -> dict[str, Any]:
        pm2_5 = climate_at(self._seed, latitude, longitude, instant).pm2_5
        level = 1 + sum(pm2_5 >= most for most in PM2_5_LEVELS)
        gases = {"co": 203.61, "no": 0, "no2": 0.4, "o3": 55.1, "so2": 0.65}
        components = {**gases, "pm2_5": pm2_5, "pm10": round(pm2_5 * 1.4, 2), "nh3": 0.12}
        return {"main": {"aqi": level}, "components": components, "dt": int(instant.timestamp())}


def _degrees(request: Request, celsius: float) -> float:
    units = request.query_params.get("units", "standard")
    if units == "metric":
        return celsius
    return round(celsius * 9 / 5 + 32, 2) if units == "imperial" else round(celsius + KELVIN, 2)


def _sun(latitude: float, longitude: float, instant: datetime) -> dict[str, int]:
    """Sunrise and sunset of the day, unix seconds; 0 where the sun does not rise or does not set."""
    solar = instant.astimezone(UTC) + timedelta(hours=longitude / 15)
    light = daylight_seconds(latitude, solar.date())
    if not 0 < light < 86_400:
        return {"sunrise": 0, "sunset": 0}
    noon = datetime(solar.year, solar.month, solar.day, 12, tzinfo=UTC) - timedelta(hours=longitude / 15)
    half = timedelta(seconds=light / 2)
    return {"sunrise": int((noon - half).timestamp()), "sunset": int((noon + half).timestamp())}


def _instant(request: Request, name: str) -> datetime:
    text = request.query_params.get(name, "")
    if not text.isdigit():
        raise _Refused(400, f"wrong {name}", cod="400")
    return datetime.fromtimestamp(int(text), UTC)
