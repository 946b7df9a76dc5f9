"""What a query needs of each step: one or two figures, put together from windows or samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from ioc.store._windows import Window
from ioc.store.base import Aggregate

Figures = tuple[Any, Any]
NO_NUMBER = "9e999"  # SQLite has no NaN: what is no number is kept as the largest


class Recipe(NamedTuple):
    """How an aggregate is made.

    columns: of a table of windows. together: the same of all the windows of a selection.
    of: the figures of one Window. combine: of two windows' figures. value: what is answered.
    held: the figures of up and known time, ms; None where an aggregate is not made of these.
    """

    columns: str
    together: str
    of: Callable[[Window], Figures]
    combine: Callable[[Figures, Figures], Figures]
    value: Callable[[Figures], float]
    held: Callable[[int, int], Figures] | None = None


def _one(name: str) -> Callable[[Window], Figures]:
    get = attrgetter(name)
    return lambda window: (get(window), 0)


def _sum(a: Figures, b: Figures) -> Figures:
    return a[0] + b[0], a[1] + b[1]


def _first(figures: Figures) -> float:
    return float(figures[0])


def _seconds(figures: Figures) -> float:
    return float(figures[0] / 1000)


def _share(figures: Figures) -> float:
    return float(figures[0] / figures[1])


def _later(a: Figures, b: Figures) -> Figures:
    return b if b[1] >= a[1] else a


TOTAL = f"coalesce(sum(total), {NO_NUMBER})"
RECIPES: Mapping[Aggregate, Recipe] = {
    Aggregate.MEAN: Recipe(
        "total, count", f"{TOTAL}, sum(count)", attrgetter("total", "count"), _sum,
        _share,
    ),
    Aggregate.SUM: Recipe("total, 0", f"{TOTAL}, 0", _one("total"), _sum, _first),
    Aggregate.COUNT: Recipe("count, 0", "sum(count), 0", _one("count"), _sum, _first),
    Aggregate.MIN: Recipe("low, 0", "min(low), 0", _one("low"), min, _first),
    Aggregate.MAX: Recipe("high, 0", "max(high), 0", _one("high"), max, _first),
    Aggregate.LAST: Recipe(
        "last, last_time", "last, max(last_time)", attrgetter("last", "last_time"), _later, _first
    ),
    Aggregate.UP_SECONDS: Recipe(
        "up_ms, 0", "sum(up_ms), 0", _one("up_ms"), _sum, _seconds, lambda up, known: (up, 0)
    ),
    Aggregate.KNOWN_SECONDS: Recipe(
        "known_ms, 0", "sum(known_ms), 0", _one("known_ms"), _sum, _seconds,
        lambda up, known: (known, 0),
    ),
    Aggregate.AVAILABILITY: Recipe(
        "up_ms, known_ms", "sum(up_ms), sum(known_ms)", attrgetter("up_ms", "known_ms"), _sum,
        _share, lambda up, known: (up, known),
    ),
}  # fmt: skip


class Steps:
    """The steps of one series: start of the step, ms UTC -> figures."""

    __slots__ = ("_recipe", "found")

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.found: dict[int, Figures] = {}

    def put(self, start: int, figures: Figures) -> None:
        """Figures of a window that lies in the step that starts at `start`."""
        known = self.found.get(start)
        self.found[start] = figures if known is None else self._recipe.combine(known, figures)

    def add(self, start: int, window: Window) -> None:
        self.put(start, self._recipe.of(window))

    def answer(self) -> tuple[Sequence[int], Sequence[float]]:
        """Times, ascending, and values."""
        times = sorted(self.found)
        value = self._recipe.value
        return times, [value(self.found[time]) for time in times]
