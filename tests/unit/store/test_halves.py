"""A server that looks at little time at once gives the answers of one that looks at all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.store._halves import in_halves, outermost
from ioc.store._http import TooWide, failure
from ioc.store._stepped import Samples, answer
from ioc.store._windows import HELD
from ioc.store.base import Aggregate, Point, Series, SeriesQuery
from ioc.store.memory import MemoryStore

LATEST = 20_000
AGGREGATES = [aggregate for aggregate in Aggregate if aggregate not in HELD]
TIMES = st.lists(st.integers(-LATEST, LATEST), unique=True, max_size=60)


class Narrow:
    """A server that refuses a question which `most` or more of its files have a part in."""

    def __init__(self, times: list[int], most: int) -> None:
        self.most, self.asked = most, 0
        self._files = {time // 100 for time in times}
        self.store = MemoryStore()
        self.store.write(
            [Point("check", (("asset", f"a{t % 3}"),), {"rtt_ms": t / 7}, t) for t in times]
        )

    def read(self, query: SeriesQuery) -> Iterator[Samples]:
        self.look(query.start, query.end)
        for series in self.store.read(query):
            yield series.tags, series.times, series.values

    def look(self, start: int, end: int) -> None:
        self.asked += 1
        if sum(start < (file + 1) * 100 and file * 100 < end for file in self._files) > self.most:
            raise failure("InfluxDB", 500, {}, "Query would exceed file limit of 432 parquet files")

    def first(self, start: int, end: int) -> int | None:
        return self._one(start, end, 0)

    def last(self, start: int, end: int) -> int | None:
        return self._one(start, end, -1)

    def _one(self, start: int, end: int, which: int) -> int | None:
        self.look(start, end)
        found = self.store.read(SeriesQuery("check", "rtt_ms", start, end))
        times = sorted(time for series in found for time in series.times)
        return times[which] if times else None


def plain(series: list[Series]) -> list[tuple[object, list[int], list[float]]]:
    return [(s.tags, list(s.times), list(s.values)) for s in series]


@given(
    TIMES,
    st.integers(1, 5),
    st.integers(-LATEST, LATEST),
    st.integers(1, 2 * LATEST),
    st.none() | st.integers(1, 2_000),
    st.integers(-500, 500),
    st.sampled_from(AGGREGATES),
)
def test_the_same_answer(
    times: list[int], most: int, start: int, length: int, step: int | None, offset: int,
    aggregate: Aggregate,
) -> None:  # fmt: skip
    server = Narrow(times, most)
    query = SeriesQuery(
        "check", "rtt_ms", start, start + length, step=step, offset=offset, aggregate=aggregate
    )
    mine = answer(in_halves(server.read, query), query)
    assert plain(mine) == plain(server.store.read(query))


@given(TIMES, st.integers(1, 3))
def test_the_first_and_the_last(times: list[int], most: int) -> None:
    server = Narrow(times, most)
    far = 2**43
    assert outermost(server.first, -far, far, last=False) == min(times, default=None)
    assert outermost(server.last, -far, far, last=True) == max(times, default=None)


def test_what_is_answered_at_once_is_asked_once() -> None:
    server = Narrow([1, 2, 3], 1)
    query = SeriesQuery("check", "rtt_ms", 0, 100)
    assert sum(len(times) for _, times, _ in in_halves(server.read, query)) == 3
    assert server.asked == 1


def test_too_many_samples_are_too_many_also_in_parts() -> None:
    server = Narrow(list(range(0, 5_000, 10)), 4)
    query = SeriesQuery("check", "rtt_ms", 0, 5_000, limit=100)
    with pytest.raises(ValueError, match="more than 100 samples"):
        list(in_halves(server.read, query))
    assert server.asked < 40, "it is not asked for all that is too much"


def test_a_server_that_answers_nothing_is_told_as_it_is() -> None:
    server = Narrow(list(range(0, 1_000, 10)), 0)
    query = SeriesQuery("check", "rtt_ms", 0, 1_000)
    for narrow in (query, replace(query, step=100)):
        with pytest.raises(TooWide, match="file limit of 432"):
            list(in_halves(server.read, narrow))
    with pytest.raises(TooWide):
        outermost(server.first, 0, 1_000, last=False)
