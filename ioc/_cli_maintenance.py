"""`ioc maintenance …`: planned work, over the API of the running program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc._cli_base import CommandError, ExitCode, say, say_json
from ioc._cli_incidents import reach
from ioc._cli_time import day_and_time
from ioc._cli_time import given as given_time
from ioc._client import ask, tell
from ioc.i18n import _
from ioc.settings import Settings

LENGTH = re.compile(r"([0-9]{1,5})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def show_work(settings: Settings, *, as_json: bool) -> int:
    """Planned work that is not over."""
    items = reach(settings, lambda: ask(settings, "/api/v1/maintenance"))["items"]
    if as_json:
        say_json(items)
        return ExitCode.FINE
    for row in items:
        _print(settings, row)
    if not items:
        say(_("Nothing is planned."))
    return ExitCode.FINE


def plan(settings: Settings, given: Mapping[str, Any], *, as_json: bool) -> int:
    """Plan work as the options say."""
    body = {name: list(given[name]) for name in ("sites", "assets", "kinds", "days")}
    starts, ends = _time(settings, given["starts_at"]), _time(settings, given["ends_at"])
    if given["length"]:
        ends = (starts or datetime.now(UTC)) + _length(given["length"])
    times = {"starts_at": starts and starts.isoformat(), "ends_at": ends and ends.isoformat()}
    hours = {"hours": given["hours"]} if given["hours"] else {}
    wanted = {"text": given["text"], **body, **times, **hours}
    row = reach(settings, lambda: tell(settings, "POST", "/api/v1/maintenance", wanted))
    say_json(row) if as_json else _print(settings, row)
    return ExitCode.FINE


def end(settings: Settings, number: int, *, as_json: bool) -> int:
    """End planned work now."""
    row = reach(settings, lambda: tell(settings, "DELETE", f"/api/v1/maintenance/{number}"))
    say_json(row) if as_json else _print(settings, row)
    return ExitCode.FINE


def _time(settings: Settings, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return given_time(settings, text)
    except ValueError:
        message = _("{text}: not a time; write for example 2026-08-22T22:00", text=text)
        raise CommandError(message) from None


def _length(text: str) -> timedelta:
    match = LENGTH.fullmatch(text)
    if match is None:
        raise CommandError(_("{text}: not a length; write for example 90m, 2h, 1d", text=text))
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _print(settings: Settings, row: Mapping[str, Any]) -> None:
    where = ", ".join([*row["sites"], *row["assets"], *row["kinds"]]) or _("the whole area")
    since = day_and_time(settings, row["starts_at"])
    until = day_and_time(settings, row["ends_at"]) if row["ends_at"] else "…"
    days = f" {','.join(row['days'])} {row['hours']}" if row["days"] else ""
    now = f" [{_('going on now')}]" if row["active"] else ""
    say(f"#{row['id']}  {where}: {row['text']}  {since} – {until}{days}{now}")
