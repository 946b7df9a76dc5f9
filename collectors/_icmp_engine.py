"""The batch ping engine: thousands of echo requests over one socket of one address family.

Life of an echo: asked for -> queued -> sent (it now holds a sequence number and belongs to a
wave of packets sent together) -> answered, or silent at the end of its time; the number is given
back when the wave's time is over, answered or not.
"""

from __future__ import annotations

import asyncio
import errno
import heapq
import time
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Final

from collectors._icmp_channel import Channel
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_inbox import Inbox
from collectors._icmp_sequence import Sequences
from collectors._icmp_time import ClockBridge
from collectors._icmp_words import EXHAUSTED, OVERFLOW, STOPPED, send_error
from collectors._icmp_writer import SLOTS, Writer
from collectors.base import Reason

MS: Final = 1_000_000  # ns
PACE = 4.0  # packets a ms: 10,000 in 2.5 s, 2.7 Mbit/s; a mountain uplink bears it
PATIENCE = 1_500 * MS  # waiting to be sent longer than this: we are too busy to measure
_DEPTH = 20.0  # packets that may be made up for after the loop was busy: 5 ms of them
_BATCH = 64  # packets between two looks at the socket; their replies fit into any buffer
_SLICE = 2 * MS  # sending longer than this in one go would hold up the event loop
_TICK = 0.0025  # s between two paced goes, ten packets at the default pace
_SLACK = 0.01  # s by which the end of a wave may be noticed late, so that many end in one go
_RETRY = 5 * MS  # after which a packet is offered again to a kernel that has no room
_TRIES = 20
_OVERDUE = 1_000 * MS  # how long a flood of packets may put off the end of a wave
_NO_ROOM = {errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM}

Wave = tuple[int, int, int, list[Echo]]  # deadline ns, order, drops before it, echoes


