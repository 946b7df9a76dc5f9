"""ICMP sockets: opening them with what each privilege allows, and everything the kernel filters.

A raw socket sees every ICMP packet of the machine; ICMP_FILTER drops the kinds we never want and
a classic BPF program drops what is not marked with our identifier and cookie, so that another
pinging program costs us nothing. An unprivileged socket gets its identifier from the kernel and
only replies to it.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from collectors._icmp_packet import HEADER, IPV4_HEADER, TYPES, Stamp

# Linux numbers that the socket module does not export (include/uapi: asm-generic/socket.h,
# linux/icmp.h, linux/icmpv6.h, linux/in.h).
SO_ATTACH_FILTER = 26
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
SO_MEMINFO = 55
SO_TIMESTAMPNS_NEW = 64  # 64-bit seconds on every architecture; Linux 5.1
SOL_RAW = 255
ICMP_FILTER = 1
SOL_ICMPV6 = 58
ICMPV6_FILTER = 1
_DROPS = struct.Struct("=32xI")  # nine numbers; SK_MEMINFO_DROPS is the last

BUFFER = 8 << 20  # bytes asked for in each direction, see _enlarge
RAW, DGRAM = "raw", "dgram"


class Refused(Exception):
    """This machine lets us open no ICMP socket of the wanted kinds; `error` is the last reason."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Channel:
    """An open, non-blocking ICMP socket.

    kind: RAW | DGRAM. start: where the ICMP header begins in what is read (IPv4 raw sockets give
    the IP header too). refused: why better kinds were not to be had, None when none is better.
    """

    sock: socket.socket
    family: int
    kind: str
    stamp: Stamp
    start: int
    refused: OSError | None = None

    def drops(self) -> int:
        """Packets for us that the kernel dropped since opening because the buffer was full."""
        numbers = self.sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _DROPS.size)
        return int(_DROPS.unpack(numbers)[0]) if len(numbers) == _DROPS.size else 0

    def close(self) -> None:
        self.sock.close()


def open_channel(family: int, kinds: Sequence[str] = (RAW, DGRAM), buffer: int = BUFFER) -> Channel:
    """The first kind of socket that this machine allows.

    Raises Refused when it allows none of them for lack of permission, OSError for other trouble
    (no IPv6, too many open files).
    """
    refused: OSError | None = None
    if not sys.platform.startswith("linux"):
        raise Refused(OSError("this system is not Linux"))
    for kind in kinds:
        try:
            return _open(family, kind, buffer, refused)
        except PermissionError as error:
            refused = error
    raise Refused(refused or PermissionError("no kind of socket is wanted"))


def _open(family: int, kind: str, buffer: int, refused: OSError | None) -> Channel:
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    socket_type = socket.SOCK_RAW if kind == RAW else socket.SOCK_DGRAM
    sock = socket.socket(family, socket_type, protocol)
    try:
        sock.setblocking(False)
        stamp = _mark(sock, family, kind)
        if kind == RAW:
            _filter(sock, stamp)
        _enlarge(sock, buffer)
        with suppress(OSError):  # older kernel: replies are timed when they are read
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1)
    except BaseException:
        sock.close()
        raise
    start = IPV4_HEADER if kind == RAW and family == socket.AF_INET else 0
    return Channel(sock, family, kind, stamp, start, refused)


def _mark(sock: socket.socket, family: int, kind: str) -> Stamp:
    """Our identifier: random, or for an unprivileged socket the kernel's (its "port")."""
    if kind == RAW:
        ident = int.from_bytes(os.urandom(2), sys.byteorder)
    else:
        sock.bind(("0.0.0.0", 0) if family == socket.AF_INET else ("::", 0))  # noqa: S104
        ident = socket.htons(sock.getsockname()[1])
    return Stamp(family, ident, os.urandom(8))


def _enlarge(sock: socket.socket, size: int) -> None:
    """Buffers for thousands of packets in both directions.

    Receiving: a burst of 10,000 replies. Sending: packets to hosts that do not answer ARP stay in
    our send buffer for three seconds, and with the default 208 KB some 270 such hosts would
    block the pings of all others.
    """
    options = (
        (SO_RCVBUFFORCE, socket.SO_RCVBUF),
        (SO_SNDBUFFORCE, socket.SO_SNDBUF),
    )
    for force, plain in options:
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, size)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, plain, size)  # the kernel caps it


# --- what the kernel drops before it wakes us


def _filter(sock: socket.socket, stamp: Stamp) -> None:
    types = TYPES[stamp.family]
    wanted = {types.reply, types.unreachable, types.exceeded, types.too_big}
    if stamp.family == socket.AF_INET:
        mask = 0xFFFFFFFF & ~sum(1 << number for number in wanted)
        sock.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", mask))
    else:
        words = [0xFFFFFFFF] * 8
        for number in wanted:
            words[number // 32] &= ~(1 << number % 32)
        sock.setsockopt(SOL_ICMPV6, ICMPV6_FILTER, struct.pack("=8I", *words))
    _attach(sock, filter_program(stamp))


# Classic BPF (linux/bpf_common.h). Loads marked X are relative to the index register.
_LOAD_IHL = 0xB1  # BPF_LDX|BPF_B|BPF_MSH: X = 4 * (byte & 15)
_SET_X = 0x01  # BPF_LDX|BPF_IMM
_BYTE, _HALF, _WORD = 0x50, 0x48, 0x40  # BPF_LD|size|BPF_IND
_EQUAL = 0x15  # BPF_JMP|BPF_JEQ|BPF_K
_RETURN = 0x06  # BPF_RET|BPF_K
Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def filter_program(stamp: Stamp) -> list[Instruction]:
    """BPF: pass echo replies with our identifier and cookie, and errors quoting our identifier.

    The filter sees the IPv4 header, but not the IPv6 one.
    """
    ipv4 = stamp.family == socket.AF_INET
    first, second = struct.unpack("!II", stamp.cookie)
    quoted = HEADER + (IPV4_HEADER if ipv4 else 40)  # our own packet, sent without IP options
    reply = TYPES[stamp.family].reply
    ident = socket.ntohs(stamp.ident)  # the filter loads in network order
    return [
        (_LOAD_IHL if ipv4 else _SET_X, 0, 0, 0),
        (_BYTE, 0, 0, 0),
        (_EQUAL, 2, 0, reply),
        (_HALF, 0, 0, quoted + 4),  # an error: the identifier it quotes
        (_EQUAL, 6, 7, ident),
        (_HALF, 0, 0, 4),
        (_EQUAL, 0, 5, ident),
        (_WORD, 0, 0, HEADER),
        (_EQUAL, 0, 3, first),
        (_WORD, 0, 0, HEADER + 4),
        (_EQUAL, 0, 1, second),
        (_RETURN, 0, 0, 0xFFFFFFFF),
        (_RETURN, 0, 0, 0),
    ]


def _attach(sock: socket.socket, program: list[Instruction]) -> None:
    """SO_ATTACH_FILTER with a `struct sock_fprog`: a count and a pointer."""
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
