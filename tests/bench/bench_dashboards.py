"""How long the leaders' dashboard waits for its data: 30 days of 20 communes, on both engines.

Every query of every panel and mark of the dashboard, as a viewer opens it over 24 hours and over
30 days; the figure is the slowest query, the best of three runs of each, one at a time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.runner import Figure
from tests.integration.grafana import _engines, _grafana
from tests.integration.grafana._district import District
from tests.integration.grafana._grafana import Page, Screen, panels, variables

DAYS = 30
GOAL = 300.0  # ms
RUNS = 3
# Dashboard, what it is called here, days, goal in ms: the leaders' has one.
VIEWS: tuple[tuple[str, str, int, float | None], ...] = (
    ("ioc-center", "leaders' dashboard", 1, GOAL),
    ("ioc-center", "leaders' dashboard", DAYS, GOAL),
    ("ioc-links", "links' dashboard", DAYS, None),
)


def run() -> list[Figure]:
    """One figure for each engine and range: ms of the slowest query."""
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        influx = stack.enter_context(_engines.influx(folders[0]))
        victoria = stack.enter_context(_engines.victoria(folders[1]))
        district = District(DAYS, time.time_ns() // 1_000_000 - 120_000)
        points = list(district.points())
        count = influx.write(points)
        victoria.write(points)
        del points
        end = district.made.started / 1000
        return [
            _figure(name, engine, language, end, view, count)
            for name, language, engine in (
                ("InfluxDB 1.6.7", "influxql", influx),
                ("VictoriaMetrics", "promql", victoria),
            )
            for view in VIEWS
        ]


def _figure(
    name: str,
    engine: Any,
    language: str,
    end: float,
    view: tuple[str, str, int, float | None],
    count: int,
) -> Figure:
    board, called, days, goal = view
    times = [
        _fastest(page, target, least)
        for page, target, least in _queries(engine, language, end, days, board)
    ]
    slowest = max(times)
    print(f"{name}, {called}: {len(times)} queries of {count} points, sum {sum(times):.0f} ms")
    return {
        "name": f"{called}, slowest query over {days} d, {name}",
        "ours": round(slowest, 1),
        "unit": "ms",
        "peers": {},
        "goal": None if goal is None else f"under {goal:.0f} ms each",
        "met": None if goal is None else slowest < goal,
    }


def _queries(
    engine: Any, language: str, end: float, days: int, uid: str
) -> Iterator[tuple[Page, Any, Any]]:
    board = next(d for d in _grafana.dashboards(language) if d["uid"] == uid)
    chosen: dict[str, list[str] | None] = {
        v["name"]: None if v["type"] == "query" else [v["query"]] for v in variables(board)
    }
    page = Page(engine, Screen(end - days * 86_400, end, chosen))
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield page, target, panel.get("interval")
    for mark in board["annotations"]["list"]:
        yield page, mark["target"], "1m"


def _fastest(page: Page, target: Any, least: str | None) -> float:
    """Milliseconds of the best of some runs; an empty answer is no answer."""
    best = float("inf")
    for _ in range(RUNS):
        began = time.perf_counter()
        found = page.ask(target, least)
        best = min(best, 1000 * (time.perf_counter() - began))
        assert found, target
    return best
