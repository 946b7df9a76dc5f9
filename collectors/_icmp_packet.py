"""ICMP echo packets as bytes: building requests, reading replies and error messages.

The payload starts with a stamp that only this process could have sent:

    8 bytes cookie | ~sequence | generation | ~generation | zeros up to the size

Each of the two counters stands beside its complement, so their sum is the same for all packets
and so is the checksum: it is computed once. (Sequence: RFC 792 / RFC 4443 header field; the
generation counts how often the 16-bit sequence has wrapped.) The peer only echoes identifier and
sequence, so they travel in this machine's byte order and need no swapping.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from functools import cached_property

HEADER = 8  # bytes of an ICMP echo header
STAMP = 14  # bytes of the stamp
MIN_SIZE = 16  # payload bytes; room for the stamp
IPV4_HEADER = 20
IPV6_HEADER = 40
MARKS = "H2xHH8sHH"  # type and code, identifier, sequence, cookie, ~sequence, generation
MARKS_SIZE = 20
REQUEST = "6sH8sHHH"  # head, sequence, cookie, ~sequence, generation, ~generation
_REQUEST = struct.Struct("=" + REQUEST)
_HEAD = struct.Struct("=BBHH")
_QUOTE = struct.Struct("=BB2xHH")


@dataclass(frozen=True, slots=True)
class Types:
    """ICMP type numbers of a family (IANA)."""

    request: int
    reply: int
    unreachable: int
    exceeded: int
    too_big: int  # v4 says so with `unreachable`, code 4


TYPES: dict[int, Types] = {
    socket.AF_INET: Types(request=8, reply=0, unreachable=3, exceeded=11, too_big=3),
    socket.AF_INET6: Types(request=128, reply=129, unreachable=1, exceeded=3, too_big=2),
}


def checksum(data: bytes) -> int:
    """The Internet checksum of RFC 1071: complement of the one's complement sum of 16-bit words.

    2^16 is 1 modulo 65535, so the sum of the words is the whole number modulo 65535.
    """
    number = int.from_bytes(data + b"\0" * (len(data) % 2), "big")
    return 0xFFFF if number == 0 else -number % 0xFFFF


@dataclass(frozen=True)
class Stamp:
    """What marks our packets. ident: 16 bits, machine order; cookie: 8 random bytes."""

    family: int
    ident: int
    cookie: bytes

    @cached_property
    def head(self) -> bytes:
        """Type, code, checksum, identifier: the same for all our packets, whatever their size.

        Checksum and identifier are right for a raw IPv4 socket; the kernel fills them in for
        ICMPv6 (RFC 3542, section 3.1) and for unprivileged sockets.
        """
        request = TYPES[self.family].request
        bare = _HEAD.pack(request, 0, 0, self.ident)
        total = checksum(_REQUEST.pack(bare, 0, self.cookie, 0xFFFF, 0, 0xFFFF))
        return _HEAD.pack(request, 0, socket.htons(total), self.ident)

    @cached_property
    def reply(self) -> tuple[int, int, bytes]:
        """Type and code as one number, identifier and cookie of every reply to us."""
        (kind,) = struct.unpack("=H", bytes([TYPES[self.family].reply, 0]))
        return kind, self.ident, self.cookie


@dataclass(frozen=True, slots=True)
class Complaint:
    """An ICMP error message that quotes one of our requests.

    kind, code: of the message. sequence, source, destination: of our request.
    """

    kind: int
    code: int
    sequence: int
    source: str
    destination: str


def complaint(stamp: Stamp, data: bytes, start: int) -> Complaint | None:
    """The error message in `data` from `start`, when it is about one of our packets.

    Only eight bytes of our packet need be quoted (RFC 792); where the cookie is quoted too,
    it must be ours.
    """
    types = TYPES[stamp.family]
    quoted = data[start + HEADER :]
    if len(data) - start < HEADER or data[start] not in (
        types.unreachable,
        types.exceeded,
        types.too_big,
    ):
        return None
    opened = _open_ipv4(quoted) if stamp.family == socket.AF_INET else _open_ipv6(quoted)
    if opened is None:
        return None
    source, destination, request = opened
    if len(request) < HEADER:
        return None
    kind, code, ident, sequence = _QUOTE.unpack_from(request)
    if (kind, code, ident) != (types.request, 0, stamp.ident):
        return None
    cookie = request[HEADER : HEADER + 8]
    if not stamp.cookie.startswith(cookie):
        return None
    return Complaint(data[start], data[start + 1], sequence, source, destination)


def _open_ipv4(packet: bytes) -> tuple[str, str, bytes] | None:
    """(source, destination, ICMP part) of an IPv4 packet with ICMP inside."""
    if len(packet) < IPV4_HEADER or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_ICMP:
        return None
    source, destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return source, destination, packet[header_length(packet) :]


def _open_ipv6(packet: bytes) -> tuple[str, str, bytes] | None:
    """The same of an IPv6 packet; we send no extension headers, so none are looked for."""
    if len(packet) < IPV6_HEADER or packet[0] >> 4 != 6 or packet[6] != socket.IPPROTO_ICMPV6:
        return None
    source = socket.inet_ntop(socket.AF_INET6, packet[8:24])
    destination = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    return source, destination, packet[IPV6_HEADER:]


def header_length(packet: bytes) -> int:
    """Bytes of the IPv4 header at the start of a packet (RFC 791: IHL, in 32-bit words)."""
    return (packet[0] & 0x0F) * 4 if packet else IPV4_HEADER
