"""Answers made of samples that a server gave back: steps, limit and order as in every store."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from ioc.store._series import matches
from ioc.store._windows import HELD, Grid, Windows, fold, hold, limited
from ioc.store.base import HOLD, Series, SeriesQuery, Tags

Samples = tuple[Tags, Sequence[int], Sequence[float]]  # times ascending, ms UTC

UNBOUNDED = 2**62  # samples
VALUES = 200  # values of a tag that one request asks for


def to_fold(query: SeriesQuery) -> SeriesQuery:
    """The question for the raw samples that a step of this one is made of."""
    more = HOLD if query.aggregate in HELD else 0
    return replace(query, step=None, end=query.end + more, limit=UNBOUNDED)


def folded(samples: Samples, query: SeriesQuery) -> Samples:
    """Raw samples of one series, as `to_fold` asks for them, in the steps of a question."""
    tags, times, values = samples
    assert query.step is not None
    first, end = bisect_left(times, query.start), bisect_left(times, query.end)
    windows: Windows = {}
    grid = Grid(query.step, query.offset)
    fold(times[first:end], values[first:end], grid, windows)
    if query.aggregate in HELD:
        following = times[end] if end < len(times) else None
        hold(times[first:end], values[first:end], following, grid, windows)
    starts = sorted(windows)
    return tags, starts, [windows[start].value(query.aggregate) for start in starts]


def cut(samples: Samples, start: int, end: int) -> Samples:
    """What of a series is from start, inclusive, to end, exclusive."""
    tags, times, values = samples
    first, last = bisect_left(times, start), bisect_left(times, end)
    if first == 0 and last == len(times):
        return samples
    return tags, times[first:last], values[first:last]


def joined(ways: Iterable[Iterable[Samples]], query: SeriesQuery) -> Iterator[Samples]:
    """Series whose samples were found one stretch of time after the other."""
    times: dict[Tags, list[int]] = {}
    values: dict[Tags, list[float]] = {}
    total = 0
    for way in ways:
        for tags, some_times, some_values in way:
            total += len(some_times)
            limited(total, query)
            times.setdefault(tags, []).extend(some_times)
            values.setdefault(tags, []).extend(some_values)
    for tags, its_times in times.items():
        yield tags, its_times, values[tags]


def answer(found: Iterable[Samples], query: SeriesQuery) -> list[Series]:
    """What a store answers, sorted by tags. Raises ValueError when it is too much.

    Takes no more than it needs to know that.
    """
    series, total = [], 0
    for tags, times, values in found:
        if not times or not matches(dict(tags), query.tags):
            continue
        total += len(times)
        limited(total, query)
        series.append(Series(query.measurement, query.field, tags, times, values))
    return sorted(series, key=lambda one: one.tags)


def parts(wanted: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, tuple[str, ...]]]:
    """Wanted values of tags in pieces that fit into a request; together they are all."""
    pieces = [
        [(name, once[i : i + VALUES]) for i in range(0, len(once), VALUES)]
        for name, values in wanted.items()
        for once in [tuple(dict.fromkeys(values))]
    ]
    for choice in product(*pieces):
        yield dict(choice)
