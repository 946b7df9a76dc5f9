"""Parameters that several questions share: what they look like, and what they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, TypeVar

from fastapi import Path, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel

LIMIT = 1000
LATEST = 253_402_300_799_999  # ms UTC: the end of the year 9999
DAYS = date(1990, 1, 1), date(2100, 12, 31)  # that anybody can ask for
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SPAN = r"^[1-9][0-9]{0,5}[smhd]$"

Item = TypeVar("Item")

Id = Annotated[str, Path(max_length=200, examples=["yen-thinh"])]
Lang = Annotated[Literal["vi", "en"], Query(description="Language of reasons and rules")]
Limit = Annotated[int, Query(ge=1, le=LIMIT, description="At most so many")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]
Text = Annotated[str | None, Query(max_length=200)]
Search = Annotated[
    str | None, Query(max_length=200, description="Part of an id, name, code or address")
]
Moment = Annotated[
    AwareDatetime | None,
    Query(description="ISO 8601 with its zone", examples=["2026-02-02T02:40:00Z"]),
]
Span = Annotated[
    str | None,
    Query(pattern=SPAN, description="A number with s, m, h or d", examples=["24h"]),
]


def moment(at: datetime | None) -> int | None:
    """ms UTC, within what a store holds."""
    if at is None:
        return None
    return min(max((at - EPOCH) // timedelta(milliseconds=1), 0), LATEST)


def sensible(day: date) -> bool:
    """Whether a day lies where days can be reckoned with, and anybody could mean it."""
    return DAYS[0] <= day <= DAYS[1]


def span(text: str | None) -> int | None:
    """ms of `15m`, `24h`, `7d`."""
    if text is None:
        return None
    return int(text[:-1]) * UNITS[text[-1]]


def page(
    items: Iterable[Item], key: Callable[[Item], str], limit: int, cursor: str | None
) -> tuple[list[Item], str | None]:
    """Items after the cursor, in order of key, and the cursor of the next page."""
    rest = sorted((item for item in items if cursor is None or key(item) > cursor), key=key)
    more = key(rest[limit - 1]) if len(rest) > limit else None
    return rest[:limit], more


def about(q: str | None, *texts: str | None) -> bool:
    """Does a text hold what is searched for, whatever the case and the Vietnamese marks?"""
    return q is None or any(_plain(q) in _plain(text) for text in texts if text)


def _plain(text: str) -> str:
    """`Bản Thi` as `ban thi`: marks are often left out when typing."""
    letters = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def answer(model: BaseModel) -> Response:
    """JSON made where this is called: in the thread of the question, not on the event loop."""
    return Response(model.model_dump_json(), media_type="application/json")


def slug(text: str) -> str:
    """A file name made of a measurement's or field's name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "series"
