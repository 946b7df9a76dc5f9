"""What the program says at its start about signing in, and the way in for the command line."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from ioc.accounts.model import Actor, Role
from ioc.accounts.store import Accounts
from ioc.i18n import mark
from ioc.i18n import translate as _
from ioc.settings import Settings

FILE = "cli.token"
DEMO = "demo"
WIDTH = 78
EXPOSED = mark(
    "anyone in the network can read passwords on their way: IOC_LISTEN is reachable from outside "
    "without TLS (IOC_TLS_CERT, IOC_TLS_KEY) or a proxy (IOC_PROXY)"
)
FIRST = mark("There is no account yet. Make the first one here (this link works once, for a day):")
THROW_AWAY = mark("Sign in to the demo: name {name}, password {password}")


def local(data_dir: Path) -> dict[str, Actor]:
    """A fresh secret in a file that only this user can read: `ioc` commands use it."""
    secret = secrets.token_urlsafe(32)
    path = data_dir / FILE
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    return {secret: Actor("cli", Role.ADMIN, "local")}


def close(data_dir: Path) -> None:
    """Remove the file: the secret means nothing any more."""
    with contextlib.suppress(OSError):
        (data_dir / FILE).unlink()


def welcome(settings: Settings, accounts: Accounts, *, simulated: bool) -> None:
    """Print how to sign in where nobody can yet, and a warning that is hard to miss."""
    if settings.exposed:
        _box(_(EXPOSED))
    if simulated:
        password = secrets.token_urlsafe(9)
        if any(user.name == DEMO for user in accounts.users()):
            accounts.set_password(DEMO, password)
        else:
            accounts.add(DEMO, Role.ADMIN, password)
        print(_(THROW_AWAY, name=DEMO, password=password), flush=True)
    elif not accounts.has_users():
        print(_(FIRST), flush=True)
        print(f"  {address(settings)}/setup/{accounts.create_link()}", flush=True)


def address(settings: Settings) -> str:
    """Where the pages are, as far as this machine can say."""
    scheme = "https" if settings.tls_cert is not None else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.listen_host, settings.listen_host)  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{settings.listen_port}"


def _box(text: str) -> None:
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > WIDTH - 6:
            lines.append("")
        lines[-1] += f" {word}"
    print("!" * WIDTH)
    for line in lines:
        print(f"!! {line.strip():<{WIDTH - 6}} !!")
    print("!" * WIDTH, flush=True)
