"""Which way of pinging this machine allows, and why not a better one."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from collectors._icmp_channel import DGRAM, RAW, Channel, Refused, open_channel
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_engine import PACE, PATIENCE, Engine
from collectors._icmp_ping3 import Ping3Sender
from collectors._icmp_words import send_error
from collectors.base import Reason

PING3, NONE = "ping3", "none"
_ALL = (RAW, DGRAM)
_wanted: tuple[str, ...] = _ALL


@dataclass(frozen=True, slots=True)
class Mode:
    """name: "raw" | "dgram" | "ping3" | "none" (no such address family here). why: in words."""

    name: str
    why: Reason


class Sender(Protocol):
    """What sends echoes: the engine, ping3, or nothing at all."""

    def send(self, echoes: Iterable[Echo], after: float = 0.0) -> None: ...

    def close(self) -> None: ...


class NoSender:
    """Gives every echo up at once: no socket can be opened just now."""

    def __init__(self, trouble: Reason) -> None:
        self._trouble = trouble

    def send(self, echoes: Iterable[Echo], after: float = 0.0) -> None:
        for echo in echoes:
            echo.trouble = self._trouble
            echo.open = False
            echo.done(echo)

    def close(self) -> None:
        pass


def use(name: str | None) -> None:
    """Allow only one way ("raw" | "dgram" | "ping3") for sockets opened from now on; None = all.

    Raises ValueError for another name.
    """
    global _wanted  # noqa: PLW0603 - one process, one choice
    ways = {None: _ALL, RAW: (RAW,), DGRAM: (DGRAM,), PING3: ()}
    if name not in ways:
        raise ValueError(f"{name}: must be raw, dgram or ping3")
    _wanted = ways[name]


def mode(family: int = socket.AF_INET) -> Mode:
    """The way of pinging this process has for a family, tried out now."""
    try:
        channel = open_channel(family, _wanted)
    except Refused as refused:
        return Mode(PING3, _why_ping3(refused.error))
    except OSError as error:
        return Mode(NONE, send_error(error))
    channel.close()
    return Mode(channel.kind, _why(channel))


def open_sender(family: int, pace: float | None = PACE, patience: int | None = PATIENCE) -> Sender:
    """The best sender this machine allows; pace and patience as in Engine."""
    try:
        return Engine(open_channel(family, _wanted), pace, patience)
    except Refused:
        return Ping3Sender()
    except OSError as error:
        return NoSender(send_error(error))


def counters_of(sender: Sender) -> Counters | None:
    return sender.counters if isinstance(sender, Engine) else None


def _why(channel: Channel) -> Reason:
    if channel.kind == RAW:
        return Reason("raw socket: all checks share one socket")
    if channel.refused is None:
        return Reason("unprivileged socket, as asked for")
    return Reason(
        "unprivileged socket: a raw one is refused ({error}); the capability CAP_NET_RAW allows it",
        {"error": str(channel.refused.strerror)},
    )


def _why_ping3(error: OSError) -> Reason:
    return Reason(
        "ping3, slow and less strict: no ICMP socket is allowed ({error}); the capability"
        " CAP_NET_RAW or the kernel setting net.ipv4.ping_group_range allows one",
        {"error": str(error.strerror or error)},
    )
