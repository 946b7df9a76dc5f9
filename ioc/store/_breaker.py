"""Whoever asks a server that hangs should not each wait for it: one does, the others are told.

        quick ──────────▶ hung and failed ──▶ nobody asks for REST seconds ──▶ one asks, a probe
all pass on ▲                     ▲                                                │
            └──── it answers ─────┼────────────────────────────────────────────────┤
                                  └────────────────────── it failed ◀──────────────┘
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ioc.i18n import _
from ioc.store.base import StoreUnavailable

REST = 5.0  # seconds in which nobody else tries

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. long: after which a failure counts as hanging. rest: in which nobody tries then.

    slow: while one call has been under way for longer, no more than `few` are at once.
    """

    long: float = 1.0
    rest: float = REST
    slow: float = 2.0
    few: int = 4


@dataclass(slots=True)
class _State:
    """until: when one may try again, None = all may. running: when each call began."""

    until: float | None = None
    why: str = ""
    probing: bool = False
    running: list[float] = field(default_factory=list)


class Breaker:
    """Passes calls on; after one that hung and failed, fails at once until one has gone well."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._state = _State()
        self._lock = threading.Lock()

    def call(self, act: Callable[[], Result]) -> Result:
        """Raises StoreUnavailable, and what `act` raises."""
        began = time.monotonic()
        with self._lock:
            probe = self._enter(began)
        try:
            result = act()
        except StoreUnavailable as error:
            with self._lock:
                self._failed(began, str(error))
            raise
        else:
            with self._lock:
                self._state.until = None
            return result
        finally:
            with self._lock:
                self._state.running.remove(began)
                self._state.probing = self._state.probing and not probe

    def _enter(self, now: float) -> bool:
        """Whether this call is a probe. Raises StoreUnavailable when it may not be made."""
        state, limits = self._state, self._limits
        probe = state.until is not None
        if state.until is not None and (state.probing or now < state.until):
            raise StoreUnavailable(state.why)
        if len(state.running) >= limits.few and now - min(state.running) > limits.slow:
            raise StoreUnavailable(_("the store is slow to answer others; ask again later"))
        state.probing = state.probing or probe
        state.running.append(now)
        return probe

    def _failed(self, began: float, why: str) -> None:
        """A refusal that came at once hangs nobody: all may try."""
        now = time.monotonic()
        if now - began >= self._limits.long:
            self._state.until, self._state.why = now + self._limits.rest, why
        elif self._state.until is not None and self._state.until <= now:
            self._state.until = None
