"""What goes wrong with a ping, in words."""

from __future__ import annotations

import errno
import os
import socket

from collectors._icmp_packet import Complaint
from collectors.base import Reason

SILENT = "no reply within {timeout} s"
STOPPED = Reason("the monitor is stopping")
OVERFLOW = Reason("this machine was too busy and may have lost the reply")
EXHAUSTED = Reason("too many pings are under way")

_NO_ROUTE = "this machine has no route to the address"
_FORBIDDEN = "this machine does not allow the ping"
_FULL = "this machine has no room to send the ping; is its neighbour table full?"
_SEND_ERRORS = {
    errno.EPERM: _FORBIDDEN,
    errno.EACCES: _FORBIDDEN,
    errno.ENETUNREACH: _NO_ROUTE,
    errno.EHOSTUNREACH: _NO_ROUTE,
    errno.ENETDOWN: _NO_ROUTE,
    errno.EADDRNOTAVAIL: _NO_ROUTE,
    errno.EINVAL: _NO_ROUTE,  # what Linux answers for a blackhole route
    errno.ENOBUFS: _FULL,
    errno.ENOMEM: _FULL,
    errno.EAGAIN: _FULL,
    errno.EAFNOSUPPORT: "this machine does not support this kind of address",
}

_NETWORK = "router {router} reports that the network cannot be reached"
_HOST = "router {router} reports that the host cannot be reached"
_PROHIBITED = "router {router} reports that it may not pass the ping on"
_LOOP = "router {router} reports that the ping went in circles"
_TOO_BIG = "router {router} reports that the ping is too big"
_UNRESOLVED = "the host is not present on its own network"
_COMPLAINTS: dict[tuple[int, int, int], str] = {
    (socket.AF_INET, 3, 0): _NETWORK,
    (socket.AF_INET, 3, 1): _HOST,
    (socket.AF_INET, 3, 4): _TOO_BIG,
    (socket.AF_INET, 3, 6): _NETWORK,
    (socket.AF_INET, 3, 7): _HOST,
    (socket.AF_INET, 3, 9): _PROHIBITED,
    (socket.AF_INET, 3, 10): _PROHIBITED,
    (socket.AF_INET, 3, 13): _PROHIBITED,
    (socket.AF_INET, 11, 0): _LOOP,
    (socket.AF_INET6, 1, 0): _NETWORK,
    (socket.AF_INET6, 1, 1): _PROHIBITED,
    (socket.AF_INET6, 1, 3): _HOST,
    (socket.AF_INET6, 1, 5): _PROHIBITED,
    (socket.AF_INET6, 1, 6): _PROHIBITED,
    (socket.AF_INET6, 2, 0): _TOO_BIG,
    (socket.AF_INET6, 3, 0): _LOOP,
}


def send_error(error: OSError) -> Reason:
    """Why the kernel would not take our packet: it says nothing of the peer."""
    text = _SEND_ERRORS.get(error.errno or 0)
    if text:
        return Reason(text)
    words = os.strerror(error.errno) if error.errno else str(error)
    return Reason("this machine could not send the ping: {error}", {"error": words})


def complaint_words(family: int, complaint: Complaint, router: str) -> Reason | None:
    """What an ICMP error message means; None for those that explain nothing.

    "Host unreachable" from our own address is the kernel's word that nobody answered ARP or
    neighbour discovery.
    """
    text = _COMPLAINTS.get((family, complaint.kind, complaint.code))
    if text is None:
        return None
    if text == _HOST and router == complaint.source:
        return Reason(_UNRESOLVED)
    return Reason(text, {"router": router})
