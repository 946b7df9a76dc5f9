"""The door: nothing is answered to anybody who is not known, but for a few paths.

Plain ASGI around the whole application, so that a new route is closed without anybody's thinking
of it. What a route needs stands in one table; a session in a browser must prove that a change was
wanted there (CSRF); every change leaves a line in the audit log.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc._db_base import StateDatabaseError
from ioc.accounts.audit import Audit
from ioc.accounts.model import Actor, Role
from ioc.accounts.store import Accounts
from ioc.accounts.tries import Tries
from ioc.api.errors import problem

log = logging.getLogger(__name__)

OPEN = ("/healthz", "/readyz", "/login", "/setup/", "/static/")
ADMINS = ("/api/v1/users", "/api/v1/tokens", "/api/v1/audit", "/console/users", "/console/audit")
OWN = ("/logout", "/account", "/api/v1/me")  # whoever is signed in may change this of his own
SAFE = ("GET", "HEAD", "OPTIONS")
COOKIE, SECURE_COOKIE = "ioc", "__Host-ioc"
KNOWN_FOR = 3.0  # seconds for which a look-up holds: a revocation takes effect within
LONGEST_FORM = 256 * 1024  # bytes of a form that is read to find its token
RECHECK = 5.0  # seconds between two looks whether an open socket may stay
POLICY_VIOLATION = 1008


class Door:
    """local: secrets that are no accounts (the command line on this machine) and who they are."""

    def __init__(
        self, app: ASGIApp, accounts: Accounts, audit: Audit, local: dict[str, Actor]
    ) -> None:
        self._app = app
        self._accounts = accounts
        self._audit = audit
        self._local = local
        self._known: dict[str, tuple[float, Actor | None]] = {}
        self._tries = Tries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            actor = await self._actor(scope, headers)
        except StateDatabaseError as error:
            log.error("accounts cannot be read: %s", error)
            await _answer(problem(503, "accounts cannot be read now"), scope, receive, send)
            return
        if actor is None:
            await _ask_who(scope, receive, send)
            return
        scope.setdefault("state", {}).update(actor=actor, csrf=csrf_of(cookie_of(scope, headers)))
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, actor)
        else:
            await self._http(scope, receive, send, actor, headers)

    # --- who

    async def _actor(self, scope: Scope, headers: Headers) -> Actor | None:
        """Who asks: a bearer token first, else the session of the cookie."""
        address = (scope.get("client") or ("",))[0]
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._look_up(bearer.strip(), address, self._accounts.by_token)
        cookie = cookie_of(scope, headers)
        if cookie is None:
            return None
        return await self._look_up(cookie, address, self._accounts.by_session)

    async def _look_up(
        self, secret: str, address: str, find: Callable[[str, str], Actor | None]
    ) -> Actor | None:
        local = self._local.get(secret)
        if local is not None:
            return replace(local, address=address)
        if self._tries.too_many(address):
            return None
        key = hashlib.sha256(f"{find.__name__}:{secret}".encode()).hexdigest()
        until, actor = self._known.get(key, (0.0, None))
        if time.monotonic() >= until:
            actor = await asyncio.to_thread(find, secret, address)
            self._known = {k: v for k, v in self._known.items() if v[0] > time.monotonic()}
            self._known[key] = (time.monotonic() + KNOWN_FOR, actor)
            if actor is None:
                self._tries.wrong(address)
        return actor and replace(actor, address=address)

    def forget(self) -> None:
        """Ask the database again: somebody was signed out or let out here."""
        self._known.clear()

    # --- what they may

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, actor: Actor, headers: Headers
    ) -> None:
        needed = needs(scope["method"], scope["path"])
        if not actor.role.may(needed):
            detail = f"this needs the role {needed.value}"
            await _answer(problem(403, detail), scope, receive, send)
            return
        if scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        if actor.via == "session":
            wanted, receive = await _was_wanted(scope, receive, headers)
            if not wanted:
                detail = "the form is too old or comes from elsewhere; load the page again"
                await _answer(problem(403, detail), scope, receive, send)
                return
        await self._app(scope, receive, self._audited(scope, send, actor))
        self.forget()

    def _audited(self, scope: Scope, send: Send, actor: Actor) -> Send:
        """The same `send`; a change is in the audit log before it is answered."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                action = f"{scope['method']} {scope['path']}"
                detail = str(scope["state"].get("detail", ""))
                try:
                    await asyncio.to_thread(self._audit.record, actor, action, "", detail)
                except StateDatabaseError as error:
                    log.error("audit: %s by %s is not recorded: %s", action, actor.name, error)
            await send(message)

        return sending

    async def _socket(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """Serve a live channel until it ends, or whoever opened it may not see it any more."""
        serving = asyncio.ensure_future(self._app(scope, receive, send))
        headers = Headers(scope=scope)
        try:
            while True:
                done, _ = await asyncio.wait({serving}, timeout=RECHECK)
                if done:
                    await serving
                    return
                try:
                    known = await self._actor(scope, headers)
                except StateDatabaseError:
                    known = actor
                if known is None:
                    serving.cancel()
                    await asyncio.gather(serving, return_exceptions=True)
                    await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                    return
        finally:
            serving.cancel()


def needs(method: str, path: str) -> Role:
    """The role that a request needs: to see viewer, to change operator, accounts admin."""
    if any(path == start or path.startswith(f"{start}/") for start in ADMINS):
        return Role.ADMIN
    if method in SAFE or any(path == start or path.startswith(f"{start}/") for start in OWN):
        return Role.VIEWER
    return Role.OPERATOR


def is_open(path: str) -> bool:
    """Whether a path is answered to anybody."""
    return any(path == start or (start.endswith("/") and path.startswith(start)) for start in OPEN)


async def _ask_who(scope: Scope, receive: Receive, send: Send) -> None:
    """A page leads to the sign-in page; a program gets 401; a socket is not opened."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    accepts = Headers(scope=scope).get("accept", "")
    page = "text/html" in accepts and scope["method"] in SAFE
    if page and not scope["path"].startswith("/api/v1/"):
        query = scope.get("query_string", b"").decode("latin-1")
        back = scope["path"] + (f"?{query}" if query else "")
        await _answer(RedirectResponse(f"/login?next={quote(back)}", 303), scope, receive, send)
        return
    answer = problem(401, "sign in, or send a token: Authorization: Bearer …")
    answer.headers["WWW-Authenticate"] = 'Bearer realm="ioc"'
    await _answer(answer, scope, receive, send)


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await response(scope, receive, send)


# --- cookies and what a browser must prove


def cookie_name(scope: Scope) -> str:
    return SECURE_COOKIE if scope.get("scheme") in ("https", "wss") else COOKIE


def cookie_of(scope: Scope, headers: Headers) -> str | None:
    """The session's secret that the browser sent."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return None
    found = jar.get(cookie_name(scope))
    return found.value if found is not None else None


def csrf_of(session: str | None) -> str:
    """What a form of this session carries: nobody else can work it out."""
    return hmac.new((session or "").encode(), b"csrf", hashlib.sha256).hexdigest()


def same_site(scope: Scope, headers: Headers) -> bool:
    """Whether the browser says that the request comes from a page of ours."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


async def _was_wanted(scope: Scope, receive: Receive, headers: Headers) -> tuple[bool, Receive]:
    """Whether a change was made on a page of ours; and the request, to be read once more."""
    expected = csrf_of(cookie_of(scope, headers))
    given = headers.get("x-csrf-token", "")
    if not given and "x-www-form-urlencoded" in headers.get("content-type", ""):
        body, receive = await _read(receive)
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=2000)
        given = fields.get("csrf", [""])[0]
    right = hmac.compare_digest(given.encode(), expected.encode())
    return right and same_site(scope, headers), receive


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The body of a request, and a `receive` that gives it again."""
    body, more = b"", True
    while more and len(body) <= LONGEST_FORM:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and message["type"] == "http.request"
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": more}

    return body, again
