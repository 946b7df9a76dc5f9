"""How long to wait before trying again: twice as long each time, never all at the same moment."""

from __future__ import annotations

import random


def delay(failures: int, first: float, last: float) -> float:
    """Seconds to wait after so many failures in a row, 1 or more.

    Between a half and the whole of `first` doubled with each failure, at most `last`: those who
    failed together come back apart.
    """
    longest = min(last, first * 2.0 ** min(max(failures, 1) - 1, 32))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class Backoff:
    """The failures in a row of one other side. first, last: seconds.

    patience: the longest that the other side may make us wait by asking for it, seconds.
    """

    def __init__(self, first: float, last: float, patience: float = 900.0) -> None:
        self._first, self._last, self._patience = first, last, patience
        self.failures = 0

    def failed(self, asked: float | None = None) -> float:
        """Seconds to wait now. asked: what the other side asked for, None = nothing."""
        self.failures += 1
        own = delay(self.failures, self._first, self._last)
        return own if asked is None else max(own, min(asked, self._patience))

    def succeeded(self) -> None:
        self.failures = 0
