"""Steps of time and what is known of one: shared by every store that aggregates by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ioc.store.base import Aggregate, Point, SeriesQuery, Tags


@dataclass(slots=True)
class Window:
    """What is known of the samples of one step. last_time: ms UTC of `last`."""

    count: int
    total: float
    low: float
    high: float
    last_time: int
    last: float

    def add(self, other: Window) -> None:
        """Take in samples of another, disjoint stretch of time."""
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        if other.last_time >= self.last_time:
            self.last_time, self.last = other.last_time, other.last

    def value(self, aggregate: Aggregate) -> float:
        answers = {
            Aggregate.MEAN: self.total / self.count,
            Aggregate.MIN: self.low,
            Aggregate.MAX: self.high,
            Aggregate.SUM: self.total,
            Aggregate.COUNT: float(self.count),
            Aggregate.LAST: self.last,
        }
        return answers[aggregate]


Windows = dict[int, Window]  # start of the step, ms UTC -> what is known


def add(windows: Windows, start: int, window: Window) -> None:
    known = windows.get(start)
    if known is None:
        windows[start] = window
    else:
        known.add(window)


def gather(samples: Iterable[tuple[int, float]], step: int, windows: Windows) -> None:
    """Put (time, value) samples into the windows of a step."""
    for time, value in samples:
        add(windows, time - time % step, Window(1, value, value, value, time, value))


def limited(count: int, query: SeriesQuery) -> None:
    """Raise ValueError when an answer is larger than the query allows."""
    if count > query.limit:
        raise ValueError(
            f"more than {query.limit} samples; ask for less time, fewer series or a larger step"
        )


def checked(points: Sequence[Point]) -> None:
    """Raise ValueError, naming the point, for what no store can keep."""
    for point in points:
        for name, value in point.fields.items():
            if not math.isfinite(value):
                where = f"{point.measurement} {dict(point.tags)} {name} at {point.time}"
                raise ValueError(f"not a finite number: {value} in {where}")


def matches(tags: Tags, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether every wanted tag has one of its wanted values."""
    found = dict(tags)
    return all(found.get(name) in values for name, values in wanted.items())
