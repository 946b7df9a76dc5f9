"""The questions in InfluxQL, for InfluxDB 1.8, 2 and 3 (data source in InfluxQL mode).

`${__from}`, `${__to}` (ms) and `${site:regex}` are filled in by Grafana's page, `$timeFilter` and
`$__interval` by its server. A table is one flat SELECT around the grouped one: Grafana 12 may mix
up the columns of several groups.
"""

# ruff: noqa: S608 - the names in these texts are constants of the boards
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dashboards import ask

NAME = "influxql"
DATASOURCE = {"type": "influxdb", "uid": "ioc-influxdb"}
LONGEST = "30d"  # that a mark on a time axis may have begun before the range


def targets(question: ask.Question) -> list[dict[str, Any]]:
    """What stands below `targets` in a panel."""
    table = isinstance(question, ask.Rows | ask.Shares)
    target = {
        "refId": "A",
        "datasource": DATASOURCE,
        "query": query(question),
        "rawQuery": True,
        "resultFormat": "table" if table else "time_series",
    }
    if not table:
        target["alias"] = re.sub(r"\{(\w+)\}", r"$tag_\1", question.names)
    return [target]


def columns(question: ask.Rows | ask.Shares) -> list[tuple[str, str]]:
    """Column of the answer -> field, in the order of the fields."""
    return [(name, name) for name in fields(question)]


def fields(question: ask.Rows | ask.Shares) -> list[str]:
    if isinstance(question, ask.Shares):
        return ["share", "difference", "known"]
    return list(question.columns)


def query(question: ask.Question) -> str:
    """The text of a question."""
    return str(_WRITERS[type(question)](question))


def choices(question: ask.Choices) -> str:
    """What a variable asks."""
    text = f'SHOW TAG VALUES FROM "{question.measurement}" WITH KEY = "{question.tag}"'
    conditions = " AND ".join(_conditions(question))
    return f"{text} WHERE {conditions}" if conditions else text


def annotation(question: ask.Marks) -> dict[str, Any]:
    """The target of an annotation; InfluxQL gives each mark its end as a column."""
    return {
        "refId": "marks",
        "datasource": DATASOURCE,
        "query": query(question),
        "queryType": "tags",
        "fromAnnotations": True,
        "titleColumn": "incident.place",
        "textColumn": "what",
        "tagsColumn": "kind",
        "timeEndColumn": "incident.until",
    }


# --- each kind of question


def _now(q: ask.Now) -> str:
    last = f'last("{q.field}")'
    if set(q.of) <= set(q.by):
        return f"SELECT {last} FROM {_source(q)} WHERE {_recent(q, q.keep)}{_group(q.by)}"
    inner = (
        f'SELECT {last} AS "v" FROM {_source(q)} WHERE {_recent(q, q.keep)}'
        f"{_group(_union(q.by, q.of))}"
    )
    return f'SELECT {q.join}("v") FROM ({inner}){_group(q.by)}'


def _rows(q: ask.Rows) -> str:
    of = _union(q.by, q.of)
    wanted = _union(tuple(q.columns), (q.only,) if q.only else ())
    last = ", ".join(f'last("{name}") AS "{name}"' for name in wanted)
    inner = f"SELECT {last} FROM {_source(q)} WHERE {_recent(q, q.keep)}{_group(of)}"
    if set(of) != set(q.by):
        joined = ", ".join(f'{how}("{name}") AS "{name}"' for name, how in q.columns.items())
        inner = f"SELECT {joined} FROM ({inner}){_group(q.by)}"
    text = f"SELECT {_quoted(_union(q.by, tuple(q.columns)))} FROM ({inner})"
    return f'{text} WHERE "{q.only}" = 1' if q.only else text


def _course(q: ask.Course) -> str:
    step, fill = "time($__interval)", "fill(null)"
    value = f'{q.how}("{q.field}")'
    where = _within(q)
    if q.gain:  # from one sample to the next: the growth of the last, unfinished step falls short
        inner = f'SELECT non_negative_derivative("{q.field}", 1s) AS "v" FROM {_source(q)}'
        return (
            f'SELECT mean("v") FROM ({inner} WHERE {where}{_group(q.by)}) WHERE $timeFilter'
            f" GROUP BY {_list(step, q.by)} fill(none)"
        )
    if q.join is None:
        return f"SELECT {value} FROM {_source(q)} WHERE {where} GROUP BY {_list(step, q.by)} {fill}"
    # Steps that end with the range: a last one that has only begun holds what few of them wrote.
    step = "time($__interval, ${__to}ms)"
    inner = (
        f'SELECT {value} AS "v" FROM {_source(q)} WHERE {where}'
        f" GROUP BY {_list(step, _union(q.by, q.of))} fill(none)"
    )
    return (
        f'SELECT {q.join}("v") FROM ({inner}) WHERE $timeFilter GROUP BY {_list(step, q.by)} {fill}'
    )


def _total(q: ask.Total) -> str:
    return f'SELECT {q.how}("{q.field}") FROM {_source(q)} WHERE {_within(q)}{_group(q.by)}'


SHARE = '100 * sum("up_s") / sum("known_s")'


def _share(q: ask.Share) -> str:
    return f"SELECT {SHARE} FROM {_source(q)} WHERE {_within(q)}{_group(q.by)}"


def _shares(q: ask.Shares) -> str:
    agreed = f"${{{q.agreed.lstrip('$')}}}"
    inner = (
        f'SELECT {SHARE} AS "share", {SHARE} - {agreed} AS "difference", '
        f'100 * sum("known_s") / sum("wanted_s") AS "known" '
        f"FROM {_source(q)} WHERE {_within(q)}{_group(q.by)}"
    )
    return f"SELECT {_quoted((*q.by, *fields(q)))} FROM ({inner})"


def _marks(q: ask.Marks) -> str:
    """Those that touch the range, also when they began before it: at most LONGEST before."""
    conditions = [
        f"time >= ${{__from}}ms - {LONGEST}",
        "time <= ${__to}ms",
        '"until" >= ${__from}',
        *_conditions(q),
    ]
    columns = _quoted(("until", "what", "place", "kind"))
    return f"SELECT {columns} FROM {_source(q)} WHERE {' AND '.join(conditions)}"


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


def _source(q: ask.Question) -> str:
    return f'"{q.measurement}"'


def _within(q: ask.Question) -> str:
    return " AND ".join(["$timeFilter", *_conditions(q)])


def _recent(q: ask.Question, keep: str) -> str:
    if keep == ask.RANGE:
        return _within(q)
    return " AND ".join([f"time > ${{__to}}ms - {keep}", "time <= ${__to}ms", *_conditions(q)])


def _conditions(q: ask.Question) -> Iterable[str]:
    for tag, pattern in q.where.items():
        name = pattern.lstrip("=")
        shown = f"${{{name[1:]}:regex}}" if name.startswith("$") else f"({name})"
        yield f'"{tag}" =~ /^{shown}$/'


def _group(tags: Iterable[str]) -> str:
    text = _quoted(tags)
    return f" GROUP BY {text}" if text else ""


def _list(first: str, tags: Iterable[str]) -> str:
    return ", ".join([first, *(f'"{tag}"' for tag in tags)])


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _union(first: tuple[str, ...], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
