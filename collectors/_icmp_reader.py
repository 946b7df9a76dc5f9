"""Reading many packets with one system call, without making an object of each part of each.

`recvmmsg` fills a row of equal slots (source address, control data, packet), and one struct
format then picks what matters out of every slot. Measured on 10,000 loopback replies:
0.7 microseconds of CPU each, against 1.6 with `socket.recvmsg`.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from typing import ClassVar

from collectors._icmp_packet import MARKS, MARKS_SIZE

SLOTS = 64
_NAME = 32  # bytes; sockaddr_in6 takes 28
_CONTROL = socket.CMSG_SPACE(16)  # one struct __kernel_timespec
_DATA = 256  # bytes of a packet that we look at: enough for an error message and what it quotes
_MSG_DONTWAIT = socket.MSG_DONTWAIT

# (source, seconds, nanoseconds, then the fields of MARKS)
Fields = tuple[bytes, int, int, int, int, int, int, bytes, int, int]
Packet = tuple[int, tuple[int], Fields]  # slot, (length,), fields


class _IoVec(ctypes.Structure):
    """struct iovec"""

    _fields_: ClassVar = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _MsgHdr(ctypes.Structure):
    """struct msghdr"""

    _fields_: ClassVar = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class _MMsgHdr(ctypes.Structure):
    """struct mmsghdr"""

    _fields_: ClassVar = [("header", _MsgHdr), ("length", ctypes.c_uint)]


def _system_call() -> ctypes._NamedFuncPointer:
    """recvmmsg of the C library. Raises AttributeError where it has none."""
    function = ctypes.CDLL(None).recvmmsg
    function.argtypes = [
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_void_p,
    ]
    function.restype = ctypes.c_int
    return function


class Reader:
    """Reads a non-blocking ICMP socket.

    start: where the ICMP header begins in what is read. The source of a packet is its packed
    address; for IPv6 with the scope behind it (4 bytes, machine order).
    """

    def __init__(self, sock: socket.socket, family: int, start: int) -> None:
        self._sock = sock
        self._receive = _system_call()
        self._slot = _NAME + _CONTROL + _DATA
        self._space = ctypes.create_string_buffer(self._slot * SLOTS)
        self._vectors = (_IoVec * SLOTS)()
        self._headers = (_MMsgHdr * SLOTS)()
        self._point()
        self._blank = bytes(self._headers)
        self._address = ctypes.addressof(self._headers)
        self._seen = memoryview(self._space)
        self._lengths_seen = memoryview(self._headers).cast("B")
        self._fields = struct.Struct(_slot_format(family, start))
        self._length = struct.Struct(_length_format())

    def read(self) -> int:
        """Fill the slots with what has arrived. Gives how many, 0 when there is nothing (or the
        socket is closed)."""
        ctypes.memmove(self._address, self._blank, len(self._blank))
        fd = self._sock.fileno()
        return max(int(self._receive(fd, self._address, SLOTS, _MSG_DONTWAIT, None)), 0)

    def packets(self, count: int) -> Iterator[Packet]:
        """The first `count` packets of the last read. A packet shorter than the fields shows
        what lay in its slot before: look at its length first."""
        lengths = self._length.iter_unpack(self._lengths_seen[: count * self._length.size])
        fields = self._fields.iter_unpack(self._seen[: count * self._slot])
        return zip(range(count), lengths, fields, strict=True)

    def data(self, slot: int, length: int) -> bytes:
        """The packet itself, as much of it as is kept."""
        begin = slot * self._slot + _NAME + _CONTROL
        return bytes(self._seen[begin : begin + min(length, _DATA)])

    def _point(self) -> None:
        """Let every header point at its slot."""
        space = ctypes.addressof(self._space)
        for number, (vector, message) in enumerate(zip(self._vectors, self._headers, strict=True)):
            name = space + number * self._slot
            vector.base, vector.length = name + _NAME + _CONTROL, _DATA
            header = message.header
            header.name, header.name_length = name, _NAME
            header.control, header.control_length = name + _NAME, _CONTROL
            header.iov, header.iov_length = ctypes.addressof(vector), 1


def _slot_format(family: int, start: int) -> str:
    """Source out of sockaddr_in or sockaddr_in6, the kernel's timespec, the packet's marks."""
    name = "4x4s24x" if family == socket.AF_INET else "8x20s4x"
    before = socket.CMSG_LEN(0)
    control = f"{before}xqq{_CONTROL - before - 16}x"
    rest = _DATA - start - MARKS_SIZE
    return f"={name}{control}{start}x{MARKS}{rest}x"


def _length_format() -> str:
    before = _MMsgHdr.length.offset
    return f"={before}xI{ctypes.sizeof(_MMsgHdr) - before - 4}x"
