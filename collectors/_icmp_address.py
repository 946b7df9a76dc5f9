"""Which addresses can be pinged: one host each, in the form in which its replies will name it."""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from collectors._names import Endpoint, SockAddr, literal

_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def one_host(text: str) -> str:
    """The address as it is, if it is a name or stands for one host. Raises ValueError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.is_multicast or address.is_unspecified or address == _BROADCAST:
        raise ValueError("must be the address of one host; replies to this one come from others")
    return text


class Target(NamedTuple):
    """One host. address: socket address. host: packed address, for IPv6 with the scope behind."""

    family: int
    address: SockAddr
    host: bytes


def target(address: str) -> Target | None:
    """The host of a literal address, None for a name.

    Raises Unmeasured when its zone (fe80::1%eth0) is not an interface of this machine; asked
    anew every time, because interfaces come and go.
    """
    found = _plain(address)
    if found is None and "%" in address:
        zoned = literal(address)
        return None if zoned is None else canonical(zoned)
    return found


@lru_cache(maxsize=65_536)
def _plain(text: str) -> Target | None:
    with suppress(OSError):
        packed = socket.inet_pton(socket.AF_INET, text)
        return Target(socket.AF_INET, (socket.inet_ntoa(packed), 0), packed)
    with suppress(OSError):  # a zone is none of its business
        packed = socket.inet_pton(socket.AF_INET6, text)
        return canonical((socket.AF_INET6, (socket.inet_ntop(socket.AF_INET6, packed), 0, 0, 0)))
    return None


def canonical(endpoint: Endpoint) -> Target:
    """The host as the kernel will write it; an IPv4 address in IPv6 clothes is undressed."""
    family, address = endpoint
    if family != socket.AF_INET6:
        return Target(socket.AF_INET, (address[0], 0), socket.inet_aton(address[0]))
    bare = ipaddress.IPv6Address(str(address[0]).partition("%")[0])
    if bare.ipv4_mapped is not None:
        return canonical((socket.AF_INET, (str(bare.ipv4_mapped), 0)))
    text = socket.inet_ntop(socket.AF_INET6, bare.packed)
    scope = struct.pack("=I", address[3])
    return Target(family, (text, 0, 0, address[3]), bare.packed + scope)
