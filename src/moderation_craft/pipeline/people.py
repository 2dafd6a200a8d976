"""Who is in the lake, where they live and have been: what sources must know before they fetch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import msgspec
from boto3.dynamodb.types import TypeDeserializer
from pydantic import ValidationError

from moderation_craft.errors import LakeRefused, SetupError
from moderation_craft.lake import Lake
from moderation_craft.logs import get_logger
from moderation_craft.settings import Place, Settings
from moderation_craft.sources.contract import Person
from moderation_craft.sources.oauth.tokens import connected_people
from moderation_craft.warehouse import raw_views
from moderation_craft.warehouse.connection import enable_lake

log = get_logger("people")


def find_people(lake: Lake, settings: Settings) -> list[Person]:
    """Everyone who has a profile in the app's table, is named in the settings or connected; sorted by id."""
    profiles = _profiles(lake)
    calendar = settings.calendar
    in_calendars = {*calendar.feeds, *calendar.caldav, *calendar.google}
    named = {*connected_people(settings), *settings.weather.places, *in_calendars}
    return [_person(user_id, profiles.get(user_id, {}), settings) for user_id in sorted({*profiles, *named})]


def the_person(lake: Lake, settings: Settings, user_id: str | None) -> str:
    """Whom a command is about: as named, else the only person there is; SetupError where that is unclear."""
    if user_id is not None:
        return user_id
    known = [person.user_id for person in find_people(lake, settings)]
    if len(known) == 1:
        return known[0]
    found = f"here are {len(known)} people ({', '.join(known[:5])})" if known else "nobody is known here yet"
    raise SetupError(f"Whose it is was not said, and {found}.", remedy="name the person with --user.")


def person_named(lake: Lake, settings: Settings, user_id: str | None) -> Person:
    """The person whom a command is about (`the_person`), with their places; somebody new is at home by default."""
    named = the_person(lake, settings, user_id)
    known = {person.user_id: person for person in find_people(lake, settings)}
    return known.get(named) or _person(named, {}, settings)


_PROFILES = """
    select i.item
    from raw.dynamodb_items as i
    left join raw.dynamodb_changes as c on i.table_name = c.table_name and i.pk = c.pk and i.sk = c.sk
    where
        i.entity_type in ('user', 'users', 'User', 'Users')
        and not i.is_delete
        and (c.chain_position is null or (c.chain_position = i.chain_position and not c.is_delete))
        and i.chain_position is not null
    order by i.part_key, i.item
"""


def _profiles(lake: Lake) -> dict[str, dict[str, Any]]:
    """Each person's newest profile of those that exist now: a full export and the changes after it."""
    profiles: dict[str, dict[str, Any]] = {}
    for item in _profile_items(lake):
        try:
            profile = _profile(msgspec.json.decode(item, type=dict[str, dict[str, Any]]))
        except msgspec.DecodeError as error:
            log.warning("a profile cannot be read", reason=str(error))
            continue
        user_id = profile["user_id"]
        if isinstance(user_id, str) and _newer(profile, profiles.get(user_id)):
            profiles[user_id] = profile
    return profiles


def _profile_items(lake: Lake) -> list[str]:
    try:
        with duckdb.connect(config={"threads": 2}) as connection:
            enable_lake(connection, lake.address)
            raw_views.register_exports(connection, lake)
            return [str(item) for (item,) in connection.execute(_PROFILES).fetchall()]
    except duckdb.Error as error:
        raise LakeRefused(
            f"The exports in raw cannot be read: {str(error).splitlines()[0]}",
            remedy="restore the object that the message names from a backup, or export the table again.",
        ) from error


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
