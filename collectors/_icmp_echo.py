"""One echo request from asking for it to its end, and what is counted of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collectors.base import Reason

SockAddr = tuple[Any, ...]


class Echo:
    """One packet to one host. The engine fills in the outcome and calls `done` exactly once.

    address: socket address, its text in canonical form. host: the same packed, as the source of
    a reply is (see Reader). size: payload bytes.
    timeout: nanoseconds from the sending. Outcome: rtt (nanoseconds) when a reply came; else
    trouble when we could not measure; else the host was silent, and note may say why.
    """

    __slots__ = (
        "address",
        "asked",
        "done",
        "generation",
        "host",
        "note",
        "open",
        "rtt",
        "sent",
        "sequence",
        "size",
        "timeout",
        "tries",
        "trouble",
    )

    def __init__(
        self, address: SockAddr, host: bytes, timeout: int, size: int, done: Callable[[Echo], None]
    ) -> None:
        self.address = address
        self.host = host
        self.timeout = timeout
        self.size = size
        self.done = done
        self.asked = 0  # monotonic ns, when it was due to be sent
        self.sent = 0  # monotonic ns
        self.sequence = -1
        self.generation = -1
        self.tries = 0
        self.rtt: int | None = None
        self.trouble: Reason | None = None
        self.note: Reason | None = None
        self.open = True


@dataclass(slots=True)
class Counters:
    """What an engine has seen since it was opened.

    sent, received: packets; received counts only replies that were believed.
    Refused replies: late (after the timeout, or to a packet already given up), duplicate,
    wrong_source, foreign (not ours). complaints: ICMP errors about our packets.
    send_errors: packets the kernel would not take, tries included. overflowed: packets given up
    as unknown because our receive buffer overflowed.
    """

    sent: int = 0
    received: int = 0
    late: int = 0
    duplicate: int = 0
    wrong_source: int = 0
    foreign: int = 0
    complaints: int = 0
    send_errors: int = 0
    overflowed: int = 0
