"""Filters and page tokens of the Google Health API, read for the stand-in: what the API refuses is refused."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from moderation_craft.sources.fitbit.stand_in_errors import Refused

_CONDITION = re.compile(r'^\s*([a-z_0-9.]+)\s*(>=|<)\s*"([^"]+)"\s*$')
_SPARE = timedelta(days=2)


@dataclass(frozen=True)
class Condition:
    """`member >= "bound"` or `member < "bound"`; members without the data type before them."""

    member: str
    operator: str
    bound: datetime


def conditions(expression: str, data_type: str, members: Sequence[str]) -> list[Condition]:
    """An AIP-160 filter of `>=` and `<` joined by AND, read; Refused where the API refuses it."""
    found = []
    for part in expression.split(" AND ") if expression.strip() else []:
        match = _CONDITION.match(part)
        if not match:
            raise _bad_filter("INVALID_DATA_POINT_FILTER_SYNTAX", f"Cannot parse {part.strip()!r}.")
        name, operator, literal = match.groups()
        member = name.removeprefix(f"{data_type.replace('-', '_')}.")
        if member == name or member not in members:
            raise _bad_filter(
                "INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER",
                f"Member '{name}' is not supported for filtering. (at line 1, column 1)",
            )
        try:
            bound = datetime.fromisoformat(literal).replace(tzinfo=None)
        except ValueError:
            raise _bad_filter("INVALID_DATA_POINT_FILTER_LITERAL", f"Invalid literal {literal!r}.") from None
        found.append(Condition(member, operator, bound))
    return found


def holds(found: Sequence[Condition], times: Mapping[str, datetime]) -> bool:
    return all(
        times[each.member] >= each.bound if each.operator == ">=" else times[each.member] < each.bound
        for each in found
    )


def days_within(found: Sequence[Condition]) -> tuple[date, date]:
    """The civil days that can hold a point, some to spare: samples of other days need not be made."""
    first = max((each.bound for each in found if each.operator == ">="), default=None)
    last = min((each.bound for each in found if each.operator == "<"), default=None)
    return (first - _SPARE).date() if first else date.min, (last + _SPARE).date() if last else date.max


def sealed(offset: int, has_paused: bool) -> str:
    return base64.urlsafe_b64encode(f"{offset}:{int(has_paused)}".encode()).decode()


def opened(token: str) -> tuple[int, bool]:
    if not token:
        return 0, False
    try:
        offset, has_paused = base64.urlsafe_b64decode(token.encode()).decode().split(":")
        return int(offset), has_paused == "1"
    except ValueError:
        raise Refused(400, "INVALID_ARGUMENT", "Invalid page token.") from None


def whole(text: str) -> int:
    if not text.isdigit():
        raise Refused(400, "INVALID_ARGUMENT", f"Invalid value at 'page_size': {text!r}")
    return int(text)


def _bad_filter(reason: str, description: str) -> Refused:
    message = f"Invalid data point filter: {reason}."
    return Refused(400, "INVALID_ARGUMENT", message, "INVALID_DATA_POINT_FILTER", description)
