"""Writing behind the event loop: the store and the state database never hold up a poll.

A sink gathers items and hands them to a blocking writer in a thread, a batch at a time. While
the writer fails (disk full, locked) items are kept, up to a bound, and written when it works again;
the trouble is reported, never hidden.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from collectors.base import Reason
from ioc.engine.problems import Problems

log = logging.getLogger(__name__)

Item = TypeVar("Item")

EVERY = 1.0  # seconds between batches: what a kill -9 may cost of what was not yet committed
BATCH = 5_000
KEEP = 500_000  # items kept while the writer fails; about 100 MB, four hours of 480 assets
RETRY_MAX = 30.0


class Sink(Generic[Item]):
    """One writer, one queue. add() on the event loop; write(batch) is called in a thread.

    trouble: exception types that mean "try again later". code: the problem's code while it lasts.
    """

    def __init__(
        self,
        code: str,
        write: Callable[[Sequence[Item]], None],
        trouble: type[Exception],
        problems: Problems,
    ) -> None:
        self.written = 0
        self.dropped = 0  # lost because the writer failed for too long
        self.refused = 0  # items the writer can never take
        self._code = code
        self._write = write
        self._trouble = trouble
        self._problems = problems
        self._items: list[Item] = []
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()  # a batch was written
        self._taken = 0  # items of the batch that is being written
        self._stopping = False
        self._failing = False

    def __len__(self) -> int:
        """Items not written yet."""
        return len(self._items)

    def add(self, items: Iterable[Item], *, soon: bool = False) -> None:
        """Queue items. soon: write them as soon as possible instead of within a second."""
        self._items.extend(items)
        excess = len(self._items) - KEEP
        if excess > 0:
            del self._items[:excess]
            self.dropped += excess
        if (soon or len(self._items) >= BATCH) and not self._failing:
            self._wake.set()

    async def flush(self, timeout: float) -> bool:
        """Wait until all that was added by now is written. False when it could not be in time."""
        goal = self.written + self.dropped + len(self._items) + self._taken
        self._wake.set()
        try:
            async with asyncio.timeout(timeout):
                while self.written + self.dropped < goal:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Write until stop(), then once more what is left."""
        delay = EVERY
        while not self._stopping:
            await self._pause(delay)
            delay = EVERY if await self._drain() else min(delay * 2, RETRY_MAX)
        if not await self._drain():
            log.error("%s: %d items could not be written before the end", self._code, len(self))

    def stop(self) -> None:
        """Let run() finish."""
        self._stopping = True
        self._wake.set()

    async def _pause(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _write_all(self, batch: Sequence[Item]) -> None:
        """Write a batch; an item the writer cannot take must not keep the others back."""
        try:
            self._write(batch)
        except self._trouble:
            raise
        except Exception as error:
            if len(batch) == 1:
                self.refused += 1
                log.error("%s: refused %r: %s", self._code, batch[0], error)
                return
            middle = len(batch) // 2
            self._write_all(batch[:middle])
            self._write_all(batch[middle:])

    async def _drain(self) -> bool:
        self._wake.clear()
        while self._items:
            batch, self._items = self._items[:BATCH], self._items[BATCH:]
            self._taken = len(batch)
            try:
                await asyncio.to_thread(self._write_all, batch)
            except self._trouble as error:
                self._taken = 0
                self._items[:0] = batch
                self._failing = True  # more items are no reason to hurry
                if self._problems.report(self._code, Reason("{error}", {"error": str(error)})):
                    log.error("%s: %s", self._code, error)
                return False
            self._taken = 0
            self.written += len(batch)
            self._failing = False
            self._progress.set()
        if self._problems.clear(self._code):
            log.warning("%s: works again", self._code)
        return True
