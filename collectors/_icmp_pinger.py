"""What one event loop pings with: a sender per address family, and look-ups of names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from collectors._icmp_address import target
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_mode import NoSender, Sender, counters_of, open_sender
from collectors._icmp_words import STOPPED
from collectors.base import Measurement, Verdict

_FAMILIES: dict[int, str] = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}


class Pinger:
    """The senders of the running loop, opened when first needed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._senders: dict[int, Sender] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def loop_ended(self) -> bool:
        return self._loop.is_closed()

    def sender(self, family: int) -> Sender:
        """The family's sender. Where none can be opened now, the next call tries again."""
        sender = self._senders.get(family)
        if sender is None:
            sender = open_sender(family)
            if not isinstance(sender, NoSender):
                self._senders[family] = sender
        return sender

    def run(self, work: Coroutine[Any, Any, None], told: Callable[[Measurement], None]) -> None:
        """Run work that ends with telling; tell for it when it is cancelled or breaks."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                told(Measurement(Verdict.UNKNOWN, reason=STOPPED))
            elif error := task.exception():
                words = f"{type(error).__name__}: {error}"
                told(Measurement.unknown("the collector broke: {error}", error=words))

        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    def counters(self) -> dict[str, Counters]:
        seen = {_FAMILIES[family]: counters_of(sender) for family, sender in self._senders.items()}
        return {family: counters for family, counters in seen.items() if counters is not None}

    async def close(self) -> None:
        """End everything; what is open is told as unknown."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.release()

    def release(self) -> None:
        """Close the sockets; all there is to do once the loop has ended."""
        for sender in self._senders.values():
            sender.close()
        self._senders.clear()


async def burst(
    addresses: Sequence[str], timeout: float, *, size: int = 56, pace: float | None = None
) -> list[Echo]:
    """Ping literal addresses once each with sockets of its own; the ended echoes, in order.

    timeout: seconds for each, from its sending. pace: packets a ms, None = as fast as the
    machine can, for loopback and networks that bear it.
    Raises ValueError when something is not an IP address.
    """
    every = asyncio.Event()
    left = len(addresses)

    def ended(_echo: Echo) -> None:
        nonlocal left
        left -= 1
        if not left:
            every.set()

    echoes: dict[int, list[Echo]] = {family: [] for family in _FAMILIES}
    asked: list[Echo] = []
    for text in addresses:
        found = target(text)
        if found is None:
            raise ValueError(f"{text}: not an IP address")
        echo = Echo(found.address, found.host, int(timeout * 1e9), size, ended)
        asked.append(echo)
        echoes[found.family].append(echo)
    await _send_all(echoes, pace, every)
    return asked


async def _send_all(
    echoes: dict[int, list[Echo]], pace: float | None, every: asyncio.Event
) -> None:
    senders: list[Sender] = []
    try:
        for family, group in echoes.items():
            if group:
                senders.append(open_sender(family, pace, None))
                senders[-1].send(group)
        if senders:
            await every.wait()
    finally:
        for sender in senders:
            sender.close()
