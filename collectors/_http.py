"""One HTTP/1.1 exchange over a stream of ours: bounded in memory, measured, failing in words."""

from __future__ import annotations

import asyncio
import codecs
import ssl
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore

from collectors._net import Stream
from collectors._trouble import Failed, Progress, shown, tick
from collectors._url import Url

READ = 16_384  # bytes parsed without giving others a turn
MAX_HEAD = httpcore.AsyncHTTP11Connection.MAX_INCOMPLETE_EVENT_SIZE
PIECES_IN_A_ROW = 256  # pieces of a body before others get a turn
CHARSETS = ("utf", "ascii", "iso8859", "cp", "gb", "big5", "euc", "shift")  # by Python's name
CODED = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's wbits


class _Enough(Exception):
    """The body is longer than we want to know."""


class Wire(httpcore.AsyncNetworkStream):
    """A Stream as httpcore wants it; remembers when the answer began.

    limit: bytes of body we want. What wraps them (chunk sizes, interim answers, headers) may take
    eight full heads more; a peer that sends such things without end is not listened to.
    """

    def __init__(self, stream: Stream, limit: int, progress: Progress) -> None:
        self._stream = stream
        self._limit = limit + 8 * MAX_HEAD
        self._progress = progress
        self.begin = b""
        self.received = 0
        self.sent_at = tick()
        self.enough = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.enough:
            raise _Enough
        data = await self._stream.read(min(max_bytes, READ))
        if data and not self.received:
            self._first(data)
        self.received += len(data)
        if self.received > self._limit:
            raise Failed("the answer is endless: {size} KB so far", size=self._limit // 1024)
        if len(self.begin) < len(b"HTTP/"):
            self.begin = (self.begin + data)[:80]
            _require_http(self.begin)
        return data

    def _first(self, data: bytes) -> None:
        values = self._progress.values
        values["first_byte_ms"] = values.get("first_byte_ms", 0.0) + (tick() - self.sent_at) * 1000
        self._progress.awaits("the answer's headers were not complete within {timeout} s")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer)
        self.sent_at = tick()

    async def aclose(self) -> None:
        self._stream.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError

    def get_extra_info(self, info: str) -> Any:
        return None


def _require_http(begin: bytes) -> None:
    if not b"HTTP/".startswith(begin[:5]):
        raise Failed("the answer is not HTTP: {begin}", begin=shown(begin, 40))


class Answer:
    """status: code. body: at most the limit of bytes; cut: there was more."""

    def __init__(self, response: httpcore.Response) -> None:
        self.status = response.status
        self.phrase = shown(response.extensions.get("reason_phrase", b""), 60)
        self._headers = response.headers
        self.body = b""
        self.cut = False

    def header(self, name: str) -> str | None:
        """First header of a name (lower case); bytes that are no UTF-8 as Latin-1."""
        for key, value in self._headers:
            if key.lower() == name.encode():
                try:
                    return value.decode()
                except UnicodeDecodeError:
                    return value.decode("latin-1")
        return None

    def text(self, limit: int) -> str:
        """The body as text: unpacked up to `limit` bytes, in its own charset as far as it is one.

        Raises Failed for a coding we did not ask for and cannot read.
        """
        coding = (self.header("content-encoding") or "identity").strip().lower()
        body = self.body
        if coding != "identity":
            body = _unpacked(body, coding, limit, self.cut)
        return body.decode(_charset(self.header("content-type") or ""), "replace")


def _unpacked(body: bytes, coding: str, limit: int, cut: bool) -> bytes:
    """At most `limit` bytes, however much a bomb would unpack to. cut: only the begin is here."""
    if coding not in CODED:
        raise Failed(
            "the body is packed as {coding}, which was not asked for", coding=shown(coding, 40)
        )
    unpacker = zlib.decompressobj(CODED[coding])
    try:
        unpacked = unpacker.decompress(body, limit)
    except zlib.error:
        raise Failed("the body is not valid {coding}", coding=coding) from None
    if not (unpacker.eof or cut or len(unpacked) == limit):
        raise Failed("the body is not valid {coding}", coding=coding)
    return unpacked


def _charset(content_type: str) -> str:
    """Python's name of the charset, UTF-8 unless it is a plain character set.

    Python also knows codecs that are slow (punycode) or run escapes; a server may not choose them.
    """
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            try:
                found = codecs.lookup(value.strip().strip("\"'")[:40]).name
            except (LookupError, ValueError):
                return "utf-8"
            usable = found.startswith(CHARSETS) and found != "utf-7"
            return found if usable else "utf-8"
    return "utf-8"


async def exchange(
    stream: Stream,
    url: Url,
    *,
    method: str,
    headers: Mapping[str, str],
    limit: int,
    progress: Progress,
) -> Answer:
    """Ask once and read the answer, at most `limit` bytes of its body. Closes the stream.

    Adds first_byte_ms: from the request sent to the first byte of the answer. Raises Trouble.
    """
    wire = Wire(stream, limit, progress)
    origin = httpcore.Origin(url.scheme.encode(), url.host.encode(), url.port)
    request = httpcore.Request(
        method,
        httpcore.URL(
            scheme=url.scheme.encode(),
            host=url.host.encode(),
            port=url.port,
            target=url.target.encode(),
        ),
        headers=_encoded(headers.items()),
    )
    connection = httpcore.AsyncHTTP11Connection(origin, wire)
    progress.awaits("connected, but no answer within {timeout} s")
    try:
        response = await connection.handle_async_request(request)
    except httpcore.RemoteProtocolError as error:
        raise _broken_head(wire) from error
    answer = Answer(response)
    await _read_body(answer, response, wire, limit, progress)
    return answer


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode()) for name, value in headers]


async def _read_body(
    answer: Answer, response: httpcore.Response, wire: Wire, limit: int, progress: Progress
) -> None:
    progress.details["status"] = f"{answer.status} {answer.phrase}".strip()
    progress.values["status"] = answer.status
    progress.awaits("the answer's body was not complete within {timeout} s")
    pieces: list[bytes] = []
    size = 0
    try:
        count = 0
        async for piece in response.aiter_stream():
            pieces.append(piece)
            size += len(piece)
            wire.enough = size > limit
            count += 1
            if count % PIECES_IN_A_ROW == 0:
                await asyncio.sleep(0)
    except _Enough:
        pass
    except httpcore.RemoteProtocolError as error:
        raise Failed("the peer closed the connection before the answer was complete") from error
    answer.cut = size > limit
    answer.body = b"".join(pieces)[:limit]
    progress.values["body_bytes"] = len(answer.body)


def _broken_head(wire: Wire) -> Failed:
    if not wire.received:
        return Failed("the peer closed the connection without an answer")
    if wire.received > MAX_HEAD:
        return Failed("the answer's headers are longer than {limit} KB", limit=MAX_HEAD // 1024)
    return Failed("the answer is not HTTP: {begin}", begin=shown(wire.begin, 40))
