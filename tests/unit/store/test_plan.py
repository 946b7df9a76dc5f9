"""A plan takes every moment of a query once, from a level that says the same."""

from __future__ import annotations

import sqlite3
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ioc.store._plan import coarsest, joined, plan
from ioc.store._schema import LIVE, RAW, TOP
from ioc.store._view import View, worn
from ioc.store._windows import Grid
from ioc.store.base import SeriesQuery

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
VIEW = View(sqlite3.connect(":memory:"), -7 * HOUR)

moments = st.integers(-3 * DAY, 40 * DAY)
stretches = st.lists(
    st.tuples(moments, st.integers(1, 2 * DAY)).map(lambda s: (s[0], s[0] + s[1])), max_size=6
)


@given(
    st.sampled_from([RAW, LIVE, TOP]), moments, moments, st.lists(stretches, min_size=3, max_size=3)
)
def test_parts_cover_the_query_once_and_touch_nothing_that_moves(
    level: int, start: int, end: int, unsettled: list[list[tuple[int, int]]]
) -> None:
    moving = {n: joined([s for one in unsettled[: n + 1] for s in one]) for n in range(TOP + 1)}
    parts = list(plan(VIEW, level, start, end, moving))
    assert sum(part.end - part.start for part in parts) == max(0, end - start)
    for earlier, later in pairwise(parts):
        assert earlier.end == later.start
    for part in parts:
        if part.level == RAW:
            continue
        grid = VIEW.grid(part.level)
        assert grid.start(part.start) == part.start
        assert grid.start(part.end) == part.end
        assert not [s for s in moving[part.level] if s[0] < part.end and part.start < s[1]]


def test_the_coarsest_level_that_fits_the_steps_is_taken() -> None:
    def level(step: int, offset: int = 0) -> int:
        return coarsest(VIEW, SeriesQuery("m", "f", 0, 1, step=step, offset=offset))

    assert level(7 * MINUTE) == RAW
    assert level(10 * MINUTE) == RAW  # what is kept of it is made when samples go
    assert level(6 * HOUR) == level(2 * HOUR, HOUR) == LIVE
    assert level(6 * HOUR, MINUTE) == RAW
    assert level(DAY) == LIVE  # UTC days are no local days
    assert level(DAY, -7 * HOUR) == level(7 * DAY, 17 * HOUR) == TOP


def test_a_settled_week_of_days_is_one_part() -> None:
    midnight = -7 * HOUR
    parts = list(plan(VIEW, TOP, midnight, midnight + 7 * DAY, {LIVE: (), TOP: ()}))
    assert [(part.level, part.end - part.start) for part in parts] == [(TOP, 7 * DAY)]


@given(stretches)
def test_joined_stretches_are_apart_and_cover_the_same(given: list[tuple[int, int]]) -> None:
    found = joined(given)
    for earlier, later in pairwise(found):
        assert earlier[1] < later[0]
    for start, end in given:
        assert [s for s in found if s[0] <= start and end <= s[1]]


@given(st.lists(moments, min_size=4, max_size=4), moments, moments)
def test_what_was_dropped_is_taken_from_the_finest_level_that_is_left(
    begins: list[int], start: int, end: int
) -> None:
    floors = dict(zip(range(RAW, TOP + 1), sorted(begins, reverse=True), strict=True))
    end = min(end, floors[RAW])
    found = sorted((first, after, level) for level, first, after in worn(floors, start, end))
    assert sum(after - first for first, after, _level in found) == max(
        0, end - max(start, floors[TOP])
    )
    for first, after, level in found:
        assert floors[level] <= first < after <= floors[level - 1]


@given(moments, st.sampled_from([1, 7, MINUTE, HOUR, DAY]), st.integers(-2 * DAY, 2 * DAY))
def test_a_time_is_inside_its_step(time: int, width: int, offset: int) -> None:
    grid = Grid(width, offset)
    assert grid.start(time) <= time < grid.start(time) + width
    assert (grid.start(time) - offset) % width == 0
    assert grid.end(time) - width < time <= grid.end(time)
