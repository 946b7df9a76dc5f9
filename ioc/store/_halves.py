"""Questions over more time than a server looks at, asked in halves, and halves of those.

InfluxDB 3 Core answers from at most 432 files, unless told otherwise, and a file holds ten
minutes: three days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from ioc.store._http import TooWide
from ioc.store._stepped import Samples, folded, joined, to_fold
from ioc.store._windows import Grid
from ioc.store.base import SeriesQuery

Found = TypeVar("Found")


def in_halves(
    ask: Callable[[SeriesQuery], Iterator[Samples]], query: SeriesQuery
) -> Iterator[Samples]:
    """Series for a question. Raises TooWide when not even the narrowest part is answered."""
    answer = ask(query)
    try:
        first = next(answer, None)
    except TooWide:
        middle = _middle(query)
        if middle is not None:
            parts = replace(query, end=middle), replace(query, start=middle)
            yield from joined((in_halves(ask, part) for part in parts), query)
        elif query.step is not None:  # a step that is too wide itself: made here, of samples
            for series in in_halves(ask, to_fold(query)):
                yield folded(series, query)
        else:
            raise
    else:
        if first is not None:
            yield from chain((first,), answer)


def _middle(query: SeriesQuery) -> int | None:
    """Where to cut, between two steps. None: there is nothing to cut."""
    middle = (query.start + query.end) // 2
    if query.step is not None:
        middle = Grid(query.step, query.offset).start(middle)
    return middle if query.start < middle < query.end else None


def outermost(
    ask: Callable[[int, int], Found | None], start: int, end: int, *, last: bool
) -> Found | None:
    """The first or last of something from start, inclusive, to end, exclusive; None: nothing."""
    try:
        return ask(start, end)
    except TooWide:
        if end - start < 2:
            raise
    middle = (start + end) // 2
    halves = (start, middle), (middle, end)
    for half in reversed(halves) if last else halves:
        found = outermost(ask, *half, last=last)
        if found is not None:
            return found
    return None
