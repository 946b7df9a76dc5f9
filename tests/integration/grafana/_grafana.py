"""What Grafana does between a dashboard and a data source: finds the queries, fills in variables
and macros, asks, and gives series with labels.

Filled in as Grafana 12 does (public/app/features/templating, packages/grafana-prometheus,
pkg/tsdb/influxdb): `${site:regex}` -> the chosen values, escaped and joined as (a|b), `All` -> the
variable's allValue as it stands; `$site` in PromQL -> the same with doubled backslashes, or as it
stands where only one can be chosen; `$timeFilter`, `$__interval`, `$__rate_interval`, `$__range`,
`$__range_s`, `${__from}`, `${__to}` -> from the time range. A name that nothing fills in is an
error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.grafana._engines import Influx, Victoria

JSON = Path(__file__).parents[3] / "dashboards" / "json"
LANGUAGES = ("influxql", "promql")
SCRAPE = 60.0  # timeInterval of the data sources
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600,
         43200, 86400)  # fmt: skip
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Answer:
    """One series or row: labels, and values (None = nothing known). field: column of a table."""

    labels: Mapping[str, str]
    values: Sequence[float | None]
    times: Sequence[float] = ()
    field: str = ""


@dataclass(frozen=True)
class Screen:
    """What a viewer has chosen. start, end: seconds. chosen: variable -> values, None = all."""

    start: float
    end: float
    chosen: Mapping[str, Sequence[str] | None]
    single: frozenset[str] = field(default_factory=frozenset)  # variables with one value
    points: int = 1000

    def interval(self, least: str | None) -> float:
        """Seconds of one step of a panel: its share of the range, rounded, not under its least."""
        wanted = (self.end - self.start) / self.points
        rounded = min(STEPS, key=lambda step: abs(step - wanted))
        return max(float(rounded), SCRAPE, seconds(least) if least else 0.0)

    def influxql(self, text: str, step: float) -> str:
        """A query as InfluxDB gets it."""
        start, end = round(1000 * self.start), round(1000 * self.end)
        text = text.replace("$timeFilter", f"time >= {start}ms and time <= {end}ms")
        text = text.replace("$__interval", duration(step))
        text = text.replace("${__from}", str(start)).replace("${__to}", str(end))
        text = re.sub(r"\$\{(\w+):regex\}", lambda m: self._regex(m[1], _js_escaped), text)
        text = re.sub(r"\$\{(\w+)\}", lambda m: self._plain(m[1]), text)
        assert not re.search(r"\$[\w{]", text), f"nothing fills this in: {text}"
        return text

    def promql(self, text: str, step: float) -> str:
        """A query as VictoriaMetrics gets it."""
        rate = max(step + SCRAPE, 4 * SCRAPE)
        length = self.end - self.start
        for macro, value in (
            ("$__interval", duration(step)), ("$__rate_interval", duration(rate)),
            ("$__range_s", f"{length:.0f}"), ("$__range", f"{length:.0f}s"),
        ):  # fmt: skip
            text = text.replace(macro, value)
        return re.sub(r"\$(\w+)", lambda m: self._label(m[1]), text)

    def _regex(self, name: str, escape: Any) -> str:
        values = self._values(name)
        if values is None:
            return ".*"
        escaped = [escape(value) for value in values]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    def _label(self, name: str) -> str:
        values = self._values(name)
        if name in self.single and values is not None:
            return values[0].replace("\\", "\\\\").replace('"', '\\"')
        return self._regex(name, _prom_escaped)

    def _plain(self, name: str) -> str:
        values = self._values(name)
        assert values is not None and len(values) == 1, f"{name} must be one value here"
        return values[0]

    def _values(self, name: str) -> Sequence[str] | None:
        assert name in self.chosen, f"nothing fills in ${name}"
        return self.chosen[name]


def _js_escaped(value: str) -> str:
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", lambda m: "\\" + m[0], value)


def _prom_escaped(value: str) -> str:
    doubled = value.replace("\\", "\\\\\\\\")
    return re.sub(r"[$^*{}\[\]'+?.()|]", lambda m: "\\\\" + m[0], doubled)


def duration(of: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if of >= length and of % length == 0:
            return f"{of / length:.0f}{unit}"
    return f"{1000 * of:.0f}ms"


def seconds(text: str) -> float:
    return float(text[:-1]) * UNITS[text[-1]]


# --- the committed dashboards


def dashboards(language: str) -> list[dict[str, Any]]:
    paths = sorted((JSON / language).glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All of them, those within rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def variables(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(dashboard.get("templating", {}).get("list", []))


# --- asking


class Page:
    """A dashboard that is looked at."""

    def __init__(self, engine: Influx | Victoria, screen: Screen) -> None:
        self.engine = engine
        self.screen = screen

    def ask(self, target: Mapping[str, Any], least: str | None = None) -> list[Answer]:
        """The answers of one query. least: the panel's minimum interval."""
        step = self.screen.interval(least)
        if isinstance(self.engine, Influx):
            text = self.screen.influxql(target["query"], step)
            return list(_influx_answers(self.engine.query(text), target))
        text = self.screen.promql(target["expr"], step)
        if target.get("range"):
            start, end = (at // step * step for at in (self.screen.start, self.screen.end))
            found = self.engine.course(text, start, end, step)
            return [
                Answer(s["metric"], [float(v) for _, v in s["values"]], [t for t, _ in s["values"]])
                for s in found
            ]
        found = self.engine.instant(text, self.screen.end)
        return [Answer(s["metric"], [float(s["value"][1])]) for s in found]

    def choices(self, variable: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(text, value) of each choice of a variable, through its regular expression."""
        found = self._tag_values(variable["query"])
        pattern = re.match(r"^/(.*)/$", variable.get("regex") or "")
        if pattern is None:
            return [(value, value) for value in found]
        regex = re.compile(pattern[1].replace("(?<", "(?P<"))
        matches = [m for value in found if (m := regex.search(value))]
        return [(m["text"], m["value"]) for m in matches]

    def _tag_values(self, query: str) -> list[str]:
        if isinstance(self.engine, Influx):
            series = self.engine.query(self.screen.influxql(query, 60.0))
            return sorted({value for one in series for _, value in one["values"]})
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert match, query
        text = self.screen.promql(match[1], 60.0)
        return self.engine.labels(match[2], text, self.screen.start, self.screen.end)


def _influx_answers(
    series: Sequence[Mapping[str, Any]], target: Mapping[str, Any]
) -> Iterator[Answer]:
    for one in series:
        columns = one["columns"]
        if target.get("resultFormat") == "table" or target.get("fromAnnotations"):
            yield from _rows(columns, one["values"])
            continue
        for number, _column in enumerate(columns[1:], start=1):
            yield Answer(
                one.get("tags", {}),
                [row[number] for row in one["values"]],
                [row[0] / 1000 for row in one["values"]],
            )


def _rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[Answer]:
    """A flat table: text columns are labels, each number is an answer of its own."""
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        labels = {name: value for name, value in cells.items() if isinstance(value, str)}
        for name, value in cells.items():
            if name != "time" and name not in labels:
                yield Answer(labels, [value], [cells["time"] / 1000], name)
