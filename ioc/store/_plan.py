"""Which stretch of time a query takes from which level: the coarsest that says the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ioc.store._merge import Stretch
from ioc.store._schema import LIVE, RAW, TOP
from ioc.store._view import View
from ioc.store.base import SeriesQuery


@dataclass(frozen=True, slots=True)
class Part:
    """Take what starts in [start, end), ms UTC, from a level."""

    level: int
    start: int
    end: int


Moving = Mapping[
    int, Sequence[Stretch]
]  # level -> stretches its windows are not settled in, sorted


def coarsest(view: View, query: SeriesQuery) -> int:
    """The coarsest live level whose windows fill the query's steps exactly; RAW when none does."""
    step = query.step or 1
    for level in range(TOP, LIVE - 1, -1):
        grid = view.grid(level)
        if step % grid.width == 0 and (query.offset - grid.offset) % grid.width == 0:
            return level
    return RAW


def plan(view: View, level: int, start: int, end: int, moving: Moving) -> Iterator[Part]:
    """Parts that cover a stretch: whole, settled windows of the level, the rest from below it."""
    if start >= end:
        return
    if level == RAW:
        yield Part(RAW, start, end)
        return
    grid = view.grid(level)
    below = level - 1 if level > LIVE else RAW
    first, last = grid.end(start), grid.start(end)
    if first >= last:
        yield from plan(view, below, start, end, moving)
        return
    yield from plan(view, below, start, first, moving)
    settled = first
    near = moving[level]  # sorted, apart from each other
    for index in range(max(0, bisect_right(near, (first,)) - 1), len(near)):
        a, b = near[index]
        if a >= last:
            break
        begin = max(grid.start(a), settled)
        after = min(grid.end(b), last)
        if begin < after:
            yield from _part(level, settled, begin)
            yield from plan(view, below, begin, after, moving)
            settled = after
    yield from _part(level, settled, last)
    yield from plan(view, below, last, end, moving)


def _part(level: int, start: int, end: int) -> Iterator[Part]:
    if start < end:
        yield Part(level, start, end)


def joined(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Stretches sorted, those that touch as one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
