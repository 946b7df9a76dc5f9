"""tcp: does a port take connections, how fast, and does it say what it should."""

from __future__ import annotations

import asyncio

from pydantic import Field

from collectors import _match, base
from collectors._names import Address, Port
from collectors._net import Stream, connect
from collectors._trouble import Failed, Progress, Trouble, add, measured, shown, tick
from collectors.base import Measurement

MAX_ANSWER = 4096  # bytes looked at; a greeting is one line
QUIET = 0.25  # seconds without more data after which a costly pattern is tried


class Settings(base.Settings):
    """address: IP address or name. port: 1 to 65535.

    send: text sent after connecting (UTF-8; "\\r\\n" in double quotes is a line end).
    expect: regular expression to be found in the first 4 KB that come back.
    Values: connect_ms, dns_ms when the address is a name, answer_ms when an answer is expected.
    """

    address: Address
    port: Port
    send: str = Field(default="", max_length=MAX_ANSWER)
    expect: _match.Pattern | None = None


async def measure(settings: Settings, timeout: float) -> Measurement:
    """Connect once; timeout in seconds."""

    async def steps(progress: Progress) -> None:
        stream = await connect(settings.address, settings.port, progress)
        try:
            await _converse(stream, settings, progress)
        finally:
            stream.close()

    return await measured(timeout, steps)


async def _converse(stream: Stream, settings: Settings, progress: Progress) -> None:
    started = tick()
    progress.awaits("the peer took nothing within {timeout} s")
    await stream.write(settings.send.encode())
    if settings.expect is not None:
        await _await_answer(stream, settings.expect, progress)
        add(progress, "answer_ms", started)


async def _await_answer(stream: Stream, pattern: str, progress: Progress) -> None:
    """Read until the pattern is found. Raises Failed at the end, or after MAX_ANSWER bytes.

    A cheap pattern is tried with every piece that comes, a costly one when the peer falls silent.
    """
    answer = bytearray()
    tried = True  # an empty answer needs no trying
    while True:
        _await_rest(answer, pattern, progress)
        piece = await _read(stream, answer, None if tried else QUIET)
        answer += piece or b""
        text = answer.decode("utf-8", "replace")
        over = piece == b"" or len(answer) >= MAX_ANSWER
        tried = over or piece is None or _match.inline(pattern, text)
        if answer and tried and await _match.found(pattern, text, progress):
            progress.details["answer"] = shown(bytes(answer))
            return
        if over:
            raise _wrong_answer(answer, pattern, progress)


def _await_rest(answer: bytearray, pattern: str, progress: Progress) -> None:
    if answer:
        progress.details["answer"] = shown(bytes(answer))
        progress.awaits("the answer does not contain {pattern}", pattern=pattern)
    else:
        progress.awaits("connected, but no answer within {timeout} s")


async def _read(stream: Stream, answer: bytearray, patience: float | None) -> bytes | None:
    """The next piece, b"" at the end, None when none came within the patience (seconds)."""
    try:
        async with asyncio.timeout(patience):
            return await stream.read(MAX_ANSWER - len(answer))
    except TimeoutError:
        return None
    except Trouble:
        if answer:
            return b""  # a peer that resets after its answer has still answered
        raise


def _wrong_answer(answer: bytearray, pattern: str, progress: Progress) -> Failed:
    if not answer:
        return Failed("the peer closed the connection without an answer")
    progress.details["answer"] = shown(bytes(answer))
    return Failed("the answer does not contain {pattern}", pattern=pattern)
