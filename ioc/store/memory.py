"""The store in memory: for tests and for trying things out. It keeps nothing."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence

from ioc.store._contents import spans
from ioc.store._series import Key, checked_key, checked_time, finite, matches
from ioc.store._windows import HELD, Grid, Windows, check_query, fold, hold, limited
from ioc.store.base import Content, Point, Series, SeriesQuery, StoreHealth


class MemoryStore:
    """Honours the whole contract but survival; says plainly what an answer is."""

    def __init__(self) -> None:
        self._series: dict[Key, dict[int, float]] = {}
        self._lock = threading.Lock()

    def write(self, points: Sequence[Point]) -> None:
        """All of it or nothing. ValueError for what cannot be kept."""
        rows = [
            (checked_key(point, field), checked_time(point), finite(value, field, point))
            for point in points
            for field, value in point.fields.items()
        ]
        with self._lock:
            for key, time, value in rows:
                self._series.setdefault(key, {})[time] = value

    def read(self, query: SeriesQuery) -> list[Series]:
        """See ioc.store.base.SeriesQuery. Raises ValueError."""
        check_query(query)
        answers, total = [], 0
        for key, samples in self._found(query):
            found = _answer(samples, query)
            total += len(found)
            limited(total, query)
            if found:
                times, values = zip(*found, strict=True)
                answers.append(Series(key[0], key[2], key[1], times, values))
        return answers

    def _found(self, query: SeriesQuery) -> list[tuple[Key, list[tuple[int, float]]]]:
        with self._lock:
            return [
                (key, sorted(samples.items()))
                for key, samples in sorted(self._series.items())
                if (key[0], key[2]) == (query.measurement, query.field)
                and matches(dict(key[1]), query.tags)
            ]

    def contents(self) -> list[Content]:
        """See ioc.store.base.Listed."""
        with self._lock:
            times = [
                (key[0], key[2], time) for key, found in self._series.items() for time in found
            ]
        return spans((name, field, time, time) for name, field, time in times)

    def maintain(self, now: int) -> None:
        """Nothing to do: it keeps everything, and nothing."""

    def health(self) -> StoreHealth:
        return StoreHealth(ok=True)

    def close(self) -> None:
        self._series.clear()


def _answer(samples: list[tuple[int, float]], query: SeriesQuery) -> list[tuple[int, float]]:
    all_times = [time for time, _ in samples]
    first, end = bisect_left(all_times, query.start), bisect_left(all_times, query.end)
    if query.step is None:
        return samples[first:end]
    times, values = all_times[first:end], [value for _, value in samples[first:end]]
    windows: Windows = {}
    grid = Grid(query.step, query.offset)
    fold(times, values, grid, windows)
    if query.aggregate in HELD:
        following = all_times[end] if end < len(all_times) else None
        hold(times, values, following, grid, windows)
    return [(start, windows[start].value(query.aggregate)) for start in sorted(windows)]


def open_url(url: str) -> MemoryStore:
    """`memory://`."""
    return MemoryStore()
