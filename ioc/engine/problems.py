"""What is wrong with the monitor itself, now: on every screen, in `ioc status`, in /readyz."""

from __future__ import annotations

from dataclasses import dataclass

from collectors.base import Reason
from ioc.clock import Clock


@dataclass(frozen=True, slots=True)
class Problem:
    """code: stable id ("inventory", "store", "icmp", "uplink", …). since: ms UTC."""

    code: str
    reason: Reason
    since: int


class Problems:
    """The register of present problems, one per code."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._present: dict[str, Problem] = {}

    def report(self, code: str, reason: Reason) -> bool:
        """Set the problem of a code. True when it is new or its words changed."""
        before = self._present.get(code)
        if before is not None and before.reason == reason:
            return False
        since = before.since if before else self._clock.now()
        self._present[code] = Problem(code, reason, since)
        return True

    def clear(self, code: str) -> bool:
        """Remove the problem of a code. True when there was one."""
        return self._present.pop(code, None) is not None

    def present(self) -> tuple[Problem, ...]:
        return tuple(self._present.values())
