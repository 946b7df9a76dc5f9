"""The receiving side: which of the packets that arrive is the reply to which of ours."""

from __future__ import annotations

import socket
from collections.abc import Callable

from collectors._icmp_channel import Channel
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_packet import MARKS_SIZE, complaint, header_length
from collectors._icmp_reader import SLOTS, Reader
from collectors._icmp_time import ClockBridge, Nanoseconds
from collectors._icmp_words import complaint_words

SECOND = 1_000_000_000  # ns
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
        """Judge the packets of one read. now: monotonic time of reading, ns.

        One loop, because it costs something for every packet.
        """
        channel, counters, pending = self._channel, self._counters, self._pending
        kind, ident, cookie = channel.stamp.reply
        shortest = channel.start + MARKS_SIZE
        rtt_of, answered = self._bridge.rtt, self._answered
        for slot, (length,), fields in self._reader.packets(count):
            source, seconds, rest, its_kind, its_ident, number, its_cookie, _, generation = fields
            if its_cookie != cookie or its_ident != ident or its_kind != kind or length < shortest:
                self._take_other(self._reader.data(slot, length), source)
                continue
            echo = pending.get(number)
            if echo is None or echo.generation != generation:
                counters.late += 1
            elif source != echo.host:
                counters.wrong_source += 1
            elif not echo.open:
                counters.duplicate += 1
            elif (rtt := rtt_of(echo.sent, seconds * SECOND + rest, now)) > echo.timeout:
                counters.late += 1
            else:
                counters.received += 1
                echo.rtt = rtt
                answered(echo)

    def _take_other(self, data: bytes, source: bytes) -> None:
        """An error message about one of our packets, or foreign. (A reply behind IPv4 options
        cannot be: it would have them from our request, RFC 1122, section 3.2.2.6.)"""
        start = header_length(data) if self._channel.start else 0
        if not self._note(data, start, source):
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
