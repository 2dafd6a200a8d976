"""Who is in the lake, where they live and have been: what sources must know before they fetch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer
from pydantic import ValidationError

from moderation_craft.lake import Lake
from moderation_craft.logs import get_logger
from moderation_craft.settings import Place, Settings
from moderation_craft.sources.contract import Person
from moderation_craft.sources.dynamodb.exports import items, latest_export

log = get_logger("people")


def find_people(lake: Lake, settings: Settings) -> list[Person]:
    """Everyone who has a profile in the newest export, or is named in the settings; sorted by id."""
    profiles = _profiles(lake)
    named = {*settings.fitbit.access_tokens, *settings.weather.places, *settings.calendar.feeds}
    return [_person(user_id, profiles.get(user_id, {}), settings) for user_id in sorted({*profiles, *named})]


def _profiles(lake: Lake) -> dict[str, dict[str, Any]]:
    manifest = latest_export(lake)
    if manifest is None:
        return {}
    profiles: dict[str, dict[str, Any]] = {}
    for item in items(lake, manifest):
        if b'"user"' not in item:
            continue
        attributes = msgspec.json.decode(item)
        if attributes.get("entity_type", {}).get("S") != "user":
            continue
        profile = _profile(attributes)
        user_id = profile["user_id"]
        if isinstance(user_id, str) and _newer(profile, profiles.get(user_id)):
            profiles[user_id] = profile
    return profiles


def _profile(attributes: dict[str, Any]) -> dict[str, Any]:
    """The few attributes that matter here, out of DynamoDB's JSON; what is not there or unreadable is None."""
    named = {name: attributes.get(name, {}).get("S") for name in ("user_id", "id", "timezone", "updated_at")}
    places = attributes.get("preferences", {}).get("M", {}).get("places", {"NULL": True})
    try:
        held = TypeDeserializer().deserialize(places)
    except (AttributeError, TypeError, ValueError) as error:
        log.warning("a profile's places cannot be read", user_id=named["user_id"], reason=str(error))
        held = None
    return {**named, "user_id": named["user_id"] or named["id"], "places": held}


def _newer(profile: dict[str, Any], held: dict[str, Any] | None) -> bool:
    return held is None or (profile["updated_at"] or "") >= (held["updated_at"] or "")


def _person(user_id: str, profile: dict[str, Any], settings: Settings) -> Person:
    places: Sequence[Place] = settings.weather.places.get(user_id, ())
    if not places and settings.weather.use_profile_places:
        places = _profile_places(user_id, profile)
    return Person(
        user_id=user_id,
        timezone=str(profile.get("timezone") or settings.timezone),
        places=sorted(places, key=lambda place: place.since),
    )


def _profile_places(user_id: str, profile: dict[str, Any]) -> list[Place]:
    found = profile.get("places")
    places = []
    for place in found if isinstance(found, list) else []:
        try:
            places.append(Place.model_validate(place))
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"])
            log.warning("a profile's place was left out", user_id=user_id, reason=reason)
    return places
