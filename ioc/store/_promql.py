"""VictoriaMetrics: questions as selectors and MetricsQL, answers from JSON.

A measurement and its field are the name of a metric, `check_rtt_ms`; tags are labels.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ioc.store._http import strange
from ioc.store._lines import coded, coded_name, decoded_tags
from ioc.store._stepped import Samples
from ioc.store._windows import is_ascending
from ioc.store.base import Aggregate, SeriesQuery

NAME = "__name__"
# Of every question: a cluster of which a part is away would answer with what the others have.
WHOLE = ("deny_partial_response", "1")
OVER_TIME = {
    Aggregate.MEAN: "avg_over_time",
    Aggregate.MIN: "min_over_time",
    Aggregate.MAX: "max_over_time",
    Aggregate.SUM: "sum_over_time",
    Aggregate.COUNT: "count_over_time",
    Aggregate.LAST: "last_over_time",
}

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def selector(query: SeriesQuery, tags: Mapping[str, tuple[str, ...]]) -> str:
    """The series that have these tags; a tag with an odd name is left to who reads the answer."""
    filters = [f"{NAME}={_text(_metric(query))}"]
    for tag, values in tags.items():
        if not _PLAIN.fullmatch(tag) or coded_name(tag) != tag:
            continue
        if len(values) == 1:
            filters.append(f"{tag}={_text(coded(values[0]))}")
        else:
            any_of = "|".join(_SPECIAL.sub(r"\\\g<0>", coded(value)) for value in values)
            filters.append(f"{tag}=~{_text(any_of)}")
    return f"{{{','.join(filters)}}}"


def over_time(query: SeriesQuery, chosen: str) -> str:
    """The question for one value a step, of the samples in the step before each moment."""
    return f"{OVER_TIME[query.aggregate]}({chosen}[{query.step}ms])"


def seconds(time: int) -> str:
    """A time, ms, as seconds that every version reads as that very millisecond.

    Some cut off after multiplying by 1,000 in floating point, some round: so a bit more.
    """
    return f"{time // 1000}.{time % 1000:03d}2"


def exported(lines: Iterable[bytes], store: str) -> Iterator[Samples]:
    """Raw series of /api/v1/export, ascending in time. Raises StoreError.

    Of two values at one time it is the greater: the rule of the server when it removes them.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            series = json.loads(line)
            yield (_tags(series), *_once(series["timestamps"], series["values"]))
        except (ValueError, KeyError, TypeError):
            raise strange(store, 200) from None


def stepped(body: Any, step: int, store: str) -> Iterator[Samples]:
    """Series of /api/v1/query_range, asked for the last millisecond of each step."""
    try:
        for series in body["data"]["result"]:
            pairs = [(round(float(at) * 1000) + 1 - step, float(v)) for at, v in series["values"]]
            kept = [(time, value) for time, value in pairs if not math.isnan(value)]
            yield _tags(series), [time for time, _ in kept], [value for _, value in kept]
    except (ValueError, KeyError, TypeError):
        raise strange(store, 200) from None


def _metric(query: SeriesQuery) -> str:
    return f"{coded_name(query.measurement)}_{coded_name(query.field)}"


def _tags(series: Any) -> Any:
    return decoded_tags((name, value) for name, value in series["metric"].items() if name != NAME)


def _once(times: list[int], values: list[float | None]) -> tuple[list[int], list[float]]:
    """Each time once, ascending. Raises ValueError, TypeError for what are no samples."""
    if len(times) == len(values) and None not in values and is_ascending(times):
        return times, [float(value) + 0.0 for value in values if value is not None]
    pairs = zip(times, values, strict=True)
    numbers = sorted((time, float(value)) for time, value in pairs if value is not None)
    once = [(time, max(same)[1]) for time, same in groupby(numbers, key=lambda pair: pair[0])]
    return [time for time, _ in once], [value + 0.0 for _, value in once]


def _text(value: str) -> str:
    """A string literal."""
    return json.dumps(value, ensure_ascii=False)