class Engine:
    """Sends echoes over a channel, which it owns, on the running event loop.

    pace: packets a ms, None = as fast as the machine can. patience: ns an echo may wait to be
    sent, None = for ever. first: sequence number to begin with.
    """

    def __init__(
        self,
        channel: Channel,
        pace: float | None = PACE,
        patience: int | None = PATIENCE,
        first: int = 0,
    ) -> None:
        self.counters = Counters()
        self._channel = channel
        self._pace = pace
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._sequences = Sequences(first)
        self._pending: dict[int, Echo] = {}
        self._queue: deque[Echo] = deque()
        self._waiting: list[tuple[int, int, Echo]] = []  # heap: due ns, order, echo
        self._waves: list[Wave] = []  # heap
        self._order = count()
        self._tokens, self._refilled = _DEPTH, time.monotonic_ns()
        self._pump_timer: asyncio.Handle | None = None
        self._end_timer: asyncio.Handle | None = None
        self._end_due = 0
        self._closed = False
        self._writer = Writer(channel.sock, channel.stamp)
        self._inbox = Inbox(
            channel,
            self._pending,
            self.counters,
            self._finish,
            bridge=ClockBridge(),
            monotonic=time.monotonic_ns,
        )
        self._loop.add_reader(channel.sock, self._inbox.drain)

    def send(self, echoes: Iterable[Echo], after: float = 0.0) -> None:
        """Send each echo once, `after` seconds from now or as soon as pace allows."""
        now = time.monotonic_ns()
        due = now + int(after * 1e9)
        for echo in echoes:
            echo.asked = due
            if self._closed:
                self._give_up(echo, STOPPED)
            elif after > 0:
                heapq.heappush(self._waiting, (due, next(self._order), echo))
            else:
                self._queue.append(echo)
        self._plan_pump(at_once=True)

    def close(self) -> None:
        """Give up what is open (unknown) and close the socket. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._pump_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._channel.sock)
        self._channel.close()
        rest = [*self._queue, *(echo for _, _, echo in self._waiting), *self._pending.values()]
        self._queue.clear()
        self._waiting.clear()
        self._pending.clear()
        for echo in rest:
            if echo.open:
                self._give_up(echo, STOPPED)

    # --- sending

    def _pump(self) -> None:
        """Send what is due, as much as pace and politeness to the event loop allow."""
        self._pump_timer = None
        started = now = time.monotonic_ns()
        self._wake(now)
        while self._queue and now - started < _SLICE:
            room = self._room(now)
            if room < 1 or not self._send_wave(room):
                break
            if self._pace is None:
                self._inbox.drain()
            now = time.monotonic_ns()
        self._plan_pump()

    def _wake(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            self._queue.append(heapq.heappop(self._waiting)[2])

    def _room(self, now: int) -> int:
        """Packets that may be sent now: a bucket filled at the pace, `_DEPTH` deep."""
        if self._pace is None:
            return _BATCH
        gained = (now - self._refilled) / MS * self._pace
        self._tokens = min(self._tokens + gained, _DEPTH)
        self._refilled = now
        return int(self._tokens)

    def _send_wave(self, room: int) -> bool:
        """Send up to `room` packets. False when no sequence number is free."""
        batch = self._next_batch(room)
        numbers = self._sequences.take(len(batch))
        self._queue.extendleft(reversed(batch[len(numbers) :]))
        drops = self._channel.drops()
        sent: list[Echo] = []
        for begin in range(0, len(numbers), SLOTS):
            group = batch[begin : min(begin + SLOTS, len(numbers))]
            self._write(group, numbers[begin])
            sent += self._hand_over(group)
        self._await(sent, drops)
        return bool(numbers) or not batch

    def _write(self, group: list[Echo], sequence: int) -> None:
        """Put packets with consecutive sequence numbers into the writer's slots."""
        pending, generation = self._pending, self._sequences.generation
        self._writer.write(group, sequence, generation)
        now = time.monotonic_ns()
        for echo in group:
            pending[sequence] = echo
            echo.sequence, echo.generation, echo.sent = sequence, generation, now
            sequence += 1

    def _hand_over(self, group: list[Echo]) -> list[Echo]:
        """Send what the slots hold. Gives those that the kernel took."""
        first, refused = 0, []
        while first < len(group):
            try:
                first += self._writer.send(first, len(group))
            except OSError as error:
                refused.append(group[first])
                self._not_sent(group[first], error)
                first += 1
        return [echo for echo in group if echo not in refused] if refused else group

    def _next_batch(self, room: int) -> list[Echo]:
        """The next of the queue, without those that have waited too long."""
        queue = self._queue
        batch = [queue.popleft() for _ in range(min(room, len(queue)))]
        if self._patience is None:
            return batch
        oldest = time.monotonic_ns() - self._patience
        for echo in batch:
            if echo.asked < oldest:
                self._give_up(echo, EXHAUSTED)
        return [echo for echo in batch if echo.open]

    def _await(self, sent: list[Echo], drops: int) -> None:
        self._tokens -= len(sent)
        self.counters.sent += len(sent)
        now = time.monotonic_ns()
        timeouts = {echo.timeout for echo in sent}
        for timeout in timeouts:
            same = len(timeouts) == 1
            echoes = sent if same else [echo for echo in sent if echo.timeout == timeout]
            heapq.heappush(self._waves, (now + timeout, next(self._order), drops, echoes))
        self._plan_end()

    def _not_sent(self, echo: Echo, error: OSError) -> None:
        """Trouble of our own. Want of room passes and is tried again without holding up others."""
        self.counters.send_errors += 1
        self._free(echo)
        echo.tries += 1
        if error.errno in _NO_ROOM and echo.tries < _TRIES:
            due = time.monotonic_ns() + _RETRY
            heapq.heappush(self._waiting, (due, next(self._order), echo))
        else:
            self._give_up(echo, send_error(error))

    def _plan_pump(self, at_once: bool = False) -> None:
        """Pump again when there is something to send. Never within this call: whoever is told
        an outcome may ask for the next echo at once, however deep in the engine that happens."""
        if self._pump_timer is not None:
            self._pump_timer.cancel()
            self._pump_timer = None
        if self._closed or not (self._queue or self._waiting):
            return
        if at_once or (self._queue and self._pace is None and self._sequences.free):
            self._pump_timer = self._loop.call_soon(self._pump)
            return
        due = 0.0 if self._queue else (self._waiting[0][0] - time.monotonic_ns()) / 1e9
        self._pump_timer = self._loop.call_later(max(due, _TICK), self._pump)

    # --- ending

    def _plan_end(self) -> None:
        """One timer for the wave that ends first."""
        if self._closed or not self._waves:
            return
        deadline = self._waves[0][0]
        if self._end_timer is not None:
            if self._end_due <= deadline:
                return
            self._end_timer.cancel()
        self._end_due = deadline
        delay = (deadline - time.monotonic_ns()) / 1e9
        self._end_timer = self._loop.call_later(max(delay, _SLACK), self._end)

    def _end(self) -> None:
        """End the waves whose time is over, after everything that came in time has been read."""
        self._end_timer = None
        now = time.monotonic_ns()
        if not self._inbox.drain() and self._waves and now - self._waves[0][0] < _OVERDUE:
            self._end_timer = self._loop.call_later(0, self._end)
            return
        while self._waves and self._waves[0][0] <= now:
            _, _, drops, echoes = heapq.heappop(self._waves)
            self._end_wave(echoes, drops)
        self._plan_end()

    def _end_wave(self, echoes: list[Echo], drops: int) -> None:
        """What is still open is silent, unless our own buffer may have lost the reply."""
        for echo in echoes:
            self._free(echo)
        silent = [echo for echo in echoes if echo.open]
        overflowed = bool(silent) and not self._closed and self._channel.drops() != drops
        for echo in silent:
            if overflowed:
                self.counters.overflowed += 1
                self._give_up(echo, OVERFLOW)
            else:
                self._finish(echo)

    def _free(self, echo: Echo) -> None:
        if self._pending.pop(echo.sequence, None) is not None:
            self._sequences.release(echo.sequence)

    def _give_up(self, echo: Echo, trouble: Reason) -> None:
        echo.trouble = trouble
        self._finish(echo)

    def _finish(self, echo: Echo) -> None:
        """Tell whoever asked. What breaks there must not take other pings along."""
        echo.open = False
        try:
            echo.done(echo)
        except Exception as error:
            context = {"message": "the receiver of a ping's outcome broke", "exception": error}
            self._loop.call_exception_handler(context)
