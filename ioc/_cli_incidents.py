"""`ioc incidents …`: asks and tells the running program over its own API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from ioc._cli_base import CommandError, ExitCode, paint, say, say_json
from ioc._cli_time import day_and_time
from ioc._client import NotRunningError, RefusedError, ask, tell
from ioc.i18n import _, language, mark
from ioc.settings import Settings

Row = Mapping[str, Any]
Answer = TypeVar("Answer")
COLOURS = {"critical": "bad", "warning": "warn", "info": "quiet"}
SEVERITIES = {"critical": mark("CRITICAL"), "warning": mark("WARNING"), "info": mark("INFO")}
SHOWN = 100  # ended incidents that are listed


def show_incidents(settings: Settings, *, ended: bool, as_json: bool) -> int:
    """Open incidents, the worst first. Exit code 1 when there are any."""
    found = reach(settings, lambda: list(_pages(settings, "open")))
    old = reach(settings, lambda: _page(settings, "ended", "")["items"]) if ended else []
    if as_json:
        say_json([*found, *old])
    else:
        rank = list(COLOURS)
        for row in sorted(found, key=lambda row: (rank.index(row["severity"]), row["since"])):
            _print(settings, row)
        if not found:
            say(_("Nothing is open."))
        for row in old:
            _print(settings, row)
    return ExitCode.PROBLEM if found else ExitCode.FINE


def show_incident(settings: Settings, number: int, *, as_json: bool) -> int:
    """One incident. Exit code 1 while it is open."""
    path = f"/api/v1/incidents/{number}?lang={language()}"
    row = reach(settings, lambda: tell(settings, "GET", path))
    if as_json:
        say_json(row)
    else:
        _print(settings, row)
        for step in row["timeline"]:
            at, author = day_and_time(settings, step["at"]), step["author"] or ""
            say(f"  {at}  {step['step']}  {author}  {step['text']}".rstrip())
        for message in row["messages"]:
            say(f"  {message['recipient']}: {message['state']}  {message['error'] or ''}".rstrip())
    return ExitCode.PROBLEM if row["state"] == "open" else ExitCode.FINE


def act(settings: Settings, number: int, what: str, body: dict[str, Any], *, as_json: bool) -> int:
    """Acknowledge, comment, assign, resolve."""
    path = f"/api/v1/incidents/{number}/{what}?lang={language()}"
    row = reach(settings, lambda: tell(settings, "POST", path, body))
    if as_json:
        say_json(row)
        return ExitCode.FINE
    _print(settings, row)
    if what == "resolve" and row["state"] == "open":
        say(_("The cause is noted. It is still measured as failing and ends by itself."))
    return ExitCode.FINE


def show_what_if(settings: Settings, subject: str, *, as_json: bool) -> int:
    """Which incident would open, what stays quiet, who hears of it."""
    path = f"/api/v1/incidents/what-if?subject={quote(subject)}&lang={language()}"
    found = reach(settings, lambda: tell(settings, "GET", path))
    if as_json:
        say_json(found)
        return ExitCode.FINE
    for row in found["incidents"]:
        _print_supposed(settings, row)
    if not found["incidents"]:
        say(_("No incident would open."))
    say(_("{count} messages at once.", count=found["messages"]))
    return ExitCode.FINE


def reach(settings: Settings, act: Callable[[], Answer]) -> Answer:
    """Do something with the running program. Raises CommandError."""
    try:
        return act()
    except NotRunningError as error:
        where = f"{settings.listen_host}:{settings.listen_port}"
        message = _("ioc does not run on {address} ({error})", address=where, error=str(error))
        raise CommandError(message) from error
    except RefusedError as error:
        raise CommandError(str(error)) from error


def _pages(settings: Settings, state: str) -> Iterator[Row]:
    cursor = ""
    while True:
        page = _page(settings, state, cursor)
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


def _page(settings: Settings, state: str, cursor: str) -> Any:
    query = f"?state={state}&limit={SHOWN}&lang={language()}{cursor}"
    return ask(settings, f"/api/v1/incidents{query}")


def _print(settings: Settings, row: Row) -> None:
    """One line: number, severity, where, what, since when, who has it."""
    colour = COLOURS[row["severity"]] if row["state"] == "open" else "quiet"
    head = paint(f"#{row['id']} {_(SEVERITIES[row['severity']])}", colour)
    where = row["site"] or row["subject"]
    since = _("since {time}", time=day_and_time(settings, row["since"]))
    notes = [since]
    if row["resolved_at"]:
        notes.append(_("until {time}", time=day_and_time(settings, row["resolved_at"])))
    if row["acknowledged_by"]:
        notes.append(_("acknowledged by {who}", who=row["acknowledged_by"]))
    if row["unstable"]:
        notes.append(_("unstable"))
    say(f"{head}  {where}: {row['text']} ({', '.join(notes)})")


def _print_supposed(settings: Settings, row: Row) -> None:
    head = paint(_(SEVERITIES[row["severity"]]), COLOURS[row["severity"]])
    again = "" if row["new"] else " " + _("(open already; it gets worse)")
    say(f"{head}  {row['kind']}  {row['subject']}: {row['text']}{again}")
    if row["planned"] is not None:
        say("  " + _("planned work no. {id}: nobody is told", id=row["planned"]))
    if row["quiet_count"]:
        some = ", ".join(row["quiet"][:8]) + (" …" if row["quiet_count"] > 8 else "")
        say(
            "  "
            + _("lost with it, not told: {count} ({some})", count=row["quiet_count"], some=some)
        )
    for telling in row["tellings"]:
        people = ", ".join(telling["recipients"]) or _("nobody is behind this channel")
        when = _("at once") if not telling["after_s"] else _(
            "after {minutes} min without an acknowledgement", minutes=round(telling["after_s"] / 60)
        )  # fmt: skip
        if telling["at"] is not None:
            when += f" ({day_and_time(settings, telling['at'])})"
        say(f"  {telling['channel']} → {people}: {when}")
        say(f"    {telling['text']}")
    if not row["tellings"] and row["planned"] is None:
        say("  " + _("no route leads to anybody: nobody is told"))
