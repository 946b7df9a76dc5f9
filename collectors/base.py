"""What every collector shares: the check it is given, the measurement it gives back.

A collector only measures. Time, deadlines, retries and recording belong to the poller
(`ioc.engine.poller`), thresholds and states to `ioc.engine.state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

NO_VALUES: Mapping[str, float] = MappingProxyType({})
NO_DETAILS: Mapping[str, str] = MappingProxyType({})


def no_values() -> Mapping[str, float]:
    return NO_VALUES


def no_details() -> Mapping[str, str]:
    return NO_DETAILS


class Verdict(StrEnum):
    """How one measurement ended."""

    OK = "ok"  # the peer answered as it should
    FAILED = "failed"  # the peer did not answer, or answered wrongly
    UNKNOWN = "unknown"  # we could not measure (local error, no permission): says nothing of it


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a measurement did not end well, in words that can be translated.

    text: English template, the translation key, e.g. ``"no reply within {timeout} s"``.
    args: values for the template; numbers stay numbers so that each language formats them.
    """

    text: str
    args: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.args)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one collector measured once.

    values: numbers by field name, units in the name (``rtt_ms``, ``loss_pct``, ``days_left``).
        A value that was not measured is absent, never 0.
    details: short texts for people (resolved address, certificate issuer, status line).
    reason: required unless the verdict is OK.
    """

    verdict: Verdict
    values: Mapping[str, float] = field(default_factory=no_values)
    reason: Reason | None = None
    details: Mapping[str, str] = field(default_factory=no_details)

    @staticmethod
    def ok(values: Mapping[str, float], details: Mapping[str, str] = NO_DETAILS) -> Measurement:
        return Measurement(Verdict.OK, values, None, details)

    @staticmethod
    def failed(
        text: str,
        /,
        *,
        values: Mapping[str, float] = NO_VALUES,
        details: Mapping[str, str] = NO_DETAILS,
        **args: str | int | float,
    ) -> Measurement:
        return Measurement(Verdict.FAILED, values, Reason(text, args), details)

    @staticmethod
    def unknown(text: str, /, **args: str | int | float) -> Measurement:
        return Measurement(Verdict.UNKNOWN, NO_VALUES, Reason(text, args))


class Settings(BaseModel):
    """Base of every kind's settings: frozen, and unknown keys are refused.

    A kind whose model has a field ``address`` gets the asset's own address filled in when the
    inventory does not set it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value beyond which a successful check counts as degraded.

    above / below: limits in the unit of the value; None when there is no limit on that side.
    """

    value: str
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """How one asset is measured (compiled from the inventory; see ioc.inventory).

    id: ``<asset id>.<check name>``, unique. interval, timeout, retry_delay: seconds.
    retries: how often a failure is measured again before it counts (design, section 5, rule 1).
    fatal: a failure means the asset is down; otherwise it only degrades the asset (a certificate).
    """

    id: str
    asset: str
    site: str | None
    kind: str
    settings: Settings
    interval: float
    timeout: float
    retries: int = 3
    retry_delay: float = 1.0
    thresholds: tuple[Threshold, ...] = ()
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """One outcome of one check, retries included.

    observed_at: milliseconds since the epoch, UTC, when the deciding attempt started.
    attempts: measurements it took (1 = the first one decided). duration: seconds, last attempt.
    """

    check: str
    observed_at: int
    verdict: Verdict
    values: Mapping[str, float] = field(default_factory=no_values)
    reason: Reason | None = None
    details: Mapping[str, str] = field(default_factory=no_details)
    attempts: int = 1
    duration: float = 0.0


Request = tuple[Settings, float]  # settings, timeout in seconds
Done = Callable[[int, Measurement], None]  # index into the requests, what was measured


@runtime_checkable
class Collector(Protocol):
    """What a collector module offers. The module itself is the collector; its file name the kind.

    Settings: the kind's settings model. measure: one measurement; may raise nothing but
    asyncio.CancelledError for expected trouble (a refused connection is FAILED);
    the poller turns any other exception into UNKNOWN.

    Optional: ``measure_many(requests: Sequence[Request], done: Done) -> None``, called on the
    event loop, returns at once, and calls ``done`` exactly once for each request, as soon as it
    is known: for kinds that measure thousands of peers with one socket.
    Optional: ``async close() -> None`` releases sockets the module keeps open.
    """

    Settings: type[BaseModel]

    async def measure(self, settings: Any, timeout: float) -> Measurement: ...


MeasureMany = Callable[[Sequence[Request], Done], None]
