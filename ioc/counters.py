"""Numbers about the program itself, for /metrics and its own series."""

from __future__ import annotations

from typing import Any

import psutil

from ioc.engine.hub import Hub
from ioc.engine.model import State
from ioc.engine.pipeline import Pipeline
from ioc.engine.poller import Poller
from ioc.engine.sink import Sink


def counters(  # noqa: PLR0917 - the parts that count
    poller: Poller,
    pipeline: Pipeline,
    points: Sink[Any],
    changes: Sink[Any],
    hub: Hub,
    process: psutil.Process,
) -> dict[str, float]:
    """name -> value."""
    stats = poller.stats
    lags = sorted(stats.lags)
    states = [view.state for view in pipeline.view().assets.values()]
    return {
        "polls": stats.polls,
        "failures": stats.failures,
        "merged_polls": stats.merged,
        "missed_polls": poller.missed,
        "hung_polls": stats.hung,
        "lag_p99_ms": 1000 * lags[int(0.99 * (len(lags) - 1))] if lags else 0.0,
        "store_queue": len(points),
        "store_written": points.written,
        "store_dropped": points.dropped,
        "database_queue": len(changes),
        "screens": len(hub),
        "rss_mb": process.memory_info().rss / 2**20,
        "cpu_seconds": sum(process.cpu_times()[:2]),
        **{f"assets_{state}": float(states.count(state)) for state in State},
    }
