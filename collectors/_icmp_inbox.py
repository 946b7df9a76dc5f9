"""The receiving side: which of the packets that arrive is the reply to which of ours."""

from __future__ import annotations

import struct
from collections.abc import Callable

from collectors._icmp_channel import CONTROL_SIZE, READ_SIZE, Channel
from collectors._icmp_echo import Counters, Echo, SockAddr
from collectors._icmp_packet import complaint, header_length
from collectors._icmp_time import ClockBridge, Nanoseconds
from collectors._icmp_words import complaint_words

_TIMESPEC = struct.Struct("=qq")  # struct __kernel_timespec of SO_TIMESTAMPNS_NEW
_PLAIN_IPV4 = 0x45  # version 4, header of 20 bytes
_DRAIN = 4096  # packets read in one go; a flood must not hold up the event loop


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

    def drain(self) -> bool:
        """Read what has arrived. False when there is more than one go takes."""
        receive, take = self._channel.sock.recvmsg, self._take
        self._bridge.look()
        try:
            for _ in range(_DRAIN):
                take(*receive(READ_SIZE, CONTROL_SIZE))
        except OSError:  # nothing left; or closed by whom we told; the deadlines see to the rest
            return True
        return False

    def _take(
        self, data: bytes, control: list[tuple[int, int, bytes]], _flags: int, source: SockAddr
    ) -> None:
        channel = self._channel
        start = channel.start
        if start and data[0] != _PLAIN_IPV4:
            start = header_length(data)
        found = channel.stamp.reply(data, start)
        if found is None:
            self._take_other(data, start, source)
            return
        echo = self._pending.get(found[0])
        if echo is None or echo.generation != found[1]:
            self._counters.late += 1
        elif not _same_host(source, echo.address):
            self._counters.wrong_source += 1
        elif not echo.open:
            self._counters.duplicate += 1
        else:
            self._believe(echo, _TIMESPEC.unpack(control[0][2]) if control else None)

    def _believe(self, echo: Echo, stamp: tuple[int, int] | None) -> None:
        arrived = None if stamp is None else stamp[0] * 1_000_000_000 + stamp[1]
        rtt = self._bridge.rtt(echo.sent, arrived, self._monotonic())
        if rtt > echo.timeout:
            self._counters.late += 1
            return
        echo.rtt = rtt
        self._counters.received += 1
        self._answered(echo)

    def _take_other(self, data: bytes, start: int, source: SockAddr) -> None:
        """An error message about one of our packets explains its loss; all else is not for us.

        It never ends the waiting: it can be forged by who has not seen our packet, and a real
        reply still counts.
        """
        said = complaint(self._channel.stamp, data, start)
        echo = self._pending.get(said.sequence) if said else None
        if said is None or echo is None or said.destination != echo.address[0]:
            self._counters.foreign += 1
            return
        self._counters.complaints += 1
        echo.note = complaint_words(self._channel.family, said, source[0]) or echo.note


def _same_host(source: SockAddr, address: SockAddr) -> bool:
    """IPv4 by text; IPv6 link-local addresses also by interface."""
    if source[0] != address[0]:
        return False
    return len(address) == 2 or not address[3] or bool(source[3] == address[3])
