"""Reading many packets with one system call.

Measured on 10,000 loopback replies: 0.7 microseconds of CPU each, against 1.6 with
`socket.recvmsg`.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator

from collectors._icmp_packet import MARKS, MARKS_SIZE
from collectors._icmp_row import HEADER, NAME, MMsgHdr, Row, name_format, system_call

SLOTS = 64
_CONTROL = socket.CMSG_SPACE(16)  # one struct __kernel_timespec
_DATA = 256  # bytes of a packet that we look at: enough for an error message and what it quotes

# (source, seconds, nanoseconds, then the fields of MARKS)
Fields = tuple[bytes, int, int, int, int, int, bytes, int, int]
Packet = tuple[int, tuple[int], Fields]  # slot, (length,), fields


class Reader:
    """Reads a non-blocking ICMP socket.

    start: where the ICMP header begins in what is read. The source of a packet is its packed
    address; for IPv6 with the scope behind it (4 bytes, machine order).
    """

    def __init__(self, sock: socket.socket, family: int, start: int) -> None:
        self._sock = sock
        self._receive = system_call("recvmmsg", ctypes.c_void_p)
        self._row = Row(SLOTS, NAME, _CONTROL, _DATA)
        self._blank = bytes(self._row.headers)
        self._slots = memoryview(self._row.space)
        self._headers = memoryview(self._row.headers).cast("B")
        self._fields = struct.Struct(_slot_format(family, start))
        self._length = struct.Struct(
            f"={MMsgHdr.length.offset}xI{HEADER - MMsgHdr.length.offset - 4}x"
        )

    def read(self) -> int:
        """Fill the slots with what has arrived. Gives how many, 0 when there is nothing (or the
        socket is closed)."""
        row = self._row.address
        ctypes.memmove(row, self._blank, len(self._blank))
        count = int(self._receive(self._sock.fileno(), row, SLOTS, socket.MSG_DONTWAIT, None))
        return max(count, 0)

    def packets(self, count: int) -> Iterator[Packet]:
        """The first `count` packets of the last read. A packet shorter than the fields shows
        what lay in its slot before: look at its length first."""
        lengths = self._length.iter_unpack(self._headers[: count * HEADER])
        fields = self._fields.iter_unpack(self._slots[: count * self._row.slot])
        return zip(range(count), lengths, fields, strict=True)

    def data(self, slot: int, length: int) -> bytes:
        """The packet itself, as much of it as is kept."""
        begin = slot * self._row.slot + NAME + _CONTROL
        return bytes(self._slots[begin : begin + min(length, _DATA)])


def _slot_format(family: int, start: int) -> str:
    """Source, the kernel's timespec, the packet's marks."""
    before = socket.CMSG_LEN(0)
    control = f"{before}xqq{_CONTROL - before - 16}x"
    rest = _DATA - start - MARKS_SIZE
    return f"={name_format(family, '2x')}{control}{start}x{MARKS}{rest}x"
