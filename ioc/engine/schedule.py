"""When each check is due: a fixed phase inside its interval, on the monotonic clock.

Phases come from the check's id, so the load is even, a restart or a reload does not bunch the
polls, and a step of the wall clock means nothing.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from zlib import crc32

FIRST_SWEEP = 5.0  # seconds: after a start nobody waits a whole interval for a first result


def phase(check: str) -> float:
    """Fraction of the interval, in [0, 1), at which the check is always due."""
    return crc32(check.encode()) / 2**32


def next_due(check: str, interval: float, after: float) -> float:
    """First due time strictly later than `after` on the check's grid. Seconds, monotonic."""
    offset = phase(check) * interval
    due = (math.floor((after - offset) / interval) + 1) * interval + offset
    return due if due > after else due + interval  # floating point may land on `after` itself


class Schedule:
    """A queue of (due, check). One-off entries may be added; removed checks vanish."""

    def __init__(self) -> None:
        self._intervals: dict[str, float] = {}
        self._heap: list[tuple[float, int, str, bool]] = []  # due, order, check, on the grid
        self._grid_entry: dict[str, int] = {}  # check -> order of its live grid entry
        self._extra: dict[str, tuple[float, int]] = {}  # check -> its one live extra entry
        self._order = 0
        self.missed = 0  # grid points passed over because the process was held up or suspended

    def __len__(self) -> int:
        return len(self._intervals)

    def replace(self, intervals: Iterable[tuple[str, float]], now: float) -> None:
        """Set which checks exist. A check whose interval stays keeps its next due time."""
        wanted = dict(intervals)
        for check in [c for c in self._intervals if self._intervals[c] != wanted.get(c)]:
            del self._intervals[check]
            del self._grid_entry[check]
            self._extra.pop(check, None)
        for check, interval in wanted.items():
            if check not in self._intervals:
                self._intervals[check] = interval
                self._push_grid(check, now + phase(check) * min(interval, FIRST_SWEEP))

    def once(self, check: str, due: float) -> None:
        """One extra poll, beside the grid; of several asked for, the earliest happens."""
        if check not in self._extra or due < self._extra[check][0]:
            self._extra[check] = (due, self._push(due, check, grid=False))

    def pop_due(self, now: float) -> list[tuple[str, float]]:
        """(check, planned time) of everything due, each check's next grid point queued."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            planned, order, check, grid = heapq.heappop(self._heap)
            if grid and self._grid_entry.get(check) == order:
                self._advance(check, planned, now)
            elif not grid and self._extra.get(check, (0.0, 0))[1] == order:
                del self._extra[check]
            else:
                continue
            due.append((check, planned))
        return due

    def next(self) -> float | None:
        """Due time of the earliest entry (it may have been removed since), None when empty."""
        return self._heap[0][0] if self._heap else None

    def _advance(self, check: str, planned: float, now: float) -> None:
        interval = self._intervals[check]
        following = next_due(check, interval, planned)
        if following <= now:
            late = next_due(check, interval, now)
            self.missed += round((late - following) / interval)
            following = late
        self._push_grid(check, following)

    def _push_grid(self, check: str, due: float) -> None:
        self._grid_entry[check] = self._push(due, check, grid=True)

    def _push(self, due: float, check: str, *, grid: bool) -> int:
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, check, grid))
        return self._order
