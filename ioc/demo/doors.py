"""Listeners of the simulated district, one kind of door for each kind of check.

A silent door is a real one: its queue of connections is full, so the kernel drops what comes and
the caller runs into its timeout, as with a cut cable. A refused connection would be another story.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.rcode
import dns.rrset
from pydantic import BaseModel

from ioc.demo.scenario import Mode

BACKLOG = 128
MAX_REQUEST = 16_384
PATIENCE = 20.0  # seconds a door waits for a request, and a hanging one keeps its caller
ADDRESS_GIVEN = "127.0.0.1"  # what the simulated name server answers to every question
PAGE = (
    '<!doctype html><html lang=vi><meta name="viewport" content="width=device-width">'
    "<title>Mô phỏng</title><p>Hệ thống hoạt động bình thường."
)


class DoorError(Exception):
    """A listener cannot be opened; the message names its address and the reason."""


class Door(Protocol):
    """One listener."""

    def set(self, mode: Mode | None) -> None:
        """Work (None) or fail; the same mode again changes nothing."""
        ...

    def close(self) -> None: ...


def open_door(kind: str, settings: BaseModel) -> Door:
    """Open the door that a check of a kind (tcp, http, dns) knocks at. Raises DoorError."""
    if kind not in _KINDS:
        raise DoorError(f"the simulated district has no {kind} listeners")
    return _KINDS[kind](settings)


class StreamDoor:
    """A TCP listener. answer: takes over a connection, told how the door fails now."""

    def __init__(
        self, host: str, port: int, answer: Callable[[socket.socket, Mode | None], None]
    ) -> None:
        self._answer = answer
        self._mode: Mode | None = None
        self._plug: socket.socket | None = None
        self._listener = _bound(host, port, socket.SOCK_STREAM)
        self._listener.listen(BACKLOG)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener, self._accept)

    def set(self, mode: Mode | None) -> None:
        if mode is self._mode:
            return
        before, self._mode = self._mode, mode
        if mode is Mode.SILENT:
            self._block()
        elif before is Mode.SILENT:
            self._unblock()

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._pull_plug()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone again before it was taken
            return
        connection.setblocking(False)
        self._answer(connection, self._mode)

    def _block(self) -> None:
        """Fill the queue: with a backlog of 0 the kernel keeps one connection, and drops more."""
        self._loop.remove_reader(self._listener)
        self._listener.listen(0)
        self._plug = socket.socket(self._listener.family, socket.SOCK_STREAM)
        self._plug.setblocking(False)
        self._plug.connect_ex(self._listener.getsockname())

    def _unblock(self) -> None:
        self._pull_plug()
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener, self._accept)

    def _pull_plug(self) -> None:
        if self._plug is not None:
            self._plug.close()
            self._plug = None


class PlainDoor(StreamDoor):
    """A TCP listener that takes a connection and hangs up. It has one way to fail: silence."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, lambda connection, _mode: connection.close())

    def set(self, mode: Mode | None) -> None:
        super().set(mode and Mode.SILENT)


class NameDoor:
    """A name server over UDP that knows one address for every name."""

    def __init__(self, host: str, port: int) -> None:
        self._mode: Mode | None = None
        self._loop = asyncio.get_running_loop()
        self._socket = _bound(host, port, socket.SOCK_DGRAM)
        self._loop.add_reader(self._socket, self._answer)

    def set(self, mode: Mode | None) -> None:
        self._mode = mode

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _answer(self) -> None:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            wire, peer = self._socket.recvfrom(MAX_REQUEST)
            if self._mode not in (Mode.SILENT, Mode.HANG):
                self._socket.sendto(_reply(wire, failing=self._mode is Mode.ERROR), peer)


def _reply(wire: bytes, *, failing: bool) -> bytes:
    query = dns.message.from_wire(wire)
    if not query.question:
        raise dns.exception.FormError
    reply = dns.message.make_response(query)
    if failing:
        reply.set_rcode(dns.rcode.SERVFAIL)
    else:
        name = query.question[0].name
        reply.answer.append(dns.rrset.from_text(name, 300, "IN", "A", ADDRESS_GIVEN))
    return reply.to_wire()


class _Pages:
    """Answers one HTTP request a connection."""

    def __init__(self) -> None:
        self._busy: set[asyncio.Task[None]] = set()

    def __call__(self, connection: socket.socket, mode: Mode | None) -> None:
        task = asyncio.ensure_future(self._serve(connection, mode))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _serve(self, connection: socket.socket, mode: Mode | None) -> None:
        loop = asyncio.get_running_loop()
        with connection, contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                request = b""
                while b"\r\n\r\n" not in request and len(request) < MAX_REQUEST:
                    more = await loop.sock_recv(connection, 4096)
                    if not more:
                        return
                    request += more
                if mode is Mode.HANG:
                    await loop.sock_recv(connection, 1)  # until the caller gives up
                    return
                await loop.sock_sendall(connection, _page(mode))


def _page(mode: Mode | None) -> bytes:
    status = HTTPStatus.SERVICE_UNAVAILABLE if mode is Mode.ERROR else HTTPStatus.OK
    body = PAGE.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _tcp(settings: BaseModel) -> Door:
    fields = settings.model_dump()
    return PlainDoor(fields["address"], fields["port"])


def _http(settings: BaseModel) -> Door:
    parts = urlsplit(settings.model_dump()["url"])
    return StreamDoor(parts.hostname or "", parts.port or 80, _Pages())


def _dns(settings: BaseModel) -> Door:
    fields = settings.model_dump()
    return NameDoor(fields["address"], fields["port"])


_KINDS: dict[str, Callable[[BaseModel], Door]] = {"tcp": _tcp, "http": _http, "dns": _dns}


def _bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A bound socket, on loopback only: a demo never listens to the network."""
    try:
        address = ip_address(host)
    except ValueError:
        raise DoorError(f"{host}: not an IP address") from None
    if not address.is_loopback:
        raise DoorError(f"{host}: not a loopback address; the demo uses no others")
    made = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, kind)
    made.setblocking(False)
    try:
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise DoorError(f"{host}:{port}: {error.strerror}") from error
    return made
