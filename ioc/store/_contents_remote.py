"""What is in a server on the network; see ioc.store._contents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from ioc.store._contents import Span, spans
from ioc.store._halves import outermost
from ioc.store._http import Http, strange
from ioc.store._influxql import FARTHEST, found, name
from ioc.store._lines import decoded_name
from ioc.store._promql import WHOLE, seconds
from ioc.store.base import Content


def influx_contents(http: Http, database: str) -> list[Content]:
    """Numeric fields; those of other programs in the same database, too."""
    parts = []
    for listed in _ask(http, database, "SHOW FIELD KEYS"):
        measurement = decoded_name(listed["name"])
        for field, kind in listed["values"]:
            if kind in ("float", "integer"):
                plain = decoded_name(field)
                parts += [
                    (measurement, plain, at, at)
                    for at in _ends_of(http, database, measurement, plain)
                ]
    return spans(parts)


def _ends_of(http: Http, database: str, measurement: str, field: str) -> Iterator[int]:
    """Times of the first and the last sample."""
    what = f"SELECT {name(field)}::field FROM {name(measurement)}"

    def end(order: str, start: int, until: int) -> int | None:
        span = f"WHERE time >= {start}ms AND time < {until}ms"
        series = _ask(http, database, f"{what} {span} ORDER BY time {order} LIMIT 1")
        return int(series[0]["values"][0][0]) if series else None

    for order in ("ASC", "DESC"):
        at = outermost(partial(end, order), -FARTHEST, FARTHEST, last=order == "DESC")
        if at is not None:
            yield at


def _ask(http: Http, database: str, question: str) -> list[dict[str, Any]]:
    form = [("db", database), ("epoch", "ms"), ("q", question)]
    return found(http.ask("POST", "/query", form=form).body, http.name)


def victoria_contents(http: Http, path: str) -> list[Content]:
    """Metrics whose name is a measurement and a field, `_` between."""
    now = int(time.time() * 1000) + 2 * 86_400_000
    form = [("start", "1"), ("end", seconds(now)), WHOLE]  # of 0, newer servers make today
    body = http.ask("POST", f"{path}/label/__name__/values", form=form).json()
    parts: list[Span] = []
    try:
        for metric in body["data"]:
            measurement, sign, field = metric.partition("_")
            ends = [_end_of(http, path, metric, way, now) for way in ("min", "max")] if sign else []
            if ends and None not in ends:
                first, last = (round(end * 1000) for end in ends if end is not None)
                parts.append((decoded_name(measurement), decoded_name(field), first, last))
    except (KeyError, TypeError, ValueError):
        raise strange(http.name, 200) from None
    return spans(parts)


def _end_of(http: Http, path: str, metric: str, way: str, now: int) -> float | None:
    """Time of the first or last sample, seconds."""
    rollup = {"min": "tfirst_over_time", "max": "tlast_over_time"}[way]
    text = metric.replace("\\", "\\\\").replace('"', '\\"')
    since = now // 1000 - 86_400  # reaching back beyond 1970 the server finds nothing at all
    query = f'{way}({rollup}({{__name__="{text}"}}[{since}s]))'
    form = [("query", query), ("time", seconds(now)), ("nocache", "1"), WHOLE]
    result = http.ask("POST", f"{path}/query", form=form).json()["data"]["result"]
    return float(result[0]["value"][1]) if result else None
