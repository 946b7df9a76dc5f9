"""What of one answer is missing in another, is more, or is another value; and sums of answers."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose

from ioc.store.base import Point, Series, Tags

DIGITS = 1e-9  # share of the largest value of a series: VictoriaMetrics keeps 12 to 15 digits
Samples = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """missing: what the target lacks. more: samples it has besides. other: samples of the source
    of which it has another value."""

    missing: list[Point]
    more: int
    other: list[Point]

    @property
    def is_none(self) -> bool:
        return not (self.missing or self.more or self.other)


def difference(wanted: Sequence[Series], there: Sequence[Series]) -> Difference:
    """What a target's answer differs in from the source's."""
    present = {series.tags: series for series in there}
    missing: list[Point] = []
    other: list[Point] = []
    more = 0
    for series in wanted:
        found = present.pop(series.tags, None)
        if found is None:
            missing += points(series, zip(series.times, series.values, strict=True))
        elif not _equal(series, found):
            known, mine = _samples(found), _samples(series)
            lacking = [(time, value) for time, value in mine.items() if time not in known]
            missing += points(series, iter(lacking))
            more += len(known.keys() - mine.keys())
            allowed = DIGITS * max(map(abs, mine.values()))
            differing = [
                (time, value)
                for time, value in mine.items()
                if time in known
                and not isclose(value, known[time], rel_tol=DIGITS, abs_tol=allowed)
            ]
            other += points(series, iter(differing))
    return Difference(missing, more + sum(len(s.times) for s in present.values()), other)


def points(series: Series, pairs: Iterator[tuple[int, float]]) -> Iterator[Point]:
    """Samples of a series as points to be written."""
    for time, value in pairs:
        yield Point(series.measurement, series.tags, {series.field: value}, time)


def update(whole: hashlib._Hash, found: Sequence[Series]) -> int:
    """Take an answer into a sum. How many samples it has."""
    for series in found:
        whole.update(_name(series.tags))
        whole.update(array("q", series.times).tobytes())
        whole.update(array("d", series.values).tobytes())
    return sum(len(series.times) for series in found)


def _name(tags: Tags) -> bytes:
    return json.dumps(tags).encode()


def _equal(one: Series, other: Series) -> bool:
    return list(one.times) == list(other.times) and list(one.values) == list(other.values)


def _samples(series: Series) -> Samples:
    return dict(zip(series.times, series.values, strict=True))
