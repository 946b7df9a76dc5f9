"""The store in memory: for tests and for trying things out. It keeps nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ioc.store._windows import Windows, checked, gather, limited, matches
from ioc.store.base import Point, Series, SeriesQuery, StoreHealth, Tags

Key = tuple[str, Tags, str]


class MemoryStore:
    """Honours the whole contract but survival."""

    def __init__(self) -> None:
        self._series: dict[Key, dict[int, float]] = {}
        self._lock = threading.Lock()

    def write(self, points: Sequence[Point]) -> None:
        checked(points)
        with self._lock:
            for point in points:
                for name, value in point.fields.items():
                    key = (point.measurement, point.tags, name)
                    self._series.setdefault(key, {})[point.time] = float(value) + 0.0  # -0.0 is 0

    def read(self, query: SeriesQuery) -> list[Series]:
        with self._lock:
            found = [
                (key, sorted(samples.items()))
                for key, samples in sorted(self._series.items())
                if key[0] == query.measurement
                and key[2] == query.field
                and matches(key[1], query.tags)
            ]
        answers, total = [], 0
        for (measurement, tags, name), samples in found:
            inside = [(t, v) for t, v in samples if query.start <= t < query.end]
            if query.step is not None:
                windows: Windows = {}
                gather(inside, query.step, windows)
                inside = [(t, windows[t].value(query.aggregate)) for t in sorted(windows)]
            total += len(inside)
            limited(total, query)
            if inside:
                times, values = zip(*inside, strict=True)
                answers.append(Series(measurement, name, tags, times, values))
        return answers

    def maintain(self, now: int) -> None:
        """Nothing to do: it keeps everything, and nothing."""

    def health(self) -> StoreHealth:
        return StoreHealth(ok=True)

    def close(self) -> None:
        self._series.clear()


def open_url(url: str) -> MemoryStore:
    return MemoryStore()
