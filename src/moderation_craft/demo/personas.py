"""Who the demo's people are. All made up: names, places of work, habits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Language = Literal["ja", "en"]


@dataclass(frozen=True)
class City:
    name: str
    latitude: float
    longitude: float
    timezone: str


@dataclass(frozen=True)
class Persona:
    """A creator's usual days. Clock times in minutes from midnight; bedtime before midnight is negative."""

    slug: str
    name: str
    craft: str
    language: Language
    home: City
    bedtime_minute: int
    work_start_minute: int
    work_weekday_minutes: Sequence[float]
    sleep_minutes: float
    steps: float
    resting_heart_rate_bpm: float
    hrv_ms: float
    projects: Sequence[str]
    travels: bool = False


TOKYO = City("東京", 35.68, 139.77, "Asia/Tokyo")
LONDON = City("London", 51.51, -0.13, "Europe/London")
NEW_YORK = City("New York", 40.71, -74.01, "America/New_York")

PERSONAS: Sequence[Persona] = (
    Persona(
        slug="aoi-mizuno",
        name="水野 葵",
        craft="illustrator",
        language="ja",
        home=TOKYO,
        bedtime_minute=-20,
        work_start_minute=9 * 60 + 20,
        work_weekday_minutes=(300, 345, 330, 320, 280, 190, 130),
        sleep_minutes=430,
        steps=6800,
        resting_heart_rate_bpm=61,
        hrv_ms=46,
        projects=("絵本『海の図書館』", "装画:秋の文庫フェア", "個展のための連作"),
        travels=True,
    ),
    Persona(
        slug="rowan-ellery",
        name="Rowan Ellery",
        craft="novelist",
        language="en",
        home=LONDON,
        bedtime_minute=-45,
        work_start_minute=8 * 60 + 10,
        work_weekday_minutes=(270, 290, 300, 275, 230, 150, 110),
        sleep_minutes=445,
        steps=7600,
        resting_heart_rate_bpm=58,
        hrv_ms=52,
        projects=("The Lamplighter's Atlas (novel)", "Short stories for winter"),
    ),
    Persona(
        slug="ren-takase",
        name="高瀬 蓮",
        craft="developer",
        language="ja",
        home=City("大阪", 34.69, 135.50, "Asia/Tokyo"),
        bedtime_minute=80,
        work_start_minute=10 * 60 + 30,
        work_weekday_minutes=(360, 370, 380, 360, 330, 170, 150),
        sleep_minutes=405,
        steps=5600,
        resting_heart_rate_bpm=64,
        hrv_ms=41,
        projects=("音ゲー『リズム工房』", "OSS: まどか (UI library)", "技術書の執筆"),
    ),
    Persona(
        slug="mira-castellan",
        name="Mira Castellan",
        craft="composer",
        language="en",
        home=NEW_YORK,
        bedtime_minute=10,
        work_start_minute=9 * 60 + 45,
        work_weekday_minutes=(280, 300, 310, 300, 260, 210, 160),
        sleep_minutes=425,
        steps=8200,
        resting_heart_rate_bpm=56,
        hrv_ms=57,
        projects=("String quartet no. 2", "Score: Harbour Lights (short film)"),
    ),
    Persona(
        slug="shiori-saeki",
        name="佐伯 詩織",
        craft="video maker",
        language="ja",
        home=City("福岡", 33.59, 130.40, "Asia/Tokyo"),
        bedtime_minute=30,
        work_start_minute=9 * 60 + 50,
        work_weekday_minutes=(310, 300, 320, 335, 300, 220, 120),
        sleep_minutes=415,
        steps=7200,
        resting_heart_rate_bpm=62,
        hrv_ms=44,
        projects=("旅の映像シリーズ 第3期", "ミュージックビデオ『灯』"),
    ),
    Persona(
        slug="tomas-arkwright",
        name="Tomas Arkwright",
        craft="game designer",
        language="en",
        home=City("Sydney", -33.87, 151.21, "Australia/Sydney"),
        bedtime_minute=-10,
        work_start_minute=9 * 60,
        work_weekday_minutes=(320, 330, 320, 310, 290, 140, 120),
        sleep_minutes=435,
        steps=7900,
        resting_heart_rate_bpm=60,
        hrv_ms=49,
        projects=("Tidepool (puzzle game)", "Board game: Salt Roads"),
    ),
)

DESTINATIONS: Sequence[City] = (
    City("Berlin", 52.52, 13.40, "Europe/Berlin"),
    NEW_YORK,
    LONDON,
    City("Lisbon", 38.72, -9.14, "Europe/Lisbon"),
    City("Sydney", -33.87, 151.21, "Australia/Sydney"),
    City("Auckland", -36.85, 174.76, "Pacific/Auckland"),
    City("Chişinău", 47.01, 28.86, "Europe/Chisinau"),
)
"""Where a trip may go; those whose clocks change inside the window come first."""
