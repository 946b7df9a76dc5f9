"""Samples of the store over the API, as JSON and as CSV.

The samples of an answer are read at once, so that what cannot be answered is an error and no half
answer; its text is made piece by piece while it is sent, each piece in a thread.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from ioc.api.context import Context
from ioc.api.errors import responses
from ioc.api.figures import iso
from ioc.api.params import LATEST, UNITS, Moment, Span, moment, slug, span
from ioc.store.base import Aggregate, Series, SeriesQuery

SAMPLES = 100_000  # samples of one answer
ROWS = 2_000  # samples whose text is made at a time
PIECE = 32_768  # letters sent at a time
DAY = UNITS["d"]

Number = TypeVar("Number", int, float)

Name = Annotated[str, Query(min_length=1, max_length=100)]
Tag = Annotated[
    list[Annotated[str, Field(max_length=200)]] | None,
    Query(max_length=50, description="Any of these; may be given several times"),
]
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}


class SeriesOut(BaseModel):
    """One series. times: ISO 8601 UTC, ascending; values beside them."""

    measurement: Annotated[str, Field(examples=["check"])]
    field: Annotated[str, Field(examples=["rtt_ms"])]
    tags: Annotated[dict[str, str], Field(examples=[{"asset": "yen-thinh.fiber"}])]
    times: Annotated[list[str], Field(examples=[["2026-02-02T02:40:00.000Z"]])]
    values: Annotated[list[float], Field(examples=[[12.4]])]


class SeriesPage(BaseModel):
    """Series that have samples; a window without samples is absent."""

    items: list[SeriesOut]


def add(api: APIRouter, context: Context) -> None:
    """Add /series to the API."""

    @api.get(
        "/series",
        summary="Samples of a field, raw or one value a step",
        description=(
            "From `start` to `end`, or the `last` so long before `end`; a day up to now unless "
            f"said. At most {SAMPLES} samples: ask for a `step` when there are more. Of fields "
            "named `up`, `up_seconds`, `known_seconds` and `availability` (0 to 1, of the known "
            "time) count by the clock: a sample holds until the next one, at most six minutes."
        ),
        response_model=SeriesPage,
        responses={**responses(503), **CSV},
    )
    def series(
        measurement: Name,
        field: Name,
        area: Tag = None,
        site: Tag = None,
        asset: Tag = None,
        kind: Tag = None,
        target: Tag = None,
        start: Moment = None,
        end: Moment = None,
        last: Span = None,
        step: Span = None,
        aggregate: Annotated[Aggregate, Query(description="Of each step")] = Aggregate.MEAN,
        format: Literal["json", "csv"] = "json",
    ) -> Response:
        given = {"area": area, "site": site, "asset": asset, "kind": kind, "target": target}
        tags = {name: tuple(values) for name, values in given.items() if values}
        begin, stop = window(context.clock.now(), moment(start), moment(end), span(last))
        query = SeriesQuery(measurement, field, begin, stop, tags, span(step), aggregate, SAMPLES)
        try:
            found = context.store.read(query)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        if format == "csv":
            return _csv(found, f"{slug(measurement)}-{slug(field)}.csv")
        return StreamingResponse(_gathered(_json(found)), media_type="application/json")


def window(now: int, start: int | None, end: int | None, last: int | None) -> tuple[int, int]:
    """Start and end of a question, ms UTC. Raises HTTPException when it asks for two starts."""
    if start is not None and last is not None:
        raise HTTPException(422, "give start or last, not both")
    stop = min(now + 1, LATEST) if end is None else end
    begin = max(0, stop - (DAY if last is None else last)) if start is None else start
    if begin > stop:
        raise HTTPException(422, "start is after end")
    return begin, stop


def _json(found: Sequence[Series]) -> Iterator[str]:
    """The text of a SeriesPage."""
    yield '{"items":['
    for number, series in enumerate(found):
        head = {
            "measurement": series.measurement,
            "field": series.field,
            "tags": dict(series.tags),
        }
        opening = json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1]
        yield f'{"," if number else ""}{opening},"times":'
        yield from _list([iso(at) for at in part] for part in _parts(series.times))
        yield ',"values":'
        yield from _list(_parts(series.values))
        yield "}"
    yield "]}"


def _gathered(pieces: Iterator[str]) -> Iterator[str]:
    """Small pieces as larger ones: each is a way to a thread and back."""
    text = io.StringIO()
    for piece in pieces:
        text.write(piece)
        if text.tell() >= PIECE:
            yield text.getvalue()
            text = io.StringIO()
    yield text.getvalue()


def _list(parts: Iterable[Sequence[object]]) -> Iterator[str]:
    """A JSON array, some items at a time."""
    sign = "["
    for part in parts:
        yield sign + json.dumps(part, allow_nan=False, separators=(",", ":"))[1:-1]
        sign = ","
    yield "[]" if sign == "[" else "]"


def _parts(items: Sequence[Number]) -> Iterator[list[Number]]:
    for first in range(0, len(items), ROWS):
        yield list(items[first : first + ROWS])


def _csv(found: Sequence[Series], name: str) -> Response:
    return StreamingResponse(
        _chunks(found),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _chunks(found: Sequence[Series]) -> Iterator[str]:
    """Many rows at a time: each piece is a way to a thread and back."""
    rows = _rows(found)
    while some := list(islice(rows, ROWS)):
        text = io.StringIO()
        csv.writer(text).writerows(some)
        yield text.getvalue()


def _rows(found: Sequence[Series]) -> Iterator[Sequence[object]]:
    names = sorted({name for series in found for name, _ in series.tags})
    yield [*names, "time", "value"]
    for series in found:
        tags = dict(series.tags)
        head = [_inert(tags.get(name, "")) for name in names]
        for time, value in zip(series.times, series.values, strict=True):
            yield [*head, iso(time), value]


def _inert(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is shown as text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
