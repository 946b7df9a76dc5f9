"""Whoever asks a server that hangs should not each wait for it: one does, the others are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ioc.store.base import StoreUnavailable

LONG = 1.0  # seconds after which a failure counts as hanging
REST = 5.0  # seconds in which nobody else tries

Result = TypeVar("Result")


class Breaker:
    """Passes calls on; after one that hung and failed, fails at once for a while."""

    def __init__(self, long: float = LONG, rest: float = REST) -> None:
        self._long, self._rest = long, rest
        self._until = 0.0
        self._why = ""
        self._lock = threading.Lock()

    def call(self, act: Callable[[], Result]) -> Result:
        """Raises StoreUnavailable, and what `act` raises."""
        with self._lock:
            if time.monotonic() < self._until:
                raise StoreUnavailable(self._why)
        began = time.monotonic()
        try:
            return act()
        except StoreUnavailable as error:
            now = time.monotonic()
            if now - began >= self._long:
                with self._lock:
                    self._until, self._why = now + self._rest, str(error)
            raise
