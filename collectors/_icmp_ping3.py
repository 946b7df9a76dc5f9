"""The last resort: ping3 in threads, where the engine may open no socket of its own.

Slow (one thread per ping), gullible (it believes replies from any source) and forgetful (over
IPv6 another ICMP packet that comes first makes it miss the reply: ping3 5.1.6), so it stands in
only where nothing else works. Its times are bounded by the monotonic clock.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import ping3

from collectors._icmp_echo import Echo
from collectors._icmp_words import EXHAUSTED, STOPPED, send_error
from collectors.base import Reason

THREADS = 64
PATIENCE = 1.5  # s a ping may wait for a thread, as in the engine

Outcome = tuple[int | None, Reason | None]  # round-trip time ns, trouble


class Ping3Sender:
    """Sends echoes like the engine does, on the running event loop."""

    def __init__(self, threads: int = THREADS) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ping3")
        self._open: set[Echo] = set()
        self._closed = False

    def send(self, echoes: Iterable[Echo], after: float = 0.0) -> None:
        """Send each echo once, `after` seconds from now or when a thread is free."""
        for echo in echoes:
            self._open.add(echo)
            if self._closed:
                self._finish(echo, (None, STOPPED))
            else:
                self._loop.call_later(after, self._start, echo)

    def close(self) -> None:
        """Give up what is open (unknown). Threads end with the ping they are at."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for echo in list(self._open):
            self._finish(echo, (None, STOPPED))

    def _start(self, echo: Echo) -> None:
        if not self._closed:
            echo.asked = time.monotonic_ns()
            self._pool.submit(self._run, echo)

    def _run(self, echo: Echo) -> None:
        """In a thread."""
        waited = (time.monotonic_ns() - echo.asked) / 1e9
        outcome = (None, EXHAUSTED) if waited > PATIENCE else ping_once(echo)
        with suppress(RuntimeError):  # the loop ended meanwhile
            self._loop.call_soon_threadsafe(self._finish, echo, outcome)

    def _finish(self, echo: Echo, outcome: Outcome) -> None:
        if echo not in self._open:
            return
        self._open.discard(echo)
        echo.rtt, echo.trouble = outcome
        echo.open = False
        try:
            echo.done(echo)
        except Exception as error:
            context = {"message": "the receiver of a ping's outcome broke", "exception": error}
            self._loop.call_exception_handler(context)


def ping_once(echo: Echo) -> Outcome:
    """One ping3 ping; blocks for up to the echo's timeout."""
    host = str(echo.address[0])
    started = time.monotonic_ns()
    try:
        delay = ping3.ping(
            host,
            timeout=echo.timeout / 1e9,
            seq=random.getrandbits(16),  # so that a late reply is not the next one's
            size=echo.size,
        )
    except OSError as error:
        return None, send_error(error)
    except Exception as error:  # whatever else a foreign packet makes it raise
        return None, Reason("this machine could not send the ping: {error}", {"error": str(error)})
    longest = time.monotonic_ns() - started
    if delay is None or delay is False:
        return None, None
    rtt = int(delay * 1e9)
    return (rtt if 0 < rtt <= longest else longest), None
