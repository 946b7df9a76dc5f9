"""What is written and not merged yet, in memory: a query needs no scan of the append-ordered table.

It mirrors the table `hot`: rows are added when they are durable, and let go when they are merged.
16 bytes a row; the store bounds how many there are.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from ioc.store._series import Row
from ioc.store._windows import is_ascending

WORTH = 64  # samples a series: fewer are not worth a page of their own
LONG = 6 * 3_600_000  # ms after which they are merged anyway


class Samples:
    """Samples of one series, in the order they were written. times: ms UTC."""

    __slots__ = ("_ordered", "times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.values = array("d")
        self._ordered: tuple[int, Sequence[int], Sequence[float]] = (0, (), ())

    def extend(self, other: Samples) -> None:
        self.times.extend(other.times)
        self.values.extend(other.values)

    def ordered(self) -> tuple[Sequence[int], Sequence[float]]:
        """Times, ascending, and values; of two at one time the later written one."""
        count, times, values = self._ordered
        if count != len(self.times):
            times, values = self._order()
            self._ordered = (len(self.times), times, values)
        return times, values

    def _order(self) -> tuple[Sequence[int], Sequence[float]]:
        if is_ascending(self.times):
            return self.times, self.values
        newest = dict(zip(self.times, self.values, strict=True))
        times = sorted(newest)
        return times, [newest[time] for time in times]

    def between(self, start: int, end: int) -> tuple[Sequence[int], Sequence[float]]:
        """The same, of a stretch of time."""
        times, values = self.ordered()
        first, after = bisect_left(times, start), bisect_left(times, end)
        return times[first:after], values[first:after]


NOTHING = Samples()


class Recent:
    """Two generations: rows being merged, and rows written since that began."""

    def __init__(self) -> None:
        self._fresh: dict[int, Samples] = {}
        self._merging: dict[int, Samples] = {}
        self._lock = threading.Lock()
        self.rows = 0  # of both

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows that are durable now."""
        fresh = self._fresh
        with self._lock:
            for series, time, value in rows:
                samples = fresh.get(series)
                if samples is None:
                    samples = fresh[series] = Samples()
                samples.times.append(time)
                samples.values.append(value)
            self.rows += len(rows)

    def is_worth_merging(self, now: int) -> bool:
        """Whether there is enough of it, or it waits long: each merge writes a page a series, so
        that few samples at once would be written to disk hundreds of times over. now: ms UTC."""
        with self._lock:
            if self._merging or self.rows >= WORTH * len(self._fresh):
                return self.rows > 0
            return any(abs(now - s.times[0]) > LONG for s in self._fresh.values())

    def begin_merge(self) -> Mapping[int, Samples]:
        """What is to be merged: all there is, what an earlier, broken merge left included."""
        with self._lock:
            for series, samples in self._fresh.items():
                earlier = self._merging.get(series)
                if earlier is None:
                    self._merging[series] = samples
                else:
                    earlier.extend(samples)
            self._fresh = {}
            return self._merging

    def end_merge(self) -> None:
        """What begin_merge() gave is in the clustered table, durably in order."""
        with self._lock:
            self.rows -= sum(len(samples.times) for samples in self._merging.values())
            self._merging = {}

    def copy(self, wanted: Iterable[int]) -> dict[int, Samples]:
        """Copies of the samples of series; those that have none are absent."""
        found = {}
        with self._lock:
            for series in wanted:
                older, newer = self._merging.get(series), self._fresh.get(series)
                if older is not None or newer is not None:
                    samples = found[series] = Samples()
                    samples.extend(older or NOTHING)
                    samples.extend(newer or NOTHING)
        return found
