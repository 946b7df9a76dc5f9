"""Passwords: what is good enough, and their hashes (argon2id, by pwdlib)."""

from __future__ import annotations

import threading
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from ioc.accounts.model import AccountError
from ioc.i18n import mark
from ioc.i18n import translate as _

SHORTEST, LONGEST = 10, 200  # letters; the second bounds the work of a hostile request
TOO_SHORT = mark("a password has at least {shortest} letters")
TOO_LONG = mark("a password has at most {longest} letters")
TOO_PLAIN = mark("this password is too easy to guess")
AT_ONCE = threading.Semaphore(2)  # argon2 takes 64 MB each


def check(password: str, name: str) -> None:
    """Refuse what is easily guessed. Raises AccountError."""
    if len(password) < SHORTEST:
        raise AccountError(_(TOO_SHORT, shortest=SHORTEST))
    if len(password) > LONGEST:
        raise AccountError(_(TOO_LONG, longest=LONGEST))
    plain = password.casefold()
    if plain == name.casefold() * max(1, len(plain) // max(1, len(name))) or len(set(plain)) < 4:
        raise AccountError(_(TOO_PLAIN))


def hashed(password: str) -> str:
    """Takes about 50 ms and 64 MB: call it in a thread."""
    with AT_ONCE:
        return _hasher().hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether the password is the one that was stored; as slow for nobody as for somebody."""
    with AT_ONCE:
        try:
            right = _hasher().verify(password[:LONGEST], stored or _nobody())
        except UnknownHashError:
            return False
    return right and stored is not None


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """A hash that no password has."""
    return _hasher().hash("\0" * SHORTEST)
