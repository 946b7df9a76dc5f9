"""icmp: does a host answer pings, how fast, and how many are lost.

All pings of an event loop share one socket per address family (`_icmp_engine`). Where the
machine allows neither a raw nor an unprivileged ICMP socket, `ping3` stands in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from collectors import base
from collectors._icmp_address import Target, canonical, one_host, target
from collectors._icmp_check import Told, Train, conclude
from collectors._icmp_echo import Counters, Echo
from collectors._icmp_limits import NeighbourLimit, neighbour_limits
from collectors._icmp_mode import Mode, mode, use
from collectors._icmp_packet import MIN_SIZE
from collectors._icmp_pinger import Pinger, burst
from collectors._icmp_writer import MAX_SIZE
from collectors._names import Address, endpoints
from collectors._trouble import Progress, Trouble, budget
from collectors.base import Done, Measurement, Request

__all__ = [
    "Counters",
    "Mode",
    "NeighbourLimit",
    "Settings",
    "burst",
    "close",
    "counters",
    "measure",
    "measure_many",
    "mode",
    "neighbour_limits",
    "use",
]


_pingers: dict[asyncio.AbstractEventLoop, Pinger] = {}


class Settings(base.Settings):
    """address: IP address or name of one host.

    count: packets in one check. interval_ms: between them; shortened so that the last leaves by
    half of the timeout. size: payload bytes.
    Values: rtt_ms (mean), loss_pct; with several packets also rtt_min_ms, rtt_max_ms, jitter_ms.
    """

    address: Annotated[Address, AfterValidator(one_host)]
    count: int = Field(default=1, ge=1, le=20)
    interval_ms: int = Field(default=200, ge=10, le=10_000)
    size: int = Field(default=56, ge=MIN_SIZE, le=MAX_SIZE)


async def measure(settings: Settings, timeout: float) -> Measurement:
    """Ping once as the settings say; timeout in seconds."""
    told: asyncio.Future[Measurement] = asyncio.get_running_loop().create_future()

    def tell(_index: int, measurement: Measurement) -> None:
        if not told.done():
            told.set_result(measurement)

    _start(_pinger(), [(settings, timeout)], tell, budget(timeout))
    return await told


def measure_many(requests: Sequence[Request], done: Done) -> None:
    """Ping many hosts at a pace the network bears; returns at once."""
    _start(_pinger(), requests, done, None)


async def close() -> None:
    """Close the sockets of the running loop; what is under way ends as unknown."""
    pinger = _pingers.pop(asyncio.get_running_loop(), None)
    if pinger is not None:
        await pinger.close()


def counters() -> dict[str, Counters]:
    """What the running loop's engines have seen, by family ("ipv4", "ipv6")."""
    pinger = _pingers.get(asyncio.get_running_loop())
    return {} if pinger is None else pinger.counters()


def _pinger() -> Pinger:
    """The running loop's; those of loops that ended without close() are closed first."""
    loop = asyncio.get_running_loop()
    pinger = _pingers.get(loop)
    if pinger is None:
        for ended in [other for other, theirs in _pingers.items() if theirs.loop_ended]:
            _pingers.pop(ended).release()
        pinger = _pingers[loop] = Pinger()
    return pinger


def _start(pinger: Pinger, requests: Iterable[Request], done: Done, limit: float | None) -> None:
    """limit: seconds to keep to, None = each request's own timeout."""
    singles: dict[int, list[Echo]] = {}
    for index, (settings, timeout) in enumerate(requests):
        assert isinstance(settings, Settings)
        told = partial(done, index)
        try:
            found = target(settings.address)
        except Trouble as trouble:
            told(Measurement(trouble.verdict, reason=trouble.reason))
            continue
        if found is None:
            pinger.run(_ping_name(pinger, settings, timeout, limit or timeout, told), told)
        elif settings.count == 1:
            ended = partial(_conclude_one, told, timeout)
            time = int((limit or timeout) * 1e9)
            echo = Echo(found.address, found.host, time, settings.size, ended)
            singles.setdefault(found.family, []).append(echo)
        else:
            _send_train(
                pinger, settings, found, Train(settings.count, timeout, limit or timeout, told)
            )
    for family, echoes in singles.items():
        pinger.sender(family).send(echoes)


def _conclude_one(told: Told, timeout: float, echo: Echo) -> None:
    told(conclude((echo,), timeout))


def _send_train(pinger: Pinger, settings: Settings, found: Target, train: Train) -> None:
    sender = pinger.sender(found.family)
    train.start(sender, found, settings.size, settings.interval_ms / 1000)


async def _ping_name(
    pinger: Pinger, settings: Settings, timeout: float, limit: float, told: Told
) -> None:
    """Look the name up within half of the time, ping its first address in the rest."""
    clock = asyncio.get_running_loop().time
    ends = clock() + limit
    progress = Progress(limit / 2, clock() + limit / 2)
    try:
        async with asyncio.timeout_at(progress.ends):
            found = await endpoints(settings.address, 0, progress)
    except TimeoutError:
        told(Measurement(progress.late.verdict, reason=progress.late.reason))
        return
    except Trouble as trouble:
        told(Measurement(trouble.verdict, reason=trouble.reason))
        return
    first = canonical(found[0])
    progress.details["address"] = first.address[0]

    def tell(measured: Measurement) -> None:
        values = (
            {**measured.values, **progress.values} if measured.reason is None else measured.values
        )
        told(replace(measured, values=values, details=progress.details))

    _send_train(pinger, settings, first, Train(settings.count, timeout, ends - clock(), tell))
