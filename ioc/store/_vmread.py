"""Reading from VictoriaMetrics: raw samples by export, whole steps by MetricsQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from ioc.store._http import Http
from ioc.store._promql import WHOLE, exported, over_time, seconds, selector, stepped
from ioc.store._stepped import Samples, answer, cut, folded, joined, parts, to_fold
from ioc.store._windows import HELD, Grid, check_query
from ioc.store.base import Series, SeriesQuery

AHEAD = 2 * 86_400_000  # ms; the server drops what is later than that from now
SETTLED = 300_000  # ms; the server fills up the newest steps of an answer with earlier values
STEPS = 10_000  # of one request; the server refuses more than 30,000


class VictoriaReader:
    """path: of the API of Prometheus. counts_once: whether the server drops what came twice."""

    def __init__(self, http: Http, path: str, counts_once: Callable[[], bool]) -> None:
        self._http, self._path, self._counts_once = http, path, counts_once

    def read(self, query: SeriesQuery) -> list[Series]:
        """See ioc.store.base.SeriesQuery. Raises ValueError, StoreError."""
        check_query(query)
        if query.start >= query.end:
            return []
        if query.step is None:
            return answer(self._raw(query), query)
        first, last = self._whole_steps(query, query.step)
        if first >= last:
            return answer(self._folded(query, query.start, query.end), query)
        ways = [
            self._folded(query, query.start, first),
            self._stepped(query, query.step, first, last),
            self._folded(query, last, query.end),
        ]
        return answer(joined(ways, query), query)

    def _whole_steps(self, query: SeriesQuery, step: int) -> tuple[int, int]:
        """From and to where the server may do the steps; nowhere: the same twice."""
        grid = Grid(step, query.offset)
        settled = int(time.time() * 1000) - SETTLED
        first, last = grid.end(max(query.start, 0)), grid.start(min(query.end, settled))
        few = 0 < (last - first) // step <= query.limit
        if few and query.aggregate not in HELD and self._counts_once():
            return first, last
        return query.start, query.start

    def _stepped(self, query: SeriesQuery, step: int, first: int, last: int) -> Iterator[Samples]:
        """Steps that are whole. A request answers for moments; each stands for the step before."""
        path = f"{self._path}/query_range"
        for tags in parts(query.tags):
            asked = over_time(query, selector(query, tags))
            for start in range(first, last, STEPS * step):
                end = min(start + STEPS * step, last)
                form = [
                    ("query", asked),
                    ("start", seconds(start + step - 1)),
                    ("end", seconds(end - 1)),
                    ("step", f"{step}ms"),
                    ("nocache", "1"),  # which also moves start and end
                    WHOLE,
                ]
                reply = self._http.ask("POST", path, form=form)
                yield from stepped(reply.json(), step, self._http.name)

    def _folded(self, query: SeriesQuery, start: int, end: int) -> Iterator[Samples]:
        """Steps made here, of raw samples."""
        if start < end:
            part = replace(query, start=start, end=end)
            for series in self._raw(to_fold(part)):
                yield folded(series, part)

    def _raw(self, query: SeriesQuery) -> Iterator[Samples]:
        latest = int(time.time() * 1000) + AHEAD + 60_000
        for tags in parts(query.tags):
            form = [
                ("match[]", selector(query, tags)),
                ("start", seconds(max(0, min(query.start, latest)))),
                ("end", seconds(max(0, min(query.end, latest)))),
                WHOLE,
            ]
            with self._http.stream("POST", f"{self._path}/export", form=form) as lines:
                for series in exported(lines, self._http.name):
                    yield cut(series, query.start, query.end)
