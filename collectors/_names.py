"""Host names and literal addresses: where to connect to, without ever waiting for one another."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from collectors._trouble import Failed, Progress, Trouble, Unmeasured, add, tick

SockAddr = tuple[Any, ...]
Endpoint = tuple[int, SockAddr]  # address family, socket address
Found = list[Endpoint] | Trouble
MAX_LOOKUPS = 128  # names being looked up at once; a district has some thirty


def _host(text: str) -> str:
    host = text.strip().removeprefix("[").removesuffix("]")
    if not host or len(host) > 253 or any(c.isspace() or c in "/@?#\\" for c in host):
        raise ValueError("must be an IP address or a host name")
    return host


Address = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Lookups:
    """Looks names up in threads of its own.

    getaddrinfo, because it sees what the rest of the machine sees (hosts file, search domains,
    mDNS), and it blocks for half a minute when the name servers are dead. In the event loop's
    shared pool a few such lookups would hold up everything else that uses it. So each name has
    one daemon thread at a time, shared by all who ask for it: a hung name delays only itself,
    and never the end of the process; beyond MAX_LOOKUPS hung names new ones are refused at once.
    Literal addresses never come here.
    """

    def __init__(self, resolve: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self._running: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Future[Found]] = {}

    async def find(self, name: str) -> list[Endpoint]:
        """Endpoints of a name with port 0, in the machine's order of preference.

        Raises Failed when the name does not exist, Unmeasured when it could not be looked up.
        """
        loop = asyncio.get_running_loop()
        future = self._running.get((loop, name))
        if future is None:
            future = self._start(loop, name)
        found = await asyncio.shield(future)
        if isinstance(found, Trouble):
            raise type(found)(found.reason.text, **found.reason.args)
        return found

    def _start(self, loop: asyncio.AbstractEventLoop, name: str) -> asyncio.Future[Found]:
        if len(self._running) >= MAX_LOOKUPS:
            raise Unmeasured("too many name lookups are hanging; are the name servers dead?")
        future: asyncio.Future[Found] = loop.create_future()
        thread = threading.Thread(
            target=self._look_up, args=(loop, name, future), name=f"lookup {name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the limit of threads is reached
            raise Unmeasured("this machine cannot start another thread") from error
        self._running[loop, name] = future
        return future

    def _look_up(
        self, loop: asyncio.AbstractEventLoop, name: str, future: asyncio.Future[Found]
    ) -> None:
        found: Found
        try:
            answers = self._resolve(name, 0, type=socket.SOCK_STREAM)
            found = [(family, address) for family, _, _, _, address in answers]
        except socket.gaierror as error:
            found = _lookup_trouble(name, error)
        except Exception as error:  # a name the codec refuses, and whatever else a resolver raises
            found = Unmeasured(
                "{name} could not be looked up: {error}", name=name, error=str(error)
            )
        with suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(self._done, loop, name, future, found)

    def _done(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        future: asyncio.Future[Found],
        found: Found,
    ) -> None:
        self._running.pop((loop, name), None)
        if not future.done():
            future.set_result(found)


_lookups = Lookups()


def _lookup_trouble(name: str, error: socket.gaierror) -> Trouble:
    if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
        return Failed("the name {name} does not exist", name=name)
    if error.errno == socket.EAI_AGAIN:
        return Unmeasured("the name servers gave no answer for {name}", name=name)
    return Unmeasured(
        "{name} could not be looked up: {error}", name=name, error=error.strerror or str(error)
    )


def literal(host: str) -> Endpoint | None:
    """The endpoint, port 0, of an IPv4 or IPv6 address (a zone as in fe80::1%eth0 too), or None.

    Asks nobody. Raises Unmeasured when the zone is not an interface of this machine.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    try:
        flags = socket.AI_NUMERICHOST
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=flags)
    except socket.gaierror:
        raise Unmeasured("this machine has no route to the address") from None
    return found[0][0], found[0][4]


async def endpoints(host: str, port: int, progress: Progress) -> list[Endpoint]:
    """Where to connect to. Adds dns_ms when the host is a name. Raises Trouble."""
    known = literal(host)
    if known is not None:
        return [_with_port(known, port)]
    started = tick()
    progress.awaits("{name} was not looked up within {timeout} s", Unmeasured, name=host)
    found = await _lookups.find(host)
    add(progress, "dns_ms", started)
    return [_with_port(endpoint, port) for endpoint in found]


def _with_port(endpoint: Endpoint, port: int) -> Endpoint:
    family, address = endpoint
    return family, (address[0], port, *address[2:])
