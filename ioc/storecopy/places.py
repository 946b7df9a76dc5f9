"""Where is copied from and to, and whether that may be."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from ioc.i18n import _
from ioc.store import open_store
from ioc.store._address import TOKEN
from ioc.store._source import SqliteSource
from ioc.store.base import Content, Point, Series, SeriesQuery, StoreError

NOTE = "store-copy.json"  # in the data folder, of the copy that was begun last


class CopyError(Exception):
    """A copy cannot be made, or is not right; the message says why and what to do."""


class Readable(Protocol):
    """What answers questions."""

    def read(self, query: SeriesQuery) -> list[Series]: ...


class Source(Readable, Protocol):
    """What is read from."""

    def contents(self) -> list[Content]: ...

    def close(self) -> None: ...


class Target(Source, Protocol):
    """What is written to as well."""

    def write(self, points: list[Point]) -> None: ...


def open_source(url: str) -> Source:
    """Raises StoreError. SQLite: read only, a program may have it open."""
    path = sqlite_path(url)
    if path is not None:
        return SqliteSource(path)
    with _its_token():
        return cast("Source", open_store(url))


@contextmanager
def _its_token() -> Iterator[None]:
    """IOC_STORE_TOKEN is the target's; the source may have one of its own."""
    own, usual = os.environ.get("IOC_STORE_TOKEN_FROM"), os.environ.get(TOKEN)
    if own:
        os.environ[TOKEN] = own
    try:
        yield
    finally:
        if own and usual is None:
            del os.environ[TOKEN]
        elif own and usual is not None:
            os.environ[TOKEN] = usual


def open_target(url: str) -> Target:
    """Raises StoreError when a program has it open."""
    return cast("Target", open_store(url))


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite store."""
    path = url.removeprefix("sqlite:///")
    return None if path == url or not path else Path(path)


def check(source: str, target: str) -> None:
    """Raise CopyError for two names of the same store, and for one that keeps nothing."""
    for url in (source, target):
        if url.startswith("memory:"):
            raise CopyError(_("{url} keeps nothing", url=url))
    if _same(source, target):
        raise CopyError(_("both are the same store: {url}", url=shown(source)))


def _same(one: str, other: str) -> bool:
    files = sqlite_path(one), sqlite_path(other)
    if files[0] is not None and files[1] is not None:
        return files[0].resolve() == files[1].resolve() or (
            files[0].exists() and files[1].exists() and files[0].samefile(files[1])
        )
    return _server(one) == _server(other) and _may_share(one, other)


def _server(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    hosts = parts.netloc.lower().replace("localhost", "127.0.0.1")
    return parts.scheme, hosts, parts.path.strip("/")


def _may_share(one: str, other: str) -> bool:
    """Whether tenant and organization do not tell two stores of one server apart."""
    mine, its = _owners(one), _owners(other)
    return all(mine[name] == its[name] for name in mine.keys() & its.keys())


def _owners(url: str) -> dict[str, str]:
    given = dict(parse_qsl(urlsplit(url).query))
    owners: dict[str, str] = {name: given[name] for name in ("tenant", "org") if name in given}
    if "tenant" in owners:  # 7 is 7:0
        account, _sign, project = owners["tenant"].partition(":")
        owners["tenant"] = f"{int(account)}:{int(project or 0)}" if account.isdigit() else account
    return owners


def shown(url: str) -> str:
    """A URL without options, which a message may show."""
    return url.partition("?")[0]


def _noted(url: str) -> str:
    """A URL with those options only that say which store of a server it is."""
    owners = _owners(url)
    return shown(url) + (f"?{urlencode(owners)}" if owners else "")


class Note:
    """Remembers which copy was begun: it may go on into a store that is not empty any more."""

    def __init__(self, folder: Path, source: str, target: str) -> None:
        self._path = folder / NOTE
        self._words = {"from": _noted(source), "to": _noted(target)}

    def is_ours(self) -> bool:
        """Whether the copy that was begun last is this one."""
        try:
            return bool(json.loads(self._path.read_text(encoding="utf-8")) == self._words)
        except (OSError, ValueError):
            return False

    def begin(self) -> None:
        """Write it down, before anything is written to the target. Raises StoreError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_name(f".{NOTE}.new")
            new.write_text(json.dumps(self._words, ensure_ascii=False), encoding="utf-8")
            new.replace(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
