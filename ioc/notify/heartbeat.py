"""A dead man's switch: an address elsewhere is asked for while the monitor is healthy.

When the asking stops, whoever watches that address raises the alarm: a monitor that is dead cannot.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from collectors.base import Reason
from ioc.engine.problems import Problems
from ioc.i18n import mark

log = logging.getLogger(__name__)

EVERY, TIMEOUT = 60.0, 10.0  # seconds
FAILED = mark("the heartbeat does not arrive: {error}")


class HeartbeatError(Exception):
    """The address cannot be used; the message names the variable, not the address."""


class Heartbeat:
    """healthy: whether the monitor does its work at this moment."""

    def __init__(
        self, url: str, healthy: Callable[[], bool], problems: Problems, every: float = EVERY
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise HeartbeatError("IOC_HEARTBEAT_URL: must begin with http:// or https://")
        self._url = url
        self._healthy = healthy
        self._problems = problems
        self._every = every

    async def run(self) -> None:
        """Ask for the address until cancelled."""
        while True:
            if self._healthy():
                await self._beat()
            await asyncio.sleep(self._every)

    async def _beat(self) -> None:
        error = await _in_daemon(lambda: _ask(self._url))
        if error is None:
            self._problems.clear("heartbeat")
        elif self._problems.report("heartbeat", Reason(FAILED, {"error": error})):
            log.warning("heartbeat: %s", error)


def _ask(url: str) -> str | None:
    """None when it was answered well, else why not, without the address: it may be a secret."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - http(s) only
            answer.read(1024)
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except (OSError, ValueError) as error:
        return type(getattr(error, "reason", error)).__name__
    return None


async def _in_daemon(work: Callable[[], str | None]) -> str | None:
    """Run in a daemon thread: what hangs there does not keep the program from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def finish(outcome: str | None) -> None:
        if not done.done():
            done.set_result(outcome)

    def run() -> None:
        outcome = work()
        try:
            loop.call_soon_threadsafe(finish, outcome)
        except RuntimeError:
            return  # the program has ended

    threading.Thread(target=run, name="heartbeat", daemon=True).start()
    try:
        async with asyncio.timeout(3 * TIMEOUT):
            return await done
    except TimeoutError:
        return "TimeoutError"
