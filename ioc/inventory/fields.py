"""Kinds of values in the inventory: durations, hours, dates, ids, addresses, names.

Each refuses what it cannot use with words that show how to write it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from ioc.i18n import mark
from ioc.inventory.ranges import RangeError, expand, parse
from ioc.inventory.words import refusal

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
YEAR = 366 * 86_400.0
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhd]?)")
HOURS = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})\s*")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
MIDNIGHT = 24 * 60


def _duration(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise refusal(mark("not a duration; write for example 15s, 2m, 1h or a number of seconds"))
    return float(match[1]) * UNITS[match[2] or "s"]


def _hours(value: Any) -> tuple[int, int]:
    match = HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise refusal(mark('not hours; write for example "07:30-11:30", in quotes'))
    start, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    minutes_fit = int(match[2]) < 60 and int(match[4]) < 60
    if not minutes_fit or start >= MIDNIGHT or end > MIDNIGHT or start == end:
        raise refusal(mark('no such hours; write for example "07:30-11:30"'))
    return start, end


def _date(value: Any) -> str:
    text = str(value)
    try:
        if DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise refusal(mark("not a date; write year-month-day, for example 2026-02-17"))


def _id(text: str) -> str:
    if ID.fullmatch(text) is None:
        raise refusal(
            mark("not an id; use small letters a-z, digits and hyphens, for example yen-thinh")
        )
    return text


def _reference(text: str) -> str:
    for part in text.split(".", 1):
        _id(part)
    return text


def _address(value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(
            mark("not an IP address; write for example 10.20.6.1"),
        )
    try:
        if len(expand(value)) > 1:
            raise refusal(mark("one address is wanted here; use `addresses` for a range"))
        return str(parse(value.strip()))
    except RangeError as error:
        if re.search(r"[^\W\d_]", value) and ":" not in value:
            raise refusal(
                mark(
                    "not an IP address; a name goes into a check: "
                    "checks: [{{kind: icmp, address: {name}}}]"
                ),
                name=value[:60] if value.isprintable() else ascii(value[:60]),
            ) from None
        raise refusal(error.text, **error.args_by_name) from None


def _range(value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(mark("not a range; write for example 10.20.6.10-30"))
    try:
        expand(value)
    except RangeError as error:
        raise refusal(error.text, **error.args_by_name) from None
    return value


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise refusal(mark("not a time zone; write for example Asia/Ho_Chi_Minh")) from None
    return text


def _number_as_text(value: Any) -> Any:
    """Codes and ids are text though they may look like numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def readable(text: str) -> str:
    """Composed Unicode (what one machine types decomposed is the same name), one line."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise refusal(mark("must not be empty"))
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise refusal(mark("must be one line without control characters"))
    return text


def _system(text: str) -> str:
    name = readable(text)
    if re.search(r"[a-z0-9]", name.lower()) is None:  # no report of a computer holds such a name
        raise refusal(mark("needs letters a–z or digits, as computers report it"))
    return name


Duration = Annotated[float, BeforeValidator(_duration), Field(ge=0, le=YEAR)]
"""Seconds; 0 is allowed."""
Interval = Annotated[float, BeforeValidator(_duration), Field(ge=1, le=YEAR)]
"""Seconds between two measurements."""
Timeout = Annotated[float, BeforeValidator(_duration), Field(gt=0, le=3600)]
Hours = Annotated[tuple[int, int], BeforeValidator(_hours)]
"""Start and end in minutes after midnight; an end before the start is on the next day."""
Day = Annotated[str, BeforeValidator(_date)]
Id = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_id)]
Reference = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_reference)]
"""`router` of the same site, or `yen-thinh.router`."""
Address = Annotated[str, BeforeValidator(_address)]
Range = Annotated[str, BeforeValidator(_range)]
Zone = Annotated[str, AfterValidator(_zone)]
Name = Annotated[str, Field(max_length=200), AfterValidator(readable)]
SystemName = Annotated[str, Field(max_length=200), AfterValidator(_system)]
Code = Annotated[str, BeforeValidator(_number_as_text), Field(max_length=20)]
