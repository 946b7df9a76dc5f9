"""How collectors of connections end: with values, or with one trouble said in words.

Trouble
├── Failed       the peer did not answer, or answered wrongly: verdict FAILED
└── Unmeasured   we could not ask, or cannot judge: verdict UNKNOWN

Steps raise Trouble; `measured` turns it, or the end of the time, into a Measurement.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import ClassVar

from collectors.base import Measurement, Reason, Verdict

DETAIL_LENGTH = 200  # characters of foreign text that are kept


class Trouble(Exception):
    """Why a measurement ended badly. text: template and translation key, args: its values."""

    verdict: ClassVar[Verdict]

    def __init__(self, text: str, /, **args: str | int | float) -> None:
        super().__init__(text)
        self.reason = Reason(text, args)


class Failed(Trouble):
    verdict = Verdict.FAILED


class Unmeasured(Trouble):
    verdict = Verdict.UNKNOWN


@dataclass(slots=True)
class Progress:
    """What one measurement has found so far, and what it waits for.

    timeout: seconds, as configured. ends: loop time at which it is given up.
    late: the trouble to report when time runs out now.
    """

    timeout: float
    ends: float
    values: dict[str, float] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    late: Trouble = field(init=False)

    def __post_init__(self) -> None:
        self.awaits("no answer within {timeout} s")

    def awaits(self, text: str, kind: type[Trouble] = Failed, **args: str | int | float) -> None:
        """Say what it means when the time runs out from here on; `{timeout}` is filled in."""
        self.late = kind(text, timeout=self.timeout, **args)


def budget(timeout: float) -> float:
    """Seconds a collector gives itself: a little less than the poller does.

    The poller cancels at `timeout` with a general reason; ours, which says what was being waited
    for, has to come first.
    """
    return timeout - min(0.1, timeout / 10)


async def measured(timeout: float, steps: Callable[[Progress], Awaitable[None]]) -> Measurement:
    """Run the steps of one measurement within the timeout (seconds); whatever they found counts."""
    progress = Progress(timeout, asyncio.get_running_loop().time() + budget(timeout))
    try:
        async with asyncio.timeout_at(progress.ends):
            await steps(progress)
    except TimeoutError:
        trouble = progress.late
    except Trouble as raised:
        trouble = raised
    else:
        return Measurement.ok(progress.values, progress.details)
    if trouble.verdict is Verdict.UNKNOWN:
        return Measurement(Verdict.UNKNOWN, reason=trouble.reason, details=progress.details)
    return Measurement(Verdict.FAILED, progress.values, trouble.reason, progress.details)


_PEER = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "the peer reset the connection",
    errno.ECONNABORTED: "the peer reset the connection",
    errno.EPIPE: "the peer closed the connection",
    errno.ETIMEDOUT: "the peer does not answer",
    errno.EHOSTUNREACH: "a router reports that the host cannot be reached",
    errno.ENETUNREACH: "a router reports that the network cannot be reached",
}
_LOCAL = {
    errno.EMFILE: "this machine has too many open files",
    errno.ENFILE: "this machine has too many open files",
    errno.ENOBUFS: "this machine is out of memory for connections",
    errno.ENOMEM: "this machine is out of memory for connections",
    errno.EACCES: "this machine does not allow the connection",
    errno.EPERM: "this machine does not allow the connection",
    errno.ENETUNREACH: "this machine has no route to the address",
    errno.EHOSTUNREACH: "this machine has no route to the address",
    errno.ENETDOWN: "this machine has no route to the address",
    errno.EADDRNOTAVAIL: "this machine has no free address or port for the connection",
    errno.EAFNOSUPPORT: "this machine does not support this kind of address",
}
_ALWAYS_LOCAL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def from_peer(error: OSError) -> Trouble:
    """Trouble of a connection under way: the peer's or the network's, unless we ran out of room."""
    if error.errno in _ALWAYS_LOCAL:
        return from_here(error)
    text = _PEER.get(error.errno or 0)
    return Failed(text) if text else Failed("the connection broke: {error}", error=_words(error))


def from_here(error: OSError) -> Trouble:
    """Trouble before anything was sent: it says nothing of the peer."""
    if error.errno == errno.ECONNREFUSED:
        return from_peer(error)
    text = _LOCAL.get(error.errno or 0)
    if text:
        return Unmeasured(text)
    return Unmeasured("this machine could not connect: {error}", error=_words(error))


def _words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def shown(text: str | bytes, length: int = DETAIL_LENGTH) -> str:
    """Foreign text for people: one line, no control characters, at most `length` characters."""
    if isinstance(text, bytes):
        text = text[: 4 * length].decode("utf-8", "replace")
    line = " ".join(text[: 4 * length].split())
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def tick() -> float:
    """Seconds, for measuring. Not the loop's time: uvloop gives that in whole milliseconds."""
    return perf_counter()


def add(progress: Progress, name: str, started: float) -> None:
    """Add the milliseconds since `started` (see `tick`) to a value."""
    progress.values[name] = progress.values.get(name, 0.0) + (tick() - started) * 1000
