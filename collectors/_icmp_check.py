"""From echoes to a measurement: one packet, or a train of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean

from collectors._icmp_address import Target
from collectors._icmp_echo import Echo
from collectors._icmp_mode import Sender
from collectors._icmp_words import SILENT
from collectors.base import NO_DETAILS, Measurement, Reason, Verdict

Told = Callable[[Measurement], None]


def conclude(echoes: Sequence[Echo], timeout: float) -> Measurement:
    """The measurement of one check from its ended echoes, in the order of sending.

    Any reply is OK, with the loss among the packets that could be judged. Without a reply, one
    packet that could not be measured makes all of it unknown.
    """
    replies = [echo.rtt / 1e6 for echo in echoes if echo.rtt is not None]
    if len(replies) == len(echoes) == 1:
        return Measurement.ok({"rtt_ms": replies[0], "loss_pct": 0.0})
    trouble = next((echo.trouble for echo in echoes if echo.trouble is not None), None)
    if not replies and trouble is not None:
        return Measurement(Verdict.UNKNOWN, reason=trouble)
    judged = sum(echo.trouble is None for echo in echoes)
    loss = {"loss_pct": 100.0 * (judged - len(replies)) / judged}
    if replies:
        return Measurement.ok(_times(replies) | loss)
    note = next((echo.note for echo in reversed(echoes) if echo.note is not None), None)
    reason = note or Reason(SILENT, {"timeout": timeout})
    return Measurement(Verdict.FAILED, loss, reason, NO_DETAILS)


def _times(replies: Sequence[float]) -> dict[str, float]:
    """jitter: mean difference of one round-trip time to the next."""
    values = {"rtt_ms": fmean(replies), "rtt_min_ms": min(replies), "rtt_max_ms": max(replies)}
    if len(replies) > 1:
        values["jitter_ms"] = fmean(abs(b - a) for a, b in pairwise(replies))
    return values


class Train:
    """The packets of one check to one address.

    timeout: seconds as configured, for the words. limit: seconds to keep to: the last packet
    leaves by half of it at the latest, and all have until its end.
    """

    def __init__(self, count: int, timeout: float, limit: float, told: Told) -> None:
        self._open = count
        self._timeout = timeout
        self._limit = limit
        self._told = told
        self._echoes: list[Echo] = []

    def start(self, sender: Sender, target: Target, size: int, interval: float) -> None:
        """interval: seconds between packets, shortened where the timeout asks for it."""
        count = self._open
        gap = min(interval, self._limit / 2 / max(count - 1, 1))
        for number in range(count):
            rest = int((self._limit - number * gap) * 1e9)
            self._echoes.append(Echo(target.address, target.host, rest, size, self._ended))
        for number, echo in enumerate(self._echoes):
            sender.send((echo,), number * gap)

    def _ended(self, _echo: Echo) -> None:
        self._open -= 1
        if not self._open:
            self._told(conclude(self._echoes, self._timeout))
