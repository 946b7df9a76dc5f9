"""Channels: ways to reach people, through apprise. Addresses are in the environment only.

IOC_CHANNEL_<NAME>=<apprise URL> [<apprise URL> …]   the inventory's routes name the channel

One recipient is one address: a URL with several addressees becomes several recipients, because
a partial failure would otherwise tell again those that have heard it already.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import apprise

from ioc.i18n import mark
from ioc.i18n import translate as _

PREFIX = "IOC_CHANNEL_"
CONNECT, READ = 8, 15  # seconds, unless the URL says otherwise (cto, rto)
SHORTEST_SECRET = 4  # letters: shorter parts of an address hide nothing and would hide words
REASON = 300  # letters of an error that are kept

FAILED = mark("the channel refused the message")


class ChannelError(Exception):
    """A channel of the environment cannot be used; the message names the variable, no secret."""


class DeliveryError(Exception):
    """A message was not delivered; the message says why, without a secret."""


@dataclass(frozen=True, slots=True)
class File:
    """Something to send along. name: as the addressee sees it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address behind a channel. name: "<channel>/<number>". hidden: what must not be shown."""

    name: str
    plugin: Any
    hidden: tuple[str, ...]

    @property
    def takes_files(self) -> bool:
        """Whether files may be sent along."""
        return bool(self.plugin.attachment_support)

    def send(self, title: str, body: str, files: Sequence[File] = ()) -> None:
        """Deliver one message. Blocks. Raises DeliveryError."""
        titled = bool(self.plugin.title_maxlen)  # others put the title before the body: twice
        attached = _attached(files) if files and self.takes_files else None
        with _said() as words:
            try:
                done = self.plugin.notify(body=body, title=title if titled else "", attach=attached)
            except Exception as error:
                raise DeliveryError(self._scrubbed(f"{type(error).__name__}: {error}")) from None
        if not done:
            raise DeliveryError(self._scrubbed("; ".join(words)) or _(FAILED))

    def _scrubbed(self, text: str) -> str:
        for secret in self.hidden:
            text = text.replace(secret, "***")
        text = re.sub(r"[a-z]+://\S+", "***", text)
        return " ".join(text.split())[:REASON]


class Channels:
    """All recipients, by name and by channel."""

    def __init__(self, recipients: Sequence[Recipient] = ()) -> None:
        self._by_name = {recipient.name: recipient for recipient in recipients}

    def __iter__(self) -> Iterator[Recipient]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Recipient | None:
        return self._by_name.get(name)

    def of(self, channel: str) -> list[str]:
        """Names of the recipients behind a channel; none when it is not configured."""
        return [name for name in self._by_name if name.rpartition("/")[0] == channel]

    def names(self) -> list[str]:
        """Names of the channels."""
        return list(dict.fromkeys(name.rpartition("/")[0] for name in self._by_name))


def read_channels(environ: Mapping[str, str]) -> Channels:
    """The channels of the environment. Raises ChannelError."""
    found: list[Recipient] = []
    for variable in sorted(environ):
        if variable.startswith(PREFIX):
            channel = variable.removeprefix(PREFIX).lower().replace("_", "-")
            found.extend(_recipients(channel, variable, environ[variable].split()))
    return Channels(found)


def _recipients(channel: str, variable: str, urls: Sequence[str]) -> Iterator[Recipient]:
    number = 0
    for place, url in enumerate(urls, start=1):
        first = _plugin(url, variable, place)
        targets = getattr(first, "targets", None)
        several = list(targets) if isinstance(targets, list | tuple | set) else []
        for target in several if len(several) > 1 else [None]:
            plugin = _plugin(url, variable, place)
            if target is not None:
                plugin.targets = [target]
            yield Recipient(f"{channel}/{number}", plugin, _secrets(url))
            number += 1


def _plugin(url: str, variable: str, place: int) -> Any:
    mark_ = "&" if "?" in url else "?"
    limits = "" if re.search(r"[?&][cr]to=", url) else f"{mark_}cto={CONNECT}&rto={READ}"
    with _said():
        plugin = apprise.Apprise.instantiate(url + limits)
    if plugin is None:
        text = "{variable}: address no. {place} is not one that apprise knows; see README"
        raise ChannelError(_(text, variable=variable, place=place))
    return plugin


def _attached(files: Sequence[File]) -> Any:
    return apprise.AppriseAttachment(
        [f"file://{quote(str(file.path))}?name={quote(file.name)}" for file in files]
    )


def _secrets(url: str) -> tuple[str, ...]:
    """Every part of an address that an error might repeat, the longest first."""
    parts = [*re.split(r"[/?&=:@,;#]+", url), urlsplit(url).netloc]
    found = {text for part in parts for text in (part, unquote(part))}
    return tuple(sorted((p for p in found if len(p) >= SHORTEST_SECRET), key=len, reverse=True))


# --- what apprise says goes to its log only: gathered by thread, kept out of ours


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        words = self.said.get(threading.get_ident())
        if words is not None:
            words.append(record.getMessage())


_listener = _Listener()
for _name in ("apprise", "apprise.logger"):
    _logger = logging.getLogger(_name)
    _logger.addHandler(_listener)
    _logger.propagate = False


@contextlib.contextmanager
def _said() -> Iterator[list[str]]:
    """What apprise says in this thread meanwhile."""
    words: list[str] = []
    _listener.said[threading.get_ident()] = words
    try:
        yield words
    finally:
        _listener.said.pop(threading.get_ident(), None)
