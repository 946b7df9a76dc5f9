"""HTTP to a store's server: requests, answers as a stream, and every failure in one table.

refused, reset, silent, 401, 403, 404, 408, 429, 5xx ─▶ StoreUnavailable   ask again later
413                                                  ─▶ StoreTooLarge      send less
400, 422                                             ─▶ StoreRefused       never as it is
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any
from urllib.parse import urlencode

import urllib3
from influxdb_client.client.exceptions import InfluxDBError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from ioc.i18n import _
from ioc.store._address import TOKEN, Address
from ioc.store.base import StoreError, StoreRefused, StoreTooLarge, StoreUnavailable

CONNECT = 5.0  # seconds
LACKING = "is unauthorized"  # how InfluxDB 2 says 401 to a token that it knows
WIDE = "exceed file limit"  # how InfluxDB 3 says that a question is over too much time
SHOWN = 500  # letters of what a server says that a message repeats


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of success. name: of who gave it."""

    name: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object in the body. Raises StoreUnavailable when there is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise strange(self.name, self.status)
        return found


class Http:
    """One server. name: in messages. headers: of every request, never shown.

    date: of its last answer of any kind: our monotonic clock then, and its time, seconds since
    the epoch.
    """

    def __init__(self, name: str, base: str, address: Address, headers: Mapping[str, str]) -> None:
        self.name = name
        self._base = base
        self._headers = dict(headers)
        self.date: tuple[float, float] | None = None
        self._pool = urllib3.PoolManager(
            maxsize=8,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT, read=address.timeout),
            ca_certs=address.options.get("ca"),
        )

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        form: list[tuple[str, str]] | None = None,
        body: object = None,
    ) -> Reply:
        """A small answer. form: sent as a form; body: sent as JSON. Raises StoreError."""
        with self.stream(method, path, query, form=form, body=body) as response:
            return Reply(self.name, response.status, response.headers, response.read())

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        form: list[tuple[str, str]] | None = None,
        body: object = None,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer to be read bit by bit, to be left at any point. Raises StoreError."""
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        headers, data = dict(self._headers), None
        if form is not None:
            data = urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        with translated(self.name):
            response = self._pool.urlopen(
                method, url, body=data, headers=headers, preload_content=False, redirect=False
            )
            try:
                self._note(response.headers.get("Date", ""))
                if not 200 <= response.status < 300:
                    raise failure(self.name, response.status, response.headers, response.read())
                yield response
            finally:
                response.close()

    def _note(self, date: str) -> None:
        with suppress(ValueError, OverflowError):
            self.date = time.monotonic(), parsedate_to_datetime(date).timestamp()

    def close(self) -> None:
        self._pool.clear()


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of the libraries as errors of a store."""
    try:
        yield
    except InfluxDBError as error:  # its text has headers in it: not for people
        status = int(getattr(error, "status", 0) or 0)
        if not status:
            raise _away(name, str(getattr(error, "reason", "") or error.message)) from None
        said = getattr(error, "body", None) or ""
        raise failure(name, status, getattr(error, "headers", None) or {}, said) from None
    except (HTTPError, OSError, UnicodeDecodeError) as error:
        raise _away(name, _words(error)) from error


def failure(name: str, status: int, headers: Mapping[str, str], said: str | bytes) -> StoreError:
    """The error that an HTTP status means."""
    text = _said(said)
    words = {"store": name, "status": str(status), "said": text}
    if status == 413:
        return StoreTooLarge(_("{store}: too much at once", store=name))
    if status in (400, 422):
        return StoreRefused(_("{store} refuses it: {said}", **words))
    if status in (401, 403):
        message = _("{store}: not permitted ({said}); look at {variable}", **words, variable=TOKEN)
        lacks = status == 403 or text.endswith(LACKING)
        return Forbidden(message) if lacks else BadToken(message)
    if status == 404:
        return NotFound(_("{store}: not found ({said})", **words))
    message = _("{store} answers with {status} ({said})", **words)
    return TooWide(message) if WIDE in text else StoreUnavailable(message, _retry_after(headers))


class NotFound(StoreUnavailable):
    """What was asked for is not there; it may be made."""


class Forbidden(StoreUnavailable):
    """The token is not valid, or not for this."""


class BadToken(Forbidden):
    """The server does not know the token at all, so no permission would help."""


class TooWide(StoreUnavailable):
    """The server looks at less time at once. It is asked for less: see ioc.store._halves."""


def strange(name: str, status: int) -> StoreUnavailable:
    """Success, but not as such a server says it: something else answers there."""
    return StoreUnavailable(
        _("{store}: an answer ({status}) as of another server", store=name, status=str(status))
    )


def _away(name: str, why: str) -> StoreUnavailable:
    return StoreUnavailable(_("{store} cannot be reached: {why}", store=name, why=why))


def _words(error: BaseException) -> str:
    if isinstance(error, NewConnectionError):
        return _("no connection")
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return _("no answer in time")
    if isinstance(error, SSLError):
        return str(error)[:SHOWN]
    return _("the connection broke")


def _said(said: str | bytes) -> str:
    """What a server says, in one short line: the message out of its JSON if that is what it is."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    try:
        found = json.loads(text)
        text = str(found.get("message") or found.get("error") or text)
    except (ValueError, AttributeError):
        pass
    return " ".join(text.split())[:SHOWN] or "-"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, given as seconds or as a date (RFC 9110, 10.2.3); at most an hour."""
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), 3600.0) if isfinite(seconds) else None
