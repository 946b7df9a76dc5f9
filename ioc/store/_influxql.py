"""InfluxQL: questions as text, answers from a stream of JSON. The same for InfluxDB 1, 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ioc.i18n import _
from ioc.store._http import NotFound, failure, strange
from ioc.store._lines import coded, coded_name, decoded_tags
from ioc.store._stepped import UNBOUNDED, Samples
from ioc.store.base import SeriesQuery, StoreUnavailable

# A database without a bucket behind it: of 1.x and 3, of 2.x, of the first 2.x.
MISSING = ("database not found", "retention policy not found", "expected 1, found 0")
FARTHEST = 9_223_372_036_854  # ms; times are nanoseconds in 64 bits


def select(query: SeriesQuery, tags: Mapping[str, tuple[str, ...]]) -> str:
    """The question for the series that have these tags; its step is done by the server.

    One more sample than the limit is asked for: that shows that there are too many.
    """
    field = f"{name(query.field)}::field"
    start, end = (max(-FARTHEST, min(time, FARTHEST)) for time in (query.start, query.end))
    where = [f"time >= {start}ms AND time < {end}ms"]
    for tag, values in tags.items():
        any_of = " OR ".join(f"{name(tag)}::tag = {text(coded(value))}" for value in values)
        where.append(f"({any_of})")
    group, fill = "*", ""
    if query.step is not None:
        field = f"{query.aggregate.value}({field})"
        group = f"time({query.step}ms, {query.offset % query.step}ms), *"
        fill = " FILL(none)"
    limit = "" if query.limit >= UNBOUNDED else f" LIMIT {query.limit + 1}"
    return (
        f"SELECT {field} FROM {name(query.measurement)} WHERE {' AND '.join(where)}"
        f" GROUP BY {group}{fill}{limit}"
    )


def name(plain: str) -> str:
    """A measurement, field or tag as an identifier; what is odd in it is coded."""
    return identifier(coded_name(plain))


def identifier(exact: str) -> str:
    """A name as it is on the server."""
    escaped = exact.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def text(value: str) -> str:
    """A string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def samples(lines: Iterable[bytes], store: str) -> Iterator[Samples]:
    """Series of a chunked answer, each whole. store: for messages. Raises StoreError."""
    last: Samples | None = None
    for tags, times, values in _pieces(lines, store):
        if last is not None and last[0] == tags:
            last[1].extend(times)  # type: ignore[attr-defined]
            last[2].extend(values)  # type: ignore[attr-defined]
            continue
        if last is not None:
            yield last
        last = (tags, times, values)
    if last is not None:
        yield last


def _pieces(lines: Iterable[bytes], store: str) -> Iterator[tuple[Any, list[int], list[float]]]:
    for line in lines:
        if not line.strip():
            continue
        for series in found(line, store):
            try:
                times, values = _columns(series["values"])
                tags = decoded_tags((series.get("tags") or {}).items())
            except (AttributeError, TypeError, ValueError, LookupError):
                raise strange(store, 200) from None
            yield tags, times, values


def _columns(rows: list[list[Any]]) -> tuple[list[int], list[float]]:
    """Times and values of rows; what is text is left out."""
    values = [row[1] for row in rows]
    if not set(map(type, values)) <= {int, float}:
        rows = [row for row in rows if isinstance(row[1], (int, float))]
        values = [row[1] for row in rows]
    return [row[0] for row in rows], list(map(float, values))


def found(line: bytes, store: str) -> list[dict[str, Any]]:
    """Series of one JSON text of an answer. Raises StoreError for what the server could not do."""
    try:
        answer = json.loads(line)
        result = (answer.get("results") or [{}])[0]
        said = answer.get("error") or result.get("error")
        series = list(result.get("series") or [])
    except (ValueError, AttributeError, TypeError, KeyError):
        raise strange(store, 200) from None
    if said is None:
        return series
    if any(words in said for words in MISSING):
        raise NotFound(_("{store}: not found ({said})", store=store, said=said))
    if "authoriz" in said:  # "not authorized to execute statement", "unauthorized"
        raise failure(store, 403, {}, said)
    raise StoreUnavailable(_("{store} cannot answer: {said}", store=store, said=said[:500]))
