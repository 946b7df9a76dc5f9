"""Times on the command line: those of the area, whatever zone the machine is set to.

A container's zone is UTC; `22:00` typed there is still ten in the evening of the district.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from ioc._client import NotRunningError, RefusedError, ask
from ioc.settings import Settings


@cache
def zone_of(settings: Settings) -> tzinfo | None:
    """The zone of the area that the program running there watches. None, which stands for the
    machine's own, when it does not say."""
    try:
        return ZoneInfo(ask(settings, "/api/v1/overview")["timezone"])
    except (NotRunningError, RefusedError, LookupError, TypeError, ValueError, OSError):
        return None


def day_and_time(settings: Settings, text: str) -> str:
    """ISO 8601 as `22/08 22:00:00`."""
    return _in_zone(settings, text).strftime("%d/%m %H:%M:%S")


def whole_time(settings: Settings, text: str) -> str:
    """ISO 8601 as `22/08/2026 22:00:00`."""
    return _in_zone(settings, text).strftime("%d/%m/%Y %H:%M:%S")


def day(settings: Settings, text: str) -> str:
    """ISO 8601 as `22/08/2026`."""
    return _in_zone(settings, text).strftime("%d/%m/%Y")


def given(settings: Settings, text: str) -> datetime:
    """A time that somebody typed, of the area where it names no zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        zone = zone_of(settings)
        moment = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
    return moment


def _in_zone(settings: Settings, text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(zone_of(settings))
