"""What holds for every request and every answer, whatever made it: headers, host names, HEAD, 500.

Plain ASGI around the whole application, so that errors and static files are covered too.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.errors import problem

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


class Guard:
    """hosts: further host names under which the pages may be asked for."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = {name.lower().rstrip(".") for name in (*hosts, *own_names())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif not self.answers_for(Headers(scope=scope).get("host", "")):
            await _refuse(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await _http(self._app, scope, receive, send)

    def answers_for(self, host: str) -> bool:
        """Is this a name of ours?

        A page elsewhere can let its own name point at this machine and then read everything
        through its visitor's browser (DNS rebinding). It needs a name with a dot for that: an
        address or a name of the local network cannot be given away. No name: not a browser.
        """
        name = _without_port(host).lower().rstrip(".")
        return "." not in name or name in self._hosts or _is_address(name)


def own_names() -> tuple[str, ...]:
    """What this machine calls itself. Looks nothing up in the network."""
    return "localhost", socket.gethostname()


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    answer = problem(421, "this server has another name; names are added with IOC_HOSTS")
    await answer(scope, receive, _with_headers(scope, send))


async def _http(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    started = False

    async def note(message: Message) -> None:
        nonlocal started
        started = True
        await finish(message)

    head = scope["method"] == "HEAD"
    inner = {**scope, "method": "GET"} if head else scope
    finish = _with_headers(scope, _without_body(send) if head else send)
    try:
        await app(inner, receive, note)
    except Exception:
        log.exception("%s: an error of the program", scope["path"])
        if not started:
            await problem(500)(scope, receive, finish)


def _with_headers(scope: Scope, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            keep = "no-cache" if scope["path"].startswith("/static/") else "no-store"
            headers.setdefault("Cache-Control", keep)
        await send(message)

    return sending


def _without_body(send: Send) -> Send:
    """HEAD is answered as GET is, but for the body (RFC 9110, section 9.3.2)."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending
