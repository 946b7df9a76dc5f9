"""Connections and streams: non-blocking sockets under one deadline, closed on every path."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from contextlib import suppress

from collectors._names import Endpoint, SockAddr, endpoints
from collectors._trouble import Failed, Progress, Trouble, add, from_here, from_peer, tick

CHUNK = 65_536
READS_IN_A_ROW = 4  # reads of a peer that always has more before others get a turn


async def connect(host: str, port: int, progress: Progress) -> Stream:
    """A connection to the first address that answers. Adds dns_ms, connect_ms, `address`.

    Each address gets an equal share of what time is left, so that a dead IPv6 address of a name
    leaves room for its IPv4 one. connect_ms is that of the address that answered.
    Raises Trouble: what the first peer did that could be asked at all.
    """
    found = await endpoints(host, port, progress)
    progress.awaits("no connection within {timeout} s")
    troubles: list[Trouble] = []
    for left, endpoint in zip(range(len(found), 0, -1), found, strict=True):
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(now + (progress.ends - now) / left):
                return await _connect(endpoint, progress)
        except TimeoutError:
            troubles.append(progress.late)
        except Trouble as trouble:
            troubles.append(trouble)
    raise next((t for t in troubles if isinstance(t, Failed)), troubles[-1])


async def _connect(endpoint: Endpoint, progress: Progress) -> Stream:
    loop = asyncio.get_running_loop()
    sock = open_socket(endpoint[0], socket.SOCK_STREAM)
    try:
        started = tick()
        _begin(sock, endpoint[1])
        try:
            await loop.sock_connect(sock, endpoint[1])
        except OSError as error:
            raise from_peer(error) from error
        _refuse_self(sock)
        add(progress, "connect_ms", started)
    except BaseException:
        sock.close()
        raise
    progress.details["address"] = str(endpoint[1][0])
    return Stream(sock)


def open_socket(family: int, kind: socket.SocketKind) -> socket.socket:
    """A non-blocking socket. Raises Unmeasured."""
    try:
        sock = socket.socket(family, kind)
    except OSError as error:
        raise from_here(error) from error
    sock.setblocking(False)
    return sock


def _begin(sock: socket.socket, address: SockAddr) -> None:
    """Start connecting. What the kernel refuses at once never left this machine.

    Only here can "no route" be told from the same error number sent by a router on the way.
    """
    code = sock.connect_ex(address)
    if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
        raise from_here(OSError(code, ""))


def _refuse_self(sock: socket.socket) -> None:
    """A closed local port can be reached by the very socket that asks, when the kernel happens to
    choose it as source port (simultaneous open): nobody listens there."""
    try:
        if sock.getsockname() == sock.getpeername():
            raise Failed("connection refused")
    except OSError as error:
        raise from_peer(error) from error


class Stream:
    """A connected socket, with or without TLS. `close` may be called at any time, also twice.

    TLS runs over memory buffers instead of asyncio's transports: closing is then one system call
    without a farewell that a hung peer could delay, and cancellation leaves nothing behind.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._reads = 0

    @property
    def tls(self) -> ssl.SSLObject | None:
        return self._tls

    async def read(self, size: int = CHUNK) -> bytes:
        """Up to `size` bytes, b"" at the end. Raises Trouble."""
        if self._tls is None:
            return await self._receive(size)
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                await self._exchange()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""  # whether more was promised is the protocol's to know
            except ssl.SSLError as error:
                raise Failed("TLS broke: {error}", error=ssl_words(error)) from error

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises Trouble."""
        if self._tls is None:
            await self._send(data)
        elif data:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise Failed("TLS broke: {error}", error=ssl_words(error)) from error
            await self._send(self._outgoing.read())

    async def start_tls(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Shake hands. Raises ssl.SSLError for what the certificate or protocol is to blame for,
        ssl.SSLEOFError when the peer hangs up, and Trouble for the connection."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._exchange()
            except ssl.SSLError:
                with suppress(Trouble):  # tell the peer why, if it still listens
                    await self._send(self._outgoing.read())
                raise
        await self._send(self._outgoing.read())
        self._tls = tls

    def close(self) -> None:
        self._sock.close()

    async def _exchange(self) -> None:
        await self._send(self._outgoing.read())
        data = await self._receive(CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _receive(self, size: int) -> bytes:
        # sock_recv does not suspend while there is data: a peer that always has more would keep
        # the loop, and its own deadline, from ever getting a turn.
        self._reads += 1
        if self._reads % READS_IN_A_ROW == 0:
            await asyncio.sleep(0)
        try:
            return await asyncio.get_running_loop().sock_recv(self._sock, size)
        except OSError as error:
            raise from_peer(error) from error

    async def _send(self, data: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._sock, data)
        except OSError as error:
            raise from_peer(error) from error


def ssl_words(error: ssl.SSLError) -> str:
    """OpenSSL's own words of what is wrong, without the places in the source."""
    words = error.reason or re.sub(r"^\[.*?\]\s*|\s*\(_ssl\.c:\d+\)$", "", str(error))
    return words.replace("_", " ").lower()


async def read_exactly(stream: Stream, size: int) -> bytes:
    """`size` bytes. Raises Trouble when the peer ends before."""
    parts: list[bytes] = []
    while size > 0:
        part = await stream.read(min(size, CHUNK))
        if not part:
            raise Failed("the peer closed the connection before the answer was complete")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
