"""Delivers what is in the outbox: one lane for each recipient, so that no one delays another.

outbox.due() ─▶ lane of the recipient ─▶ send in a thread ─▶ sent | retry later | dead

Order is kept within a recipient. A crash between sending and marking sends once more.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from collectors.base import Reason
from ioc.clock import Clock
from ioc.db import StateDatabaseError
from ioc.engine.problems import Problems
from ioc.i18n import translate as _
from ioc.notify.channels import Channels, DeliveryError, File, Recipient
from ioc.outbox import Message, Outbox, Stored
from ioc.outbox.backoff import delay

log = logging.getLogger(__name__)

DEADLINE = 30.0  # seconds for one message, whatever the other side does
EVERY = 5.0  # seconds between two looks when nobody wakes us
FIRST_RETRY, LAST_RETRY = 5.0, 900.0  # seconds
GIVE_UP = 24 * 3_600_000  # ms after which a message says nothing any more
BURST = 20  # messages to one recipient without a pause: channels close on those that send more
PAUSE = 3.0  # seconds for one more message after that; what gathers meanwhile goes together
TROUBLED = 3  # failures in a row from which the monitor says so
AHEAD = 1_000_000  # ms: nothing is ever due later than this from now


class Deliverer:
    """Runs on the event loop; sends in daemon threads, at most one for each recipient."""

    def __init__(
        self,
        clock: Clock,
        outbox: Outbox,
        channels: Channels,
        problems: Problems,
        *,
        queue: str = "notify",
        deadline: float = DEADLINE,
        first_retry: float = FIRST_RETRY,
        give_up: int = GIVE_UP,
        files: Callable[[str], Sequence[File]] | None = None,
    ) -> None:
        """files: what goes with a message, by what it is about; such messages stay apart.

        give_up: ms after which a message is not sent any more.
        """
        self._clock = clock
        self._outbox = outbox
        self._channels = channels
        self._problems = problems
        self._queue = queue
        self._deadline = deadline
        self._first_retry = first_retry
        self._give_up = give_up
        self._files = files
        self._wake = asyncio.Event()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._hung: dict[str, threading.Thread] = {}
        self._failures: dict[str, int] = {}
        self._buckets: dict[str, tuple[float, float]] = {}  # recipient -> messages left, as of
        self._unmarked: dict[str, Stored] = {}  # sent, and the database could not note it

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. What is being sent then is sent once more after a restart."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._look()
                except StateDatabaseError as error:
                    log.error("outbox: %s", error)
                await self._pause()
        finally:
            for lane in self._lanes.values():
                lane.cancel()

    async def _look(self) -> None:
        """Start a lane for every recipient that has something due."""
        for message in list(self._unmarked.values()):
            await self._mark_sent(message)
        now = self._clock.now()
        await asyncio.to_thread(self._outbox.due_again, self._queue, now + AHEAD, now)
        busy = list(self._lanes)
        for message in await asyncio.to_thread(self._outbox.due, self._queue, now, 1000, busy):
            if message.key not in self._unmarked:
                lane = asyncio.create_task(self._deliver(message))
                self._lanes[message.recipient] = lane
                lane.add_done_callback(self._freed(message.recipient))

    def _freed(self, recipient: str) -> Callable[[asyncio.Task[None]], None]:
        def freed(lane: asyncio.Task[None]) -> None:
            self._lanes.pop(recipient, None)
            self._wake.set()
            if not lane.cancelled() and lane.exception() is not None:
                log.error("delivery to %s: %s", recipient, lane.exception())

        return freed

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(EVERY):
                await self._wake.wait()
        except TimeoutError:
            pass

    # --- one message

    async def _deliver(self, message: Stored) -> None:
        recipient = self._channels.get(message.recipient)
        now = self._clock.now()
        if recipient is None:
            await self._dead(message, _("this channel is not configured any more"))
        elif now - message.created_at > self._give_up:
            await self._dead(message, message.last_error or _("too old to be sent"))
        else:
            await self._send_some(recipient, message)

    async def _send_some(self, recipient: Recipient, message: Stored) -> None:
        """Send a message; when the recipient had to wait, with all others for him, as one."""
        some = [message]
        waited = await self._slow_down(message.recipient)
        if waited and self._files is None:
            some = await asyncio.to_thread(
                self._outbox.waiting, self._queue, message.recipient, self._clock.now(), BURST
            ) or [message]
        try:
            await self._send(recipient, together(some))
        except DeliveryError as error:
            for one in some:
                await self._retry(one, str(error))
        else:
            self._well(message.recipient)
            for one in some:
                await self._mark_sent(one)

    async def _send(self, recipient: Recipient, message: Message) -> None:
        """Send in a daemon thread, that may hang without hanging anything. DeliveryError."""
        hung = self._hung.get(recipient.name)
        if hung is not None and hung.is_alive():
            raise DeliveryError(_("the channel still hangs in an earlier message"))
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def finish(error: BaseException | None) -> None:
            if not done.done():
                done.set_exception(error) if error else done.set_result(None)

        def work() -> None:
            error: BaseException | None = None
            try:
                files = self._files(message.about) if self._files else ()
                recipient.send(message.title, message.body, files)
            except DeliveryError as failed:
                error = failed
            except Exception as broken:
                error = DeliveryError(type(broken).__name__)
            try:
                loop.call_soon_threadsafe(finish, error)
            except RuntimeError:
                return  # the program has ended meanwhile

        thread = threading.Thread(target=work, name=f"notify {recipient.name}", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(self._deadline):
                await done
        except TimeoutError:
            self._hung[recipient.name] = thread
            seconds = round(self._deadline)
            raise DeliveryError(_("no answer within {seconds} s", seconds=seconds)) from None

    async def _slow_down(self, recipient: str) -> bool:
        """Wait until the recipient may be sent one more message. True when that took time."""
        now = self._clock.monotonic()
        left, since = self._buckets.get(recipient, (float(BURST), now))
        left = min(float(BURST), left + (now - since) / PAUSE)
        wait = max(0.0, (1 - left) * PAUSE)
        self._buckets[recipient] = (max(left, 1.0) - 1, now + wait)
        await asyncio.sleep(wait)
        return wait > 0

    # --- what became of it

    async def _mark_sent(self, message: Stored) -> None:
        """A message that was sent must not be sent again because the disk is full."""
        try:
            await asyncio.to_thread(self._outbox.sent, message.key, self._clock.now())
        except StateDatabaseError as error:
            self._unmarked[message.key] = message
            log.error("outbox: %s was sent and cannot be noted: %s", message.key, error)
        else:
            self._unmarked.pop(message.key, None)

    async def _retry(self, message: Stored, error: str) -> None:
        failures = self._failures.get(message.recipient, 0) + 1
        self._failures[message.recipient] = failures
        log.warning("%s: %s", message.recipient, error)
        if failures >= TROUBLED:
            words: dict[str, str | int | float] = {"name": message.recipient, "error": error}
            reason = Reason("messages to {name} are not delivered: {error}", words)
            self._problems.report(f"channel:{message.recipient}", reason)
        wait = delay(message.attempts + 1, self._first_retry, LAST_RETRY)
        due = self._clock.now() + round(1000 * wait)
        await asyncio.to_thread(self._outbox.retry, message.key, due, error)

    async def _dead(self, message: Stored, error: str) -> None:
        log.error("%s: given up: %s", message.recipient, error)
        await asyncio.to_thread(self._outbox.dead, message.key, error)

    def _well(self, recipient: str) -> None:
        self._failures.pop(recipient, None)
        self._hung.pop(recipient, None)
        self._problems.clear(f"channel:{recipient}")


def together(some: Sequence[Stored]) -> Message:
    """Several messages to one recipient as one, a line each."""
    if len(some) == 1:
        return some[0]
    title = f"{some[0].title} (+{len(some) - 1})"
    return replace(some[0], title=title, body="\n".join(one.body for one in some))
