"""Rows of messages in memory, as `sendmmsg` and `recvmmsg` of Linux want them.

One system call then moves many packets, and one struct format reads or writes all that matters
of a slot, without an object for each part of each packet.
"""

from __future__ import annotations

import ctypes
import os
import socket
from typing import Any, ClassVar

NAME = 32  # bytes for a socket address; sockaddr_in6 takes 28


class IoVec(ctypes.Structure):
    """struct iovec"""

    _fields_: ClassVar = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class MsgHdr(ctypes.Structure):
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


class MMsgHdr(ctypes.Structure):
    """struct mmsghdr"""

    _fields_: ClassVar = [("header", MsgHdr), ("length", ctypes.c_uint)]


HEADER = ctypes.sizeof(MMsgHdr)


class Row:
    """Equal slots: socket address (NAME bytes), control data, packet.

    space: the slots' memory. vectors, headers: what the kernel reads, pointing into it.
    """

    def __init__(self, slots: int, name_length: int, control: int, data: int) -> None:
        self.slot = NAME + control + data
        self.space = ctypes.create_string_buffer(self.slot * slots)
        self.vectors = (IoVec * slots)()
        self.headers = (MMsgHdr * slots)()
        self.address = ctypes.addressof(self.headers)
        begin = ctypes.addressof(self.space)
        for number, (vector, message) in enumerate(zip(self.vectors, self.headers, strict=True)):
            name = begin + number * self.slot
            vector.base, vector.length = name + NAME + control, data
            header = message.header
            header.name, header.name_length = name, name_length
            header.iov, header.iov_length = ctypes.addressof(vector), 1
            if control:
                header.control, header.control_length = name + NAME, control


def name_format(family: int, tag: str) -> str:
    """Struct format of the NAME bytes: the family (as `tag` says), then the host: the packed
    address, for IPv6 with the scope behind it in machine order; the rest is zero."""
    return f"{tag}2x4s24x" if family == socket.AF_INET else f"{tag}6x20s4x"


def system_call(name: str, *more: Any) -> Any:
    """A function of the C library that takes socket, row, count, flags and what `more` says.

    Raises AttributeError where the library has none.
    """
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, *more]
    function.restype = ctypes.c_int
    return function


def last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
