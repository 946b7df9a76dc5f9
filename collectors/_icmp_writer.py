"""Sending several echo requests with one system call."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

from collectors._icmp_echo import Echo
from collectors._icmp_packet import HEADER, REQUEST, Stamp
from collectors._icmp_row import HEADER as MESSAGE
from collectors._icmp_row import Row, last_error, name_format, system_call

SLOTS = 8  # packets a call; all count as sent when it begins, some 5 microseconds each too early
MAX_SIZE = 1452  # payload bytes; with ICMPv6 and IPv6 headers one Ethernet frame, no fragments


class Writer:
    """Writes echo requests into slots, then sends them."""

    def __init__(self, sock: socket.socket, stamp: Stamp) -> None:
        self._sock = sock
        self._send = system_call("sendmmsg")
        length = 16 if stamp.family == socket.AF_INET else 28
        self._row = Row(SLOTS, length, 0, HEADER + MAX_SIZE)
        self._sizes = [MAX_SIZE] * SLOTS
        self._pack = struct.Struct("=" + name_format(stamp.family, "H") + REQUEST).pack_into
        self._family = int(stamp.family)
        self._stamp = stamp

    def write(self, echoes: Sequence[Echo], number: int, generation: int) -> None:
        """Requests of at most SLOTS echoes, from the first slot on; their sequence numbers count
        up from `number`."""
        pack, space, width = self._pack, self._row.space, self._row.slot
        family, head, cookie = self._family, self._stamp.head, self._stamp.cookie
        complement, sizes, at = generation ^ 0xFFFF, self._sizes, 0
        for slot, echo in enumerate(echoes):
            pack(
                space,
                at,
                family,
                echo.host,
                head,
                number,
                cookie,
                number ^ 0xFFFF,
                generation,
                complement,
            )
            if sizes[slot] != echo.size:  # what lies behind the stamp is zero and stays so
                sizes[slot] = echo.size
                self._row.vectors[slot].length = HEADER + echo.size
            number += 1
            at += width

    def send(self, first: int, end: int) -> int:
        """Send slots `first` to before `end`, in order. Gives how many were taken, at least one.

        Raises OSError when the kernel will not take the first.
        """
        fd = self._sock.fileno()
        begin = self._row.address + first * MESSAGE
        taken = int(self._send(fd, begin, end - first, socket.MSG_DONTWAIT))
        if taken < 0:
            raise last_error()
        return taken
