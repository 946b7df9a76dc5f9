"""Steps of time and what is known of one: shared by every store that aggregates by itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import lt, sub
from typing import NamedTuple

from ioc.store.base import HOLD, Aggregate, SeriesQuery

LATEST = 86_400_000 * 10**6  # ms, year 4707: beyond lie only microseconds taken for milliseconds

HELD = (Aggregate.UP_SECONDS, Aggregate.KNOWN_SECONDS, Aggregate.AVAILABILITY)


@dataclass(slots=True)
class Window:
    """What is known of the samples of one step. first_time, last_time: ms UTC.

    up_ms, known_ms: how long its samples said "up", and said anything; 0 unless asked for.
    """

    count: int
    total: float
    low: float
    high: float
    first_time: int
    last_time: int
    last: float
    up_ms: int = 0
    known_ms: int = 0

    def add(self, other: Window) -> None:
        """Take in other samples of the same step."""
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self.first_time = min(self.first_time, other.first_time)
        if other.last_time >= self.last_time:
            self.last_time, self.last = other.last_time, other.last
        self.up_ms += other.up_ms
        self.known_ms += other.known_ms

    def value(self, aggregate: Aggregate) -> float:  # noqa: PLR0911 - one line for each aggregate
        match aggregate:
            case Aggregate.MEAN:
                return self.total / self.count
            case Aggregate.MIN:
                return self.low
            case Aggregate.MAX:
                return self.high
            case Aggregate.SUM:
                return self.total
            case Aggregate.COUNT:
                return float(self.count)
            case Aggregate.LAST:
                return self.last
            case Aggregate.UP_SECONDS:
                return self.up_ms / 1000
            case Aggregate.KNOWN_SECONDS:
                return self.known_ms / 1000
            case Aggregate.AVAILABILITY:  # each sample holds for a while: known is never 0
                return self.up_ms / self.known_ms


Windows = dict[int, Window]  # start of the step, ms UTC -> what is known


class Grid(NamedTuple):
    """Steps of one width, ms, shifted from the epoch by an offset, ms."""

    width: int
    offset: int = 0

    def start(self, time: int) -> int:
        """Start of the step that a time is in."""
        return time - (time - self.offset) % self.width

    def end(self, time: int) -> int:
        """End of the step that a time is in; the time itself when it is such an end."""
        return self.start(time - 1) + self.width


def add(windows: Windows, start: int, window: Window) -> None:
    """Put a window into the step that starts at `start`."""
    known = windows.get(start)
    if known is None:
        windows[start] = window
    else:
        known.add(window)


def fold(times: Sequence[int], values: Sequence[float], grid: Grid, windows: Windows) -> None:
    """Put samples, ascending in time, into the windows of a grid."""
    for start, first, end in runs(times, grid):
        part = values[first:end]
        window = Window(
            end - first, sum(part), min(part), max(part), times[first], times[end - 1], part[-1]
        )
        add(windows, start, window)


def runs(times: Sequence[int], grid: Grid) -> Iterator[tuple[int, int, int]]:
    """Ascending times by window: (its start, index of its first time, index after its last)."""
    first = 0
    while first < len(times):
        start = grid.start(times[first])
        end = bisect_left(times, start + grid.width, first)
        yield start, first, end
        first = end


def hold(
    times: Sequence[int],
    values: Sequence[float],
    following: int | None,
    grid: Grid,
    windows: Windows,
) -> None:
    """Add to windows that were folded already how long each sample of `up` holds; see `held`."""
    for start, up, known in held(times, values, following, grid):
        windows[start].up_ms += up
        windows[start].known_ms += known


def held(
    times: Sequence[int], values: Sequence[float], following: int | None, grid: Grid
) -> Iterator[tuple[int, int, int]]:
    """By window how long samples of `up`, ascending, hold: (its start, up ms, known ms).

    following: time of the sample after the last one, None when there is none.
    """
    if not times:
        return
    after = [*times[1:], times[-1] + HOLD if following is None else following]
    lengths = list(map(sub, after, times))
    if max(lengths) > HOLD:
        lengths = [min(length, HOLD) for length in lengths]
    for start, first, end in runs(times, grid):
        part, said = lengths[first:end], values[first:end]
        known = up = sum(part)
        if min(said) < 0.5:  # imported figures may be shares
            up = sum(n for n, value in zip(part, said, strict=True) if value >= 0.5)
        yield start, up, known


def is_ascending(times: Sequence[int]) -> bool:
    """Whether each time is later than the one before."""
    return all(map(lt, times, times[1:]))


def check_query(query: SeriesQuery) -> None:
    """Raise ValueError for a question without an answer."""
    if query.step is not None and query.step <= 0:
        raise ValueError(f"a step must be longer than 0 ms, not {query.step}")
    if query.aggregate in HELD and (query.field != "up" or query.step is None):
        raise ValueError(f"{query.aggregate} needs a step and a field named up")


def bounded(query: SeriesQuery) -> SeriesQuery:
    """The same question in numbers that every engine can count with."""
    start, end = (max(-LATEST, min(LATEST, time)) for time in (query.start, query.end))
    return replace(query, start=start, end=end, limit=min(query.limit, LATEST))


def limited(count: int, query: SeriesQuery) -> None:
    """Raise ValueError when an answer is larger than the query allows."""
    if count > query.limit:
        raise ValueError(
            f"more than {query.limit} samples; ask for less time, fewer series or a larger step"
        )
