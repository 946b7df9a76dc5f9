"""`ioc user …` and `ioc token …`: over the running program, else on the state database itself.

While the program runs it alone writes to its database: two writers of one SQLite file are a risk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from ioc._cli_base import CommandError, ExitCode, pad, say, say_json
from ioc._cli_time import day_and_time
from ioc._client import NotRunningError, RefusedError, tell
from ioc.accounts.audit import Audit
from ioc.accounts.model import AccountError, Actor, Role
from ioc.accounts.store import Accounts
from ioc.clock import SystemClock
from ioc.db import StateDatabase, StateDatabaseError
from ioc.entrance import address
from ioc.i18n import _
from ioc.settings import Settings

Row = Mapping[str, Any]
LOCAL = Actor("cli", Role.ADMIN, "local")


def add(settings: Settings, name: str, role: str, *, as_json: bool) -> int:
    """A new account and its link."""

    def directly(accounts: Accounts, audit: Audit) -> Row:
        user = accounts.add(name, Role(role))
        audit.record(LOCAL, "user add", user.name, role)
        return {"name": user.name, "role": role, "link": _link(settings, accounts, user.name)}

    body = {"name": name, "role": role}
    row = _do(settings, lambda: tell(settings, "POST", "/api/v1/users", body), directly)
    _show_link(row, as_json=as_json)
    return ExitCode.FINE


def change(settings: Settings, name: str, what: dict[str, Any], *, as_json: bool) -> int:
    """Another role, in or out, a new link."""

    def directly(accounts: Accounts, audit: Audit) -> Row:
        role = Role(what["role"]) if "role" in what else None
        user = accounts.change(name, role=role, enabled=what.get("enabled"))
        audit.record(LOCAL, "user change", user.name, str(what))
        link = _link(settings, accounts, name) if what.get("link") else None
        return {"name": user.name, "role": user.role, "enabled": user.enabled, "link": link}

    path = f"/api/v1/users/{quote(name, safe='')}"
    row = _do(settings, lambda: tell(settings, "PATCH", path, what), directly)
    _show_link(row, as_json=as_json)
    return ExitCode.FINE


def show_users(settings: Settings, *, as_json: bool) -> int:
    """Every account."""

    def directly(accounts: Accounts, _audit: Audit) -> Row:
        return {
            "items": [
                {"name": u.name, "role": u.role, "enabled": u.enabled, "ready": u.ready}
                for u in accounts.users()
            ]
        }

    rows = _do(settings, lambda: tell(settings, "GET", "/api/v1/users"), directly)["items"]
    if as_json:
        say_json(rows)
        return ExitCode.FINE
    for row in rows:
        notes = [] if row["enabled"] else [_("may not sign in")]
        notes += [] if row["ready"] else [_("has not chosen a password")]
        say(f"{pad(row['name'], 24)} {pad(row['role'], 10)} {', '.join(notes)}".rstrip())
    if not rows:
        say(_("There is no account yet."))
    return ExitCode.FINE


def create_token(settings: Settings, name: str, role: str, days: float, *, as_json: bool) -> int:
    """A token; its secret is printed this once."""

    def directly(accounts: Accounts, audit: Audit) -> Row:
        secret, token = accounts.create_token(name, Role(role), LOCAL.name, days)
        audit.record(LOCAL, "token create", token.name, f"{role}, {token.id}")
        return {"id": token.id, "name": token.name, "role": role, "secret": secret}

    body = {"name": name, "role": role, "days": days}
    row = _do(settings, lambda: tell(settings, "POST", "/api/v1/tokens", body), directly)
    if as_json:
        say_json(row)
    else:
        say(f"{row['id']}  {row['name']}  {row['role']}")
        say(row["secret"])
    return ExitCode.FINE


def show_tokens(settings: Settings, *, as_json: bool) -> int:
    """Every token, without its secret."""

    def directly(accounts: Accounts, _audit: Audit) -> Row:
        from ioc.api.figures import iso_or_null

        return {
            "items": [
                {
                    "id": t.id, "name": t.name, "role": t.role,
                    "expires_at": iso_or_null(t.expires_at),
                    "revoked_at": iso_or_null(t.revoked_at),
                }
                for t in accounts.tokens()
            ]
        }  # fmt: skip

    rows = _do(settings, lambda: tell(settings, "GET", "/api/v1/tokens"), directly)["items"]
    if as_json:
        say_json(rows)
        return ExitCode.FINE
    for row in rows:
        end = row["expires_at"] and day_and_time(settings, row["expires_at"])
        word = _("until {time}", time=end) if end else ""
        word = _("revoked") if row["revoked_at"] else word
        say(f"{row['id']}  {pad(row['name'], 24)} {pad(row['role'], 10)} {word}")
    return ExitCode.FINE


def revoke(settings: Settings, id: str, *, as_json: bool) -> int:
    """End a token."""

    def directly(accounts: Accounts, audit: Audit) -> Row:
        accounts.revoke_token(id)
        audit.record(LOCAL, "token revoke", id)
        return {}

    path = f"/api/v1/tokens/{quote(id, safe='')}"
    _do(settings, lambda: tell(settings, "DELETE", path), directly)
    if as_json:
        say_json({"id": id, "revoked": True})
    return ExitCode.FINE


def _do(
    settings: Settings,
    running: Callable[[], Any],
    directly: Callable[[Accounts, Audit], Row],
) -> Any:
    """Ask the running program; where none runs, do it here. Raises CommandError."""
    try:
        return running()
    except RefusedError as error:
        raise CommandError(str(error)) from error
    except NotRunningError:
        pass
    try:
        with _opened(settings) as (accounts, audit):
            return directly(accounts, audit)
    except AccountError as error:
        raise CommandError(str(error)) from error
    except StateDatabaseError as error:
        raise CommandError(str(error), ExitCode.PROBLEM) from error


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Accounts, Audit]]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = StateDatabase.open(settings.database)
    try:
        clock = SystemClock()
        yield Accounts(database.engine, clock), Audit(database.engine, clock)
    finally:
        database.close()


def _link(settings: Settings, accounts: Accounts, name: str) -> str:
    return f"{address(settings)}/setup/{accounts.create_link(name)}"


def _show_link(row: Row, *, as_json: bool) -> None:
    if as_json:
        say_json(row)
        return
    say(f"{row['name']}  {row['role']}")
    if row.get("link"):
        say(_("Give this link to the user. It works once, within a day:"))
        say(f"  {row['link']}")
