"""`ioc ping`: a few echoes to one host, with the reason when none comes back.

For a person at a keyboard; the `icmp` collector measures the district.
"""

from __future__ import annotations

import errno
import math
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ping3
from ping3 import errors

from collectors.base import Reason
from ioc._cli_base import CommandError, ExitCode, paint, say, say_json
from ioc.i18n import _, render


@dataclass(frozen=True, slots=True)
class Echo:
    """One echo. rtt_ms: None when no reply came, then the reason says why."""

    sequence: int
    rtt_ms: float | None
    reason: Reason | None = None


def ping_now(host: str, *, count: int, interval: float, timeout: float, as_json: bool) -> int:
    """Send `count` echoes, `interval` s apart, each waiting `timeout` s. Exit code 1 on any loss.

    Raises CommandError when the host has no address, or echoes may not be sent here.
    """
    address = resolve(host)
    if not as_json:
        shown = host if host == address else f"{host} ({address})"
        say(_("ping {host}: {count} echoes", host=shown, count=count))
    echoes = []
    for echo in send_echoes(address, count, interval, timeout):
        echoes.append(echo)
        if not as_json:
            say(_line(echo))
    _report(host, address, echoes, as_json)
    return ExitCode.FINE if all(e.rtt_ms is not None for e in echoes) else ExitCode.PROBLEM


def resolve(host: str) -> str:
    """The first address of a host name, or the address itself. Raises CommandError."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = _("the name {host} has no address: {error}", host=repr(host), error=reason)
        raise CommandError(message, ExitCode.PROBLEM) from error
    return str(found[0][4][0])


def send_echoes(address: str, count: int, interval: float, timeout: float) -> Iterator[Echo]:
    """Echoes one after the other, each as soon as it is known. Raises CommandError."""
    first = secrets.randbelow(2**15)  # a late reply to an earlier run is not taken for ours
    for number in range(count):
        start = time.monotonic()
        yield _echo(address, number + 1, (first + number) & 0xFFFF, timeout)
        if number + 1 < count:
            time.sleep(max(0.0, interval - (time.monotonic() - start)))


def _echo(address: str, number: int, sequence: int, timeout: float) -> Echo:
    ping3.EXCEPTIONS = True
    try:
        rtt = ping3.ping(address, timeout=timeout, seq=sequence, unit="ms")
    except errors.Timeout:
        return Echo(number, None, Reason("no reply within {timeout} s", {"timeout": timeout}))
    except errors.TimeToLiveExpired:
        return Echo(number, None, Reason("a router reports that the packet went too far"))
    except errors.DestinationUnreachable:
        return Echo(number, None, Reason("a router reports that the host cannot be reached"))
    except errors.PingError as error:
        return Echo(number, None, Reason("not sent: {error}", {"error": str(error)}))
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES, errno.EPROTONOSUPPORT):
            raise CommandError(_("this user may not send echoes: see `ioc doctor`")) from error
        return Echo(number, None, Reason("not sent: {error}", {"error": str(error.strerror)}))
    return Echo(number, float(rtt))


def _line(echo: Echo) -> str:
    if echo.rtt_ms is not None:
        return f"  {echo.sequence}. " + _("reply after {rtt} ms", rtt=round(echo.rtt_ms, 3))
    why = render(echo.reason) if echo.reason else ""
    return f"  {echo.sequence}. {paint(why, 'bad')}"


def _report(host: str, address: str, echoes: Sequence[Echo], as_json: bool) -> None:
    rtts = [echo.rtt_ms for echo in echoes if echo.rtt_ms is not None]
    loss = 100 * (len(echoes) - len(rtts)) / len(echoes)
    spread = {
        "rtt_min_ms": round(min(rtts), 3),
        "rtt_mean_ms": round(math.fsum(rtts) / len(rtts), 3),
        "rtt_max_ms": round(max(rtts), 3),
    } if rtts else {}  # fmt: skip
    if as_json:
        head = {"host": host, "address": address, "sent": len(echoes), "loss_pct": round(loss, 1)}
        data = [
            {"sequence": e.sequence, "rtt_ms": e.rtt_ms, "reason": e.reason and render(e.reason)}
            for e in echoes
        ]
        say_json(head | spread | {"echoes": data})
        return
    say(_("sent {sent}, received {received}, packet loss {loss} %",
          sent=len(echoes), received=len(rtts), loss=round(loss, 1)))  # fmt: skip
    if rtts:
        say(_("latency min {low} / mean {mean} / max {high} ms", low=spread["rtt_min_ms"],
              mean=spread["rtt_mean_ms"], high=spread["rtt_max_ms"]))  # fmt: skip
