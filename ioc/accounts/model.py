"""The words of accounts: roles, users, tokens, who acts, what was done. Frozen values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do, each also what the ones before may."""

    VIEWER = "viewer"  # see
    OPERATOR = "operator"  # acknowledge, comment, plan work
    ADMIN = "admin"  # accounts, tokens, audit

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def may(self, needed: Role) -> bool:
        return self.rank >= needed.rank


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. via: "session" | "token" | "local". id: of the session or token."""

    name: str
    role: Role
    via: str
    id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """created_at, seen_at: ms UTC. enabled: may sign in. ready: a password was chosen."""

    name: str
    role: Role
    enabled: bool
    ready: bool
    created_at: int
    seen_at: int | None


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token without its secret. expires_at, used_at, revoked_at: ms UTC, None = never."""

    id: str
    name: str
    role: Role
    author: str
    created_at: int
    expires_at: int | None
    used_at: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One place where somebody is signed in."""

    id: str
    address: str
    agent: str
    created_at: int
    used_at: int


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the audit log. at: ms UTC."""

    number: int
    at: int
    who: str
    via: str
    action: str
    subject: str
    detail: str
    address: str


class AccountError(Exception):
    """What was asked of accounts cannot be done; the message says why, for the one who asked."""


class UnknownAccount(AccountError):
    """There is no such user, token or link."""
