"""The questions in PromQL, for VictoriaMetrics (data source of type prometheus).

A field of a measurement is the metric `measurement_field` there. `$site` becomes a regular
expression, `$__interval`, `$__rate_interval` and `$__range` become durations. A table needs a
query for each column; `Rows` with columns a, b asks A and B, and Grafana merges the answers.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any

from dashboards import ask
from dashboards.influxql import fields

NAME = "promql"
DATASOURCE = {"type": "prometheus", "uid": "ioc-victoriametrics"}
# What joins the steps of several series, and what joins several things.
STEPS = {"mean": "avg", "max": "max", "min": "min", "sum": "sum", "last": "max", "count": "sum"}
JOINS = {"mean": "avg", "max": "max", "min": "min", "sum": "sum", "count": "count"}
OVER = {"mean": "avg_over_time"}


def targets(question: ask.Question) -> list[dict[str, Any]]:
    """What stands below `targets` in a panel."""
    table = isinstance(question, ask.Rows | ask.Shares)
    course = isinstance(question, ask.Course)
    return [
        {
            "refId": ref,
            "datasource": DATASOURCE,
            "expr": text,
            "instant": not course,
            "range": course,
            "format": "table" if table else "time_series",
            **({} if table else {"legendFormat": _legend(question.names)}),
        }
        for ref, text in zip(string.ascii_uppercase, queries(question), strict=False)
    ]


def columns(question: ask.Rows | ask.Shares) -> list[tuple[str, str]]:
    """Column of the answer -> field, in the order of the fields."""
    wanted = fields(question)
    if len(wanted) == 1:
        return [("Value", wanted[0])]
    return [
        (f"Value #{ref}", name) for ref, name in zip(string.ascii_uppercase, wanted, strict=False)
    ]


def queries(question: ask.Question) -> list[str]:
    """The texts of a question, several for a table."""
    found = _WRITERS[type(question)](question)
    return [found] if isinstance(found, str) else list(found)


def choices(question: ask.Choices) -> str:
    """What a variable asks."""
    return f"label_values({_metric(question, question.field)}, {question.tag})"


def annotation(question: ask.Marks) -> dict[str, Any]:
    """The target of an annotation; neighbouring steps become one mark with an end."""
    return {
        "refId": "marks",
        "datasource": DATASOURCE,
        "expr": queries(question)[0],
        "interval": "60s",
        "range": True,
        "instant": False,
    }


# --- each kind of question


def _now(q: ask.Now) -> str:
    text = _last(q, q.field, q.keep)
    of = dict.fromkeys((*q.by, *q.of))
    if set(q.of) <= set(q.by):
        return _by("max", q.by, text)
    return _by(JOINS[q.join], q.by, _by("max", of, text))


def _rows(q: ask.Rows) -> Iterable[str]:
    of = tuple(dict.fromkeys((*q.by, *q.of)))
    for name, how in q.columns.items():
        text = _by("max", of, _last(q, name, q.keep))
        if q.only:
            text = f"{text} and ({_by('max', of, _last(q, q.only, q.keep))} == 1)"
        yield text if set(of) == set(q.by) else _by(JOINS[how], q.by, text)


def _course(q: ask.Course) -> str:
    if q.gain:
        inner = f"rate({_metric(q, q.field)}[$__rate_interval])"
    else:
        over = OVER.get(q.how, f"{q.how}_over_time")
        inner = f"{over}({_metric(q, q.field)}[$__interval])"
        if q.keep:
            inner = f"({inner} or {_last(q, q.field, q.keep)})"
    if q.join is None:
        return _by(STEPS[q.how], q.by, inner)
    of = dict.fromkeys((*q.by, *q.of))
    return _by(JOINS[q.join], q.by, _by("max", of, inner))


def _total(q: ask.Total) -> str:
    metric = f"{_metric(q, q.field)}[$__range]"
    if q.how == "mean":
        counted = _by("sum", q.by, f"count_over_time({metric})")
        return f"{_by('sum', q.by, f'sum_over_time({metric})')} / {counted}"
    return _by(STEPS[q.how], q.by, f"{q.how}_over_time({metric})")


def _days(q: ask.Share | ask.Shares, name: str) -> str:
    """Seconds of all days that end in the range. A day that was restated may be there twice with
    the same time: each hour counts the greatest of what it holds."""
    return _by("sum", q.by, f"sum_over_time(max_over_time({_metric(q, name)}[1h])[$__range:1h])")


def _share(q: ask.Share | ask.Shares) -> str:
    return f"100 * {_days(q, 'up_s')} / {_days(q, 'known_s')}"


def _shares(q: ask.Shares) -> Iterable[str]:
    yield _share(q)
    yield f"{_share(q)} - {q.agreed}"
    yield f"100 * {_days(q, 'known_s')} / {_days(q, 'wanted_s')}"


def _marks(q: ask.Marks) -> str:
    return _by("max", ("incident", "what", "place", "kind"), _last(q, "open", "90s"))


_WRITERS: dict[type, Any] = {
    ask.Now: _now,
    ask.Rows: _rows,
    ask.Course: _course,
    ask.Total: _total,
    ask.Share: _share,
    ask.Shares: _shares,
    ask.Marks: _marks,
}

# --- parts


def _metric(q: ask.Question, name: str) -> str:
    conditions = ", ".join(
        f'{tag}="{pattern[1:]}"' if pattern.startswith("=") else f'{tag}=~"{pattern}"'
        for tag, pattern in q.where.items()
    )
    return f"{q.measurement}_{name}" + (f"{{{conditions}}}" if conditions else "")


def _last(q: ask.Question, name: str, keep: str) -> str:
    return f"last_over_time({_metric(q, name)}[{'$__range' if keep == ask.RANGE else keep}])"


def _by(how: str, tags: Iterable[str], text: str) -> str:
    inside = ", ".join(tags)
    return f"{how} by ({inside}) ({text})" if inside else f"{how}({text})"


def _legend(names: str) -> str:
    return re.sub(r"\{(\w+)\}", r"{{\1}}", names)
