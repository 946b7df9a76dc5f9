"""Users, sessions, bearer tokens and one-time links. Blocking calls, for threads.

Every secret is 32 random bytes that only its owner has; the database knows its SHA-256. All raise
StateDatabaseError when the database cannot.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ioc._db_base import StateDatabaseError, plain
from ioc.accounts import passwords
from ioc.accounts._tables import links, sessions, tokens, users
from ioc.accounts.model import (
    AccountError,
    Actor,
    Role,
    SessionInfo,
    Token,
    UnknownAccount,
    User,
)
from ioc.clock import Clock
from ioc.i18n import mark
from ioc.i18n import translate as _

HOUR, DAY = 3_600_000, 86_400_000  # ms
IDLE, LONGEST = 12 * HOUR, 30 * DAY  # of a session: without use, and altogether
SCREEN = 400 * DAY  # of a screen on a wall, used or not
LINK = DAY
FREE_TRIES, FIRST_LOCK, LONGEST_LOCK = 5, 60_000, 15 * 60_000  # failures; ms
USED_EVERY = 60_000  # ms: how exactly it is known when something was last used
NAME = re.compile(r"[\w.@-](?:[\w .@-]{0,62}[\w.@-])?")
PREFIX = "ioc_"

WRONG = mark("name or password is wrong")
LOCKED = mark("too many wrong passwords; try again in {minutes} min")
NO_USER = mark("there is no user {name}")
LAST_ADMIN = mark("this is the last admin")


class Accounts:
    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    # --- users

    def users(self) -> list[User]:
        with self._connection() as connection:
            rows = connection.execute(sa.select(users).order_by(users.c.key))
            return [_user(row) for row in rows]

    def has_users(self) -> bool:
        """Whether anybody can sign in already."""
        with self._connection() as connection:
            ready = sa.select(users.c.key).where(users.c.password.is_not(None)).limit(1)
            return connection.execute(ready).first() is not None

    def add(self, name: str, role: Role, password: str | None = None) -> User:
        """A new user; without a password one that needs a link. Raises AccountError."""
        name = _named(name)
        if password is not None:
            passwords.check(password, name)
        stored = None if password is None else passwords.hashed(password)
        row = {
            "key": _key(name), "name": name, "role": role.value, "enabled": True,
            "password": stored, "created_at": self._clock.now(), "seen_at": None,
            "failures": 0, "locked_until": 0,
        }  # fmt: skip
        with self._connection() as connection:
            if self._row(connection, name) is not None:
                raise AccountError(_("there is a user {name} already", name=name))
            connection.execute(users.insert().values(row))
        return User(name, role, True, stored is not None, row["created_at"], None)  # type: ignore[arg-type]

    def change(self, name: str, *, role: Role | None = None, enabled: bool | None = None) -> User:
        """Another role; let in or out. Whoever is let out is signed out. Raises AccountError."""
        with self._connection() as connection:
            row = self._needed(connection, name)
            demoted = role is not None and role is not Role.ADMIN
            if (demoted or enabled is False) and self._is_last_admin(connection, row):
                raise AccountError(_(LAST_ADMIN))
            values: dict[str, Any] = {}
            if role is not None:
                values["role"] = role.value
            if enabled is not None:
                values["enabled"] = enabled
            if values:
                connection.execute(users.update().where(users.c.key == row.key).values(values))
            if enabled is False:
                connection.execute(sessions.delete().where(sessions.c.user == row.key))
            return _user(self._needed(connection, name))

    def set_password(self, name: str, password: str) -> None:
        """A new password; every session of the user ends. Raises AccountError."""
        passwords.check(password, name)
        stored = passwords.hashed(password)
        with self._connection() as connection:
            key = self._needed(connection, name).key
            fresh = {"password": stored, "failures": 0, "locked_until": 0}
            connection.execute(users.update().where(users.c.key == key).values(fresh))
            connection.execute(sessions.delete().where(sessions.c.user == key))

    def authenticate(self, name: str, password: str) -> User:
        """The user whose name and password these are. Raises AccountError, with no hint which of
        the two is wrong; after some failures the account is locked for a while."""
        now = self._clock.now()
        with self._connection() as connection:
            row = self._row(connection, name)
        left = 0 if row is None else row.locked_until - now
        if 0 < left <= LONGEST_LOCK:  # a lock from before a step of the clock holds nobody for long
            raise AccountError(_(LOCKED, minutes=-(-left // 60_000)))
        usable = row is not None and row.enabled
        right = passwords.matches(password, row.password if row is not None and usable else None)
        if row is not None and not right:
            self._count_failure(row, now)
        if row is None or not right:
            raise AccountError(_(WRONG))
        with self._connection() as connection:
            fresh = {"failures": 0, "locked_until": 0, "seen_at": now}
            connection.execute(users.update().where(users.c.key == row.key).values(fresh))
        return _user(row)

    def _count_failure(self, row: Any, now: int) -> None:
        failures = row.failures + 1
        over = failures - FREE_TRIES
        lock = 0 if over < 0 else now + min(FIRST_LOCK * 2 ** min(over, 10), LONGEST_LOCK)
        values = {"failures": users.c.failures + 1, "locked_until": lock}
        with self._connection() as connection:
            connection.execute(users.update().where(users.c.key == row.key).values(values))

    # --- sessions

    def open_session(self, name: str, address: str, agent: str, *, screen: bool = False) -> str:
        """Sign a user in; gives the secret for the cookie. screen: one on a wall."""
        secret, now = secrets.token_urlsafe(32), self._clock.now()
        with self._connection() as connection:
            key = self._needed(connection, name).key
            connection.execute(
                sessions.insert().values(
                    hash=_hash(secret), user=key, address=address[:100], agent=agent[:200],
                    created_at=now, used_at=now,
                    expires_at=now + (SCREEN if screen else LONGEST),
                    idle=SCREEN if screen else IDLE,
                )
            )  # fmt: skip
            connection.execute(sessions.delete().where(sessions.c.expires_at < now))
        return secret

    def by_session(self, secret: str, address: str = "") -> Actor | None:
        """Who a session's secret belongs to; None when it has ended."""
        now, s = self._clock.now(), sessions.c
        query = (
            sa.select(sessions, users.c.name, users.c.role, users.c.enabled)
            .join(users, users.c.key == s.user)
            .where(s.hash == _hash(secret))
        )
        with self._connection() as connection:
            row = connection.execute(query).first()
            if row is None or not row.enabled:
                return None
            if now >= row.expires_at or now - row.used_at >= row.idle:
                connection.execute(sessions.delete().where(s.hash == row.hash))
                return None
            if abs(now - row.used_at) >= USED_EVERY:
                used = sessions.update().where(s.hash == row.hash).values(used_at=now)
                connection.execute(used)
        return Actor(row.name, Role(row.role), "session", row.hash, address)

    def sessions(self, name: str) -> list[SessionInfo]:
        """Where a user is signed in, newest first."""
        query = (
            sa.select(sessions)
            .where(sessions.c.user == _key(name))
            .order_by(sessions.c.used_at.desc())
        )
        with self._connection() as connection:
            return [
                SessionInfo(r.hash, r.address, r.agent, r.created_at, r.used_at)
                for r in connection.execute(query)
            ]

    def close_session(self, id: str) -> None:
        """End one session."""
        with self._connection() as connection:
            connection.execute(sessions.delete().where(sessions.c.hash == id))

    def close_sessions(self, name: str) -> None:
        """End all sessions of a user."""
        with self._connection() as connection:
            connection.execute(sessions.delete().where(sessions.c.user == _key(name)))

    # --- bearer tokens

    def create_token(
        self, name: str, role: Role, author: str, days: float | None
    ) -> tuple[str, Token]:
        """A token for another program: its secret, shown once, and what is kept of it."""
        secret, id, now = (
            PREFIX + secrets.token_urlsafe(32),
            secrets.token_hex(4),
            self._clock.now(),
        )
        expires = None if days is None else now + round(days * DAY)
        row = {
            "id": id, "hash": _hash(secret), "name": _named(name), "role": role.value,
            "author": author, "created_at": now, "expires_at": expires, "used_at": None,
            "revoked_at": None,
        }  # fmt: skip
        with self._connection() as connection:
            connection.execute(tokens.insert().values(row))
        return secret, Token(id, name, role, author, now, expires, None, None)

    def by_token(self, secret: str, address: str = "") -> Actor | None:
        """Who a bearer token stands for; None when it is unknown, expired or revoked."""
        now, t = self._clock.now(), tokens.c
        with self._connection() as connection:
            row = connection.execute(sa.select(tokens).where(t.hash == _hash(secret))).first()
            if row is None or row.revoked_at is not None:
                return None
            if row.expires_at is not None and now >= row.expires_at:
                return None
            if row.used_at is None or abs(now - row.used_at) >= USED_EVERY:
                connection.execute(tokens.update().where(t.id == row.id).values(used_at=now))
        return Actor(f"token:{row.name}", Role(row.role), "token", row.id, address)

    def tokens(self) -> list[Token]:
        with self._connection() as connection:
            rows = connection.execute(sa.select(tokens).order_by(tokens.c.created_at.desc()))
            return [
                Token(r.id, r.name, Role(r.role), r.author, r.created_at, r.expires_at, r.used_at,
                      r.revoked_at)
                for r in rows
            ]  # fmt: skip

    def revoke_token(self, id: str) -> None:
        """End a token. Raises UnknownAccount."""
        revoked = tokens.update().where(tokens.c.id == id, tokens.c.revoked_at.is_(None))
        with self._connection() as connection:
            if not connection.execute(revoked.values(revoked_at=self._clock.now())).rowcount:
                raise UnknownAccount(_("there is no token {id} in force", id=id))

    # --- one-time links

    def create_link(self, name: str | None = None) -> str:
        """The secret of a link with which a user chooses a password; None: with which the first
        admin is made. Earlier links for the same end."""
        secret = secrets.token_urlsafe(32)
        with self._connection() as connection:
            key = None if name is None else self._needed(connection, name).key
            same = links.c.user.is_(None) if key is None else links.c.user == key
            connection.execute(links.delete().where(same))
            expires = self._clock.now() + LINK
            row = {"hash": _hash(secret), "user": key, "expires_at": expires}
            connection.execute(links.insert().values(row))
        return secret

    def link_user(self, secret: str) -> str | None:
        """Name of the user a link is for; None for the first admin. Raises UnknownAccount."""
        with self._connection() as connection:
            row = self._link(connection, secret)
            if row.user is None:
                return None
            return str(self._needed(connection, row.user).name)

    def use_link(self, secret: str, name: str, password: str) -> User:
        """Choose the password; the link is spent. Raises AccountError, and is not spent then."""
        first = self.link_user(secret) is None
        if first and self.has_users():
            raise UnknownAccount(_("this link is not valid any more"))
        if first:
            user = self.add(name, Role.ADMIN, password)
        else:
            name = self.link_user(secret) or name
            self.set_password(name, password)
            user = next(one for one in self.users() if one.name == name)
        with self._connection() as connection:
            connection.execute(links.delete().where(links.c.hash == _hash(secret)))
        return user

    def _link(self, connection: sa.Connection, secret: str) -> Any:
        row = connection.execute(sa.select(links).where(links.c.hash == _hash(secret))).first()
        if row is None or self._clock.now() >= row.expires_at:
            raise UnknownAccount(_("this link is not valid any more"))
        return row

    # --- helpers

    def _row(self, connection: sa.Connection, name: str) -> Any:
        return connection.execute(sa.select(users).where(users.c.key == _key(name))).first()

    def _needed(self, connection: sa.Connection, name: str) -> Any:
        row = self._row(connection, name)
        if row is None:
            raise UnknownAccount(_(NO_USER, name=name))
        return row

    def _is_last_admin(self, connection: sa.Connection, row: Any) -> bool:
        u = users.c
        others = sa.select(u.key).where(
            u.role == Role.ADMIN.value,
            u.enabled.is_(True),
            u.password.is_not(None),
            u.key != row.key,
        )
        is_admin = row.role == Role.ADMIN.value and row.enabled
        return is_admin and connection.execute(others.limit(1)).first() is None

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StateDatabaseError(plain(error)) from error


def _named(name: str) -> str:
    """The name as it is kept: composed letters, no spaces around. Raises AccountError."""
    name = unicodedata.normalize("NFC", name).strip()
    if NAME.fullmatch(name) is None:
        raise AccountError(_("a name has 1 to 64 letters, digits, spaces, dots, hyphens or @"))
    return name


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _user(row: Any) -> User:
    return User(
        row.name, Role(row.role), row.enabled, row.password is not None, row.created_at, row.seen_at
    )
