"""What time it is for a server, which throws away by its own clock and not by ours."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ioc.store._http import Http
from ioc.store.base import StoreError, StoreUnavailable

FRESH = 60.0  # seconds that a time which was told is counted on from
APART = 3_600_000  # ms between two clocks of which one must be wrong


class ServerClock:
    """servers: asked one after the other until one tells the time, with the `Date` of any answer.

    Between two answers our monotonic clock counts on: it does not jump when ours is set.
    """

    def __init__(self, servers: Sequence[Http]) -> None:
        self._servers = servers

    def now(self, *, anew: bool = False) -> int:
        """Ms UTC; ours where the server tells none. anew: ask, however fresh the last answer.

        Raises StoreUnavailable when nobody answers.
        """
        found = None if anew else self._told(time.monotonic() - FRESH)
        if found is None:
            found = self._asked()
        return _ours() if found is None else found

    def agrees(self) -> bool:
        """Whether the server told a time, and ours is near it."""
        told = self._told(time.monotonic() - FRESH)
        return told is not None and abs(told - _ours()) <= APART

    def _asked(self) -> int | None:
        began, trouble = time.monotonic(), None
        for server in self._servers:
            try:
                server.ask("GET", "/health")
            except StoreError as error:
                trouble = error
            if (told := self._told(began)) is not None:  # an error has a date, too
                return told
        if isinstance(trouble, StoreUnavailable):
            raise trouble
        return None

    def _told(self, since: float) -> int | None:
        """By the newest answer, none older than `since`."""
        dates = [one.date for one in self._servers if one.date is not None and one.date[0] >= since]
        if not dates:
            return None
        at, told = max(dates)
        return int((told + time.monotonic() - at) * 1000)


def _ours() -> int:
    return int(time.time() * 1000)
