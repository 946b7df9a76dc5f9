"""Wrong credentials by address: whoever guesses has to wait. In memory; a restart forgets."""

from __future__ import annotations

import time
from collections import deque

MOST, WINDOW = 30, 600.0  # wrong ones from one address; seconds
ADDRESSES = 10_000  # that are remembered


class Tries:
    """Safe from several threads: each step is one operation of the interpreter."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[float]] = {}

    def wrong(self, address: str) -> None:
        """Somebody there was not who he said."""
        while len(self._wrong) >= ADDRESSES:
            self._wrong.pop(next(iter(self._wrong)), None)
        self._wrong.setdefault(address, deque(maxlen=MOST)).append(time.monotonic())

    def too_many(self, address: str) -> bool:
        """Whether this address has to wait; what is right there waits with it."""
        wrong = self._wrong.get(address)
        return wrong is not None and len(wrong) == MOST and time.monotonic() - wrong[0] < WINDOW
