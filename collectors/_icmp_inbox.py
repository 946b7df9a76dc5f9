"""The receiving side: which of the packets that arrive is the reply to which of ours."""

from __future__ import annotations

import socket
from collections.abc import Callable

from collectors._icmp_channel import Channel
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_packet import IPV4_HEADER, MARKS_SIZE, complaint, header_length, marks
from collectors._icmp_reader import SLOTS, Reader
from collectors._icmp_time import ClockBridge, Nanoseconds
from collectors._icmp_words import complaint_words

_DRAIN = 64  # times SLOTS packets read in one go; a flood must not hold up the event loop


class Inbox:
    """Reads the socket, matches, times, refuses.

    pending: sequence -> echo, answered ones included until their time is over, so that a second
    reply is known as a duplicate. answered: called once for each believed reply.
    """

    def __init__(
        self,
        channel: Channel,
        pending: dict[int, Echo],
        counters: Counters,
        answered: Callable[[Echo], None],
        *,
        bridge: ClockBridge,
        monotonic: Nanoseconds,
    ) -> None:
        self._channel = channel
        self._pending = pending
        self._counters = counters
        self._answered = answered
        self._bridge = bridge
        self._monotonic = monotonic
        self._reader = Reader(channel.sock, channel.family, channel.start)

    def drain(self) -> bool:
        """Read what has arrived. False when there is more than one go takes."""
        self._bridge.look()
        for _ in range(_DRAIN):
            count = self._reader.read()
            self._take(count, self._monotonic())
            if count < SLOTS:
                return True
        return False

    def _take(self, count: int, now: int) -> None:
        """Judge the packets of one read. Fast for what looks exactly like a reply to us."""
        reply, shortest = self._channel.stamp.reply, self._channel.start + MARKS_SIZE
        judge = self._judge
        for slot, (length,), fields in self._reader.packets(count):
            source, seconds, rest, kind, code, ident, sequence, cookie, _, generation = fields
            arrived = seconds * 1_000_000_000 + rest
            if (kind, code, ident, cookie) == reply and length >= shortest:
                judge(sequence, generation, source, arrived, now)
            else:
                self._take_other(self._reader.data(slot, length), source, arrived, now)

    def _judge(self, sequence: int, generation: int, source: bytes, arrived: int, now: int) -> None:
        """arrived: wall time, ns. now: monotonic time of reading, ns."""
        echo = self._pending.get(sequence)
        if echo is None or echo.generation != generation:
            self._counters.late += 1
        elif source != echo.host:
            self._counters.wrong_source += 1
        elif not echo.open:
            self._counters.duplicate += 1
        else:
            rtt = self._bridge.rtt(echo.sent, arrived, now)
            if rtt > echo.timeout:
                self._counters.late += 1
                return
            echo.rtt = rtt
            self._counters.received += 1
            self._answered(echo)

    def _take_other(self, data: bytes, source: bytes, arrived: int, now: int) -> None:
        """A reply behind IPv4 options, an error message about one of our packets, or foreign."""
        start = header_length(data) if self._channel.start else 0
        found = marks(data, start) if start > IPV4_HEADER else None
        if found and (*found[:3], found[4]) == self._channel.stamp.reply:
            self._judge(found[3], found[6], source, arrived, now)
        elif not self._note(data, start, source):
            self._counters.foreign += 1

    def _note(self, data: bytes, start: int, source: bytes) -> bool:
        """An error message explains the loss of one of our packets. It never ends the waiting:
        who has not seen our packet can forge it, and a real reply still counts."""
        said = complaint(self._channel.stamp, data, start)
        echo = self._pending.get(said.sequence) if said else None
        if said is None or echo is None or said.destination != echo.address[0]:
            return False
        self._counters.complaints += 1
        family = self._channel.family
        router = socket.inet_ntop(family, source[: 4 if family == socket.AF_INET else 16])
        echo.note = complaint_words(family, said, router) or echo.note
        return True
